//! What to do about more than one of what should be there once: say so. Merging is for people.

use leadrail_engine::{Attempt, Found};

/// Takes the oldest of what a look-up found. More than one is reported.
pub(crate) fn oldest<T>(attempt: &Attempt, step: &'static str, found: Vec<T>) -> Found<T> {
    report(attempt, step, found.len());
    found.into_iter().next().map_or(Found::No, Found::Yes)
}

/// Counts and logs a duplicate, if that is what was found.
pub(crate) fn report(attempt: &Attempt, step: &'static str, found: usize) {
    if found < 2 {
        return;
    }
    metrics::counter!("leadrail_duplicates_detected_total", "activity" => step).increment(1);
    tracing::warn!(run.id = %attempt.run_id, activity = step, found, "A CRM has {found} records of one {step}; a person should merge them");
}
