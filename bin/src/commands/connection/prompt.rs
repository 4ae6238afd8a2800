//! Asks for a secret at a terminal, without showing what is typed.

use anyhow::Context as _;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use std::io::{self, BufRead as _, Write as _};

/// A terminal that shows nothing of what is typed, until it is dropped.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
        // The end of the line was not shown either.
        eprintln!();
    }
}

/// One line that a person types. `what` is what the CRM calls it.
pub(crate) fn secret(what: &str) -> anyhow::Result<SecretString> {
    let _hidden = Hidden::begin().context("the terminal cannot be kept from showing the secret")?;
    eprint!("{what} (not shown): ");
    io::stderr().flush()?;
    // All the room at once: a growing text would leave copies of the secret behind.
    let mut line = String::with_capacity(64 * 1024);
    io::stdin().lock().read_line(&mut line)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(SecretString::from(line))
}
