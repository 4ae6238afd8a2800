//! Keeps secrets out of core dumps.

use rustix::process::{Resource, Rlimit, setrlimit};

/// From now on this process leaves no core dump, whatever becomes of it: its memory has keys. On Linux
/// nobody but root looks into it either, for a limit does not hold where a program collects the dumps.
pub(crate) fn forbid() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // A system that knows neither has no other way to forbid it.
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
