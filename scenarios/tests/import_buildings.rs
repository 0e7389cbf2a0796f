//! Buildings files: real ones are read alike in every format, bad ones are diagnosed one by one.

#![allow(clippy::float_cmp, reason = "coordinates are passed on unchanged")]

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use taa_scenarios::import::{ImportErrors, ImportProblem, Imported, SourceFormat, read_buildings};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A file of its own for each test, removed with its folder.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("taa-import-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn read_text(test: &str, name: &str, content: &str) -> Result<Imported, ImportErrors> {
    let scratch = Scratch::new(test);
    read_buildings(&scratch.write(name, content))
}

/// Every problem as code and message with its help, for assertions.
fn findings(errors: &ImportErrors) -> Vec<(String, String)> {
    errors
        .problems
        .iter()
        .map(|problem| {
            let code = problem.code().map(|code| code.to_string()).unwrap_or_default();
            let help = problem.help().map(|help| help.to_string()).unwrap_or_default();
            (code, format!("{problem} | {help}"))
        })
        .collect()
}

/// The only problem has this code, and its message and help contain these words.
fn assert_one(result: Result<Imported, ImportErrors>, code: &str, words: &[&str]) {
    let found = findings(&result.expect_err("a bad input was taken"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, code, "{found:?}");
    for word in words {
        assert!(found[0].1.contains(word), "`{word}` is not in: {}", found[0].1);
    }
}

/// A collection with these features, one a line, the first on line 2.
fn collection(features: &[&str]) -> String {
    format!("{{\"type\":\"FeatureCollection\",\"features\":[\n{}\n]}}", features.join(",\n"))
}

/// A building of about 10 m at a longitude and latitude.
fn house(id: &str, lon: f64, lat: f64) -> String {
    let (e, n) = (lon + 0.0001, lat + 0.0001);
    format!(
        "{{\"type\":\"Feature\",\"properties\":{{\"id\":\"{id}\"}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[[[{lon},{lat}],[{e},{lat}],[{e},{n}],[{lon},{n}],[{lon},{lat}]]]}}}}"
    )
}

#[test]
fn one_village_reads_alike_from_geojson_kml_and_csv() {
    let geojson = read_buildings(&data("jija.geojson")).unwrap();
    let kml = read_buildings(&data("jija.kml")).unwrap();
    let csv = read_buildings(&data("jija_points.csv")).unwrap();
    assert_eq!(geojson.source_format, SourceFormat::GeoJson);
    assert_eq!(kml.source_format, SourceFormat::Kml);
    assert_eq!(csv.source_format, SourceFormat::CsvPoints);
    assert_eq!(geojson.name.as_deref(), Some("Jija"));
    assert_eq!(kml.name.as_deref(), Some("Jija"));
    for other in [&kml, &csv] {
        assert_eq!(other.buildings.len(), 318);
        for (a, b) in geojson.buildings.iter().zip(&other.buildings) {
            assert_eq!(a.id, b.id);
            let apart_deg = (0..2).map(|axis| (a.centre_deg[axis] - b.centre_deg[axis]).abs()).fold(0.0, f64::max);
            // The CSV's centres are means of corners: for an L-shaped house some metres from the centroid.
            assert!(apart_deg < 5e-5, "{}: {apart_deg}", a.id);
            assert!((a.area_m2 - b.area_m2).abs() < 0.02 * a.area_m2 + 0.1, "{}: {} {}", a.id, a.area_m2, b.area_m2);
        }
    }
    for read in [&geojson, &kml] {
        assert_eq!(read.attribution.as_deref(), Some("© OpenStreetMap contributors, ODbL 1.0"));
        assert!(read.warnings.is_empty(), "{:?}", read.warnings);
    }
}

#[test]
fn all_five_villages_are_read_whole() {
    for (name, count) in [("jija", 318), ("ipoloto", 1066), ("bupandagila", 523), ("butiama", 243), ("nakiu", 1181)] {
        let read = read_buildings(&data(&format!("{name}.geojson"))).unwrap();
        assert_eq!(read.buildings.len(), count, "{name}");
        assert!(read.buildings.iter().all(|b| b.area_m2 > 0.5 && b.ring_deg.len() >= 3), "{name}");
    }
    let nakiu = read_buildings(&data("nakiu.geojson")).unwrap();
    assert_eq!(nakiu.buildings[0].id, "way/543041723");
    assert_eq!(nakiu.buildings[0].tags["building"], "yes");
    let [lon, lat] = nakiu.centre_deg();
    assert!((lon - 39.187).abs() < 0.02 && (lat + 9.631).abs() < 0.02);
}

#[test]
fn an_openstreetmap_extract_is_read_without_handwork() {
    let text = collection(&[
        &house("way/1", 33.6, -2.85),
        r#"{"type":"Feature","id":"node/9","properties":{"amenity":"school","name":"Shule"},"geometry":{"type":"Point","coordinates":[33.60005,-2.84995]}}"#,
        r#"{"type":"Feature","properties":{"@id":"way/2","highway":"track"},"geometry":{"type":"LineString","coordinates":[[33.6,-2.85],[33.61,-2.85]]}}"#,
        r#"{"type":"Feature","properties":{"landuse":"residential"},"geometry":{"type":"Polygon","coordinates":[[[33.5,-2.9],[33.7,-2.9],[33.7,-2.8],[33.5,-2.9]]]}}"#,
        r#"{"type":"Feature","properties":{"@id":"way/3","building":"yes"},"geometry":{"type":"LineString","coordinates":[[33.601,-2.85],[33.6011,-2.85],[33.6011,-2.8499],[33.601,-2.85]]}}"#,
        r#"{"type":"Feature","properties":{"@id":"node/4","shop":"kiosk"},"geometry":{"type":"Point","coordinates":[33.602,-2.85]}}"#,
        r#"{"type":"Feature","properties":{},"geometry":null}"#,
    ]);
    let read = read_text("osm", "export.geojson", &text).unwrap();
    let ids: Vec<&str> = read.buildings.iter().map(|b| b.id.as_str()).collect();
    assert_eq!(ids, ["way/1", "way/3", "node/4"]);
    // The school's node stands inside the first outline and has given it its tags.
    assert_eq!(read.buildings[0].tags["amenity"], "school");
    assert_eq!(read.buildings[0].tags["name"], "Shule");
    assert_eq!(read.attribution.as_deref(), Some("© OpenStreetMap contributors, ODbL 1.0"));
    let [warning] = read.warnings.as_slice() else { panic!("{:?}", read.warnings) };
    assert!(warning.to_string().contains("3 features"), "{warning}");
    assert_eq!(warning.severity(), Some(miette::Severity::Warning));
}

#[test]
fn a_multipolygon_is_one_building_of_its_parts_area() {
    let text = r#"{"type":"MultiPolygon","coordinates":[[[[33.6,-2.85],[33.6001,-2.85],[33.6001,-2.8499],[33.6,-2.8499],[33.6,-2.85]]],[[[33.6002,-2.85],[33.60025,-2.85],[33.60025,-2.8499],[33.6002,-2.8499],[33.6002,-2.85]]]]}"#;
    let read = read_text("multi", "one.json", text).unwrap();
    assert_eq!(read.buildings.len(), 1);
    assert_eq!(read.buildings[0].ring_deg.len(), 4);
    assert!((read.buildings[0].area_m2 - 185.2).abs() < 2.0, "{}", read.buildings[0].area_m2);
}

#[test]
fn the_same_outline_twice_is_taken_once_with_a_warning() {
    let text = collection(&[&house("a", 33.6, -2.85), &house("b", 33.6, -2.85), &house("a", 33.6, -2.85)]);
    let read = read_text("twice", "x.geojson", &text).unwrap();
    assert_eq!(read.buildings.len(), 1);
    assert_eq!(read.warnings.len(), 2);
    assert!(read.warnings.iter().all(|w| matches!(w, ImportProblem::DuplicateOutline { first: 0, .. })));
}

#[test]
fn kml_of_drawing_programs_is_numbered_and_its_fields_are_kept() {
    let placemark = |lon: &str| {
        format!(
            "<Placemark><name>Untitled &amp; Polygon</name><ExtendedData><SchemaData><SimpleData name=\"roof\">thatch</SimpleData></SchemaData></ExtendedData><MultiGeometry><Polygon><outerBoundaryIs><LinearRing><coordinates>{lon},-2.85,0 {lon}1,-2.85,0 {lon}1,-2.8499,0 {lon},-2.85,0</coordinates></LinearRing></outerBoundaryIs></Polygon></MultiGeometry></Placemark>"
        )
    };
    let text = format!(
        "<?xml version=\"1.0\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\"><Document>{}\n{}</Document></kml>",
        placemark("33.600"),
        placemark("33.601")
    );
    let read = read_text("kmlfields", "drawn.kml", &text).unwrap();
    let ids: Vec<&str> = read.buildings.iter().map(|b| b.id.as_str()).collect();
    assert_eq!(ids, ["b1", "b2"]);
    assert_eq!(read.buildings[0].tags["roof"], "thatch");
    assert_eq!(read.buildings[0].tags["name"], "Untitled & Polygon");
}

#[test]
fn csv_columns_come_in_any_order_case_and_name() {
    let text = "\u{feff}# (c) OpenStreetMap contributors\nName,LNG,Latitude,Area_m2,class\nDuka,33.6,-2.85,31,shop\n\nKwa Juma,33.601,-2.851,,\n";
    let read = read_text("csvnames", "points.csv", text).unwrap();
    assert_eq!(read.buildings.len(), 2);
    assert_eq!(read.buildings[0].centre_deg, [33.6, -2.85]);
    assert_eq!(read.buildings[0].tags["class"], "shop");
    assert!((read.buildings[0].area_m2 - 31.0).abs() < 1e-9 && read.buildings[1].area_m2.abs() < 1e-9);
    assert!(read.attribution.is_some());
    let open = "latitude,longitude,area_in_meters,confidence,geometry,full_plus_code\n-2.84995,33.60005,120.5,0.9,\"POLYGON((33.6 -2.85, 33.6001 -2.85, 33.6001 -2.8499, 33.6 -2.85))\",6GCR5J22+2X\n";
    let read = read_text("openbuildings", "open.csv", open).unwrap();
    assert_eq!(read.buildings[0].id, "6GCR5J22+2X");
    assert_eq!(read.buildings[0].ring_deg.len(), 3);
}

#[test]
fn files_that_cannot_be_taken_in() {
    let scratch = Scratch::new("files");
    let at = |name: &str| scratch.0.join(name);
    assert_one(read_buildings(&at("none.geojson")), "taa::file::missing", &["none.geojson", "no such file"]);
    assert_one(read_buildings(&scratch.0), "taa::file::is_directory", &["folder"]);
    assert_one(read_buildings(&scratch.write("e.geojson", " \n")), "taa::file::empty", &["empty"]);
    let latin = scratch.write("latin.csv", b"id,lat,lon\n1,-2.8,33.6\nM\xfcller,-2.8,33.6\n");
    assert_one(read_buildings(&latin), "taa::file::not_utf8", &["line 3", "UTF-8"]);
    assert_one(read_buildings(&scratch.write("a.kmz", b"PK\x03\x04xxxx")), "taa::file::not_utf8", &["zip", "KMZ"]);
    // A sparse file: refused by its length, before a byte is read.
    let big = std::fs::File::create(at("big.geojson")).unwrap();
    big.set_len(50 * 1024 * 1024).unwrap();
    assert_one(read_buildings(&at("big.geojson")), "taa::file::too_big", &["50.0 MB", "32 MB"]);
}

#[test]
fn what_is_not_a_buildings_file() {
    let one = |name: &str, text: &str| read_text("unknown", name, text);
    assert_one(one("x.dat", "hello"), "taa::import::unknown_format", &["GeoJSON", "KML", "CSV"]);
    assert_one(one("x.xml", "<osm version='0.6'></osm>"), "taa::import::unknown_format", &["OpenStreetMap XML"]);
    assert_one(one("x.txt", "<!DOCTYPE html><html>"), "taa::import::unknown_format", &["web page"]);
    assert_one(one("x.json", r#"{"a":1}"#), "taa::import::not_geojson", &["no `type`", "FeatureCollection"]);
    assert_one(one("x.json", r#"{"version":0.6,"elements":[]}"#), "taa::import::not_geojson", &["Overpass", "Export"]);
    assert_one(one("x.geojson", r#"{"type":"Topology"}"#), "taa::import::not_geojson", &["TopoJSON"]);
    assert_one(one("x.geojson", &collection(&[])), "taa::import::no_buildings", &["no buildings"]);
}

#[test]
fn broken_json_is_told_apart() {
    let one = |text: &str| read_text("json", "x.geojson", text);
    let whole = collection(&[&house("1", 33.6, -2.85)]);
    assert_one(one(&whole[..whole.len() - 40]), "taa::import::json_truncated", &["line 2", "truncated"]);
    assert_one(one(&whole.replace("33.6,", "NaN,")), "taa::import::not_finite", &["line 2", "`NaN`"]);
    assert_one(one(&whole.replace("33.6,", "1e999,")), "taa::import::not_finite", &["1e999"]);
    assert_one(one(&whole.replace(":[[[", ":[;[[")), "taa::import::json_syntax", &["line 2"]);
    let problem = one(&whole.replace(":[[[", ":[;[[")).unwrap_err().problems.remove(0);
    assert!(problem.source_code().is_some() && problem.labels().is_some(), "the line is shown");
}

#[test]
fn wrong_geometry_is_named_with_its_feature_and_line() {
    let one = |geometry: &str| {
        let feature = format!("{{\"type\":\"Feature\",\"properties\":{{\"id\":\"q7\"}},\"geometry\":{geometry}}}");
        read_text("geometry", "x.geojson", &collection(&[&feature]))
    };
    let place = ["line 2", "feature 0", "q7"];
    let with = |words: &[&'static str]| [&place[..], words].concat();
    assert_one(
        one(r#"{"type":"LineString","coordinates":[[33.6,-2.8],[33.7,-2.8]]}"#),
        "taa::import::wrong_geometry",
        &with(&["LineString", "Polygon, MultiPolygon or Point"]),
    );
    assert_one(
        one(
            r#"{"type":"Polygon","coordinates":[[[33.6,-2.85],[33.6001,-2.8499],[33.6001,-2.85],[33.6,-2.8499],[33.6,-2.85]]]}"#,
        ),
        "taa::import::self_intersecting",
        &with(&["crosses itself", "-2.849950, 33.600050"]),
    );
    assert_one(
        one(r#"{"type":"Polygon","coordinates":[[[33.6,-2.85],[33.6001,-2.85],[33.6,-2.85]]]}"#),
        "taa::import::degenerate",
        &with(&["2 different corners", "three"]),
    );
    assert_one(
        one(r#"{"type":"Polygon","coordinates":[[[33.6,-2.85],[33.6001,-2.85],[33.6002,-2.85],[33.6,-2.85]]]}"#),
        "taa::import::degenerate",
        &with(&["area"]),
    );
    assert_one(
        one(r#"{"type":"Polygon","coordinates":[[],[[33.6,-2.85],[33.6001,-2.85],[33.6001,-2.84],[33.6,-2.85]]]}"#),
        "taa::import::hole_only",
        &with(&["holes", "outline"]),
    );
    assert_one(
        one(r#"{"type":"Polygon","coordinates":[[33.6,-2.85],[33.6001,-2.85]]}"#),
        "taa::import::bad_position",
        &with(&["list of two numbers", "[longitude, latitude]"]),
    );
    assert_one(one(r#"{"type":"Point","coordinates":["33,6",-2.8]}"#), "taa::import::bad_position", &with(&["33,6"]));
    assert_one(one(r#"{"type":"Point","coordinates":["NaN",-2.8]}"#), "taa::import::not_finite", &with(&["NaN"]));
}

#[test]
fn wrong_places_are_told_apart() {
    let one = |lon: f64, lat: f64| {
        let houses = [house("1", 33.6, -2.85), house("2", 33.601, -2.85), house("z", lon, lat)];
        read_text("places", "x.geojson", &collection(&houses.each_ref().map(String::as_str)))
    };
    let place = ["line 4", "feature 2", "id z"];
    let with = |words: &[&'static str]| [&place[..], words].concat();
    assert_one(one(0.0, 0.0), "taa::import::null_island", &with(&["latitude 0, longitude 0"]));
    assert_one(one(-2.85, 133.6), "taa::import::swapped", &with(&["longitude first"]));
    assert_one(one(-2.85, 33.6), "taa::import::swapped", &with(&["among them"]));
    assert_one(one(190.0, -95.0), "taa::import::out_of_range", &with(&["-180 to 180"]));
    assert_one(one(34.2, -2.85), "taa::import::far_apart", &with(&["1 of 3", "20 km", "67 km"]));
    assert_one(one(3_741_000.0, -316_000.0), "taa::import::projected", &with(&["metres", "EPSG:4326"]));
    let utm = collection(&[&house("1", 33.6, -2.85)]).replacen(
        "{",
        r#"{"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::32736"}},"#,
        1,
    );
    assert_one(read_text("crs", "x.geojson", &utm), "taa::import::projected", &["crs", "32736", "WGS 84"]);
    let wgs = utm.replace("EPSG::32736", "OGC:1.3:CRS84");
    assert_eq!(read_text("crs84", "x.geojson", &wgs).unwrap().buildings.len(), 1);
}

#[test]
fn a_village_swapped_as_a_whole_is_noticed_against_a_known_place() {
    let right = read_buildings(&data("jija.geojson")).unwrap();
    assert_eq!(right.check_near(3.12, 35.62, "the weather's site"), None);
    let text = collection(&[&house("1", -2.85, 33.61), &house("2", -2.851, 33.61)]);
    let swapped = read_text("whole", "x.geojson", &text).unwrap();
    let problem = swapped.check_near(3.12, 35.62, "the weather's site").unwrap();
    assert_eq!(problem.code().unwrap().to_string(), "taa::import::swapped");
    assert!(problem.to_string().contains("the weather's site"), "{problem}");
}

#[test]
fn duplicate_ids_and_unknown_tags() {
    let text = collection(&[&house("a", 33.6, -2.85), &house("a", 33.61, -2.85)]);
    assert_one(read_text("ids", "x.geojson", &text), "taa::import::duplicate_id", &["feature 1", "id a", "feature 0"]);
    let tagged = house("a", 33.6, -2.85).replace("\"id\"", "\"class\":\"houshold_low\",\"id\"");
    assert_one(
        read_text("tags", "x.geojson", &collection(&[&tagged])),
        "taa::import::bad_tag",
        &["`class`", "houshold_low", "did you mean `household_low`", "clinic"],
    );
}

#[test]
fn bad_kml() {
    let one = |text: &str| read_text("kml", "x.kml", text);
    let start = "<kml xmlns=\"http://www.opengis.net/kml/2.2\"><Document>\n";
    assert_one(one(&format!("{start}</Document></kml>")), "taa::import::kml_no_placemarks", &["Placemark"]);
    assert_one(one(&format!("{start}<Placemark></Document></kml>")), "taa::import::kml_syntax", &["line 2"]);
    assert_one(one(&format!("{start}<Placemark><name>x")), "taa::import::kml_syntax", &["truncated"]);
    let point = |words: &str| {
        format!(
            "{start}<Placemark><name>k</name><Point><coordinates>{words}</coordinates></Point></Placemark></Document></kml>"
        )
    };
    assert_one(one(&point("33.6;-2.8")), "taa::import::bad_position", &["line 2", "lon,lat"]);
    assert_one(one(&point("nan,-2.8")), "taa::import::not_finite", &["nan"]);
    let hole =
        point("1,1").replace("Point", "Polygon").replace("<coordinates>", "<innerBoundaryIs><LinearRing><coordinates>");
    let hole = hole.replace("</coordinates>", "</coordinates></LinearRing></innerBoundaryIs>");
    assert_one(one(&hole), "taa::import::hole_only", &["outerBoundaryIs"]);
}

#[test]
fn bad_csv() {
    let one = |text: &str| read_text("csv", "x.csv", text);
    assert_one(one("id,x,y\n1,2,3\n"), "taa::import::csv_columns", &["latitude and no longitude", "id, x, y", "lng"]);
    assert_one(one("id,lat\n1,2\n"), "taa::import::csv_columns", &["no longitude column"]);
    assert_one(one("id,lat,lon\n1,-2.8,33.6\n2,-2.8,east\n"), "taa::import::csv_number", &["line 3", "`lon`", "east"]);
    assert_one(one("id;lat;lon\n1;-2,8;33,6\n"), "taa::import::csv_delimiter", &["semicolons", "commas"]);
    assert_one(one("id\tlat\tlon\n1\t-2.8\t33.6\n"), "taa::import::csv_delimiter", &["tabs"]);
    assert_one(one("id,lat,lon\n1,\"-2,85\",\"33,6\"\n"), "taa::import::csv_delimiter", &["line 2", "decimal comma"]);
    assert_one(one("id,lat,lon\n1,-2,85,33,6\n"), "taa::import::csv_delimiter", &["decimal commas"]);
    assert_one(one("id,lat,lon\n1,-2.85\n"), "taa::import::csv_row", &["line 2", "2 columns", "3"]);
    assert_one(one("id,lat,lon\n1,inf,33.6\n"), "taa::import::not_finite", &["inf"]);
    assert_one(one("id,lat,lon,area_m2\n1,-2.8,33.6,-5\n"), "taa::import::degenerate", &["-5"]);
}

#[test]
fn many_problems_are_told_at_once_up_to_twenty() {
    let rows: String = (0..30).map(|i| format!("{i},x,33.6\n")).collect();
    let errors = read_text("many", "x.csv", &format!("id,lat,lon\n{rows}")).unwrap_err();
    assert_eq!((errors.problems.len(), errors.more), (20, 10));
    assert!(errors.to_string().contains("30 problems"), "{errors}");
    assert!(findings(&errors).iter().all(|(code, _)| code == "taa::import::csv_number"));
}
