//! A database out of a backup files nothing twice that its original has filed meanwhile.

use crate::PROGRAM;
use leadrail_postgres::testing::TestDatabase;
use leadrail_tests::{Process, Stage, sample_lead, wait_for};
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use std::process::{Command, Output};
use std::time::Duration;

const LEADS: u32 = 20;
const LANE: &str = "acme/housecall_pro";

/// A program of PostgreSQL's, to its end.
fn run(program: &str, arguments: &[&str]) {
    let ran = Command::new(program).args(arguments).output();
    let ran = ran.unwrap_or_else(|_| {
        panic!("{program} is missing: install PostgreSQL's client programs (`.ci/setup postgres`)")
    });
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{program}: {said}");
}

/// Another database with what the stage's had at some moment.
struct Copy {
    database: TestDatabase,
}

impl Copy {
    fn dump(stage: &Stage) -> String {
        let dump = stage.folder().join("leads.dump");
        let dump = dump.to_str().expect("text").to_owned();
        let url = stage.database_url();
        run(
            "pg_dump",
            &["--format=custom", "--file", &dump, "--dbname", &url],
        );
        dump
    }

    async fn restored(dump: &str) -> Self {
        let database = TestDatabase::fresh().await;
        run(
            "pg_restore",
            &["--exit-on-error", "--dbname", database.url(), dump],
        );
        Self { database }
    }

    /// A command of the product on the copy.
    fn run(&self, stage: &Stage, arguments: &[&str]) -> Output {
        let mut command = stage.command(arguments);
        let ran = command.env("DATABASE_URL", self.database.url()).output();
        ran.expect("it runs")
    }

    fn worker(&self, stage: &Stage) -> Process {
        stage.worker("restored", &[("DATABASE_URL", self.database.url())])
    }

    /// Waits until so many leads have ended well here.
    async fn until_completed(&self, leads: i64) {
        let pool = PgPoolOptions::new().max_connections(1);
        let pool = pool.connect(self.database.url()).await.expect("a session");
        wait_for("the restored leads", Duration::from_secs(60), || async {
            let completed = sqlx::query_scalar::<_, i64>(
                "select count(*) from leadrail.run where workflow = 'push_lead' and state = 'completed'",
            );
            let completed = completed.fetch_one(&pool).await.ok()?;
            (completed == leads).then_some(())
        })
        .await;
    }
}

/// What the doctor says of one thing.
fn detail(doctor: &Output, name: &str) -> String {
    let checks: Value = serde_json::from_slice(&doctor.stdout).expect("JSON");
    let checks = checks.as_array().expect("an array");
    let check = checks.iter().find(|check| check["name"] == name);
    check.expect("a check")["detail"]
        .as_str()
        .expect("text")
        .to_owned()
}

fn well(ran: &Output) {
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_whose_leads_the_original_has_filed_files_none_of_them_again() {
    let stage = Stage::new(PROGRAM).await;
    let original = stage.worker("original", &[]);
    well(&stage.run(&["lane", "pause", LANE], ""));
    let leads: Vec<_> = (0..LEADS).map(sample_lead).collect();
    stage.push(&leads);
    wait_for("the original's worker", Duration::from_secs(20), || async {
        let workers = sqlx::query_scalar::<_, i64>("select count(*) from leadrail.worker");
        (workers.fetch_one(&stage.pool).await.ok()? == 1).then_some(())
    })
    .await;
    let dump = Copy::dump(&stage);
    // Handed over and filed after the backup: the copy has never heard of it.
    let late = sample_lead(LEADS);
    stage.push(std::slice::from_ref(&late));
    well(&stage.run(&["lane", "resume", LANE], ""));
    stage
        .until_completed(i64::from(LEADS) + 1, Duration::from_secs(60))
        .await;
    original.terminate();
    original.wait().await.expect("it ends");

    let copy = Copy::restored(&dump).await;
    let doctor = copy.run(&stage, &["doctor", "--json"]);
    assert!(detail(&doctor, "due_is_claimed").contains("0 workers live"));
    assert!(detail(&doctor, "doubt").contains("is a copy"));
    let _worker = copy.worker(&stage);
    well(&copy.run(&stage, &["lane", "resume", LANE]));
    copy.until_completed(i64::from(LEADS)).await;
    // Somebody sends again what came since the backup.
    let mut again = stage.command(&["lead", "push", "-"]);
    again.env("DATABASE_URL", copy.database.url());
    well(&stage.run_command(again, &late.to_string()));
    copy.until_completed(i64::from(LEADS) + 1).await;

    let books = stage.books().await;
    let once = u64::from(LEADS) + 1;
    assert_eq!(
        (books.leads(), books.customers(), books.surplus()),
        (once, once, 0)
    );
    let doctor = copy.run(&stage, &["doctor", "--json"]);
    assert!(detail(&doctor, "doubt").contains("(copy)"));
    well(&doctor);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_was_set_back_files_nothing_twice_once_it_is_declared() {
    let stage = Stage::new(PROGRAM).await;
    stage.push(&[sample_lead(1)]);
    let dump = Copy::dump(&stage);
    let first = stage.worker("first", &[]);
    stage.until_completed(1, Duration::from_secs(60)).await;
    first.terminate();
    first.wait().await.expect("it ends");

    // As a snapshot of the disk leaves it: the same server, database and tables, with older rows.
    let tables = "truncate leadrail.workflow_run, leadrail.history, leadrail.run_gate,
        leadrail.dead_letter, leadrail.run_lock";
    sqlx::query(tables)
        .execute(&stage.pool)
        .await
        .expect("emptied");
    let url = stage.database_url();
    run(
        "pg_restore",
        &[
            "--data-only",
            "--exit-on-error",
            "--dbname",
            &url,
            "--schema",
            "leadrail",
            "--table",
            "workflow_run",
            &dump,
        ],
    );
    let declared = stage.run(&["restored", "--json"], "");
    well(&declared);
    let declared: Value = serde_json::from_slice(&declared.stdout).expect("JSON");
    assert_eq!(declared, serde_json::json!({ "runs": 1, "workers": 0 }));
    let _second = stage.worker("second", &[]);
    stage.until_completed(1, Duration::from_secs(60)).await;
    let books = stage.books().await;
    assert_eq!((books.leads(), books.customers()), (1, 1));
}
