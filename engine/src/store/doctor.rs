//! The invariants that hold on a live database at any time, as `leadrail doctor` asks for them.
//!
//! Each check is one statement, so it sees one moment: work that goes on meanwhile cannot make it
//! fail. It says how many and names one example, never what a run holds.

use crate::engine::Engine;
use crate::state::RunState;
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable, `snake_case`.
    pub name: &'static str,
    /// Whether all is as it must be.
    pub ok: bool,
    /// What was counted, or what is wrong and what to do about it.
    pub detail: String,
}

impl Check {
    fn new(name: &'static str, verdict: Result<String, String>) -> Self {
        let ok = verdict.is_ok();
        let (Ok(detail) | Err(detail)) = verdict;
        Self { name, ok, detail }
    }
}

impl Engine {
    /// Checks what must hold for every run at any time. Reads the whole run table and a week of
    /// history; changes nothing.
    ///
    /// # Errors
    /// When the database cannot be read. What is found is not an error but the result.
    pub async fn check_invariants(&self) -> sqlx::Result<Vec<Check>> {
        let pool = self.pool();
        Ok(vec![
            Check::new("clock_shift", clock_shift(pool).await?),
            Check::new("one_run_a_key", one_run_a_key(pool).await?),
            Check::new("dead_letters", dead_letters(pool).await?),
            Check::new("running_has_worker", running_has_worker(pool).await?),
            Check::new("waiting_has_end", waiting_has_end(pool).await?),
            Check::new("intent_before_result", intent_before_result(pool).await?),
            Check::new("due_is_claimed", due_is_claimed(pool).await?),
            Check::new("history_partitions", history_partitions(pool).await?),
        ])
    }
}

/// `leadrail.now()` runs ahead in tests only.
async fn clock_shift(pool: &PgPool) -> sqlx::Result<Result<String, String>> {
    let shift =
        sqlx::query_scalar!(r#"select nullif(shift, interval '0')::text from leadrail.clock"#)
            .fetch_one(pool)
            .await?;
    Ok(match shift {
        None => Ok("leadrail.now() is the server's clock".to_owned()),
        Some(shift) => Err(format!(
            "leadrail.now() runs {shift} ahead of the server's clock; \
             run `update leadrail.clock set shift = interval '0'`"
        )),
    })
}

/// Every accepted key has one run and every keyed run has its key, so the sums of the states add up
/// to what was accepted.
async fn one_run_a_key(pool: &PgPool) -> sqlx::Result<Result<String, String>> {
    let row = sqlx::query!(
        r#"
        with run as (
            select state, key is not null as keyed from leadrail.workflow_run
        ), broken as (
            select coalesce(k.run_id, r.id) as run_id
            from leadrail.run_key k
            full join (select id, scope, key from leadrail.workflow_run where key is not null) r
                on r.id = k.run_id and r.scope = k.scope and r.key = k.key
            where r.id is null or k.run_id is null
        ), by_state as (
            select state, count(*) as runs from run where keyed group by state
        )
        select (select count(*) from leadrail.run_key) as "keys!",
               (select count(*) from run where keyed) as "runs!",
               (select count(*) from broken) as "broken!",
               (select run_id from broken limit 1) as example,
               array(select state from by_state order by state) as "states!: Vec<RunState>",
               array(select runs from by_state order by state) as "counts!"
        "#
    )
    .fetch_one(pool)
    .await?;
    if row.keys != row.runs || row.broken > 0 {
        return Ok(Err(format!(
            "{} keys were accepted and {} runs carry one{}; restore the missing rows from a backup",
            row.keys,
            row.runs,
            example(row.example)
        )));
    }
    let states = row.states.iter().zip(&row.counts);
    let sums: Vec<_> = states
        .map(|(state, runs)| format!("{runs} {state}"))
        .collect();
    let sums = match sums.is_empty() {
        true => "nothing yet".to_owned(),
        false => sums.join(" + "),
    };
    Ok(Ok(format!("{} keys = {} runs: {sums}", row.keys, row.runs)))
}

/// A row in the list of dead letters and state `dead` always go together.
async fn dead_letters(pool: &PgPool) -> sqlx::Result<Result<String, String>> {
    let row = sqlx::query!(
        r#"
        with broken as (
            select coalesce(d.run_id, r.id) as run_id
            from leadrail.dead_letter d
            full join (select id from leadrail.workflow_run where state = 'dead') r on r.id = d.run_id
            where r.id is null or d.run_id is null
        )
        select (select count(*) from leadrail.dead_letter) as "letters!",
               (select count(*) from broken) as "broken!",
               (select run_id from broken limit 1) as example
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match row.broken {
        0 => Ok(format!("{} dead runs, each in the list", row.letters)),
        broken => Err(format!(
            "{broken} are dead without being in the list, or in it without being dead{}; \
             somebody has edited the tables by hand",
            example(row.example)
        )),
    })
}

/// A running run is held by a worker that has a row; takeovers move both in one transaction.
async fn running_has_worker(pool: &PgPool) -> sqlx::Result<Result<String, String>> {
    let row = sqlx::query!(
        r#"
        with running as (
            select r.id, exists (select from leadrail.worker w where w.id = r.worker_id) as held
            from leadrail.workflow_run r
            where r.state = 'running'
        )
        select count(*) as "runs!", count(*) filter (where not held) as "broken!",
               (select id from running where not held limit 1) as example
        from running
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match row.broken {
        0 => Ok(format!(
            "{} running, each held by a worker that exists",
            row.runs
        )),
        broken => Err(format!(
            "{broken} of {} running are held by no worker{}; \
             run `select leadrail.requeue(array['RUN']::uuid[], 'run_lost')` for them",
            row.runs,
            example(row.example)
        )),
    })
}

/// A run that waits has a time at which it looks again, or a gate that lets it go.
async fn waiting_has_end(pool: &PgPool) -> sqlx::Result<Result<String, String>> {
    let row = sqlx::query!(
        r#"
        with waiting as (
            select r.id,
                   r.due_at is not null
                   or exists (select from leadrail.run_gate g where g.run_id = r.id) as ends
            from leadrail.workflow_run r
            where r.state = 'waiting'
        )
        select count(*) as "runs!", count(*) filter (where not ends) as "broken!",
               (select id from waiting where not ends limit 1) as example
        from waiting
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match row.broken {
        0 => Ok(format!("{} waiting, each for a time or a gate", row.runs)),
        broken => Err(format!(
            "{broken} of {} waiting wait for nothing{}; \
             set their due_at to leadrail.now() so that they go on",
            row.runs,
            example(row.example)
        )),
    })
}

/// An activity that ever wrote an intent writes one before every result.
///
/// Looks at the runs of a week: more would read histories that nothing changes any more.
async fn intent_before_result(pool: &PgPool) -> sqlx::Result<Result<String, String>> {
    let row = sqlx::query!(
        r#"
        with recent as (
            select run_id, seq, kind, activity, split_part(activity, '#', 1) as name
            from leadrail.history
            where run_id >= leadrail.uuid_v7_floor(leadrail.now() - interval '7 days')
              and kind in ('activity_started', 'activity_completed')
        ), once as (
            select distinct name from recent where kind = 'activity_started'
        ), result as (
            select r.run_id,
                   exists (
                       select from recent i
                       where i.run_id = r.run_id and i.activity = r.activity
                         and i.kind = 'activity_started' and i.seq < r.seq
                   ) as intended
            from recent r
            join once using (name)
            where r.kind = 'activity_completed'
        )
        select count(*) as "results!", count(*) filter (where not intended) as "broken!",
               (select run_id from result where not intended limit 1) as example
        from result
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match row.broken {
        0 => Ok(format!(
            "{} results of effects that happen once, each after its intent (7 days)",
            row.results
        )),
        broken => Err(format!(
            "{broken} of {} results of effects that happen once have no intent before them{}; \
             somebody has edited the history, or a worker skipped its intent",
            row.results,
            example(row.example)
        )),
    })
}

/// While workers live, nothing that is due lies about for a minute.
async fn due_is_claimed(pool: &PgPool) -> sqlx::Result<Result<String, String>> {
    let row = sqlx::query!(
        r#"
        with late as (
            select id from leadrail.workflow_run
            where due_at < leadrail.now() - interval '60 seconds'
              and changed_at < leadrail.now() - interval '60 seconds'
        )
        select (select count(*) from leadrail.worker where seen_at + lease > leadrail.now()) as "workers!",
               (select count(*) from late) as "late!",
               (select id from late limit 1) as example
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match (row.workers, row.late) {
        (workers, 0) => Ok(format!("nothing is overdue, {workers} workers live")),
        (0, late) => Ok(format!("{late} are overdue and no worker lives; start one")),
        (workers, late) => Err(format!(
            "{late} are due for more than 60 s although {workers} workers live{}; \
             add workers, or see in their logs what holds them up",
            example(row.example)
        )),
    })
}

/// The partitions of the coming two days are there and the catch-all is empty.
async fn history_partitions(pool: &PgPool) -> sqlx::Result<Result<String, String>> {
    let row = sqlx::query!(
        r#"
        select coalesce(floor(extract(epoch from max(to_at) - leadrail.now()) / 86400), -1)::bigint as "days!",
               exists (select from leadrail.history_default) as "overflow!"
        from leadrail.history_partition
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match (row.days, row.overflow) {
        (_, true) => Err(
            "leadrail.history_default holds rows, whose partitions were not there in time; \
             move them into partitions of their own"
                .to_owned(),
        ),
        (days @ 2.., false) => Ok(format!("made {days} days ahead")),
        (..2, false) => Err(
            "the history's partitions end within two days; restart a worker, which makes them"
                .to_owned(),
        ),
    })
}

fn example(run: Option<Uuid>) -> String {
    run.map_or_else(String::new, |run| format!(", such as run {run}"))
}
