//! A key that dies at the CRM is found before the next lead, and its connection goes on under its id.

use crate::kit::{Cli, connect, crm, lead, post, sql};
use serde_json::{Value, json};

fn tokens(sim: &str, change: &Value) {
    let answer = post(sim, "/_sim/housecall_pro/tokens", &change.to_string());
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}

/// Asks until the answer is as it should be; fails after a while.
fn until(cli: &Cli, arguments: &[&str], well: impl Fn(&Value) -> bool) -> Value {
    let began = std::time::Instant::now();
    loop {
        let answer = cli.run(arguments).well().json();
        if well(&answer) {
            return answer;
        }
        assert!(began.elapsed().as_secs() < 60, "{arguments:?}: {answer}");
    }
}

#[tokio::test]
async fn a_dead_key_is_found_before_the_next_lead_and_a_reconnect_lets_what_waited_go() {
    let cli = Cli::migrated().await;
    let (_crm, url) = crm(&cli);
    let (sim, _) = url["http://".len()..].split_once('/').expect("a path");
    connect(&cli, &url, &[]);
    let mut worker = cli.serve(&["worker"]);
    assert_eq!(worker.stop().code, 0);
    tokens(sim, &json!({"revoke": {"key": "sim-acme"}}));
    sql(
        &cli,
        "update leadrail.clock set shift = shift + interval '2 hours'",
    )
    .await;

    let _worker = cli.serve(&["worker"]);
    let refused = ["connection", "list", "--state", "needs_reauth", "--json"];
    let listed = until(&cli, &refused, |listed| *listed != json!([]));
    let id = listed[0]["id"].as_str().expect("an id");
    assert!(
        listed[0]["state_reason"]
            .as_str()
            .is_some_and(|why| !why.is_empty())
    );
    assert_eq!(
        cli.run(&["lead", "list", "--json"]).well().json(),
        json!([])
    );
    // It fails for the clock that was shifted, and for nothing else.
    let checks = cli.run(&["doctor", "--json"]).json();
    let mut checks = checks.as_array().expect("checks").iter();
    let said = checks.find(|check| check["name"] == "connections");
    let said = said.expect("a check");
    let detail = said["detail"].as_str().expect("words");
    assert!(
        detail.contains(id) && detail.contains("must be connected again"),
        "{detail}"
    );

    let (later, urgent) = (lead(1, "acme"), lead(2, "acme"));
    for lead in [later, urgent] {
        cli.run_with(&["lead", "push", "-"], &lead.to_string())
            .well();
    }
    let waiting = ["lead", "list", "--state", "waiting", "--json"];
    until(&cli, &waiting, |listed| {
        listed.as_array().is_some_and(|all| all.len() == 2)
    });

    let reconnect = ["connection", "reconnect", id, "--json"];
    cli.run_with(&reconnect, "still-wrong")
        .refused(1, "does not accept");
    tokens(
        sim,
        &json!({"allow": {"key": "fresh-key", "company": "acme"}}),
    );
    let again = cli.run_with(&reconnect, "fresh-key\n").well().json();
    assert_eq!(
        (&again["id"], &again["state"]),
        (&json!(id), &json!("active"))
    );
    assert_eq!(again["released"], 2);
    assert!(again["last_verified_at"].is_string());
    sql(
        &cli,
        "update leadrail.clock set shift = shift + interval '1 minute'",
    )
    .await;
    let completed = ["lead", "list", "--state", "completed", "--json"];
    until(&cli, &completed, |listed| {
        listed.as_array().is_some_and(|all| all.len() == 2)
    });
    let audit = cli.run(&["audit", "--subject", id, "--action", "connection.reconnect"]);
    let audit = audit.well().out;
    assert!(audit.contains("needs_reauth -> active"), "{audit}");
}
