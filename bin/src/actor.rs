//! Who runs a command.

use leadrail_desk::Actor;

/// The user of the operating system that runs this process.
pub(crate) fn command_line() -> Actor {
    let user = rustix::process::getuid().as_raw();
    Actor::CommandLine { user }
}
