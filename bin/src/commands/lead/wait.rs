//! Follows runs until they are done.

use crate::progress::Progress;
use leadrail_engine::{RunId, RunState};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How many runs stand where.
#[derive(Default)]
pub(crate) struct Standing(BTreeMap<&'static str, u64>);

impl Standing {
    /// How many are in this state.
    pub(crate) fn of(&self, state: RunState) -> u64 {
        self.0.get(state.as_str()).copied().unwrap_or_default()
    }

    /// How many have ended, well or not.
    pub(crate) fn ended(&self) -> u64 {
        let ends = RunState::ALL
            .into_iter()
            .filter(|state| state.is_terminal());
        ends.map(|state| self.of(state)).sum()
    }

    /// Such as `12 completed, 3 retrying`.
    pub(crate) fn words(&self) -> String {
        let each = self.0.iter().map(|(state, runs)| format!("{runs} {state}"));
        each.collect::<Vec<_>>().join(", ")
    }
}

/// Where these runs stand now.
pub(crate) async fn standing(pool: &PgPool, runs: &[Uuid]) -> sqlx::Result<Standing> {
    let rows = sqlx::query!(
        r#"
        select state as "state!: RunState", count(*) as "runs!"
        from leadrail.run
        where id = any ($1)
        group by state
        "#,
        runs
    )
    .fetch_all(pool)
    .await?;
    let each = rows.iter();
    Ok(Standing(
        each.map(|row| {
            (
                row.state.as_str(),
                u64::try_from(row.runs).unwrap_or_default(),
            )
        })
        .collect(),
    ))
}

/// Waits until all of these have ended; how they ended.
pub(crate) async fn until_ended(pool: &PgPool, runs: &[RunId]) -> sqlx::Result<Standing> {
    let ids: Vec<_> = runs.iter().map(|run| run.0).collect();
    let total = ids.len() as u64;
    let mut progress = Progress::start("leads", Some(total));
    loop {
        let standing = standing(pool, &ids).await?;
        progress.show(standing.ended(), &standing.words());
        if standing.ended() >= total {
            progress.end();
            return Ok(standing);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
