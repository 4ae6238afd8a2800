//! Holding a lane back because the other side asked for it.

use crate::activity::Budget;
use sqlx::PgPool;
use std::time::Duration;

/// Nobody is believed who wants to be left alone for longer.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 3_600);

/// No run of the lane starts for so long.
pub(crate) async fn hold(pool: &PgPool, lane: &str, wait: Duration) -> sqlx::Result<()> {
    let millis = i64::try_from(wait.min(LONGEST_HOLD).as_millis()).unwrap_or(i64::MAX);
    sqlx::query!("select leadrail.hold_lane($1, $2) as done", lane, millis)
        .execute(pool)
        .await?;
    Ok(())
}

/// Of the lane's runs no more start than there are calls left, until the budget is made up again.
pub(crate) async fn spend(pool: &PgPool, lane: &str, budget: Budget) -> sqlx::Result<()> {
    let left = i32::try_from(budget.left).unwrap_or(i32::MAX);
    let millis = i64::try_from(budget.resets_in.min(LONGEST_HOLD).as_millis()).unwrap_or(i64::MAX);
    sqlx::query!(
        "select leadrail.budget_lane($1, $2, $3) as done",
        lane,
        left,
        millis
    )
    .execute(pool)
    .await?;
    Ok(())
}
