//! The floors: the same rows by bare SQL.
//!
//! Both write what the engine writes for a workflow: the claim with `run_started`, four results,
//! three intents, `run_completed` and the end of the head. A step begins only when the commit that
//! holds the result before it has returned.

use crate::jobs::parcel;
use sqlx::{Connection, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::Uuid;

const STEPS: [&str; 4] = ["lookup", "customer_create", "lead_create", "note_attach"];

const CLAIM: &str = "
    with picked as (
        select r.id from leadrail.workflow_run r
        where r.priority = 2 and r.lane = '' and r.due_at <= leadrail.now() and not r.asleep
        order by r.due_at limit $1 for update skip locked
    ), claimed as (
        update leadrail.workflow_run r
        set state = 'running', due_at = null, worker_id = $2, starts = r.starts + 1, changed_at = leadrail.now()
        from picked where r.id = picked.id
        returning r.id, r.input
    ), started as (
        insert into leadrail.history (run_id, seq, at, kind, payload)
        select c.id, 0, leadrail.now(), 'run_started', json_build_object('worker', $2::uuid) from claimed c
    )
    select c.id, c.input::text from claimed c";

const WRITE: &str = "
    with fence as (
        select from leadrail.worker w where w.id = $1 for key share
    ), written as (
        insert into leadrail.history (run_id, seq, at, kind, attempt, activity, payload)
        select h.run_id, h.seq, leadrail.now(), h.kind::leadrail.history_kind, h.attempt, h.activity, h.payload::json
        from unnest($2::uuid[], $3::integer[], $4::text[], $5::smallint[], $6::text[], $7::text[])
            as h (run_id, seq, kind, attempt, activity, payload)
        where exists (select from fence)
    )
    update leadrail.workflow_run r
    set state = 'completed', changed_at = leadrail.now()
    from unnest($8::uuid[]) as t (run_id)
    where r.id = t.run_id and r.state = 'running' and r.worker_id = $1 and exists (select from fence)";

/// Rows of one statement, a column each.
#[derive(Default)]
struct Rows {
    run: Vec<Uuid>,
    seq: Vec<i32>,
    kind: Vec<&'static str>,
    attempt: Vec<Option<i16>>,
    activity: Vec<Option<&'static str>>,
    payload: Vec<Option<String>>,
    ended: Vec<Uuid>,
}

impl Rows {
    /// What follows from the end of step `step` (0 to 3) of this run.
    fn add(&mut self, run: Uuid, step: usize, output: &str) {
        let seq = i32::try_from(step * 2).unwrap_or(0);
        let completed = format!(r#"{{"output":{output}}}"#);
        self.push(
            run,
            seq + 1,
            "activity_completed",
            Some(STEPS[step]),
            Some(completed),
        );
        match STEPS.get(step + 1) {
            Some(next) => self.push(run, seq + 2, "activity_started", Some(next), None),
            None => {
                self.push(
                    run,
                    seq + 2,
                    "run_completed",
                    None,
                    Some(r#"{"output":null}"#.to_owned()),
                );
                self.ended.push(run);
            }
        }
    }

    fn push(
        &mut self,
        run: Uuid,
        seq: i32,
        kind: &'static str,
        activity: Option<&'static str>,
        payload: Option<String>,
    ) {
        self.run.push(run);
        self.seq.push(seq);
        self.kind.push(kind);
        self.attempt.push(activity.map(|_| 1));
        self.activity.push(activity);
        self.payload.push(payload);
    }

    async fn write(&self, connection: &mut PgConnection, worker: Uuid) -> sqlx::Result<()> {
        sqlx::query(WRITE)
            .bind(worker)
            .bind(&self.run)
            .bind(&self.seq)
            .bind(&self.kind)
            .bind(&self.attempt)
            .bind(&self.activity)
            .bind(&self.payload)
            .bind(&self.ended)
            .execute(connection)
            .await
            .map(drop)
    }
}

/// Claims `batch` runs at a time and takes them through the four steps together. A batch of one is
/// floor A; a large one is floor B.
async fn writer(url: &str, batch: i64, left: Arc<AtomicI64>) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let worker: Uuid =
        sqlx::query_scalar("select leadrail.register_worker('floor', 0, '0', interval '1 hour')")
            .fetch_one(&mut connection)
            .await?;
    let output = serde_json::to_string(&parcel()).unwrap_or_default();
    while left.load(Ordering::Acquire) > 0 {
        let claimed: Vec<(Uuid, String)> = sqlx::query_as(CLAIM)
            .bind(batch)
            .bind(worker)
            .fetch_all(&mut connection)
            .await?;
        if claimed.is_empty() {
            break;
        }
        for step in 0..STEPS.len() {
            let mut rows = Rows::default();
            for (run, _) in &claimed {
                rows.add(*run, step, &output);
            }
            rows.write(&mut connection, worker).await?;
        }
        left.fetch_sub(i64::try_from(claimed.len()).unwrap_or(0), Ordering::AcqRel);
    }
    sqlx::query("delete from leadrail.worker where id = $1")
        .bind(worker)
        .execute(&mut connection)
        .await?;
    Ok(())
}

/// Takes all queued runs to their end with so many writers of such batches.
pub(crate) async fn run(
    url: &str,
    workflows: u64,
    writers: usize,
    batch: i64,
) -> anyhow::Result<()> {
    let left = Arc::new(AtomicI64::new(i64::try_from(workflows)?));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..writers {
        let (url, left) = (url.to_owned(), left.clone());
        tasks.spawn(async move { writer(&url, batch, left).await });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}
