//! Leads in a state that only the hot table knows: queued, running, retrying, being replayed.

use leadrail_engine::{Access, RunState, Workflow as _};
use leadrail_workflows::PushLead;

use uuid::Uuid;

/// How many runs one chunk looks at, whoever's they are, of which the hot table has those that live and those of the last
/// hour. It reads no payloads, so that is a fraction of a second.
const LOOKED_AT: i64 = 250_000;

/// The runs of leads in this state, of one account or of all, older than `before`.
pub(super) async fn in_state(
    db: &Access,
    before: Uuid,
    (state, account): (RunState, Option<&str>),
    size: i64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        select r.id as "id!"
        from (
            -- The primary key is in the order of time.
            select id, seen, state, workflow, scope
            from leadrail.live_run_place
            where id < $1
            order by id desc
            limit $2
        ) r
        where r.seen and r.state = $3::leadrail.run_state and r.workflow = $4 and ($5::text is null or r.scope = $5)
        order by r.id desc
        limit $6
        "#,
        before,
        LOOKED_AT,
        state as RunState,
        PushLead::NAME,
        account,
        size
    )
    .fetch_all(db)
    .await
}

/// The last run that was looked at, if there may be more.
pub(super) async fn last_looked_at(db: &Access, before: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"
        select id as "id!"
        from leadrail.live_run_place
        where id < $1
        order by id desc
        offset $2
        limit 1
        "#,
        before,
        LOOKED_AT - 1
    )
    .fetch_optional(db)
    .await
}
