//! Which connections' CRMs are asked next whether they accept the secrets, spread over time.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use crate::ConnectionId;

/// How long new secrets are left alone, on average: whoever connects asks by themselves.
const FIRST_PROBE: Duration = Duration::from_secs(450);

/// A connection whose CRM is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeDue {
    /// The connection.
    pub id: ConnectionId,
    /// Whose it is.
    pub account: String,
    /// What its leads queue behind.
    pub lane: String,
    /// Since when it is to be asked, which names this asking.
    pub probe_at: DateTime<Utc>,
}

/// Those that leads go through, or would, and whose lane nobody has stopped: what was planned there would
/// pile up behind it, one an hour.
pub(crate) async fn due_for_probe(
    db: impl PgExecutor<'_>,
    limit: u32,
) -> sqlx::Result<Vec<ProbeDue>> {
    sqlx::query_as!(
        ProbeDue,
        r#"
        select id as "id: ConnectionId", account, leadrail.lane_of(account, crm, crm_account_id) as "lane!", probe_at
        from leadrail.connection
        where state in ('active', 'paused') and probe_at <= leadrail.now()
          and not exists (
              select from leadrail.lane
              where name = leadrail.lane_of(account, crm, crm_account_id) and paused_at is not null
          )
        order by probe_at
        limit $1
        "#,
        i64::from(limit),
    )
    .fetch_all(db)
    .await
}

/// Moves each on by about `every`, if nobody has.
pub(crate) async fn put_off_probes(
    db: impl PgExecutor<'_>,
    due: &[ProbeDue],
    every: Duration,
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = due.iter().map(|due| due.id.0).collect();
    let was: Vec<DateTime<Utc>> = due.iter().map(|due| due.probe_at).collect();
    let next: Vec<PgInterval> = due.iter().map(|_| spread(every)).collect();
    sqlx::query!(
        "
        update leadrail.connection c
        set probe_at = leadrail.now() + n.after
        from unnest($1::uuid[], $2::timestamptz[], $3::interval[]) as n (id, was, after)
        where c.id = n.id and c.probe_at = n.was
        ",
        &ids,
        &was,
        &next,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How long these new secrets are left alone.
pub(crate) fn first_probe() -> PgInterval {
    spread(FIRST_PROBE)
}

/// About so long: a tenth less to a tenth more, so that what began together does not stay so.
fn spread(about: Duration) -> PgInterval {
    let about = i64::try_from(about.as_micros()).unwrap_or(i64::MAX / 2);
    let tenth = about / 10;
    PgInterval {
        months: 0,
        days: 0,
        microseconds: about - tenth + rand::random_range(0..=2 * tenth),
    }
}
