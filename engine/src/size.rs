//! How large a stored value may be.
//!
//! Refused where it comes in, with the limit named: a value that PostgreSQL would take but every
//! later reading would choke on helps nobody, and nothing oversized is retried.

use crate::workflow::WorkflowError;

/// The most bytes of JSON that one input, result, signal, side value or published value may have.
/// The tables hold to the same for inputs and signals.
pub const LARGEST_VALUE: usize = 1 << 20;

/// Refuses JSON of more than [`LARGEST_VALUE`] bytes.
pub(crate) fn check(what: &str, json: &str) -> Result<(), WorkflowError> {
    match too_large(what, json) {
        Some(message) => Err(WorkflowError::new("too_large", message)),
        None => Ok(()),
    }
}

/// What is wrong with the size of this JSON, if something is.
pub(crate) fn too_large(what: &str, json: &str) -> Option<String> {
    let bytes = json.len();
    (bytes > LARGEST_VALUE).then(|| {
        format!(
            "the {what} has {bytes} bytes of JSON and the limit is {LARGEST_VALUE}; store it elsewhere and pass where it is"
        )
    })
}
