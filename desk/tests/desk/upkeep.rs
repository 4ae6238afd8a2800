//! Migrations, figures, lanes, the doctor, and who is noted for what.

use crate::kit::{KEY, Room, connection, someone};
use leadrail_connections::VaultKey;
use leadrail_desk::{check_server, forgetful_setting, sentence};
use leadrail_engine::LaneLimits;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

#[tokio::test]
async fn a_database_is_closed_until_every_migration_is_applied() {
    let room = Room::empty().await;
    let why = room.desk.closed_because().await.expect("read");
    assert!(why.is_some_and(|why| why.contains("the first is `engine ")));
    let pending = room.desk.pending_migrations().await.expect("read");
    let applied = room.desk.migrate(&someone()).await.expect("migrated");
    assert_eq!(applied, pending);
    assert_eq!(room.desk.closed_because().await.expect("read"), None);
    assert!(
        room.desk
            .migrate(&someone())
            .await
            .expect("again")
            .is_empty()
    );
}

#[tokio::test]
async fn a_database_that_another_release_migrated_is_closed_and_says_so() {
    let room = Room::open().await;
    room.sql("update leadrail.product_migration set checksum = '\\x00'")
        .await;
    let why = room.desk.closed_because().await.expect("read");
    assert!(why.is_some_and(|why| why.contains("another release")));
    let refused = room.desk.migrate(&someone()).await.expect_err("refused");
    assert!(sentence(&refused).contains("another release"), "{refused}");
}

#[tokio::test]
async fn the_queues_depth_is_told_by_priority() {
    let room = Room::open().await;
    room.queued(3).await;
    let depth = room.desk.queue_depth().await.expect("read");
    assert_eq!(depth.priorities.len(), 10);
    assert_eq!(depth.priorities.iter().map(|each| each.due).sum::<i64>(), 3);
    assert_eq!(
        (depth.dead_letters, depth.at_gates, depth.workers),
        (0, 0, 0)
    );
    assert!(depth.oldest_due_age() >= 0.0);
}

#[tokio::test]
async fn a_lane_is_stopped_and_let_go_by_a_name_that_can_be_one() {
    let room = Room::open().await;
    let (desk, who) = (&room.desk, someone());
    for name in ["", "a\0b", &"x".repeat(501)] {
        let refused = desk.pause_lane(&who, name).await.expect_err("refused");
        assert!(refused.is_wrong_use());
        assert!(desk.resume_lane(&who, name).await.is_err());
        assert!(
            desk.limit_lane(&who, name, &LaneLimits::default())
                .await
                .is_err()
        );
    }
    let unknown = desk.pause_lane(&who, "acme/jobber").await;
    assert!(unknown.expect_err("no such lane").is_wrong_use());
    let one = LaneLimits {
        max_running: Some(1),
        ..LaneLimits::default()
    };
    desk.limit_lane(&who, "acme/jobber", &one)
        .await
        .expect("it has a setting");
    assert!(desk.pause_lane(&who, "acme/jobber").await.expect("stopped"));
    assert!(!desk.pause_lane(&who, "acme/jobber").await.expect("told"));
    let lanes = desk.lanes().await.expect("listed");
    assert!(lanes[0].paused_at.is_some());
    assert!(desk.resume_lane(&who, "acme/jobber").await.expect("let go"));
}

#[tokio::test]
async fn the_doctor_looks_at_migrations_first_and_opens_every_connection() {
    let room = Room::empty().await;
    let checks = room.desk.doctor(Ok(None)).await.expect("checked");
    assert_eq!((checks.len(), checks[0].ok), (1, false));

    room.desk.migrate(&someone()).await.expect("migrated");
    let room = room.with_vault();
    let vault = |key| async {
        let checks = room.desk.doctor(key).await.expect("checked");
        assert!(checks.len() > 10);
        (checks[1].name, checks[1].ok)
    };
    assert_eq!(vault(Ok(None)).await, ("vault_key", true));
    let new = connection("sim-acme", "https://crm.example");
    room.desk.connect(&someone(), new).await.expect("connected");
    let right = VaultKey::parse(KEY).expect("a key");
    let wrong = VaultKey::generate().expect("a key");
    assert!(vault(Ok(Some(right.into()))).await.1);
    assert!(!vault(Ok(Some(wrong.into()))).await.1);
    assert!(!vault(Ok(None)).await.1);
    assert!(!vault(Err("the key file cannot be read".to_owned())).await.1);
}

#[tokio::test]
async fn a_server_that_may_forget_a_commit_is_found_out() {
    let room = Room::empty().await;
    let mut session = room.pool().acquire().await.expect("a session");
    let durable = "set synchronous_commit = on";
    sqlx::query(durable)
        .execute(&mut *session)
        .await
        .expect("set");
    let forgets = "set synchronous_commit = off";
    sqlx::query(forgets)
        .execute(&mut *session)
        .await
        .expect("set");
    assert!(
        forgetful_setting(&mut session)
            .await
            .expect("read")
            .is_some()
    );
    let checks = check_server(&mut session, "here").await;
    let names: Vec<_> = checks.iter().map(|check| (check.name, check.ok)).collect();
    let expected = [
        ("database", true),
        ("writable", true),
        ("durability", false),
        ("clock_skew", true),
    ];
    assert_eq!(names, expected);
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn whoever_changes_something_is_noted_and_what_they_wrote_is_not() {
    let room = Room::open().await.with_vault();
    let log = Log::default();
    let made = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(move || made.clone())
        .finish();
    // With one subscriber, whichever thread meets a call site first decides for all whether it is
    // heard; with a second one all subscribers are asked.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let noted = tracing::subscriber::set_default(subscriber);
    let (desk, who) = (&room.desk, someone());
    let new = connection("sk-canary", "https://crm.example");
    let id = desk
        .connect(&who, new)
        .await
        .expect("connected")
        .connection
        .id;
    desk.disable(&who, id, "canary moved").await.expect("off");
    let lead = &room.submit(1, &[("acme", "housecall_pro")]).await[0];
    let stopped = desk.cancel_lead(&who, lead.event_id, None, "canary called");
    stopped.await.expect("stopped");
    drop(noted);

    let log = log.text();
    for action in [
        "connection.connect",
        "connection.release",
        "connection.disable",
        "lead.submit",
        "run.cancel",
    ] {
        assert!(
            log.contains(&format!("action=\"{action}\"")),
            "{action}: {log}"
        );
    }
    assert!(log.contains("actor=cli:1000"), "{log}");
    assert!(!log.contains("canary"), "{log}");
}
