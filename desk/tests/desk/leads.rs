//! Leads: finding the one that is meant, listing them, stopping one.

use crate::kit::{Room, event_id, someone};
use leadrail_adapters::LinkState;
use leadrail_desk::{DeskError, LeadFilter, PreviewOptions, preview};
use leadrail_engine::{Cancelled, NewRun, RunId, RunState};
use leadrail_lead::Lead;
use leadrail_lead::sample::sample_lead;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_leads_run_is_the_one_that_files_it_whatever_else_bears_its_key() {
    let room = Room::open().await;
    let lead = &room.submit(1, &[("acme", "housecall_pro")]).await[0];
    let other = NewRun {
        workflow: "audit_lead".to_owned(),
        scope: "another".to_owned(),
        key: Some(lead.event_id.to_string()),
        fingerprint: String::new(),
        lane: "another/housecall_pro".to_owned(),
        priority: 5,
        delay: Duration::ZERO,
        input: "{}".to_owned(),
    };
    room.desk.engine().enqueue(&[other]).await.expect("there");
    let found = room.desk.lead(event_id(lead), None).await.expect("one");
    assert_eq!(found.id, lead.run_id);
    let story = room.desk.story(event_id(lead), None).await.expect("told");
    assert_eq!(story.payload, sample_lead(1, "acme", "housecall_pro"));
    assert_eq!(story.told.lead.run_id, lead.run_id);
}

#[tokio::test]
async fn where_two_accounts_have_the_same_event_id_it_must_be_said_whose() {
    let room = Room::open().await;
    let both = [("acme", "housecall_pro"), ("bolt", "housecall_pro")];
    let leads = room.submit(1, &both).await;
    assert_eq!(leads[0].event_id, leads[1].event_id);
    let id = event_id(&leads[0]);
    let desk = &room.desk;
    assert!(matches!(
        desk.lead(id, None).await,
        Err(DeskError::SeveralLeads)
    ));
    let bolts = desk.lead(id, Some("bolt")).await.expect("one");
    assert_eq!(bolts.id, leads[1].run_id);
    assert!(matches!(
        desk.lead(id, Some("nobody")).await,
        Err(DeskError::NoSuchLead { .. })
    ));
}

/// The runs that a filter lets through, page by page of two.
async fn runs(room: &Room, filter: LeadFilter) -> Vec<RunId> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = room.desk.leads(&filter, before, 2).await.expect("a page");
        assert!(page.leads.len() <= 2);
        found.extend(page.leads.iter().map(|lead| lead.run_id));
        before = page.next;
        if before.is_none() {
            return found;
        }
    }
}

#[tokio::test]
async fn leads_are_paged_newest_first_by_state_account_and_crm() {
    let room = Room::open().await;
    let to = [
        ("acme", "housecall_pro"),
        ("acme", "jobber"),
        ("bolt/north", "jobber"),
        ("acme", "housecall_pro"),
    ];
    let mut all = Vec::new();
    for (n, to) in (1..).zip(to) {
        all.push(room.submit(n, &[to]).await[0].run_id);
    }
    let newest = |places: &[usize]| places.iter().map(|n| all[*n]).collect::<Vec<_>>();
    let text = |text: &str| Some(text.to_owned());
    let any = LeadFilter::default;
    let (account, crm) = (text("acme"), text("jobber"));
    let rows = [
        (any(), newest(&[3, 2, 1, 0])),
        (
            LeadFilter {
                account: account.clone(),
                ..any()
            },
            newest(&[3, 1, 0]),
        ),
        (
            LeadFilter {
                crm: crm.clone(),
                ..any()
            },
            newest(&[2, 1]),
        ),
        (
            LeadFilter {
                account,
                crm,
                ..any()
            },
            newest(&[1]),
        ),
        (
            LeadFilter {
                crm: text("north/jobber"),
                ..any()
            },
            vec![],
        ),
        (
            LeadFilter {
                crm: text("pro"),
                ..any()
            },
            vec![],
        ),
        (
            LeadFilter {
                state: Some(RunState::Dead),
                ..any()
            },
            vec![],
        ),
    ];
    for (filter, expected) in rows {
        assert_eq!(runs(&room, filter.clone()).await, expected, "{filter:?}");
    }
    let hostile = LeadFilter {
        account: text("a\0b"),
        ..any()
    };
    let refused = room.desk.leads(&hostile, None, 2).await;
    assert!(refused.expect_err("refused").is_wrong_use());
}

#[tokio::test]
async fn a_lead_is_stopped_for_a_reason_that_fits() {
    let room = Room::open().await;
    let lead = &room.submit(1, &[("acme", "housecall_pro")]).await[0];
    let (desk, id) = (&room.desk, event_id(lead));
    for why in ["x".repeat(501), "a\0b".to_owned()] {
        let refused = desk.cancel_lead(&someone(), id, None, &why).await;
        assert!(refused.expect_err("refused").is_wrong_use());
    }
    let why = "x".repeat(500);
    let stopped = desk.cancel_lead(&someone(), id, None, &why).await;
    assert_eq!(stopped.expect("done"), (lead.run_id, Cancelled::Cancelled));
    let again = desk.cancel_lead(&someone(), id, None, "again").await;
    assert_eq!(again.expect("told"), (lead.run_id, Cancelled::Ended));
}

fn options<'a>(base_url: Option<&'a str>, settings: Option<&'a Value>) -> PreviewOptions<'a> {
    PreviewOptions {
        base_url,
        settings,
        links: LinkState::Fresh,
        known_customer: None,
    }
}

#[test]
fn a_preview_needs_a_crm_and_an_address_that_there_are() {
    let lead = Lead::from_value(sample_lead(1, "acme", "housecall_pro")).expect("a lead");
    let show = |crm, base_url| {
        let planned = preview(crm, &lead, &options(base_url, None));
        planned.map(|requests| requests.len())
    };
    assert!(show("housecall_pro", None).expect("requests") > 0);
    assert!(show("nonsense", None).expect_err("no CRM").is_wrong_use());
    let refused = show("housecall_pro", Some("ftp://crm.example"));
    assert!(refused.expect_err("no address").is_wrong_use());
}

#[test]
fn a_preview_follows_settings_that_a_connection_would_be_accepted_with() {
    let lead = Lead::from_value(sample_lead(1, "acme", "servicetitan")).expect("a lead");
    let show = |settings: Value| {
        let planned = preview("servicetitan", &lead, &options(None, Some(&settings)));
        planned.map(|requests| requests.last().expect("a request").url.clone())
    };
    let booking = json!({"tenant_id": 1234, "booking_provider": 99, "call_timeout_ms": 5000});
    let url = show(booking).expect("requests");
    assert!(
        url.ends_with("/tenant/1234/booking-provider/99/bookings"),
        "{url}"
    );
    for wrong in [
        json!({}),
        json!([]),
        json!({"tenant_id": 1234, "booking_provider": "canary"}),
        json!({"tenant_id": 1234, "booking_provider": 99, "canary_\n": 1}),
        json!({"tenant_id": 1234, "mode": "job"}),
    ] {
        let refused = show(wrong).expect_err("refused");
        assert!(refused.is_wrong_use(), "{refused}");
    }
}
