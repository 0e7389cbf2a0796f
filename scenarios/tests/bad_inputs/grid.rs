//! The grid drawn in `village.geojson`.

cases! {
    unknown_kind: "taa::village::unknown_kind" at "village.geojson, line 14, feature 12, `kind`" says ["`polle`", "did you mean `pole`", "relay"] when |f| f.map("\n]}", ",\n{\"type\":\"Feature\",\"properties\":{\"kind\":\"polle\"},\"geometry\":{\"type\":\"Point\",\"coordinates\":[33.6126,-2.8503]}}\n]}");
    pole_as_line: "taa::village::wrong_geometry" at "village.geojson, line 6, feature 4 (id p1)" says ["a pole is drawn as a LineString", "Point"] when |f| f.map("\"geometry\":{\"type\":\"Point\",\"coordinates\":[33.61215,-2.85015]}", "\"geometry\":{\"type\":\"LineString\",\"coordinates\":[[33.61215,-2.85015],[33.6122,-2.85015]]}");
    bad_roof: "taa::village::bad_property" at "village.geojson, line 2, feature 0 (id b1), `roof`" says ["`irn`", "did you mean `iron`", "thatch"] when |f| f.map("\"class\":\"household_low\"", "\"roof\":\"irn\",\"class\":\"household_low\"");
    bad_phase: "taa::village::bad_property" at "`phase`" says ["`4`", "1, 2, 3"] when |f| f.map("\"phase\":3", "\"phase\":4");
    bad_mast: "taa::village::bad_property" at "feature 11 (id dcu), `height_m`" says ["0.5 to 100 metres"] when |f| f.map("\"height_m\":8", "\"height_m\":800");
    duplicate_pole: "taa::village::duplicate_id" at "village.geojson, line 14, feature 12 (id p3)" says ["the pole id `p3` stands twice", "feature 6"] when |f| f.map("\n]}", ",\n{\"type\":\"Feature\",\"properties\":{\"kind\":\"pole\",\"id\":\"p3\",\"power\":\"pole\"},\"geometry\":{\"type\":\"Point\",\"coordinates\":[33.6126,-2.8503]}}\n]}");
    duplicate_meter: "taa::village::duplicate_meter" at "village.geojson, line 3, feature 1 (id b2), `meter_id`" says ["`M1` stands twice", "feature 0"] when |f| f.map("\"meter_id\":\"M2\"", "\"meter_id\":\"M1\"");
    two_dcus: "taa::village::second_site" at "village.geojson, line 14, feature 12" says ["a second data concentrator (dcu)", "kind = relay"] when |f| f.map("\n]}", ",\n{\"type\":\"Feature\",\"properties\":{\"kind\":\"dcu\",\"id\":\"dcu2\"},\"geometry\":{\"type\":\"Point\",\"coordinates\":[33.6126,-2.8503]}}\n]}");
    no_generation: "taa::village::no_generation" at "village.geojson" says ["kind = generation"] when |f| f.map("\"kind\":\"generation\",\"id\":\"generation\"", "\"kind\":\"relay\",\"id\":\"r1\"");
    unknown_pole: "taa::village::unknown_pole" at "village.geojson, line 11, feature 9 (id l3), `to`" says ["the pole `p33`", "did you mean `p3`", "source"] when |f| f.map("\"to\":\"p3\"", "\"to\":\"p33\"");
    loose_end: "taa::village::loose_end" at "village.geojson, line 11, feature 9 (id l3)" says ["the line's end is 22 m from the nearest pole", "within 5 m"] when |f| {
        f.map(",\"from\":\"p2\",\"to\":\"p3\"", "");
        f.map("[33.61245,-2.85015],[33.61275,-2.85015]", "[33.61245,-2.85015],[33.61275,-2.85035]");
    };
    line_to_itself: "taa::village::line_to_itself" at "feature 9 (id l3)" says ["same pole `p2`"] when |f| {
        f.map("\"from\":\"p2\",\"to\":\"p3\"", "\"from\":\"p2\",\"to\":\"p2\"");
        f.map("\"pole\":\"p3\"", "\"pole\":\"p2\"");
        f.map("{\"type\":\"Feature\",\"properties\":{\"kind\":\"pole\",\"id\":\"p3\",\"power\":\"pole\",\"feeder\":\"f1\"},\"geometry\":{\"type\":\"Point\",\"coordinates\":[33.61275,-2.85015]}},\n", "{\"type\":\"Feature\",\"properties\":{\"kind\":\"relay\",\"id\":\"r\"},\"geometry\":{\"type\":\"Point\",\"coordinates\":[33.61275,-2.85015]}},\n");
    };
    unreachable: "taa::village::unreachable" at "village.geojson, line 7, feature 5 (id p2)" says ["not connected to the source, nor are 1 more", "missing line"] when |f| f.map("{\"type\":\"Feature\",\"properties\":{\"kind\":\"line\",\"id\":\"l2\",\"power\":\"minor_line\",\"from\":\"p1\",\"to\":\"p2\"},\"geometry\":{\"type\":\"LineString\",\"coordinates\":[[33.61215,-2.85015],[33.61245,-2.85015]]}},\n", "");
    looped: "taa::village::looped" at "feature 12 (id l4)" says ["closes a loop", "radial"] when |f| f.map("\n]}", ",\n{\"type\":\"Feature\",\"properties\":{\"kind\":\"line\",\"id\":\"l4\",\"power\":\"minor_line\",\"from\":\"source\",\"to\":\"p2\"},\"geometry\":{\"type\":\"LineString\",\"coordinates\":[[33.6119,-2.85015],[33.61245,-2.85015]]}}\n]}");
    span_too_long: "taa::village::span_too_long" at "feature 8 (id l2)" says ["a span of 33 m", "30 m (layout.max_span_m)"] when |f| {
        f.toml("[weather]", "[layout]\nmax_span_m = 30\npole_spacing_m = 25\n\n[weather]");
        f.map("[33.61275,-2.85015]}},\n", "[33.61270,-2.85015]}},\n");
        f.map("[33.61275,-2.85015]]", "[33.61270,-2.85015]]");
    };
    no_pole_in_reach: "taa::village::no_pole_in_reach" at "village.geojson, line 4, feature 2 (id b3)" says ["its pole is 63 m away", "at most 40 m", "connected = \"no\""] when |f| f.map("\"pole\":\"p3\"", "\"pole\":\"p1\"");
    unknown_service_pole: "taa::village::unknown_service_pole" at "feature 2 (id b3), `pole`" says ["`p4`", "nearest one"] when |f| f.map("\"pole\":\"p3\"", "\"pole\":\"p4\"");
    nobody_connected: "taa::village::no_customers" at "village.geojson" says ["no building is connected", "connected = \"yes\""] when |f| f.village = f.village.replace("\"connected\":\"yes\"", "\"connected\":\"no\"").replace("\"pole\":\"p3\"", "\"note\":\"\"");
    line_off_pole: "taa::village::line_off_pole" at "feature 9 (id l3)" says ["33 m away from its pole `p3`", "`from` and `to` decide"] when |f| f.map("[33.61275,-2.85015]]}", "[33.61305,-2.85015]]}");
    feeder_by_line: "taa::village::feeder_by_line" at "feature 9 (id l3)" says ["says feeder `f2` and hangs on `f1`"] when |f| f.map("\"id\":\"p3\",\"power\":\"pole\",\"feeder\":\"f1\"", "\"id\":\"p3\",\"power\":\"pole\",\"feeder\":\"f2\"");
    idle_pole: "taa::village::idle_pole" at "village.geojson, line 8, feature 6 (id p3)" says ["serves nobody"] when |f| f.map("\"pole\":\"p3\"", "\"pole\":\"p2\"");
}
