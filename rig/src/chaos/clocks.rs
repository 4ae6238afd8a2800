//! Wrong clocks: one worker lives an hour ago, another in an hour.
//!
//! The product has no switch for that. Where `libfaketime` is installed, those workers are started
//! with it; the clock by which programs wait stays as it is, as on a machine that is set wrong.

use chrono::{DateTime, Utc};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a worker's clock is off by, by its number.
const OFF_BY: [Option<&str>; 3] = [Some("-1h"), None, Some("+1h")];
/// For programs with threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// How many workers have a wrong clock, where it can be done.
pub(super) const WRONG: usize = 2;

/// Sets the clock of a worker that is about to be started.
pub(super) fn set(command: &mut Command, number: usize) {
    let off = OFF_BY.get(number).copied().flatten();
    if let (Some(off), Some(library)) = (off, library()) {
        command
            .env("LD_PRELOAD", library)
            .env("FAKETIME", off)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            // It would stay behind when the worker is killed.
            .env("FAKETIME_DISABLE_SHM", "1");
    }
}

/// Whether clocks can be set wrong on this machine.
pub(super) fn can_be_wrong() -> bool {
    library().is_some()
}

/// By how many hours the times in a log are off; 0 if there are none.
pub(super) fn hours_off(log: &str, now: DateTime<Utc>) -> i64 {
    let times = log.lines().filter_map(|line| {
        let time = line.split_whitespace().next()?;
        DateTime::parse_from_rfc3339(time).ok()
    });
    let hours = times.map(|time| (time.to_utc() - now).as_seconds_f64() / 3_600.0);
    // A run is much shorter than an hour.
    hours
        .map(|hours| hours.round() as i64)
        .find(|hours| *hours != 0)
        .unwrap_or(0)
}

/// Linux only: other systems have another way, or none.
fn library() -> Option<PathBuf> {
    let places = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];
    let below = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten();
    let below = below.map(|folder| folder.path());
    let folders = places.into_iter().map(|place| Path::new(place).to_owned());
    let mut libraries = folders.chain(below).map(|folder| folder.join(LIBRARY));
    libraries.find(|library| cfg!(target_os = "linux") && library.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_by_how_much_its_writers_clock_is_off() {
        let now = "2026-04-01T12:10:00Z".parse().unwrap();
        let log = |hour: u8| format!("what has no time\n2026-04-01T{hour}:03:00.5Z  WARN words\n");
        assert_eq!(hours_off(&log(11), now), -1);
        assert_eq!(hours_off(&log(12), now), 0);
        assert_eq!(hours_off(&log(13), now), 1);
        assert_eq!(hours_off("", now), 0);
    }

    #[test]
    fn as_many_clocks_are_wrong_as_must_be_seen() {
        assert_eq!(OFF_BY.iter().flatten().count(), WRONG);
    }
}
