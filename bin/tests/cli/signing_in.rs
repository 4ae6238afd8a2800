//! Providers and sign-ins on the command line.

use crate::kit::Cli;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_set_from_standard_input_listed_without_its_secret_and_removed() {
    let cli = Cli::migrated()
        .await
        .with("LEADRAIL_PUBLIC_URL", "https://leads.example.com/in");
    let set = [
        "provider",
        "set",
        "jobber",
        "--client-id",
        "client-1",
        "--json",
    ];
    let set = cli.run_with(&set, "canary-secret\n").well();
    assert_eq!(set.json()["client_id"], "client-1");
    assert!(!set.out.contains("canary") && !set.err.contains("canary"));
    let listed = cli.run(&["provider", "list", "--json"]).well().json();
    let all = listed.as_array().expect("an array");
    let jobber: &Value = all
        .iter()
        .find(|one| one["name"] == "jobber")
        .expect("Jobber");
    assert_eq!(
        jobber["redirect_uri"],
        "https://leads.example.com/in/oauth/jobber/callback"
    );
    assert_eq!(jobber["clients"][0]["environment"], "production");
    assert!(!listed.to_string().contains("canary"));
    let table = cli.run(&["provider", "list"]).well().out;
    assert!(
        table.contains("client-1") && table.contains("client_credentials"),
        "{table}"
    );
    cli.run_with(&["provider", "set", "nobody", "--client-id", "x"], "y")
        .refused(2, "provider");
    cli.run_with(&["provider", "set", "jobber", "--client-id", "x"], "")
        .refused(2, "client_secret");
    let removed = cli.run(&["provider", "remove", "jobber", "--json"]).well();
    assert_eq!(
        removed.json(),
        json!({"provider": "jobber", "removed": true})
    );
    let again = cli.run(&["provider", "remove", "jobber", "--json"]).well();
    assert_eq!(again.json()["removed"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_begun_by_a_link_and_says_what_it_lacks() {
    let cli = Cli::migrated().await;
    let begin = [
        "connection",
        "sign-in",
        "--account",
        "acme",
        "--crm",
        "jobber",
    ];
    cli.run(&begin).refused(2, "public_url");
    let cli = cli.with("LEADRAIL_PUBLIC_URL", "https://leads.example.com");
    cli.run(&begin).refused(2, "provider set");
    cli.run_with(&["provider", "set", "jobber", "--client-id", "x"], "y")
        .well();
    let begun = cli.run(&begin).well();
    let link = begun.out.trim_end();
    assert!(
        link.starts_with("https://leads.example.com/oauth/jobber/start/"),
        "{link}"
    );
    assert!(begun.err.contains("pending"), "{}", begun.err);
    let shown = cli
        .run(&["connection", "list", "--state", "pending"])
        .well()
        .out;
    assert!(shown.contains("acme"), "{shown}");
    cli.run(&[
        "connection",
        "sign-in",
        "--account",
        "acme",
        "--crm",
        "servicetitan",
    ])
    .refused(2, "client_credentials");
    cli.run_with(
        &["connection", "add", "--account", "acme", "--crm", "jobber"],
        "x",
    )
    .refused(2, "connection sign-in");
    cli.with("LEADRAIL_PUBLIC_URL", "http://leads.example.com")
        .run(&begin)
        .refused(2, "public_url");
}
