//! Places where a test may kill or freeze this very process.
//!
//! Only with the feature `failpoints`; a normal build holds neither the code nor the names.
//! `LEADRAIL_FAILPOINT=journal.before_send=kill@3` kills the process (`kill -9`) at the third pass,
//! `...=stop@1` freezes it (`SIGSTOP`), `...=stop%7` at every seventh.

/// Passes a failpoint.
#[cfg(not(feature = "failpoints"))]
#[macro_export]
#[doc(hidden)]
macro_rules! failpoint {
    ($name:literal) => {};
}

/// Passes a failpoint.
#[cfg(feature = "failpoints")]
#[macro_export]
#[doc(hidden)]
macro_rules! failpoint {
    ($name:literal) => {
        $crate::failpoint::pass($name)
    };
}

#[cfg(feature = "failpoints")]
pub use armed::pass;

#[cfg(feature = "failpoints")]
mod armed {
    use rustix::process::{Signal, getpid, kill_process};
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Armed {
        name: String,
        signal: Signal,
        turn: u64,
        repeats: bool,
        passes: AtomicU64,
    }

    static ARMED: LazyLock<Option<Armed>> =
        LazyLock::new(|| parse(&std::env::var("LEADRAIL_FAILPOINT").ok()?));

    fn parse(text: &str) -> Option<Armed> {
        let (name, action) = text.split_once('=')?;
        let at = action.find(['@', '%'])?;
        let signal = match &action[..at] {
            "kill" => Signal::KILL,
            "stop" => Signal::STOP,
            _ => return None,
        };
        Some(Armed {
            name: name.to_owned(),
            signal,
            turn: action[at + 1..].parse().ok().filter(|turn| *turn > 0)?,
            repeats: action[at..].starts_with('%'),
            passes: AtomicU64::new(0),
        })
    }

    /// Kills or freezes the process if this failpoint is armed and its turn has come.
    pub fn pass(name: &str) {
        let Some(armed) = ARMED.as_ref().filter(|armed| armed.name == name) else {
            return;
        };
        let pass = armed.passes.fetch_add(1, Ordering::SeqCst) + 1;
        let due = if armed.repeats {
            pass.is_multiple_of(armed.turn)
        } else {
            pass == armed.turn
        };
        if due {
            // If the signal cannot be sent the test sees that nothing happened, and fails.
            let _ = kill_process(getpid(), armed.signal);
        }
    }
}
