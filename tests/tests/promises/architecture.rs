//! Dependencies point one way, and the test tools stay out of the product.

use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each room and what of ours it may use.
const ROOMS: [(&str, &[&str]); 16] = [
    ("leadrail-lead", &[]),
    ("leadrail-engine", &[]),
    ("leadrail-outbound", &[]),
    ("leadrail-postgres", &[]),
    ("leadrail-adapters", &["leadrail-outbound", "leadrail-lead"]),
    (
        "leadrail-connections",
        &[
            "leadrail-adapters",
            "leadrail-engine",
            "leadrail-outbound",
            "leadrail-lead",
        ],
    ),
    (
        "leadrail-activities",
        &[
            "leadrail-engine",
            "leadrail-connections",
            "leadrail-adapters",
            "leadrail-lead",
        ],
    ),
    (
        "leadrail-workflows",
        &[
            "leadrail-activities",
            "leadrail-engine",
            "leadrail-connections",
            "leadrail-adapters",
            "leadrail-outbound",
            "leadrail-lead",
        ],
    ),
    (
        "leadrail-desk",
        &[
            "leadrail-workflows",
            "leadrail-activities",
            "leadrail-engine",
            "leadrail-connections",
            "leadrail-adapters",
            "leadrail-outbound",
            "leadrail-lead",
        ],
    ),
    (
        "leadrail-server",
        &[
            "leadrail-desk",
            "leadrail-workflows",
            "leadrail-engine",
            "leadrail-connections",
            "leadrail-lead",
        ],
    ),
    ("leadrail-client", &["leadrail-lead"]),
    ("leadrail-crm-sim", &["leadrail-lead"]),
    (
        "leadrail-rig",
        &[
            "leadrail-server",
            "leadrail-desk",
            "leadrail-outbound",
            "leadrail-workflows",
            "leadrail-activities",
            "leadrail-engine",
            "leadrail-connections",
            "leadrail-adapters",
            "leadrail-lead",
            "leadrail-crm-sim",
            "leadrail-postgres",
        ],
    ),
    (
        "leadrail-bench",
        &[
            "leadrail-rig",
            "leadrail-server",
            "leadrail-desk",
            "leadrail-connections",
            "leadrail-outbound",
            "leadrail-lead",
            "leadrail-engine",
        ],
    ),
    (
        "leadrail",
        &[
            "leadrail-server",
            "leadrail-desk",
            "leadrail-workflows",
            "leadrail-activities",
            "leadrail-engine",
            "leadrail-connections",
            "leadrail-adapters",
            "leadrail-outbound",
            "leadrail-lead",
            "leadrail-crm-sim",
            "leadrail-postgres",
            "leadrail-rig",
            "leadrail-bench",
        ],
    ),
    (
        "leadrail-tests",
        &[
            "leadrail",
            "leadrail-client",
            "leadrail-rig",
            "leadrail-engine",
            "leadrail-postgres",
        ],
    ),
];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
            "--locked",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Our crates and their dependencies among us, those for tests left out.
fn graph() -> HashMap<String, Vec<(String, bool)>> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let graph = packages.iter().map(|package| {
        let dependencies = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter();
        let ours = dependencies
            .filter(|dependency| dependency["path"].is_string() && dependency["kind"] != "dev")
            .map(|dependency| {
                let tools = dependency["features"].as_array().is_some_and(|features| {
                    features
                        .iter()
                        .any(|feature| feature == "testing" || feature == "failpoints")
                });
                (
                    dependency["name"].as_str().expect("a name").to_owned(),
                    tools,
                )
            });
        (
            package["name"].as_str().expect("a name").to_owned(),
            ours.collect(),
        )
    });
    graph.collect()
}

#[test]
fn every_room_uses_only_the_rooms_above_it() {
    let graph = graph();
    assert_eq!(
        graph.len(),
        ROOMS.len(),
        "a room is missing from the list: {:?}",
        graph.keys()
    );
    for (room, may_use) in ROOMS {
        for (used, _) in &graph[room] {
            assert!(
                may_use.contains(&used.as_str()),
                "{room} must not use {used}"
            );
        }
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => rust_files(&path, found),
            false if path.extension().is_some_and(|end| end == "rs") => found.push(path),
            false => {}
        }
    }
}

#[test]
fn the_doors_translate_and_have_no_sql() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for door in ["server/src", "bin/src"] {
        rust_files(&root.join(door), &mut files);
    }
    assert!(files.len() > 50, "the doors are elsewhere: {files:?}");
    for file in files {
        let name = file.strip_prefix(&root).expect("below").with_extension("");
        let text = fs::read_to_string(&file).expect("text");
        for sql in [
            "sqlx::query",
            "sqlx::raw_sql",
            "query!(",
            "query_as!(",
            "query_scalar!(",
        ] {
            assert!(!text.contains(sql), "{} has SQL: {sql}", name.display());
        }
    }
}

#[test]
fn the_product_is_built_without_failpoints_and_test_servers() {
    for (room, dependencies) in graph() {
        if room == "leadrail-tests" {
            continue;
        }
        for (used, tools) in dependencies {
            assert!(!tools, "{room} asks {used} for test tools");
        }
    }
}
