//! What a report must show; facts come from `probe.js`, words about what is wrong go out.

use serde_json::Value;

/// Shapes that the map of even a small village has.
const SHAPES_MIN: u64 = 50;

/// What is wrong with a page.
pub(super) fn problems(facts: &Value, console: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut must = |holds: bool, words: String| {
        if !holds {
            problems.push(words);
        }
    };
    let errors = facts["errors"].as_array().map_or(1, Vec::len);
    must(errors == 0, format!("errors in the page: {}", facts["errors"]));
    must(console.is_empty(), format!("errors in the console: {}", console.join("; ")));
    let requests = facts["requests"].as_array().map_or(1, Vec::len);
    must(requests == 0, format!("the page asks for other files: {}", facts["requests"]));
    must(facts["title"].as_str().is_some_and(|title| !title.is_empty()), "the page has no title".to_owned());
    let overflow = facts["overflow_px"].as_i64().unwrap_or(i64::MAX);
    must(overflow <= 0, format!("{overflow} px wider than its {} px window", facts["width_px"]));

    let map = &facts["map"];
    must(!map.is_null(), "there is no map".to_owned());
    must(map["ready"] == true, "the map is not ready".to_owned());
    let drawn = map["drawn"].as_u64().unwrap_or(0);
    must(drawn >= SHAPES_MIN, format!("the map draws {drawn} shapes; at least {SHAPES_MIN}"));
    let map_px = map["width_px"].as_f64().unwrap_or(0.0);
    must(map_px >= 200.0, format!("the map is {map_px} px wide"));

    let replay = &facts["replay"];
    must(!replay.is_null(), "there is no replay".to_owned());
    for (fact, words) in [
        ("ready", "the replay is not ready"),
        ("scrubs", "the replay's slider does not move it"),
        ("plays", "the replay does not play"),
        ("stops", "the replay does not stop"),
        ("keys", "the replay does not hear the keyboard"),
        ("focus", "the replay cannot be reached by the keyboard"),
    ] {
        must(replay[fact] == true, format!("{words}: {}", replay["said"]));
    }
    let (nodes, lines) = (replay["nodes"].as_u64().unwrap_or(0), replay["lines"].as_u64().unwrap_or(0));
    must(
        nodes >= SHAPES_MIN && lines >= nodes,
        format!("the replay draws {nodes} nodes and {lines} characters of lines"),
    );
    must(replay["tree"].as_u64() > Some(0), "nobody is in the replayed tree at its beginning".to_owned());

    let table = &facts["table"];
    must(table["rows"].as_u64().unwrap_or(0) >= 2, "the table has less than two rows".to_owned());
    let sorts = table["sorts"].as_array().map_or(&[][..], Vec::as_slice);
    must(sorts.len() >= 4, format!("{} of the table's headings sort", sorts.len() / 2));
    for sort in sorts {
        let sorted = sort["sorted"] == true && sort["direction"].is_string();
        must(sorted, format!("the table does not sort by {}, {}", sort["heading"], sort["direction"]));
    }
    for pair in sorts.chunks(2) {
        let turned = pair.first().map(|s| &s["direction"]) != pair.get(1).map(|s| &s["direction"]);
        must(turned, format!("a second click on {} does not turn the order", pair[0]["heading"]));
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sound() -> Value {
        let sort = |heading: &str, direction: &str| json!({"heading": heading, "direction": direction, "sorted": true});
        json!({
            "errors": [], "title": "Jija", "requests": [], "overflow_px": 0, "width_px": 390,
            "map": {"ready": true, "drawn": 900, "width_px": 358.0},
            "replay": {"ready": true, "scrubs": true, "plays": true, "stops": true, "keys": true, "focus": true, "nodes": 200, "lines": 4000,
                "tree": 198, "said": ""},
            "table": {"rows": 20, "sorts": [
                sort("Customer", "ascending"), sort("Customer", "descending"),
                sort("Lost h", "descending"), sort("Lost h", "ascending"),
            ]},
        })
    }

    #[test]
    fn a_sound_page_has_no_problem() {
        assert_eq!(problems(&sound(), &[]), [""; 0]);
        assert_eq!(problems(&sound(), &["404".to_owned()]).len(), 1);
    }

    #[test]
    fn sabotage_every_fact_counts() {
        let changes = [
            ("/errors", json!(["boom"])),
            ("/title", json!("")),
            ("/requests", json!(["https://tiles"])),
            ("/overflow_px", json!(3)),
            ("/map/ready", json!(false)),
            ("/map/drawn", json!(3)),
            ("/map/width_px", json!(0.0)),
            ("/replay/ready", json!(false)),
            ("/replay/scrubs", json!(false)),
            ("/replay/plays", json!(false)),
            ("/replay/stops", json!(false)),
            ("/replay/keys", json!(false)),
            ("/replay/focus", json!(false)),
            ("/replay/nodes", json!(3)),
            ("/replay/lines", json!(0)),
            ("/replay/tree", json!(0)),
            ("/table/rows", json!(0)),
            ("/table/sorts/2/sorted", json!(false)),
            ("/table/sorts/1/direction", json!("ascending")),
        ];
        for (pointer, value) in changes {
            let mut facts = sound();
            *facts.pointer_mut(pointer).expect("the fact is there") = value;
            assert_eq!(problems(&facts, &[]).len(), 1, "{pointer}");
        }
        assert!(problems(&json!({}), &[]).len() > 5);
    }
}
