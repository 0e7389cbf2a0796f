//! `cargo xtask bench NAME`: a table, then one JSON line `{"bench", "ratios", "bars", "pass"}`.

mod demand;
mod dlms;
mod kernel;
mod mesh;
mod store;
mod tokens;
mod village;

pub(crate) fn run(name: &str, arguments: &[&str]) -> Result<(), String> {
    match name {
        "demand" => demand::run(arguments),
        "dlms" => dlms::run(arguments),
        "kernel" => kernel::run(arguments),
        "mesh" => mesh::run(arguments),
        "store" => store::run(arguments),
        "tokens" => tokens::run(arguments),
        "village" => village::run(arguments),
        other => Err(format!("no bench {other}; there are demand, dlms, kernel, mesh, store, tokens, village")),
    }
}

/// A figure and what it must be.
pub(crate) struct Bar {
    pub(crate) name: &'static str,
    pub(crate) measured: f64,
    pub(crate) at_most: f64,
}

/// Prints the bars and the JSON line; an error when one is missed.
pub(crate) fn close(bench: &str, bars: &[Bar]) -> Result<(), String> {
    let missed: Vec<&str> = bars.iter().filter(|bar| !met(bar)).map(|bar| bar.name).collect();
    println!("\n{:<24} {:>10} {:>10}", "figure", "measured", "at most");
    for bar in bars {
        let verdict = if met(bar) { "" } else { "  missed" };
        println!("{:<24} {:>10.2} {:>10.2}{verdict}", bar.name, bar.measured, bar.at_most);
    }
    println!("{}", json_line(bench, bars));
    if missed.is_empty() { Ok(()) } else { Err(format!("bars missed: {}", missed.join(", "))) }
}

fn met(bar: &Bar) -> bool {
    bar.measured <= bar.at_most
}

fn json_line(bench: &str, bars: &[Bar]) -> String {
    let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
    let map = |value: fn(&Bar) -> f64| {
        bars.iter().map(|bar| (bar.name.to_owned(), rounded(value(bar)).into())).collect::<serde_json::Map<_, _>>()
    };
    serde_json::json!({
        "bench": bench,
        "ratios": map(|bar| bar.measured),
        "bars": map(|bar| bar.at_most),
        "pass": bars.iter().all(met),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_bar_fails_and_shows_in_the_line() {
        let bars = [Bar { name: "a", measured: 1.0, at_most: 2.0 }, Bar { name: "b", measured: 3.0, at_most: 2.5 }];
        assert_eq!(close("demo", &bars), Err("bars missed: b".to_owned()));
        let line: serde_json::Value = serde_json::from_str(&json_line("demo", &bars)).expect("valid JSON");
        assert_eq!(line["bars"]["b"], 2.5);
        assert_eq!(line["pass"], false);
        assert_eq!(close("demo", &bars[..1]), Ok(()));
    }

    #[test]
    fn what_is_not_a_number_misses_its_bar() {
        assert!(!met(&Bar { name: "a", measured: f64::NAN, at_most: 1.0 }));
    }
}
