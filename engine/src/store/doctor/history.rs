//! Invariants of histories. They look at the runs of a week: more would read what nothing changes
//! any more.

use super::{Finding, example};
use sqlx::PgPool;

/// An activity that ever wrote an intent writes one before every result.
pub(super) async fn intent_before_result(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        with recent as (
            select run_id, seq, kind, split_part(activity, '#', 1) as name,
                   min(seq) filter (where kind = 'activity_started')
                       over (partition by run_id, activity) as intent
            from leadrail.history
            where run_id >= leadrail.uuid_v7_floor(leadrail.now() - interval '7 days')
              and kind in ('activity_started', 'activity_completed')
        ), once as (
            select distinct name from recent where kind = 'activity_started'
        ), result as (
            select r.run_id, r.seq, coalesce(r.intent < r.seq, false) as intended
            from recent r
            join once using (name)
            where r.kind = 'activity_completed'
        ), broken as (
            select r.run_id
            from result r
            where not r.intended
              -- What was lost may have been the intent; the effect was looked for and found all the same.
              and not exists (
                  select from leadrail.history h
                  join leadrail.doubt d on d.why <> 'first' and d.at <= h.at
                  where h.run_id = r.run_id and h.seq = r.seq
                    and h.payload ->> 'source' = 'reconciled'
              )
        )
        select (select count(*) from result) as "results!", (select count(*) from broken) as "broken!",
               (select run_id from broken limit 1) as example
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

/// A step has one result: it is not executed again once it has one.
pub(super) async fn one_result_a_step(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        with step as (
            select run_id, count(*) as results
            from leadrail.history
            where run_id >= leadrail.uuid_v7_floor(leadrail.now() - interval '7 days')
              and kind = 'activity_completed'
            group by run_id, activity
        ), twice as (
            select s.run_id
            from step s
            -- A person who has a run begin again wants a second result.
            where s.results > 1 + (
                select count(*) from leadrail.history h
                where h.run_id = s.run_id and h.kind = 'run_restarted'
            )
        )
        select (select count(*) from step) as "steps!", (select count(*) from twice) as "broken!",
               (select run_id from twice limit 1) as example
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match row.broken {
        0 => Ok(format!(
            "{} steps with a result, one each (7 days)",
            row.steps
        )),
        broken => Err(format!(
            "{broken} of {} steps have more than one result{}; \
             look in the outside system whether it happened twice",
            row.steps,
            example(row.example)
        )),
    })
}

/// Nobody writes a result for a run that was not claimed.
pub(super) async fn claim_before_result(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        with run as (
            select run_id,
                   min(seq) filter (where kind = 'run_started') as claimed,
                   min(seq) filter (where kind = 'activity_completed') as first_result
            from leadrail.history
            where run_id >= leadrail.uuid_v7_floor(leadrail.now() - interval '7 days')
              and kind in ('run_started', 'activity_completed')
            group by run_id
        ), broken as (
            select run_id from run where first_result < coalesce(claimed, first_result + 1)
        )
        select (select count(*) from run) as "runs!", (select count(*) from broken) as "broken!",
               (select run_id from broken limit 1) as example
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match row.broken {
        0 => Ok(format!(
            "{} runs were claimed before they got a result (7 days)",
            row.runs
        )),
        broken => Err(format!(
            "{broken} of {} runs have a result from before they were ever claimed{}; \
             somebody has edited the history",
            row.runs,
            example(row.example)
        )),
    })
}

/// A completed run has no intent whose outcome nobody wrote down.
pub(super) async fn no_open_intent(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        with recent as (
            select run_id, seq, kind, activity
            from leadrail.history
            where run_id >= leadrail.uuid_v7_floor(leadrail.now() - interval '7 days')
        ), done as (
            select run_id from recent where kind = 'run_completed'
        ), broken as (
            select i.run_id
            from recent i
            join done using (run_id)
            where i.kind = 'activity_started'
              and not exists (
                  select from recent o
                  where o.run_id = i.run_id and o.activity = i.activity and o.seq > i.seq
                    and o.kind in ('activity_completed', 'activity_failed', 'activity_throttled')
              )
        )
        select (select count(*) from done) as "runs!", (select count(*) from broken) as "broken!",
               (select run_id from broken limit 1) as example
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match row.broken {
        0 => Ok(format!(
            "{} completed, none with an intent left open (7 days)",
            row.runs
        )),
        broken => Err(format!(
            "{broken} intents of completed runs are open{}; \
             look in the outside system whether they took effect",
            example(row.example)
        )),
    })
}

/// Histories hold no credentials: evidence is redacted before it is written.
pub(super) async fn no_secrets(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        with found as (
            select run_id
            from leadrail.history
            where run_id >= leadrail.uuid_v7_floor(leadrail.now() - interval '7 days')
              and payload::text
                  ~* '\m(bearer|token|basic) +(?=[a-z_.~+/=-]*[0-9])[a-z0-9_.~+/=-]{20,}'
        )
        select count(*) as "broken!", (select run_id from found limit 1) as example from found
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match row.broken {
        0 => Ok("no history holds what looks like a credential (7 days)".to_owned()),
        broken => Err(format!(
            "{broken} lines of history hold what looks like a credential{}; \
             replace that credential, then find who recorded it",
            example(row.example)
        )),
    })
}
