//! What a panic may say.

use std::any::Any;
use std::panic::{self, PanicHookInfo};

/// From now on a panic tells where it was and only such words as stand in the program text. A
/// formatted message could quote a lead.
pub(crate) fn redact() {
    panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(panic.at = %place, "A panic at {place}: {}", words(info));
        if !tracing::enabled!(tracing::Level::ERROR) {
            eprintln!("leadrail: a panic at {place}: {}", words(info));
        }
    }));
}

fn words<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    literal(info.payload()).unwrap_or("its message is withheld, it may hold personal data")
}

/// A text that was written by a programmer, as opposed to one that was put together.
fn literal(payload: &(dyn Any + Send)) -> Option<&'static str> {
    payload.downcast_ref::<&'static str>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_programs_own_words_are_shown() {
        let caught = panic::catch_unwind(|| panic!("the lock is poisoned")).unwrap_err();
        assert_eq!(literal(&*caught), Some("the lock is poisoned"));
        let phone = "+13055550182";
        let caught = panic::catch_unwind(|| panic!("cannot call {phone}")).unwrap_err();
        assert_eq!(literal(&*caught), None);
    }
}
