//! What keeps the database fit: its clock, partitions, clean-ups and vacuum.

use super::{Finding, example};
use sqlx::PgPool;

/// `leadrail.now()` runs ahead in tests only.
pub(super) async fn clock_shift(pool: &PgPool) -> sqlx::Result<Finding> {
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

/// The partitions of the coming two days are there, of all dated tables, and the catch-alls of ours
/// hold nothing of a day that should have its own.
pub(super) async fn history_partitions(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        with edge as (
            select leadrail.uuid_v7_floor(greatest(dropped_until, timestamptz 'epoch')) as id
            from leadrail.retention
        )
        select coalesce(floor(extract(epoch from max(to_at) - leadrail.now()) / 86400), -1)::bigint as "days!",
               (
                   select min(t.name)
                   from leadrail.history_partition p
                   cross join leadrail.dated_table t
                   where to_regclass('leadrail.' || t.name || '_' || to_char(
                       leadrail.partition_start((p.from_at at time zone 'UTC')::date, t.days), 'YYYYMMDD'
                   )) is null
               ) as lacking,
               exists (select from leadrail.history_default h, edge where h.run_id >= edge.id)
               or exists (select from leadrail.ended_run_default e, edge where e.id >= edge.id) as "overflow!"
        from leadrail.history_partition
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match (row.days, row.lacking, row.overflow) {
        (_, _, true) => Err(
            "leadrail.history_default or ended_run_default holds rows, whose partitions were not \
             there in time; move them into partitions of their own"
                .to_owned(),
        ),
        (_, Some(table), _) => Err(format!(
            "a day of history has no partition of leadrail.{table}; \
             run `select leadrail.make_partition('{table}', DAY)`"
        )),
        (days @ 2.., None, false) => Ok(format!("made {days} days ahead")),
        (..2, None, false) => Err(
            "the history's partitions end within two days; restart a worker, which makes them"
                .to_owned(),
        ),
    })
}

/// Clean-ups are done while workers live, and none of them failed last time.
pub(super) async fn housekeeping(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        select (
                   select string_agg(h.task || ': ' || h.error, '; ' order by h.task)
                   from leadrail.housekeeping h
                   where h.error is not null
               ) as failed,
               (
                   select string_agg(h.task, ', ' order by h.task)
                   from leadrail.housekeeping h
                   where coalesce(h.done_at, '-infinity') < leadrail.now() - interval '3 hours'
               ) as late,
               (select min(h.done_at) from leadrail.housekeeping h) as done_at,
               leadrail.live_workers() > 0 and exists (
                   select from leadrail.worker w
                   where w.started_at < leadrail.now() - interval '3 hours'
                     and w.seen_at + w.lease > leadrail.now()
               ) as "worked!"
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(match (row.failed, row.late, row.done_at) {
        (Some(failed), _, _) => Err(format!(
            "the last try failed ({failed}); correct that, workers try again by themselves"
        )),
        (None, Some(late), _) if row.worked => Err(format!(
            "not done for 3 hours although workers live: {late}; see their logs, or restart them"
        )),
        (None, Some(late), _) => Ok(format!("no worker has done it lately: {late}")),
        (None, None, Some(at)) => Ok(format!(
            "all done since {}",
            at.format("%Y-%m-%d %H:%M UTC")
        )),
        (None, None, None) => Ok("nothing to do yet".to_owned()),
    })
}

/// Vacuum keeps up with the hot table.
pub(super) async fn bloat(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        select n_dead_tup as "dead!", n_live_tup as "live!",
               coalesce(greatest(last_vacuum, last_autovacuum), '-infinity')
                   < clock_timestamp() - interval '10 minutes' as "unvacuumed!"
        from pg_stat_user_tables
        where schemaname = 'leadrail' and relname = 'workflow_run'
        "#
    )
    .fetch_one(pool)
    .await?;
    let text = format!(
        "the hot table has {} dead rows beside {}",
        row.dead, row.live
    );
    Ok(match row.unvacuumed && row.dead > 100_000 + 2 * row.live {
        false => Ok(text),
        true => Err(format!(
            "{text}, and was not vacuumed for 10 minutes; look for an old transaction in \
             pg_stat_activity, end it, and let autovacuum run"
        )),
    })
}

/// What the last failover or restore put in doubt. It says so and never fails: the runs look by
/// themselves.
pub(super) async fn doubt(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        select coalesce(leadrail.reason_for_doubt(), '') in ('copy', 'rewind', 'silence') as "unnoticed!",
               d.why as "why?", d.at as "at?",
               case d.why
                   when 'failover' then (select count(*) from leadrail.suspect_run)
                   else (
                       select count(*) from leadrail.workflow_run r
                       where r.created_at <= d.at and r.state not in ('completed', 'cancelled')
                   )
               end as "suspects!",
               (select s.run_id from leadrail.suspect_run s order by s.run_id limit 1) as example
        from (select 1) one
        left join (
            select f.why, f.at from leadrail.doubt f where f.why <> 'first' order by f.nth desc limit 1
        ) d on true
        "#
    )
    .fetch_one(pool)
    .await?;
    if row.unnoticed {
        return Ok(Ok(
            "this database is a copy, or was set back, and no worker has been here since; the first \
             one to come looks before it creates"
                .to_owned(),
        ));
    }
    Ok(Ok(match row.at.zip(row.why) {
        None => "neither a failover nor a restore was noticed".to_owned(),
        Some((at, why)) => format!(
            "noticed {} ({why}); {} runs look before they create{} (leadrail.doubt)",
            at.format("%Y-%m-%d %H:%M:%S UTC"),
            row.suspects,
            example(row.example)
        ),
    }))
}

/// A session that cannot be seen cannot be seen to end: its worker is taken over when its lease is over.
pub(super) async fn worker_sessions(pool: &PgPool) -> sqlx::Result<Finding> {
    let row = sqlx::query!(
        r#"
        select count(*) as "workers!",
               count(*) filter (where a.pid is not null and a.backend_start is null) as "hidden!"
        from leadrail.worker w
        left join pg_stat_activity a on a.pid = w.backend_pid
        where leadrail.live_workers() > 0
        "#
    )
    .fetch_one(pool)
    .await?;
    Ok(Ok(match row.hidden {
        0 => format!("{} workers, whose sessions can be seen", row.workers),
        hidden => format!(
            "{hidden} of {} workers use another role, whose sessions are hidden from this one; where \
             their process ids are used again at once, they are taken over when their leases are over \
             (`grant pg_read_all_stats` to our roles shows them)",
            row.workers
        ),
    }))
}
