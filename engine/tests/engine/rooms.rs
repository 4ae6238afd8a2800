//! Where SQL stands, as `store.rs` says.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms and files that have SQL of their own.
const ROOMS: [&str; 8] = [
    "store/",
    "engine/",
    "engine.rs",
    "cron/",
    "journal/postgres",
    "hosts.rs",
    "hosts/",
    "migrate/",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let nested = paths.flat_map(|path| match path.is_dir() {
        true => sources(&path),
        false => vec![path],
    });
    nested.collect()
}

#[test]
fn what_a_run_does_decides_and_remembers_is_free_of_sql() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let with_sql: Vec<_> = sources(&root)
        .into_iter()
        .filter(|path| {
            let text = fs::read_to_string(path).expect("a source file");
            text.contains("sqlx::query")
        })
        .map(|path| {
            let path = path.strip_prefix(&root).expect("inside");
            path.to_str().expect("a name").to_owned()
        })
        .collect();
    assert!(with_sql.len() > ROOMS.len(), "{with_sql:?}");
    for path in with_sql {
        let known = ROOMS.iter().any(|room| path.starts_with(room));
        assert!(known, "{path} has SQL, and store.rs does not say so");
    }
}
