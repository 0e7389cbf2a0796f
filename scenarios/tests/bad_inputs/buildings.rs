//! Footprints: what the importers find, seen through the loader.

/// A house of about ten metres.
const HOUSE: &str = r#"{"type":"Feature","properties":{"id":"a"},"geometry":{"type":"Polygon","coordinates":[[[33.6121,-2.8500],[33.6122,-2.8500],[33.6122,-2.8499],[33.6121,-2.8499],[33.6121,-2.8500]]]}}"#;

/// Two sound houses on line 2, and something more on line 3 (feature 2).
fn collection(more: &str) -> String {
    let second = HOUSE.replace("\"a\"", "\"a2\"").replace("33.612", "33.614");
    format!("{{\"type\":\"FeatureCollection\",\"features\":[\n{HOUSE}, {second},\n{more}\n]}}")
}

fn feature(geometry: &str) -> String {
    collection(&format!("{{\"type\":\"Feature\",\"properties\":{{\"id\":\"b\"}},\"geometry\":{geometry}}}"))
}

fn point(lon: &str, lat: &str) -> String {
    feature(&format!("{{\"type\":\"Point\",\"coordinates\":[{lon},{lat}]}}"))
}

cases! {
    unknown_class: "taa::import::bad_tag" at "village.geojson, line 2, feature 0 (id b1), `class`" says ["household_lo", "did you mean `household_low`"] when |f| f.map("household_low", "household_lo");
    duplicate_building: "taa::import::duplicate_id" at "village.geojson, line 3, feature 1 (id b1)" says ["feature 0", "unique"] when |f| f.map("\"id\":\"b2\"", "\"id\":\"b1\"");
    self_intersecting: "taa::import::self_intersecting" at "b.geojson, line 3, feature 2 (id b)" says ["crosses itself", "Fix geometries"] when |f| f.buildings("b.geojson", feature("{\"type\":\"Polygon\",\"coordinates\":[[[33.613,-2.850],[33.6132,-2.8498],[33.6132,-2.850],[33.613,-2.8498],[33.613,-2.850]]]}"));
    degenerate: "taa::import::degenerate" at "b.geojson, line 3, feature 2" says ["three different corners"] when |f| f.buildings("b.geojson", feature("{\"type\":\"Polygon\",\"coordinates\":[[[33.613,-2.850],[33.6132,-2.850],[33.613,-2.850]]]}"));
    hole_only: "taa::import::hole_only" at "feature 2 (id b)" says ["first ring"] when |f| f.buildings("b.geojson", feature("{\"type\":\"Polygon\",\"coordinates\":[[],[[33.613,-2.850],[33.6132,-2.850],[33.6132,-2.8499],[33.613,-2.850]]]}"));
    null_island: "taa::import::null_island" at "feature 2 (id b)" says ["latitude 0, longitude 0"] when |f| f.buildings("b.geojson", point("0", "0"));
    swapped: "taa::import::swapped" at "feature 2 (id b)" says ["longitude first"] when |f| f.buildings("b.geojson", point("-2.8501", "33.6123"));
    out_of_range: "taa::import::out_of_range" at "feature 2 (id b)" says ["-90 to 90"] when |f| f.buildings("b.geojson", point("333.6", "-2.85"));
    projected: "taa::import::projected" at "b.geojson" says ["EPSG:4326", "metres"] when |f| f.buildings("b.geojson", point("512345", "9684321"));
    far_apart: "taa::import::far_apart" at "feature 2 (id b)" says ["20 km", "one village"] when |f| f.buildings("b.geojson", point("34.1", "-2.85"));
    no_buildings: "taa::import::no_buildings" at "b.geojson" says ["at least one Polygon"] when |f| f.buildings("b.geojson", "{\"type\":\"FeatureCollection\",\"features\":[]}");
    wrong_geometry: "taa::import::wrong_geometry" at "feature 0" says ["LineString", "Polygon"] when |f| f.buildings("b.geojson", "{\"type\":\"Feature\",\"properties\":{},\"geometry\":{\"type\":\"LineString\",\"coordinates\":[[33.6,-2.8],[33.7,-2.9]]}}");
    not_geojson: "taa::import::not_geojson" at "b.json" says ["FeatureCollection"] when |f| f.buildings("b.json", "{\"villages\":[]}");
    json_syntax: "taa::import::json_syntax" at "b.geojson, line 2" says ["not valid JSON"] when |f| f.buildings("b.geojson", "{\"type\":\n\"FeatureCollection\" \"features\":[]}");
    truncated: "taa::import::json_truncated" at "b.geojson" says ["cut off"] when |f| {
        let whole = collection(HOUSE);
        f.buildings("b.geojson", whole.split_at(whole.len() - 40).0);
    };
    not_finite: "taa::import::not_finite" at "b.geojson" says ["finite"] when |f| f.buildings("b.geojson", point("NaN", "-2.85"));
    empty_file: "taa::file::empty" at "b.geojson" says ["empty"] when |f| f.buildings("b.geojson", "");
    not_utf8: "taa::file::not_utf8" at "b.geojson, line 2" says ["UTF-8"] when |f| f.buildings("b.geojson", b"{\"type\":\n\"\xff\xfe\"}");
    fifty_megabytes: "taa::file::too_big" at "b.geojson" says ["50.0 MB", "limit is 32 MB"] when |f| f.buildings("b.geojson", vec![b' '; 50 << 20]);
    unknown_format: "taa::import::unknown_format" at "b.dwg" says ["GeoJSON", "KML", "CSV"] when |f| f.buildings("b.dwg", "AC1027 drawing");
    kml_without_placemarks: "taa::import::kml_no_placemarks" at "b.kml" says ["Placemark"] when |f| f.buildings("b.kml", "<?xml version=\"1.0\"?><kml xmlns=\"http://www.opengis.net/kml/2.2\"><Document/></kml>");
    kml_syntax: "taa::import::kml_syntax" at "b.kml" says ["not valid KML"] when |f| f.buildings("b.kml", "<kml><Document><Placemark></Document></kml>");
    csv_without_columns: "taa::import::csv_columns" at "b.csv" says ["no latitude", "name, size"] when |f| f.buildings("b.csv", "name,size\na,3\n");
    csv_bad_number: "taa::import::csv_number" at "b.csv, line 3" says ["here", "point"] when |f| f.buildings("b.csv", "lat,lon\n-2.85,33.612\n-2.85,here\n");
    csv_delimiter: "taa::import::csv_delimiter" at "b.csv" says ["commas"] when |f| f.buildings("b.csv", "lat;lon\n-2,85;33,612\n");
    fewer_than_connections: "taa::layout::too_few_buildings" at "" says ["9 connections are wanted", "1 buildings can"] when |f| {
        f.buildings("b.geojson", format!("{{\"type\":\"FeatureCollection\",\"features\":[{HOUSE}]}}"));
        f.toml("[weather]", "[layout]\nconnections = { count = 9 }\n\n[weather]");
    };
    connection_share: "taa::scenario::share" at "`layout.connections.share`" says ["75 % is 0.75"] when |f| f.toml("[weather]", "[layout]\nconnections = { share = 75 }\n\n[weather]");
    unknown_building_listed: "taa::layout::unknown_building" at "" says ["`zz`"] when |f| {
        f.buildings("b.geojson", collection(&HOUSE.replace("\"a\"", "\"c\"").replace("33.61", "33.62")));
        f.toml("[weather]", "[layout]\nconnections = { list = [\"a\", \"zz\"] }\n\n[weather]");
    };
}
