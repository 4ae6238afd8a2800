//! Places where a test may kill or freeze this very process.
//!
//! Only with the feature `failpoints`; a normal build holds neither the code nor the names.
//! `LEADRAIL_FAILPOINT=journal.before_send=kill@3` kills the process (`kill -9`) at the third pass,
//! `...=stop@1` freezes it (`SIGSTOP`), `...=stop%7` at every seventh, `...=kill:KEY` whenever the run
//! with this key passes.

/// Passes a failpoint.
#[cfg(not(feature = "failpoints"))]
#[macro_export]
#[doc(hidden)]
macro_rules! failpoint {
    ($name:literal) => {};
    ($name:literal, $key:expr) => {};
}

/// Passes a failpoint.
#[cfg(feature = "failpoints")]
#[macro_export]
#[doc(hidden)]
macro_rules! failpoint {
    ($name:literal) => {
        $crate::failpoint::pass($name, None)
    };
    ($name:literal, $key:expr) => {
        $crate::failpoint::pass($name, $key)
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
        when: When,
        passes: AtomicU64,
    }

    enum When {
        /// At the pass of this number.
        Once(u64),
        /// At every pass of a number divisible by this.
        Every(u64),
        /// Whenever the run with this key passes.
        Key(String),
    }

    static ARMED: LazyLock<Option<Armed>> =
        LazyLock::new(|| parse(&std::env::var("LEADRAIL_FAILPOINT").ok()?));

    fn parse(text: &str) -> Option<Armed> {
        let (name, action) = text.split_once('=')?;
        let at = action.find(['@', '%', ':'])?;
        let signal = match &action[..at] {
            "kill" => Signal::KILL,
            "stop" => Signal::STOP,
            _ => return None,
        };
        Some(Armed {
            name: name.to_owned(),
            signal,
            when: when(&action[at..])?,
            passes: AtomicU64::new(0),
        })
    }

    fn when(text: &str) -> Option<When> {
        let (sign, rest) = text.split_at(1);
        let turn = || rest.parse().ok().filter(|turn| *turn > 0);
        match sign {
            "@" => turn().map(When::Once),
            "%" => turn().map(When::Every),
            _ => Some(When::Key(rest.to_owned())),
        }
    }

    /// Kills or freezes the process if this failpoint is armed and its turn has come.
    pub fn pass(name: &str, key: Option<&str>) {
        let Some(armed) = ARMED.as_ref().filter(|armed| armed.name == name) else {
            return;
        };
        let pass = armed.passes.fetch_add(1, Ordering::SeqCst) + 1;
        let due = match &armed.when {
            When::Once(turn) => pass == *turn,
            When::Every(turn) => pass.is_multiple_of(*turn),
            When::Key(wanted) => key == Some(wanted),
        };
        if due {
            // If the signal cannot be sent the test sees that nothing happened, and fails.
            let _ = kill_process(getpid(), armed.signal);
        }
    }
}
