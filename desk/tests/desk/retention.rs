//! How long what is kept, by class, with the clock set forward.

use std::time::Duration;

use leadrail_desk::{AuditFilter, Retention};
use leadrail_engine::{Outcome, RunState};
use serde_json::json;

use crate::kit::{Room, connection, someone};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const LEAD: &[(&str, &str)] = &[("acme", "housecall_pro")];

async fn later(room: &Room, days: u32) {
    let engine = room.desk.engine();
    engine.shift_clock(DAY * days).await.expect("shifted");
    engine.keep_house().await.expect("kept");
}

async fn text(room: &Room, sql: &'static str) -> Option<String> {
    sqlx::query_scalar(sql)
        .fetch_one(room.pool())
        .await
        .expect(sql)
}

#[tokio::test]
async fn a_payload_a_dead_letter_and_a_tombstone_each_go_in_their_time() {
    let room = Room::open().await;
    let done = room.submit(1, LEAD).await[0].run_id;
    let dead = room.submit(2, LEAD).await[0].run_id;
    room.sql("update leadrail.workflow_run set state = 'cancelled', due_at = null where key = (select key from leadrail.workflow_run order by id limit 1)").await;
    room.kill(dead, "http_422").await;
    let payload = async |run| {
        room.desk
            .engine()
            .run(run)
            .await
            .expect("read")
            .map(|run| run.input)
    };
    later(&room, 1).await;
    later(&room, 88).await;
    assert_ne!(payload(done).await, Some(json!({"forgotten": true})));
    later(&room, 2).await;
    assert_eq!(
        payload(done).await,
        Some(json!({"forgotten": true})),
        "after 90 days"
    );
    assert_ne!(payload(dead).await, Some(json!({"forgotten": true})));
    later(&room, 90).await;
    assert_eq!(
        payload(dead).await,
        Some(json!({"forgotten": true})),
        "after 180 days"
    );
    let state = room
        .desk
        .engine()
        .run(dead)
        .await
        .expect("read")
        .expect("kept")
        .state;
    assert_eq!(state, RunState::Cancelled);
    later(&room, 222).await;
    assert_eq!(payload(done).await, None, "after 400 days");
    let again = room.submit(1, LEAD).await;
    assert_eq!(
        (again[0].outcome, again[0].run_id),
        (Outcome::Duplicate, done),
        "the tombstone is left"
    );
    later(&room, 400).await;
    let again = room.submit(1, LEAD).await;
    assert_eq!(again[0].outcome, Outcome::Created, "after 800 days");
}

#[tokio::test]
async fn the_audit_log_goes_in_its_time_and_nobody_takes_away_what_is_younger() {
    let room = Room::open().await;
    let younger = "delete from leadrail.audit";
    let refused = sqlx::raw_sql(younger).execute(room.pool()).await;
    assert!(refused.is_err(), "append-only");
    later(&room, 729).await;
    let filter = AuditFilter::default();
    let kept = room.desk.audit_log(&filter, None, 10).await.expect("read");
    assert_eq!(kept.len(), 1, "the migration");
    later(&room, 2).await;
    let kept = room.desk.audit_log(&filter, None, 10).await.expect("read");
    assert!(kept.is_empty(), "{kept:?}");
}

#[tokio::test]
async fn a_credential_is_gone_as_soon_as_its_connection_is() {
    let room = Room::open().await.with_vault();
    let connections = room.desk.connections().expect("a vault");
    let made = connections
        .add(connection("sim-acme", "http://127.0.0.1:9/x"))
        .await
        .expect("connected");
    room.desk
        .delete_connection(&someone(), made.id)
        .await
        .expect("deleted");
    let left = "select count(*)::text from leadrail.connection";
    assert_eq!(text(&room, left).await.as_deref(), Some("0"));
}

#[tokio::test]
async fn what_was_chosen_is_in_force_for_all_and_what_was_not_stays() {
    let room = Room::open().await;
    let chosen = Retention {
        payload: Some(DAY * 30),
        audit: Some(DAY * 365),
        ..Retention::default()
    };
    assert!(room.desk.keep_for(&someone(), &chosen).await.expect("set"));
    assert!(
        !room.desk.keep_for(&someone(), &chosen).await.expect("set"),
        "nothing new"
    );
    assert!(
        !room
            .desk
            .keep_for(&someone(), &Retention::default())
            .await
            .expect("set")
    );
    let kept = "select concat_ws(' ', extract(epoch from input_for) / 86400, letters_for, history_for, keys_for,
                       (select extract(epoch from kept_for) / 86400 from leadrail.audit_retention))
                from leadrail.retention";
    let kept = text(&room, kept).await.expect("kept");
    assert!(
        kept.starts_with("30.0") && kept.contains(" 180 days 400 days 800 days 365.0"),
        "{kept}"
    );
}
