//! Leads: finding the one that is meant, listing them, stopping one.

use crate::kit::{NOBODY, Room, connection, event_id, someone};
use leadrail_adapters::Links;
use leadrail_desk::{DeskError, LeadFilter, PreviewOptions, preview};
use leadrail_engine::{Cancelled, NewRun, RunId, RunState};
use leadrail_lead::sample::sample_lead;
use leadrail_lead::{Lead, Phone};
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
    let hostile = [
        LeadFilter {
            account: text("a\0b"),
            ..any()
        },
        searched("305\u{0}5550182"),
        searched("' or '1' = '1"),
        searched("%"),
        searched(&"5".repeat(1 << 20)),
    ];
    for filter in hostile {
        let refused = room.desk.leads(&filter, None, 2).await;
        assert!(refused.expect_err("refused").is_wrong_use());
    }
}

fn searched(q: &str) -> LeadFilter {
    LeadFilter {
        q: Some(q.to_owned()),
        ..LeadFilter::default()
    }
}

fn of_account(account: &str) -> LeadFilter {
    LeadFilter {
        account: Some(account.to_owned()),
        ..LeadFilter::default()
    }
}

fn in_state(account: Option<&str>, state: RunState) -> LeadFilter {
    LeadFilter {
        state: Some(state),
        account: account.map(str::to_owned),
        ..LeadFilter::default()
    }
}

/// So many leads of one account as they stand after they were filed, all of one day.
async fn filed(room: &Room, account: &str, leads: i32) {
    sqlx::query(
        "with made as materialized (
             select leadrail.uuid_v7(leadrail.now() + n * interval '1 millisecond') as id, gen_random_uuid() as event
             from generate_series(1, $2) n
         ), ended as (
             insert into leadrail.ended_run
                 (id, state, starts, changed_at, priority, workflow, scope, key, lane, created_at, input)
             select id, 'completed', 1, leadrail.now(), 3, 'push_lead', $1, event::text, 'x', leadrail.now(), '{}'
             from made
         )
         insert into leadrail.lead (run_id, account, crm, event, event_id, received_at)
         select id, $1, 'jobber', 'qualified', event, leadrail.now() from made",
    )
    .bind(account)
    .bind(leads)
    .execute(room.pool())
    .await
    .expect("made");
}

#[tokio::test]
async fn a_small_account_gets_full_pages_whatever_its_neighbors_have() {
    let room = Room::open().await;
    let mut own = room.queued(5).await;
    own.reverse();
    filed(&room, "large", 50_000).await;
    let page = room.desk.leads(&of_account("acme"), None, 3).await;
    let page = page.expect("a page");
    let found: Vec<_> = page.leads.iter().map(|lead| lead.run_id).collect();
    assert_eq!(found, own[..3]);
    assert_eq!(page.next, Some(own[2]));
    let queued = in_state(Some("acme"), RunState::Queued);
    let page = room.desk.leads(&queued, None, 50).await.expect("a page");
    let found: Vec<_> = page.leads.iter().map(|lead| lead.run_id).collect();
    assert_eq!((found, page.next), (own, None));
    let last = room.desk.leads(&of_account("large"), None, 1_000).await;
    assert_eq!(last.expect("a page").leads.len(), 1_000);
}

#[tokio::test]
async fn paging_shows_each_lead_once_while_new_ones_arrive() {
    let room = Room::open().await;
    let mut old = room.queued(9).await;
    old.reverse();
    let (mut found, mut before, mut n) = (Vec::new(), None, 100);
    loop {
        let page = room.desk.leads(&of_account("acme"), before, 2).await;
        let page = page.expect("a page");
        found.extend(page.leads.iter().map(|lead| lead.run_id));
        n += 1;
        room.submit(n, &[("acme", "housecall_pro")]).await;
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(found, old);
}

#[tokio::test]
async fn a_callers_leads_are_found_by_the_number_however_it_is_written() {
    let room = Room::open().await;
    let payload = sample_lead(7, "acme", "housecall_pro");
    let number = payload["contact"]["phone"]
        .as_str()
        .expect("a number")
        .to_owned();
    let number = Phone::parse(&number).expect("a number");
    let lead = &room.submit(7, &[("acme", "housecall_pro")]).await[0];
    room.submit(8, &[("acme", "housecall_pro")]).await;
    let digits = number.nanp_digits().expect("an American number");
    let spaced = format!("({}) {}-{}", &digits[..3], &digits[3..6], &digits[6..]);
    for q in [
        number.as_str(),
        digits,
        &spaced,
        &lead.event_id.to_string(),
        &lead.run_id.to_string(),
    ] {
        assert_eq!(runs(&room, searched(q)).await, [lead.run_id]);
    }
    assert!(runs(&room, searched("+13055550000")).await.is_empty());
    assert!(runs(&room, searched(NOBODY)).await.is_empty());
    let elsewhere = LeadFilter {
        account: Some("bolt".to_owned()),
        ..searched(digits)
    };
    assert!(runs(&room, elsewhere).await.is_empty());
}

#[tokio::test]
async fn dead_and_waiting_leads_are_listed_and_second_looks_are_not() {
    let room = Room::open().await;
    let acme = room.queued(4).await;
    let bolt = room.submit(5, &[("bolt", "jobber")]).await[0].run_id;
    filed(&room, "acme", 3_000).await;
    room.kill(acme[1], "http_400").await;
    room.kill(bolt, "http_400").await;
    room.sql(
        "insert into leadrail.dead_letter
             (run_id, priority, workflow, scope, lane, reason, died_at)
         select leadrail.uuid_v7(), 4, 'audit_lead', 'acme', 'x', 'audit', leadrail.now()",
    )
    .await;
    room.sql(
        "update leadrail.workflow_run set state = 'running', due_at = null
         where id in (select id from leadrail.workflow_run where state = 'queued' order by id limit 2);
         update leadrail.workflow_run set state = 'waiting' where state = 'running';
         insert into leadrail.run_gate (run_id, gate)
         select id, gate from leadrail.workflow_run, (values ('a'), ('b')) g (gate) where state = 'waiting'",
    )
    .await;
    let dead = async |account| runs(&room, in_state(account, RunState::Dead)).await;
    assert_eq!(dead(None).await, [bolt, acme[1]]);
    assert_eq!(dead(Some("acme")).await, [acme[1]]);
    assert!(dead(Some("nobody")).await.is_empty());
    let waiting = async |account| runs(&room, in_state(account, RunState::Waiting)).await;
    assert_eq!(waiting(None).await, [acme[2], acme[0]]);
    assert_eq!(waiting(Some("acme")).await, [acme[2], acme[0]]);
    assert!(waiting(Some("bolt")).await.is_empty());
}

#[tokio::test]
async fn a_connections_leads_are_those_that_found_it_and_those_that_waited_for_it() {
    let room = Room::open().await.with_vault();
    let mut own = vec![room.submit(1, &[("acme", "housecall_pro")]).await[0].run_id];
    room.submit(2, &[("acme", "jobber")]).await;
    room.submit(3, &[("bolt", "housecall_pro")]).await;
    let connections = room.desk.connections().expect("a vault");
    let new = connection("sim-acme", "http://127.0.0.1:1");
    let added = connections.add(new).await.expect("added");
    own.insert(
        0,
        room.submit(4, &[("acme", "housecall_pro")]).await[0].run_id,
    );
    let of = |connection, account: Option<&str>| LeadFilter {
        connection: Some(connection),
        account: account.map(str::to_owned),
        ..LeadFilter::default()
    };
    assert_eq!(runs(&room, of(added.id, None)).await, own);
    assert_eq!(runs(&room, of(added.id, Some("acme"))).await, own);
    assert!(runs(&room, of(added.id, Some("bolt"))).await.is_empty());
    let unknown = NOBODY.parse().expect("an id");
    assert!(runs(&room, of(unknown, None)).await.is_empty());
}

#[tokio::test]
async fn the_doctor_finds_a_run_without_a_row_and_a_row_without_a_run() {
    let room = Room::open().await;
    room.queued(2).await;
    let found = async || {
        let checks = room.desk.doctor(Ok(None)).await.expect("checked");
        let rows = checks.into_iter().find(|check| check.name == "lead_rows");
        rows.expect("the check").ok
    };
    assert!(found().await);
    room.sql("create table kept as select * from leadrail.lead")
        .await;
    room.sql("delete from leadrail.lead").await;
    assert!(!found().await);
    room.sql("insert into leadrail.lead select * from kept")
        .await;
    assert!(found().await);
    room.sql("delete from leadrail.workflow_run").await;
    assert!(!found().await);
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
        links: Links::WORDS,
        known_customer: None,
        mode: None,
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
