//! Weather files, seen through the loader.

cases! {
    gap: "taa::weather::gap" at "weather.csv, line 20" says ["1 hours are missing"] when |f| f.sky("2026-01-01 17:00:00,0.0\n", "");
    no_value: "taa::weather::not_a_value" at "weather.csv, line 13" says ["NaN", "every hour"] when |f| f.sky("2026-01-01 10:00:00,920.0", "2026-01-01 10:00:00,NaN");
    bad_number: "taa::weather::bad_number" at "weather.csv, line 13" says ["`bright`"] when |f| f.sky("2026-01-01 10:00:00,920.0", "2026-01-01 10:00:00,bright");
    negative: "taa::weather::negative_irradiance" at "weather.csv, line 13" says ["-920", "0 to 1500"] when |f| f.sky("2026-01-01 10:00:00,920.0", "2026-01-01 10:00:00,-920.0");
    impossible: "taa::weather::impossible_irradiance" at "weather.csv, line 13" says ["9200", "1500"] when |f| f.sky("2026-01-01 10:00:00,920.0", "2026-01-01 10:00:00,9200.0");
    too_short: "taa::weather::too_short" at "weather.csv" says ["at least 24"] when |f| f.weather = f.weather.lines().take(20).collect::<Vec<_>>().join("\n");
    unknown_format: "taa::weather::unknown_format" at "weather.csv" says ["PVGIS TMY", "EPW"] when |f| f.weather = "sunny,with,clouds\n1,2,3\n".to_owned();
    bad_time: "taa::weather::bad_time" at "weather.csv, line 13" says ["noon"] when |f| f.sky("2026-01-01 10:00:00,920.0", "noon,920.0");
    epw_columns: "taa::weather::epw_columns" at "site.epw, line 12" says ["an EPW row has 35"] when |f| {
        f.toml("weather.csv", "site.epw");
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/lodwar_5d.epw")).unwrap();
        let spoilt: Vec<&str> = text.lines().enumerate().map(|(i, l)| if i == 11 { &l[..60] } else { l }).collect();
        f.files.push(("site.epw", spoilt.join("\n").into_bytes()));
    };
}
