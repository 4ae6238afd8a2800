//! What the database has kept of a run of chaos: where every lead stands, and what the histories show.

use super::chronicle::Outage;
use super::takeover::Loss;
use leadrail_engine::RunState;
use sqlx::PgPool;
use std::collections::HashMap;
use uuid::Uuid;

/// Where a lead's run stands.
pub(super) struct Standing {
    pub(super) run: Uuid,
    pub(super) state: RunState,
    pub(super) reason: Option<String>,
    /// What was said when it died.
    pub(super) last_words: Option<String>,
}

/// Writes that only a worker without the run can have made, and that were applied.
#[derive(Default)]
pub(super) struct StaleWrites {
    /// Results of a step beyond the first.
    pub(super) second_results: u64,
    /// Ends of a run beyond the first.
    pub(super) second_ends: u64,
    /// Lines after a run's end.
    pub(super) after_end: u64,
    /// Lines between a takeover and the next claim.
    pub(super) by_nobody: u64,
}

/// How often something happened that should.
#[derive(Default)]
pub(super) struct Marks {
    /// Leads that completed with a step which a deploy has brought, and times that a build put a lead
    /// down whose history a later one had written.
    pub(super) later_builds: u64,
    pub(super) put_down: u64,
    /// Steps whose lost answer was found again in the CRM.
    pub(super) reconciled: u64,
    /// Times that a run was executed alone, because its workers had died before it got on.
    pub(super) isolated: u64,
    /// Second looks that were planned for later.
    pub(super) audits: u64,
}

impl StaleWrites {
    pub(super) fn all(&self) -> u64 {
        self.second_results + self.second_ends + self.after_end + self.by_nobody
    }
}

impl Marks {
    pub(super) async fn read(pool: &PgPool) -> sqlx::Result<Self> {
        let marks = sqlx::query!(
            r#"
            select count(distinct h.run_id) filter (
                       where h.kind = 'side_value' and starts_with(h.activity, 'version:')
                         and exists (select from leadrail.run r where r.id = h.run_id and r.state = 'completed')
                   ) as "later_builds!",
                   count(*) filter (
                       where h.kind = 'run_waiting' and h.payload ->> 'reason' = 'nondeterminism'
                   ) as "put_down!",
                   count(*) filter (
                       where h.kind = 'activity_completed' and h.payload ->> 'source' = 'reconciled'
                   ) as "reconciled!",
                   count(*) filter (where h.kind = 'run_isolated') as "isolated!",
                   (select count(*) from leadrail.run where workflow = 'audit_lead') as "audits!"
            from leadrail.history h
            "#
        )
        .fetch_one(pool)
        .await?;
        Ok(Self {
            later_builds: counted(marks.later_builds),
            put_down: counted(marks.put_down),
            reconciled: counted(marks.reconciled),
            isolated: counted(marks.isolated),
            audits: counted(marks.audits),
        })
    }
}

/// How many leads completed in these times.
pub(super) async fn completed_in(pool: &PgPool, times: &[Outage]) -> sqlx::Result<u64> {
    let mut completed = 0;
    for Outage { from, until } in times {
        let within = sqlx::query_scalar!(
            r#"
            select count(*) as "count!" from leadrail.history
            where kind = 'run_completed' and at between $1 and $2
            "#,
            from,
            until
        )
        .fetch_one(pool)
        .await?;
        completed += counted(within);
    }
    Ok(completed)
}

/// Where every lead stands, by its event id.
pub(super) async fn standings(pool: &PgPool) -> sqlx::Result<HashMap<String, Standing>> {
    let rows = sqlx::query!(
        r#"
        select key as "key!", id as "run!", state as "state!: RunState", reason, (
            select h.payload ->> 'message' from leadrail.history h
            where h.run_id = run.id and run.state = 'dead' and h.kind = 'run_dead'
            order by h.seq desc
            limit 1
        ) as last_words
        from leadrail.run
        where workflow = 'push_lead'
        "#
    )
    .fetch_all(pool)
    .await?;
    let each = rows.into_iter().map(|row| {
        let standing = Standing {
            run: row.run,
            state: row.state,
            reason: row.reason,
            last_words: row.last_words,
        };
        (row.key, standing)
    });
    Ok(each.collect())
}

/// Runs that were taken from a worker: by when, and when they were claimed again.
pub(super) async fn losses(pool: &PgPool) -> sqlx::Result<Vec<Loss>> {
    sqlx::query_as!(
        Loss,
        r#"
        select worker, at as taken, again
        from (
            select h.kind, h.at, (h.payload ->> 'worker')::uuid as worker,
                   min(h.at) filter (where h.kind = 'run_started') over (
                       partition by h.run_id order by h.seq
                       rows between 1 following and unbounded following
                   ) as again
            from leadrail.history h
            where h.kind in ('run_lost', 'run_started')
        ) line
        where kind = 'run_lost'
        "#
    )
    .fetch_all(pool)
    .await
}

/// A run belongs to nobody from the moment it was taken from its worker until it is claimed again.
pub(super) async fn stale_writes(pool: &PgPool) -> sqlx::Result<StaleWrites> {
    let found = sqlx::query!(
        r#"
        with line as (
            select run_id, seq, kind, activity,
                   count(*) filter (where kind in ('run_started', 'run_lost', 'run_released'))
                       over earlier as turn,
                   count(*) filter (where kind in ('run_completed', 'run_dead', 'run_cancelled'))
                       over earlier as ends
            from leadrail.history
            window earlier as (partition by run_id order by seq)
        ), held as (
            select line.*, first_value(kind) over (partition by run_id, turn order by seq) as since
            from line
        )
        select count(*) filter (where ends > 1 and kind in ('run_completed', 'run_dead', 'run_cancelled'))
                   as "second_ends!",
               count(*) filter (where ends > 0 and kind not in ('run_completed', 'run_dead', 'run_cancelled'))
                   as "after_end!",
               count(*) filter (where since = 'run_lost' and kind not in ('run_lost', 'run_released'))
                   as "by_nobody!",
               (
                   select coalesce(sum(results - 1), 0)::bigint
                   from (
                       select count(*) as results from line
                       where kind = 'activity_completed' group by run_id, activity
                   ) step
               ) as "second_results!"
        from held
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(StaleWrites {
        second_results: counted(found.second_results),
        second_ends: counted(found.second_ends),
        after_end: counted(found.after_end),
        by_nobody: counted(found.by_nobody),
    })
}

/// A count is never less than none.
fn counted(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
