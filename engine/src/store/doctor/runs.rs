//! Invariants of heads: where runs are, and that each can go on.

use super::{Finding, example};
use crate::state::RunState;
use sqlx::PgPool;

/// Every accepted key has one run and every keyed run has its key, so the sums of the states add up
/// to what was accepted.
pub(super) async fn one_run_a_key(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        with accepted as (
            -- A key outlives its run: of the days that were dropped only some runs are left.
            select k.run_id, k.scope, k.key
            from leadrail.run_key k
            cross join leadrail.retention t
            left join leadrail.run r on r.id = k.run_id
            where k.run_id >= leadrail.uuid_v7_floor(greatest(t.dropped_until, timestamptz 'epoch'))
               or r.id is not null
        ), run as (
            select state, key is not null as keyed from leadrail.run
        ), broken as (
            select coalesce(k.run_id, r.id) as run_id
            from accepted k
            full join (select id, scope, key from leadrail.run where key is not null) r
                on r.id = k.run_id and r.scope = k.scope and r.key = k.key
            where r.id is null or k.run_id is null
        ), by_state as (
            select state, count(*) as runs from run where keyed group by state
        )
        select (select count(*) from accepted) as "keys!",
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

/// A head is in one place: the hot table, or where ended runs go.
pub(super) async fn one_head_a_run(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        with twice as (
            select r.id from leadrail.workflow_run r join leadrail.ended_run e on e.id = r.id
        )
        select (select count(*) from leadrail.workflow_run) as "hot!",
               (select count(*) from leadrail.ended_run) as "ended!",
               (select count(*) from twice) as "broken!",
               (select id from twice limit 1) as example
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match row.broken {
        0 => Ok(format!(
            "{} in the hot table, {} moved out of it",
            row.hot, row.ended
        )),
        broken => Err(format!(
            "{broken} are in the hot table and among the ended ones{}; \
             compare both with the history and delete the wrong row",
            example(row.example)
        )),
    })
}

/// A row in the list of dead letters and state `dead` always go together, and say the same of the run.
pub(super) async fn dead_letters(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        with broken as (
            select coalesce(d.run_id, r.id) as run_id
            from leadrail.dead_letter d
            full join (
                select id, scope, lane, workflow, priority from leadrail.workflow_run where state = 'dead'
            ) r on r.id = d.run_id
            where r.id is null or d.run_id is null
               or (r.scope, r.lane, r.workflow, r.priority) <> (d.scope, d.lane, d.workflow, d.priority)
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
            "{broken} are dead without being in the list, in it without being dead, or in it under \
             another tenant, lane, workflow or priority{}; somebody has edited the tables by hand",
            example(row.example)
        )),
    })
}

/// Letters that wait for their turn in a replay have one that will come to them, and its counts add up.
///
/// A replay that ended without giving them back is seen to by the next housekeeping, within an hour.
pub(super) async fn replays(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        with enlisted as (
            select replay_id, lane, count(*) as letters
            from leadrail.dead_letter
            where replay_id is not null
            group by replay_id, lane
        ), replay as (
            select replay_id, leadrail.replay_ended_at(replay_id) as ended_at
            from enlisted
            group by replay_id
        ), broken as (
            select replay_id from replay where ended_at < leadrail.now() - interval '2 hours'
            union all
            select e.replay_id
            from enlisted e
            left join leadrail.replay_lane l on l.replay_id = e.replay_id and l.lane = e.lane
            where l.replay_id is null or l.revived + e.letters > l.enlisted
        )
        select (select coalesce(sum(letters), 0)::bigint from enlisted) as "letters!",
               (select count(*) from replay) as "replays!",
               (select count(distinct replay_id) from broken) as "broken!",
               (select replay_id from broken limit 1) as example
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match row.broken {
        0 => Ok(format!(
            "{} dead letters wait in {} replays",
            row.letters, row.replays
        )),
        broken => Err(format!(
            "{broken} replays have letters that nobody will send through, or more than they took on{}; \
             housekeeping gives back what an ended replay has",
            example(row.example)
        )),
    })
}

/// A running run is held by a worker that has a row; takeovers move both in one transaction.
pub(super) async fn running_has_worker(pool: &PgPool) -> sqlx::Result<Finding> {
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
pub(super) async fn waiting_has_end(pool: &PgPool) -> sqlx::Result<Finding> {
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

/// While workers live, nothing that is due lies about for a minute.
pub(super) async fn due_is_claimed(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        with late as (
            select id from leadrail.workflow_run
            where due_at < leadrail.now() - interval '60 seconds'
              and changed_at < leadrail.now() - interval '60 seconds'
              -- A lane with a setting holds its runs back on purpose.
              and not exists (select from leadrail.lane l where l.name = lane)
        )
        select leadrail.live_workers() as "workers!",
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

/// A run in hand writes a line of history now and then; one that has not for an hour is stuck.
pub(super) async fn stuck_runs(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        with running as (
            select r.id,
                   r.changed_at < leadrail.now() - interval '1 hour'
                   and not exists (
                       select from leadrail.history h
                       where h.run_id = r.id and h.at >= leadrail.now() - interval '1 hour'
                   ) as stuck
            from leadrail.workflow_run r
            where r.state = 'running'
        )
        select count(*) as "runs!", count(*) filter (where stuck) as "broken!",
               (select id from running where stuck limit 1) as example
        from running
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match row.broken {
        0 => Ok(format!(
            "{} running, each with news of the last hour",
            row.runs
        )),
        broken => Err(format!(
            "{broken} of {} running have no news for an hour{}; restart the worker that holds \
             them, and give the activity a shorter time limit",
            row.runs,
            example(row.example)
        )),
    })
}
