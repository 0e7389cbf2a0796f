//! `taa new`, then what a planner does in QGIS, then loading: the same village comes back, and edits are honoured.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use taa_models::demand::Class;
use taa_scenarios::layout::{self, LayoutParams};
use taa_scenarios::model::{Placement, Scenario, Village};
use taa_scenarios::{NewArgs, Overrides, create, load};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("taa-round-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn create(&self, buildings: &str, connections: Option<u32>) -> PathBuf {
        let dir = self.0.join("village");
        let args = NewArgs {
            dir: dir.clone(),
            buildings: data(buildings),
            weather: data("lodwar_pvwatts_90d.csv"),
            connections,
            name: Some("Kijiji \"cha\" mfano".to_owned()),
        };
        let created = create(&args).unwrap();
        assert!(!created.remarks.has_errors() && created.summary.len() == 2);
        dir
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn loaded(dir: &Path) -> Scenario {
    load(dir, &Overrides::default()).unwrap_or_else(|found| panic!("{found:#?}"))
}

fn close(a: [f64; 2], b: [f64; 2]) -> bool {
    (a[0] - b[0]).abs() < 0.003 && (a[1] - b[1]).abs() < 0.003
}

/// The same village but for positions rounded to a millimetre.
fn assert_same(a: &Village, b: &Village) {
    assert_eq!(a.buildings.len(), b.buildings.len());
    for (a, b) in a.buildings.iter().zip(&b.buildings) {
        assert_eq!((&a.id, a.roof, a.wall, a.customer), (&b.id, b.roof, b.wall, b.customer));
        assert_eq!(a.outline_m.len(), b.outline_m.len());
        assert!(close(a.at_m, b.at_m) && a.outline_m.iter().zip(&b.outline_m).all(|(a, b)| close(*a, *b)), "{}", a.id);
    }
    assert_eq!(a.customers.len(), b.customers.len());
    for (a, b) in a.customers.iter().zip(&b.customers) {
        assert_eq!((&a.id, &a.meter_id, a.building, a.class), (&b.id, &b.meter_id, b.building, b.class));
        assert_eq!((a.placement, a.pole, a.feeder, a.phase), (b.placement, b.pole, b.feeder, b.phase), "{}", a.id);
        assert!(close(a.meter_at_m, b.meter_at_m) && (a.service_m - b.service_m).abs() < 0.01, "{}", a.id);
    }
    assert_eq!(a.poles.len(), b.poles.len());
    for (a, b) in a.poles.iter().zip(&b.poles) {
        assert_eq!((&a.id, a.feeder), (&b.id, b.feeder));
        assert!(close(a.at_m, b.at_m));
    }
    assert_eq!(a.lines.len(), b.lines.len());
    for (a, b) in a.lines.iter().zip(&b.lines) {
        assert_eq!((&a.id, a.from, a.to), (&b.id, b.from, b.to));
        assert!((a.length_m - b.length_m).abs() < 0.01);
    }
    let ids = |village: &Village| village.feeders.iter().map(|feeder| feeder.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(a), ids(b));
    assert!(close(a.dcu.at_m, b.dcu.at_m) && close(a.generation.at_m, b.generation.at_m));
    assert!((a.dcu.height_m - b.dcu.height_m).abs() < 1e-9);
}

#[test]
fn what_is_written_comes_back() {
    for (name, connections) in
        [("jija.geojson", None), ("nakiu.geojson", None), ("jija.kml", Some(200)), ("jija_points.csv", Some(120))]
    {
        let folder = Folder::new(&format!("same-{name}"));
        let dir = folder.create(name, connections);
        let scenario = loaded(&dir);
        let imported = taa_scenarios::import::read_buildings(&data(name)).unwrap();
        let mut params = LayoutParams::default();
        if let Some(count) = connections {
            params.connections = layout::Connections::Count(count);
            assert_eq!(scenario.village.customers.len(), count as usize);
        }
        let straight = layout::build(&imported, &params, &scenario.site, 1).unwrap();
        assert_same(&straight, &scenario.village);
        assert_eq!(scenario.title, "Kijiji \"cha\" mfano");
    }
}

#[test]
fn writing_what_was_read_changes_no_byte() {
    let folder = Folder::new("bytes");
    let dir = folder.create("jija.geojson", None);
    let text = fs::read_to_string(dir.join("village.geojson")).unwrap();
    let scenario = loaded(&dir);
    let again = taa_scenarios::village::to_geojson(
        &scenario.village,
        &scenario.site,
        &scenario.title,
        Some(&scenario.attributions[0]),
    );
    assert!(text == again, "the second writing differs from the first");
}

#[test]
fn the_weather_is_copied_as_it_is() {
    let folder = Folder::new("weather");
    let dir = folder.create("jija.geojson", None);
    assert_eq!(
        fs::read(dir.join("lodwar_pvwatts_90d.csv")).unwrap(),
        fs::read(data("lodwar_pvwatts_90d.csv")).unwrap()
    );
    let beside: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["village"], "no draft is left beside it");
}

/// Edits the features of `village.geojson` and saves it the way QGIS does: a `crs` member, every column on every feature
/// (null where it has no value), whole numbers with a decimal point, other spacing.
fn edit(dir: &Path, change: impl Fn(&mut Vec<serde_json::Value>)) -> Village {
    let path = dir.join("village.geojson");
    let mut root: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let features = root["features"].as_array_mut().unwrap();
    change(features);
    let of =
        |feature: &serde_json::Value| feature["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let columns: BTreeSet<String> = features.iter().flat_map(of).collect();
    for feature in features.iter_mut() {
        let properties = feature["properties"].as_object_mut().unwrap();
        for column in &columns {
            properties.entry(column).or_insert(serde_json::Value::Null);
        }
        if let Some(phase) = properties["phase"].as_f64() {
            properties["phase"] = phase.into();
        }
    }
    root["crs"] = serde_json::json!({"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}});
    fs::write(&path, serde_json::to_string_pretty(&root).unwrap()).unwrap();
    loaded(dir).village
}

fn is(feature: &serde_json::Value, kind: &str, id: &str) -> bool {
    feature["properties"]["kind"] == kind && feature["properties"]["id"] == id
}

#[test]
fn a_moved_concentrator_is_where_it_was_put() {
    let folder = Folder::new("dcu");
    let dir = folder.create("jija.geojson", None);
    let before = loaded(&dir).village;
    let after = edit(&dir, |features| {
        let dcu = features.iter_mut().find(|f| f["properties"]["kind"] == "dcu").unwrap();
        let lat = dcu["geometry"]["coordinates"][1].as_f64().unwrap();
        dcu["geometry"]["coordinates"][1] = (lat + 0.001).into();
        dcu["properties"]["height_m"] = 12.into();
    });
    assert!((after.dcu.at_m[1] - before.dcu.at_m[1] - 110.57).abs() < 0.1, "0.001° north");
    assert!((after.dcu.height_m - 12.0).abs() < 1e-9);
    assert_eq!(after.customers.len(), before.customers.len());
}

#[test]
fn changed_placement_and_class_are_honoured() {
    let folder = Folder::new("placement");
    let dir = folder.create("jija.geojson", None);
    let before = loaded(&dir).village;
    let chosen = before.customers.iter().find(|c| c.placement == Placement::Wall).unwrap();
    let id = before.buildings[chosen.building as usize].id.clone();
    let after = edit(&dir, |features| {
        let house = features.iter_mut().find(|f| is(f, "building", &id)).unwrap();
        house["properties"]["placement"] = "pole".into();
        house["properties"]["class"] = "clinic".into();
    });
    let changed = after.customers.iter().find(|c| c.id == chosen.id).unwrap();
    assert_eq!((changed.placement, changed.class, changed.pole), (Placement::Pole, Class::Clinic, chosen.pole));
    assert!(close(changed.meter_at_m, after.poles[changed.pole as usize].at_m), "the meter hangs on its pole now");
}

#[test]
fn a_removed_building_is_gone_and_nothing_else_changes() {
    let folder = Folder::new("removed");
    let dir = folder.create("jija.geojson", None);
    let before = loaded(&dir).village;
    let gone = before.customers[10].clone();
    let id = before.buildings[gone.building as usize].id.clone();
    let after = edit(&dir, |features| features.retain(|f| !is(f, "building", &id)));
    assert_eq!(after.buildings.len(), before.buildings.len() - 1);
    let name = |c: &taa_scenarios::model::Customer| (c.id.clone(), c.meter_id.clone(), c.pole, c.phase);
    let rest: Vec<_> = before.customers.iter().filter(|c| c.id != gone.id).map(name).collect();
    assert_eq!(after.customers.iter().map(name).collect::<Vec<_>>(), rest);
}

#[test]
fn a_drawn_house_and_a_drawn_pole_join_the_grid() {
    let folder = Folder::new("drawn");
    let dir = folder.create("jija.geojson", None);
    let before = loaded(&dir).village;
    let after = edit(&dir, |features| {
        let last =
            features.iter().rfind(|f| f["properties"]["kind"] == "pole").unwrap()["geometry"]["coordinates"].clone();
        let (lon, lat) = (last[0].as_f64().unwrap(), last[1].as_f64().unwrap());
        // As QGIS saves what was drawn by hand: few properties, Multi… geometry, ends not quite on the poles.
        features.push(serde_json::json!({"type": "Feature", "properties": {"kind": "pole", "id": "new"},
            "geometry": {"type": "MultiPoint", "coordinates": [[lon + 0.0003, lat]]}}));
        features.push(serde_json::json!({"type": "Feature", "properties": {"kind": "line", "id": "new"},
            "geometry": {"type": "MultiLineString", "coordinates": [[[lon + 0.00029, lat], [lon + 0.00001, lat]]]}}));
        features.push(
            serde_json::json!({"type": "Feature", "properties": {"kind": "building", "id": "hut", "connected": true},
            "geometry": {"type": "Point", "coordinates": [lon + 0.00035, lat + 0.0001]}}),
        );
    });
    assert_eq!(after.poles.len(), before.poles.len() + 1);
    let line = after.lines.last().unwrap();
    assert_eq!(
        (line.id.as_str(), line.to as usize),
        ("new", before.poles.len()),
        "turned to lead away from the source"
    );
    let hut = after.customers.iter().find(|c| c.id == layout::customer_id("hut")).unwrap();
    assert_eq!(
        (hut.pole as usize, hut.placement, hut.class),
        (before.poles.len(), Placement::Wall, Class::HouseholdLow)
    );
    assert_eq!(hut.meter_id, layout::meter_id("hut"));
    assert_eq!(hut.feeder, after.poles[hut.pole as usize].feeder);
}

#[test]
fn without_a_grid_one_is_laid_out_around_drawn_sites() {
    let folder = Folder::new("laid");
    let dir = folder.create("jija.geojson", None);
    let before = loaded(&dir).village;
    let after = edit(&dir, |features| {
        features.retain(|f| f["properties"]["kind"] != "pole" && f["properties"]["kind"] != "line");
        for f in features.iter_mut().filter(|f| f["properties"]["kind"] == "building") {
            f["properties"].as_object_mut().unwrap().remove("pole");
        }
    });
    assert!(close(after.generation.at_m, before.generation.at_m) && close(after.dcu.at_m, before.dcu.at_m));
    assert!(!after.poles.is_empty());
    let ids = |v: &Village| v.customers.iter().map(|c| (c.id.clone(), c.class, c.placement)).collect::<Vec<_>>();
    assert_eq!(ids(&after), ids(&before), "attributes drawn in the file are kept");
}

#[test]
fn what_is_left_out_is_filled_in_and_said() {
    let folder = Folder::new("filled");
    let dir = folder.create("jija_points.csv", None);
    let scenario = "schema = 1\n[village]\nfile = \"village.geojson\"\n[weather]\nfile = \"lodwar_pvwatts_90d.csv\"\n[tariff]\ncurrency = \"KES\"\nenergy_price_per_kwh = 90\n";
    fs::write(dir.join("scenario.toml"), scenario).unwrap();
    let bare = loaded(&dir);
    assert_eq!((bare.site.utc_offset_s, bare.run.days, bare.run.seed), (10_800, 30, 1));
    assert!(bare.power.pv.kwp > 10.0 && bare.power.pv.kwp < 500.0, "{} kWp", bare.power.pv.kwp);
    assert!(bare.notes.iter().any(|note| note.starts_with("Sized from")), "{:#?}", bare.notes);
    assert!(bare.notes.iter().any(|note| note.contains("UTC+3 h")), "{:#?}", bare.notes);
    assert!((bare.economics.currency_per_usd - 130.0).abs() < 1e-9);
}
