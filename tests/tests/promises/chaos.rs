//! `leadrail chaos`, small: the product withstands it, and it notices each safeguard that is missing.

use crate::PROGRAM;
use serde_json::Value;
use std::process::{Command, Stdio};

/// The same blows each time; another seed is as good.
const SEED: &str = "20260401";

/// Runs it to its end: whether it was content, its verdict, and all that it said.
fn chaos(arguments: &[&str]) -> (bool, Value, String) {
    let ran = Command::new(PROGRAM)
        .args(["chaos", "--seed", SEED, "--json"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the command starts");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let verdict = serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{said}"));
    (ran.status.success(), verdict, said)
}

fn figure(verdict: &Value, name: &str) -> u64 {
    let figure = verdict["figures"][name].as_u64();
    figure.unwrap_or_else(|| panic!("{name} is missing: {verdict:#}"))
}

fn is_violated(verdict: &Value, name: &str) -> bool {
    let violated = verdict["violated"].as_array().expect("a list");
    violated.iter().any(|violated| violated == name)
}

fn a_small_run_holds() {
    let (content, verdict, said) = chaos(&["--leads", "300"]);
    assert!(content, "{said}");
    assert_eq!(verdict["violated"], serde_json::json!([]), "{said}");
    assert_eq!(figure(&verdict, "accepted"), 300);
    assert_eq!(
        (figure(&verdict, "lost"), figure(&verdict, "doubled")),
        (0, 0)
    );
    assert!(
        figure(&verdict, "kills") >= 5 && figure(&verdict, "takeovers") >= 5,
        "{said}"
    );
}

fn is_seen(without: &str, figure: &str) {
    let (content, verdict, said) = chaos(&["--without", without]);
    assert!(content, "{said}");
    assert!(is_violated(&verdict, figure), "{said}");
}

/// One after another, because each starts a database, four workers and a CRM of its own.
#[test]
fn nothing_is_lost_or_doubled_in_chaos_and_each_missing_safeguard_is_noticed() {
    a_small_run_holds();
    is_seen("look", "doubled");
    is_seen("fence", "stale_writes_applied");
    is_seen("settle", "doubled");
}
