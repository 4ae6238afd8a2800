//! `leadrail chaos`, small: the product withstands it, and it notices each safeguard that is missing.
//!
//! One after another, because each starts a database, four workers and a CRM of its own.

use serde_json::Value;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

const PROGRAM: &str = env!("CARGO_BIN_EXE_leadrail-under-test");
/// The same blows each time; another seed is as good.
const SEED: &str = "20260401";

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs it to its end: whether it was content, its verdict, and all that it said.
fn chaos(arguments: &[&str]) -> (bool, Value, String) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
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

#[test]
fn nothing_is_lost_or_doubled_while_workers_database_and_crm_fail() {
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

#[test]
fn without_looking_in_the_crm_first_leads_are_doubled_and_it_is_seen() {
    let (content, verdict, said) = chaos(&["--without", "look"]);
    assert!(content, "{said}");
    assert!(is_violated(&verdict, "doubled"), "{said}");
}

#[test]
fn without_the_fence_stale_writes_are_applied_and_it_is_seen() {
    let (content, verdict, said) = chaos(&["--without", "fence"]);
    assert!(content, "{said}");
    assert!(is_violated(&verdict, "stale_writes_applied"), "{said}");
}

#[test]
fn without_a_settle_time_late_effects_are_doubled_and_it_is_seen() {
    let (content, verdict, said) = chaos(&["--without", "settle"]);
    assert!(content, "{said}");
    assert!(is_violated(&verdict, "doubled"), "{said}");
}
