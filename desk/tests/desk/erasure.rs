//! Erasing a person: whatever state his leads are in, once or twice, and nobody else's.

use std::time::Duration;

use leadrail_desk::{AuditFilter, DeskError, Person};
use leadrail_engine::RunId;
use leadrail_lead::sample::sample_lead;
use leadrail_workflows::Submission;
use serde_json::{Value, json};

use crate::kit::{Room, someone};

const PHONE: &str = "+13055550182";
const NO_TIME: Duration = Duration::ZERO;

/// Hands over so many leads of one caller, from `n` on; their runs.
async fn called(room: &Room, n: u64, leads: u64, phone: &str) -> Vec<RunId> {
    let lead = |n: u64| {
        let mut lead = sample_lead(n, "acme", "housecall_pro");
        lead["contact"]["phone"] = phone.into();
        lead["contact"]["last_name"] = "Quagmirefield".into();
        Submission::read(lead).expect("a lead")
    };
    let leads: Vec<_> = (n..n + leads).map(lead).collect();
    let submitted = room.desk.submit(&someone(), &leads).await;
    submitted
        .expect("committed")
        .iter()
        .map(|lead| lead.run_id)
        .collect()
}

fn person() -> Person {
    Person::of_phone("(305) 555-0182").expect("a number")
}

async fn set(room: &Room, run: RunId, state: &str) {
    let moved = sqlx::query(
        "update leadrail.workflow_run set state = $2::leadrail.run_state, due_at = null, starts = 1 where id = $1",
    );
    let moved = moved.bind(run.0).bind(state).execute(room.pool()).await;
    moved.expect("moved");
}

async fn input(room: &Room, run: RunId) -> Value {
    let run = room.desk.engine().run(run).await.expect("read");
    run.expect("kept").input
}

async fn count(room: &Room, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(room.pool())
        .await
        .expect(sql)
}

#[tokio::test]
async fn all_of_a_callers_leads_are_erased_and_nobody_elses() {
    let room = Room::open().await;
    let his = called(&room, 1, 3, PHONE).await;
    let hers = called(&room, 10, 1, "+13055550183").await;
    room.kill(his[1], "http_422").await;
    let looked = room.desk.look_for(&person()).await.expect("looked");
    assert_eq!(
        (looked.leads, looked.erased, looked.on_their_way),
        (3, 0, 3)
    );
    assert_ne!(input(&room, his[0]).await, json!({"forgotten": true}));
    let erased = room
        .desk
        .erase(&someone(), &person(), NO_TIME)
        .await
        .expect("erased");
    assert_eq!(
        (erased.leads, erased.erased, erased.on_their_way),
        (3, 3, 0)
    );
    assert_eq!(erased.copies[0].leads, 3);
    for run in his {
        assert_eq!(input(&room, run).await, json!({"forgotten": true}));
    }
    assert_eq!(
        input(&room, hers[0]).await["contact"]["last_name"],
        "Quagmirefield"
    );
    let rows = "select count(*) from leadrail.lead where phone_hash is null";
    assert_eq!(count(&room, rows).await, 3);
    assert_eq!(
        count(&room, "select count(*) from leadrail.dead_letter").await,
        0
    );
    assert_eq!(
        count(&room, "select count(*) from leadrail.lead").await,
        4,
        "counts stay"
    );
    let again = room
        .desk
        .erase(&someone(), &person(), NO_TIME)
        .await
        .expect("erased");
    assert_eq!(again.leads, 0);
}

#[tokio::test]
async fn a_lead_that_somebody_has_in_hand_is_erased_when_it_has_stopped() {
    let room = Room::open().await;
    let runs = called(&room, 1, 2, PHONE).await;
    set(&room, runs[0], "running").await;
    let first = room
        .desk
        .erase(&someone(), &person(), NO_TIME)
        .await
        .expect("erased");
    assert_eq!((first.leads, first.erased, first.on_their_way), (2, 1, 1));
    assert_ne!(input(&room, runs[0]).await, json!({"forgotten": true}));
    let asked = "select count(*) from leadrail.cancel_request";
    assert_eq!(count(&room, asked).await, 1);
    set(&room, runs[0], "cancelled").await;
    let second = room
        .desk
        .erase(&someone(), &person(), NO_TIME)
        .await
        .expect("erased");
    assert_eq!(
        (second.leads, second.erased, second.on_their_way),
        (1, 1, 0)
    );
    assert_eq!(input(&room, runs[0]).await, json!({"forgotten": true}));
}

#[tokio::test]
async fn more_leads_than_one_call_takes_are_erased_by_the_next_ones() {
    let room = Room::open().await;
    called(&room, 1, 503, PHONE).await;
    let first = room
        .desk
        .erase(&someone(), &person(), NO_TIME)
        .await
        .expect("erased");
    assert_eq!((first.erased, first.more), (500, true));
    let second = room
        .desk
        .erase(&someone(), &person(), NO_TIME)
        .await
        .expect("erased");
    assert_eq!((second.erased, second.more), (3, false));
    let left = "select count(*) from leadrail.run where input::text like '%Quagmirefield%'";
    assert_eq!(count(&room, left).await, 0);
}

#[tokio::test]
async fn two_who_erase_the_same_person_at_once_disturb_nobody() {
    let room = Room::open().await;
    called(&room, 1, 200, PHONE).await;
    let erase = || async {
        room.desk
            .erase(&someone(), &person(), Duration::from_secs(5))
            .await
    };
    let (one, other) = tokio::join!(erase(), erase());
    assert!(one.expect("erased").erased + other.expect("erased").erased >= 200);
    let left = "select count(*) from leadrail.lead where phone_hash is not null";
    assert_eq!(count(&room, left).await, 0);
}

#[tokio::test]
async fn one_who_left_no_number_is_erased_by_his_lead() {
    let room = Room::open().await;
    let mut lead = sample_lead(1, "acme", "housecall_pro");
    lead["contact"]["phone"] = "anonymous".into();
    let lead = Submission::read(lead).expect("a lead");
    let submitted = room
        .desk
        .submit(&someone(), std::slice::from_ref(&lead))
        .await;
    let submitted = &submitted.expect("committed")[0];
    let person = |account: Option<&str>| Person::Lead {
        event_id: submitted.event_id,
        account: account.map(str::to_owned),
    };
    let elsewhere = room
        .desk
        .erase(&someone(), &person(Some("other")), NO_TIME)
        .await;
    assert!(matches!(elsewhere, Err(DeskError::NoSuchLead { .. })));
    let erased = room
        .desk
        .erase(&someone(), &person(None), NO_TIME)
        .await
        .expect("erased");
    assert_eq!(erased.erased, 1);
    assert_eq!(
        input(&room, submitted.run_id).await,
        json!({"forgotten": true})
    );
}

#[tokio::test]
async fn a_caller_is_found_by_an_index() {
    let room = Room::open().await;
    let mut session = room.pool().begin().await.expect("begun");
    sqlx::raw_sql("set local enable_seqscan = off")
        .execute(&mut *session)
        .await
        .expect("set");
    let plan: Vec<String> = sqlx::query_scalar(
        "explain select run_id, account, crm, event_id from leadrail.lead
         where phone_hash = leadrail.phone_hash('+13055550182') order by run_id desc limit 501",
    )
    .fetch_all(&mut *session)
    .await
    .expect("a plan");
    let plan = plan.join("\n");
    assert!(
        !plan.contains("Seq Scan") && plan.contains("Index Cond: (phone_hash ="),
        "{plan}"
    );
}

#[tokio::test]
async fn an_erasure_that_fails_on_the_way_is_noted_as_far_as_it_came() {
    let room = Room::open().await;
    called(&room, 1, 60, PHONE).await;
    room.sql(
        "create function leadrail.refuse() returns trigger language plpgsql as $$
         begin
             if new.run_id = (select l.run_id from leadrail.lead l order by l.run_id limit 1) then
                 raise exception 'no room';
             end if;
             return new;
         end $$;
         create trigger refuse before update on leadrail.lead for each row execute function leadrail.refuse()",
    )
    .await;
    let failed = room.desk.erase(&someone(), &person(), NO_TIME).await;
    assert!(failed.is_err());
    let noted = AuditFilter {
        action: Some("person.erase".to_owned()),
        ..AuditFilter::default()
    };
    let noted = room.desk.audit_log(&noted, None, 10).await.expect("read");
    assert_eq!(noted.len(), 1);
    assert_eq!(
        noted[0].outcome,
        "50 of 60 leads erased, and then it failed"
    );
}

#[tokio::test]
async fn what_one_request_made_beside_a_record_is_named_too() {
    let room = Room::open().await;
    let run = called(&room, 1, 1, PHONE).await[0];
    let made = json!({"output": {"id": "cus_1", "url": "https://crm.example/1", "beside": {"site": {"id": "loc_1"}}}});
    sqlx::query(
        "insert into leadrail.history (run_id, seq, at, kind, activity, payload)
         values ($1, leadrail.next_seq($1), leadrail.now(), 'activity_completed', 'customer_create', $2)",
    )
    .bind(run.0)
    .bind(made)
    .execute(room.pool())
    .await
    .expect("written");
    let looked = room.desk.look_for(&person()).await.expect("looked");
    let records = looked.copies[0].records.iter();
    let records: Vec<_> = records
        .map(|record| (record.kind.as_str(), record.id.as_str()))
        .collect();
    assert_eq!(records, [("customer", "cus_1"), ("site", "loc_1")]);
}

#[tokio::test]
async fn neither_the_audit_log_nor_an_error_names_the_person() {
    let room = Room::open().await;
    called(&room, 1, 1, PHONE).await;
    room.desk
        .erase(&someone(), &person(), NO_TIME)
        .await
        .expect("erased");
    let told: Vec<String> =
        sqlx::query_scalar("select a::text from leadrail.audit a where action = 'person.erase'")
            .fetch_all(room.pool())
            .await
            .expect("read");
    assert_eq!(told.len(), 1);
    assert!(!told[0].contains("5550182"), "{told:?}");
    let refused = Person::of_phone("Zebulon 5559999").expect_err("no number");
    assert!(
        !refused.to_string().contains("Zebulon") && !format!("{refused:?}").contains("5559999")
    );
    assert_eq!(format!("{:?}", person()), "Person");
}
