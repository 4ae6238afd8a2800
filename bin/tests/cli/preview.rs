use crate::kit::{Cli, example, golden};
use serde_json::Value;

#[test]
fn a_new_caller_is_looked_up_made_a_customer_and_filed() {
    let cli = Cli::new();
    let lead = example(&cli);
    let shown = cli.run(&["lead", "preview", &lead, "--crm", "housecall_pro"]);
    assert_eq!(shown.well().json(), golden("unknown_customer.json"));
}

#[test]
fn a_known_customer_is_not_made_again() {
    let cli = Cli::new();
    let lead = example(&cli);
    let arguments = [
        "lead",
        "preview",
        &lead,
        "--crm",
        "housecall_pro",
        "--known-customer",
        "cus_known",
    ];
    assert_eq!(
        cli.run(&arguments).well().json(),
        golden("known_customer.json")
    );
}

#[test]
fn a_preview_can_go_to_another_address_and_names_links_only_where_there_is_a_public_url() {
    for (public_url, told) in [
        ("", "on request, by the call's id"),
        (
            "https://leads.example.com",
            "Recording: (our link to the recording)",
        ),
    ] {
        let cli = Cli::new().with("LEADRAIL_PUBLIC_URL", public_url);
        let shown = cli.run(&[
            "lead",
            "preview",
            &example(&cli),
            "--crm",
            "housecall_pro",
            "--base-url",
            "http://127.0.0.1:9/housecall_pro",
        ]);
        let shown = shown.well().json();
        let filed = &shown[2];
        assert_eq!(filed["url"], "http://127.0.0.1:9/housecall_pro/leads");
        let note = filed["body"]["note"].as_str().expect("a note");
        assert!(
            note.contains(told) && !note.contains("signature="),
            "{note}"
        );
    }
}

#[test]
fn settings_choose_what_a_call_becomes() {
    let cli = Cli::new();
    let lead = example(&cli);
    let steps = |crm: &str, settings: &str| {
        let shown = cli.run(&[
            "lead",
            "preview",
            &lead,
            "--crm",
            crm,
            "--settings",
            settings,
        ]);
        let shown = shown.well().json();
        let requests = shown.as_array().expect("requests").iter();
        let told = |request: &Value| {
            let text = |field: &str| request[field].as_str().expect("a text").to_owned();
            (text("activity"), text("url"))
        };
        requests.map(told).collect::<Vec<_>>()
    };
    let booking = steps(
        "servicetitan",
        r#"{"tenant_id": 4711, "booking_provider": 99}"#,
    );
    let (label, url) = &booking[1];
    assert_eq!(label, "lead_create");
    assert!(
        url.ends_with("/crm/v2/tenant/4711/booking-provider/99/bookings"),
        "{url}"
    );

    let job = r#"{"tenant_id": 4711, "mode": "job", "business_unit": 22, "job_type": 33,
                  "campaign": 11}"#;
    let job = steps("servicetitan", job)
        .into_iter()
        .map(|(label, _)| label);
    let job: Vec<_> = job.collect();
    assert_eq!(
        job,
        [
            "dedup_lookup",
            "customer_create",
            "lead_create",
            "note_attach"
        ]
    );

    let request = steps("jobber", r#"{"pin_note": true}"#);
    assert_eq!(request.last().expect("a request").0, "note_attach");
}

#[test]
fn settings_that_no_connection_would_have_are_refused_without_repeating_them() {
    let cli = Cli::new();
    let lead = example(&cli);
    let wrong = [
        ("canary", "--settings wants a JSON object"),
        ("[\"canary\"]", "--settings wants a JSON object"),
        ("{}", "tenant_id is required"),
        (
            r#"{"tenant_id": "canary", "booking_provider": 99}"#,
            "tenant_id must be an id",
        ),
        (
            r#"{"tenant_id": 1, "mode": "canary"}"#,
            "mode must be one of: booking, job",
        ),
    ];
    for (settings, words) in wrong {
        let arguments = [
            "lead",
            "preview",
            &lead,
            "--crm",
            "servicetitan",
            "--settings",
            settings,
        ];
        let ran = cli.run(&arguments);
        ran.refused(2, words);
        assert!(!ran.err.contains("canary"), "{}", ran.err);
    }
}

#[test]
fn what_cannot_be_previewed_is_refused_without_repeating_it() {
    let cli = Cli::new();
    let lead = example(&cli);
    cli.run(&["lead", "preview", &lead, "--crm", "nope"])
        .refused(2, "there is: gohighlevel, housecall_pro");
    cli.run(&["lead", "preview", "missing.json", "--crm", "housecall_pro"])
        .refused(2, "missing.json cannot be read");
    let wrong = [
        ("{}", "/event_id"),
        ("", "holds no lead"),
        ("[{},{}]", "more than one"),
        ("{\"event_id\": \"canary\"}", "/event_id"),
    ];
    for (payload, words) in wrong {
        let ran = cli.run_with(&["lead", "preview", "-", "--crm", "housecall_pro"], payload);
        ran.refused(2, words);
        assert!(!ran.err.contains("canary"), "{}", ran.err);
    }
}

#[test]
fn each_mode_of_a_crm_is_previewed_by_name_and_another_is_refused_with_those_there_are() {
    let cli = Cli::new();
    let lead = example(&cli);
    let shown = |mode: &str, settings: &[&str]| {
        let arguments = ["lead", "preview", &lead, "--crm", "servicetitan", "--mode"];
        cli.run(&[&arguments[..], &[mode], settings].concat())
    };
    let sent_to = |shown: &Value, path: &str| {
        let shown = shown.as_array().expect("requests");
        shown.iter().any(|request| {
            let url = request["url"].as_str().expect("a URL");
            request["method"] == "POST" && url.contains(path)
        })
    };
    assert!(sent_to(&shown("job", &[]).well().json(), "/jobs"));
    assert!(!sent_to(&shown("booking", &[]).well().json(), "/jobs"));
    let settings = r#"{"tenant_id": 1, "booking_provider": 9, "mode": "booking", "business_unit": 22,
        "job_type": 33, "campaign": 11}"#;
    let over = shown("job", &["--settings", settings]);
    assert!(sent_to(&over.well().json(), "/jobs"));
    shown("deal", &[]).refused(2, "booking, job");
}
