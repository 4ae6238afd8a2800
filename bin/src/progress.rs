//! Progress on standard error: a bar on a terminal, a plain line now and then otherwise.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

/// How often a plain line is printed at most.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// Progress towards a number that may not be known yet.
pub(crate) struct Progress {
    what: &'static str,
    bar: Option<ProgressBar>,
    total: Option<u64>,
    printed: Instant,
    /// The last plain line: the same again says nothing.
    said: String,
}

impl Progress {
    /// Begins. `what` is what is counted, such as `leads`.
    pub(crate) fn start(what: &'static str, total: Option<u64>) -> Self {
        let bar = io::stderr().is_terminal().then(|| bar(what, total));
        Self {
            what,
            bar,
            total,
            printed: Instant::now(),
            said: String::new(),
        }
    }

    /// Shows how far it is, and a few words on how it goes.
    pub(crate) fn show(&mut self, done: u64, words: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(words.to_owned());
        } else if self.printed.elapsed() >= LINE_EVERY {
            self.printed = Instant::now();
            let line = self.plain(done, words);
            if line != self.said {
                eprintln!("{line}");
                self.said = line;
            }
        }
    }

    /// Lets something else be printed without spoiling the bar.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Ends, leaving nothing on the screen.
    pub(crate) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn plain(&self, done: u64, words: &str) -> String {
        let of = self.total.map(|total| format!(" of {total}"));
        let of = of.unwrap_or_default();
        match words {
            "" => format!("{done}{of} {}", self.what),
            words => format!("{done}{of} {}: {words}", self.what),
        }
    }
}

fn bar(what: &str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            format!("{{bar:30}} {{pos}} of {{len}} {what} {{elapsed}} {{msg}}"),
        ),
        None => (
            ProgressBar::new_spinner(),
            format!("{{spinner}} {{pos}} {what} {{elapsed}} {{msg}}"),
        ),
    };
    let style = ProgressStyle::with_template(&template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_says_how_far_it_is() {
        let progress = |total| Progress {
            what: "leads",
            bar: None,
            total,
            printed: Instant::now(),
            said: String::new(),
        };
        assert_eq!(progress(Some(10)).plain(3, ""), "3 of 10 leads");
        let line = progress(None).plain(3, "1 retrying");
        assert_eq!(line, "3 leads: 1 retrying");
    }
}
