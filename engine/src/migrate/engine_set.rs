//! The engine's own tables and functions.

use super::{Set, SqlFile};
use std::sync::LazyLock;

/// A file of `engine/sql/` by its name there.
macro_rules! sql {
    ($name:literal) => {
        SqlFile::new($name, include_str!(concat!("../../sql/", $name)))
    };
}

/// The engine's set, from `engine/migrations/` and `engine/sql/`.
pub static ENGINE: LazyLock<Set> = LazyLock::new(|| {
    // The defaults of the tables name leadrail.now(), so the clock comes before them.
    let first = vec![sql!("clock.sql")];
    let functions = vec![
        sql!("cancel.sql"),
        sql!("claim.sql"),
        sql!("doubt.sql"),
        sql!("enqueue.sql"),
        sql!("forget.sql"),
        sql!("gates.sql"),
        sql!("housekeeping.sql"),
        sql!("journal.sql"),
        sql!("lanes.sql"),
        sql!("letters.sql"),
        sql!("locks.sql"),
        sql!("partitions.sql"),
        sql!("replay.sql"),
        sql!("revive.sql"),
        sql!("states.sql"),
        sql!("wall.sql"),
        sql!("workers.sql"),
    ];
    Set::new("engine", sqlx::migrate!("./migrations"), functions).with_first(first)
});
