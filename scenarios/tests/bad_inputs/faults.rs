//! Fault files.

cases! {
    unknown_kind: "taa::fault::unknown_kind" at "faults.toml, line 2, `fault.0.what`" says ["`towr_out`", "did you mean `tower_out`", "meter_dead"] when |f| f.fault("what = \"towr_out\"\nfrom = \"day 2\"\nuntil = \"3 h\"");
    bad_from: "taa::fault::bad_time" at "faults.toml, line 3, `fault.0.from`" says ["`soon`", "day 3 18:00"] when |f| f.fault("what = \"tower_out\"\nfrom = \"soon\"\nuntil = \"3 h\"");
    bad_unit: "taa::fault::bad_time" at "`fault.0.until`" says ["unit `fortnights`"] when |f| f.fault("what = \"tower_out\"\nfrom = \"day 2\"\nuntil = \"1 fortnights\"");
    ends_before_start: "taa::fault::ends_before_start" at "faults.toml, line 4, `fault.0.until`" says ["before it begins", "day 5 06:00"] when |f| f.fault("what = \"tower_out\"\nfrom = \"day 5 06:00\"\nuntil = \"day 4 06:00\"");
    before_the_run: "taa::fault::before_run" at "`fault.0.from`" says ["2026-01-01"] when |f| f.fault("what = \"tower_out\"\nfrom = \"2025-12-24 12:00\"\nuntil = \"30 days\"");
    after_the_run: "taa::fault::after_run" at "`fault.0.from`" says ["10 days", "left out"] when |f| f.fault("what = \"tower_out\"\nfrom = \"day 11\"\nuntil = \"3 h\"");
    beyond_the_run: "taa::fault::beyond_run" at "`fault.0.until`" says ["cut off"] when |f| f.fault("what = \"tower_out\"\nfrom = \"day 9\"\nuntil = \"1 week\"");
    far_beyond_the_run: "taa::fault::beyond_run" at "`fault.0.until`" says ["cut off"] when |f| f.fault("what = \"tower_out\"\nfrom = \"day 9\"\nuntil = \"99999999999999999999 weeks\"");
    no_such_hour: "taa::fault::bad_time" at "`fault.0.until`" says ["time of day"] when |f| f.fault("what = \"tower_out\"\nfrom = \"day 9\"\nuntil = \"day 9 999999999999999999:00\"");
    no_fault: "taa::fault::none" at "faults.toml" says ["scripts no fault", "[[fault]]"] when |f| {
        f.fault("");
        f.faults = Some("title = \"A quiet week\"\n".to_owned());
    };
    unknown_meter: "taa::fault::unknown_target" at "faults.toml, line 5, `fault.0.meters.1`" says ["the meter `b33`", "did you mean `b3`"] when |f| f.fault("what = \"meter_dead\"\nfrom = \"day 2\"\nuntil = \"3 h\"\nmeters = [\"b1\", \"b33\"]");
    unknown_feeder: "taa::fault::unknown_target" at "`fault.0.feeder`" says ["the feeder `f7`", "feeders: f1"] when |f| f.fault("what = \"feeder_out\"\nfrom = \"day 2\"\nuntil = \"3 h\"\nfeeder = \"f7\"");
    unknown_line: "taa::fault::unknown_target" at "`fault.0.line`" says ["the line `nowhere`", "lines)"] when |f| f.fault("what = \"line_out\"\nfrom = \"day 2\"\nuntil = \"3 h\"\nline = \"nowhere\"");
    key_not_taken: "taa::fault::key_not_taken" at "`fault.0.feeder`" says ["`tower_out` fault takes no `feeder`", "tower (1 or 2)"] when |f| f.fault("what = \"tower_out\"\nfrom = \"day 2\"\nuntil = \"3 h\"\nfeeder = \"f1\"");
    two_targets: "taa::fault::two_targets" at "faults.toml" says ["more than one target"] when |f| f.fault("what = \"meter_dead\"\nfrom = \"day 2\"\nuntil = \"3 h\"\nmeters = [\"b1\"]\nmeters_share = 0.5");
    duplicate_id: "taa::fault::duplicate_id" at "faults.toml, line 9, `fault.1.id`" says ["`t` stands twice"] when |f| f.fault("what = \"tower_out\"\nid = \"t\"\nfrom = \"day 2\"\nuntil = \"3 h\"\n\n[[fault]]\nwhat = \"cloud_out\"\nid = \"t\"\nfrom = \"day 3\"\nuntil = \"3 h\"");
    too_much_sun: "taa::scenario::share" at "faults.toml, line 5, `fault.0.sun_share`" says ["35 % is 0.35"] when |f| f.fault("what = \"cloudy\"\nfrom = \"day 2\"\nuntil = \"3 h\"\nsun_share = 35");
    third_tower: "taa::scenario::out_of_range" at "`fault.0.tower`" says ["the first operator's"] when |f| f.fault("what = \"tower_out\"\nfrom = \"day 2\"\nuntil = \"3 h\"\ntower = 3");
    no_until: "taa::scenario::missing_key" at "`fault.0`" says ["`until` is missing"] when |f| f.fault("what = \"tower_out\"\nfrom = \"day 2\"");
    unknown_key: "taa::scenario::unknown_key" at "faults.toml, line 4, `fault.0.end`" says ["did you mean `until`"] when |f| f.fault("what = \"tower_out\"\nfrom = \"day 2\"\nend = \"3 h\"\nuntil = \"3 h\"");
    unknown_operation: "taa::fault::unknown_operation" at "faults.toml, line 2, `operation.0.what`" says ["`firmware`", "did you mean `firmware_update`"] when |f| f.operation("what = \"firmware\"\nat = \"day 2\"");
    operation_never: "taa::fault::bad_time" at "faults.toml, line 3, `operation.0.at`" says ["`soon`", "day 3 18:00"] when |f| f.operation("what = \"firmware_update\"\nat = \"soon\"");
    operation_too_late: "taa::fault::after_run" at "`operation.0.at`" says ["10 days", "left out"] when |f| f.operation("what = \"firmware_update\"\nat = \"day 11\"");
    image_too_large: "taa::scenario::out_of_range" at "faults.toml, line 4, `operation.0.image_kb`" says ["1 to 2000 kB"] when |f| f.operation("what = \"firmware_update\"\nat = \"day 2\"\nimage_kb = 5000");
    nameless_image: "taa::scenario::out_of_range" at "`operation.0.identifier`" says ["1 to 32 bytes"] when |f| f.operation("what = \"firmware_update\"\nat = \"day 2\"\nidentifier = \"\"");
    operation_on_nobody: "taa::fault::unknown_target" at "`operation.0.meters.0`" says ["the meter `b33`", "did you mean `b3`"] when |f| f.operation("what = \"firmware_update\"\nat = \"day 2\"\nmeters = [\"b33\"]");
    operation_unknown_key: "taa::scenario::unknown_key" at "`operation.0.from`" says ["from"] when |f| f.operation("what = \"firmware_update\"\nat = \"day 2\"\nfrom = \"day 1\"");
    key_change_nowhere: "taa::scenario::out_of_range" at "`operation.0.to`" says ["next_revision, next_base_date"] when |f| f.operation("what = \"key_change\"\nat = \"day 2\"\nto = \"2035\"");
    key_change_with_an_image: "taa::scenario::out_of_range" at "`operation.0.image_kb`" says ["with firmware_update alone"] when |f| f.operation("what = \"key_change\"\nat = \"day 2\"\nimage_kb = 128");
    image_with_a_key: "taa::scenario::out_of_range" at "`operation.0.to`" says ["with key_change alone"] when |f| f.operation("what = \"firmware_update\"\nat = \"day 2\"\nto = \"next_revision\"");
    too_many: "taa::fault::too_many" at "`fault`" says ["128 faults", "127"] when |f| {
        f.fault("what = \"tower_out\"\nfrom = \"day 2\"\nuntil = \"3 h\"");
        f.faults = f.faults.as_ref().map(|one| one.repeat(128));
    };
}
