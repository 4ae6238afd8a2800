//! How a command ends badly.

use leadrail_desk::DeskError;
use std::io;
use std::process::ExitCode;

/// The command was used wrongly: exit code 2. The text says how to use it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// The command failed and has said so in its output: exit code 1 and no further word.
#[derive(Debug, thiserror::Error)]
#[error("the command failed")]
pub(crate) struct Said;

/// A wrong use, to be returned.
pub(crate) fn usage(text: impl Into<String>) -> anyhow::Error {
    Usage(text.into()).into()
}

/// Prints the error as one sentence on standard error and gives the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        // Whoever reads us has seen enough, as `head` does.
        return ExitCode::SUCCESS;
    }
    if !error.is::<Said>() {
        eprintln!("leadrail: {}", sentence(error));
    }
    ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
}

/// The error and its causes in one line.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    leadrail_desk::sentence(error.as_ref())
}

/// What the desk did not do: a wrong use where whoever asked can ask better. A database error keeps its
/// own shape, so that it is known whether it passes.
pub(crate) fn told(error: DeskError) -> anyhow::Error {
    match error {
        DeskError::Database(error) => error.into(),
        error if error.is_wrong_use() => usage(leadrail_desk::sentence(&error)),
        error => error.into(),
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn an_error_is_one_line_and_says_nothing_twice() {
        let inner = anyhow::anyhow!("first\nsecond");
        let error = Err::<(), _>(inner)
            .context("the outer, because: first second")
            .unwrap_err();
        assert_eq!(sentence(&error), "the outer, because: first second");
        let error = Err::<(), _>(anyhow::anyhow!("no route"))
            .context("the database is away")
            .unwrap_err();
        assert_eq!(sentence(&error), "the database is away: no route");
    }
}
