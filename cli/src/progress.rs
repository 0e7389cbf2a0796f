//! The progress bars: one per architecture, on standard error, gone when it is no terminal.

use std::{io::IsTerminal, sync::Mutex, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::show;

/// One bar per architecture; counts simulated hours.
pub(crate) struct Bars {
    bars: Vec<ProgressBar>,
}

impl Bars {
    pub(crate) fn new(names: &[String], days: u32, quiet: bool) -> Self {
        if quiet {
            return Self { bars: Vec::new() };
        }
        let style = ProgressStyle::with_template("{prefix:>14} {bar:32} day {msg} · {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸ ");
        let all = MultiProgress::new();
        let bars = names
            .iter()
            .map(|name| {
                let bar = all.add(ProgressBar::new(u64::from(days) * 24));
                bar.set_style(style.clone());
                bar.set_prefix(name.clone());
                bar.set_message(format!("0/{days}"));
                bar
            })
            .collect();
        Self { bars }
    }

    /// Architecture `index` has reached this hour of the run.
    pub(crate) fn at(&self, index: usize, hour: u64) {
        if let Some(bar) = self.bars.get(index) {
            bar.set_position(hour);
            let days = bar.length().unwrap_or(0) / 24;
            bar.set_message(format!("{}/{days}", hour / 24));
        }
    }

    pub(crate) fn finish(&self) {
        for bar in &self.bars {
            bar.finish_and_clear();
        }
    }
}

/// One bar that counts simulations of a study; where standard error is no terminal, a line now and then.
pub(crate) struct Count {
    bar: ProgressBar,
    lines: Option<Mutex<Lines>>,
}

/// What a log gets in place of a bar.
struct Lines {
    part: String,
    /// Since the bar began.
    last: Duration,
}

/// Between two lines of a log.
const PAUSE: Duration = Duration::from_secs(30);

impl Count {
    pub(crate) fn new(what: &str, quiet: bool) -> Self {
        if quiet {
            return Self { bar: ProgressBar::hidden(), lines: None };
        }
        let style = ProgressStyle::with_template("{prefix} {bar:32} {pos}/{len} simulations · {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸ ");
        let bar = ProgressBar::new(0).with_style(style);
        bar.set_prefix(what.to_owned());
        let lines = Lines { part: what.to_owned(), last: Duration::ZERO };
        Self { bar, lines: (!std::io::stderr().is_terminal()).then(|| Mutex::new(lines)) }
    }

    /// So many simulations of so many are done.
    pub(crate) fn at(&self, done: usize, planned: usize) {
        self.bar.set_length(planned as u64);
        self.bar.set_position(done as u64);
        let Some(mut lines) = self.lines.as_ref().and_then(|lines| lines.lock().ok()) else { return };
        let elapsed = self.bar.elapsed();
        if elapsed.saturating_sub(lines.last) >= PAUSE {
            lines.last = elapsed;
            let seconds = elapsed.as_secs();
            show::remark(&format!("{}: {done} of {planned} simulations, {seconds} s", lines.part));
        }
    }

    /// The next part begins.
    pub(crate) fn part(&self, what: &str) {
        self.bar.set_prefix(what.to_owned());
        if let Some(mut lines) = self.lines.as_ref().and_then(|lines| lines.lock().ok()) {
            what.clone_into(&mut lines.part);
            show::remark(&format!("{what} ({} s so far)", self.bar.elapsed().as_secs()));
        }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
