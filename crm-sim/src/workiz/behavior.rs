//! What readers of Workiz's API disagree about, and how often a company may ask.

use std::time::{Duration, Instant};

use serde_json::Value;

/// How an account behaves where nobody knows.
#[derive(Clone, Copy, Default)]
pub(super) struct Behavior {
    pub(super) offset: Offset,
    pub(super) lists: Lists,
    pub(super) empty: Empty,
}

/// What `offset` counts.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Offset {
    #[default]
    Rows,
    Pages,
}

/// What a list is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Lists {
    /// `{"flag": true, "data": [..], "has_more": false, "found": 0, "code": 200}`.
    #[default]
    Wrapped,
    /// `[..]`.
    Bare,
}

/// What an empty list is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Empty {
    #[default]
    List,
    NoContent,
    NotFound,
}

/// Changes what is named; the error is a sentence.
pub(super) fn change(behavior: &mut Behavior, wanted: &Value) -> Result<(), String> {
    let mut changed = *behavior;
    for (name, value) in wanted.as_object().into_iter().flatten() {
        match (name.as_str(), value.as_str().unwrap_or_default()) {
            ("offset", "rows") => changed.offset = Offset::Rows,
            ("offset", "pages") => changed.offset = Offset::Pages,
            ("lists", "wrapped") => changed.lists = Lists::Wrapped,
            ("lists", "bare") => changed.lists = Lists::Bare,
            ("empty", "list") => changed.empty = Empty::List,
            ("empty", "no_content") => changed.empty = Empty::NoContent,
            ("empty", "not_found") => changed.empty = Empty::NotFound,
            _ => return Err(format!("nobody behaves by {name} like that")),
        }
    }
    *behavior = changed;
    Ok(())
}

/// How long a window of calls is.
const WINDOW: Duration = Duration::from_secs(60);

/// The calls of a company in a minute.
#[derive(Default)]
pub(super) struct Rate {
    most: Option<u64>,
    window: Option<(Instant, u64)>,
}

impl Rate {
    /// So many from now on; without a number it stays as it is.
    pub(super) fn set(&mut self, most: Option<u64>) {
        self.most = most.or(self.most);
        self.window = None;
    }

    /// Counts a call, and says whether it is answered.
    pub(super) fn admits(&mut self) -> bool {
        let now = Instant::now();
        let (began, used) = match self.window {
            Some((began, used)) if now.duration_since(began) < WINDOW => (began, used + 1),
            _ => (now, 1),
        };
        self.window = Some((began, used));
        self.most.is_none_or(|most| used <= most)
    }
}
