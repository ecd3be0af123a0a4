//! How far a long command has come, on a terminal.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// How often the line is written anew: as often as one can read it.
const REFRESH: Duration = Duration::from_millis(100);

/// Characters of the bar.
const BAR: usize = 24;

/// A line on standard error that tells how far a command has come. Nothing where standard error is
/// no terminal.
pub struct Progress {
    what: &'static str,
    total: Option<usize>,
    done: usize,
    began: Instant,
    written: Option<Instant>,
    shown: bool,
}

impl Progress {
    /// Nothing of `total` is done yet; `None` where nobody knows how much there is.
    pub fn new(what: &'static str, total: Option<usize>, shown: bool) -> Progress {
        let shown = shown && io::stderr().is_terminal();
        Progress { what, total, done: 0, began: Instant::now(), written: None, shown }
    }

    /// `more` are done.
    pub fn add(&mut self, more: usize) {
        self.done += more;
        if self.shown && self.written.is_none_or(|at| at.elapsed() >= REFRESH) {
            self.written = Some(Instant::now());
            self.write(&line(self.what, self.done, self.total, self.began.elapsed()));
        }
    }

    /// Writes over the last line, which was perhaps longer.
    fn write(&self, text: &str) {
        // Without a standard error there is nobody to tell.
        let _ = write!(io::stderr().lock(), "\r\x1b[K{text}");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.written.is_some() {
            self.write("");
        }
    }
}

fn line(what: &str, done: usize, total: Option<usize>, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let Some(total) = total.filter(|total| done <= *total && *total > 0) else {
        return format!("{what} {done} ({rate:.0}/s)");
    };
    let filled = BAR * done / total;
    let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR - filled));
    let left = (total - done) as f64 / rate.max(1.0);
    format!("{what} [{bar}] {done}/{total} ({rate:.0}/s, {left:.0} s left)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_how_much_how_fast_and_how_long() {
        let told = line("Importing", 500, Some(1000), Duration::from_secs(2));
        assert_eq!(told, "Importing [############............] 500/1000 (250/s, 2 s left)");
        assert_eq!(line("Exporting", 500, None, Duration::from_secs(2)), "Exporting 500 (250/s)");
        assert!(line("Importing", 0, Some(0), Duration::ZERO).starts_with("Importing 0 "));
    }
}
