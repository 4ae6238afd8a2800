//! Whether what was measured really happened: the histories are counted, not believed.

use crate::jobs::Job;
use sqlx::PgPool;

/// Fails unless exactly so many runs have a whole history of this job.
pub(crate) async fn all_whole(pool: &PgPool, job: Job, runs: u64) -> anyhow::Result<()> {
    let whole = whole(pool, job).await?;
    anyhow::ensure!(
        whole == runs,
        "{whole} of {runs} runs have a whole history of {job:?}; the figures mean nothing"
    );
    Ok(())
}

/// Fails unless at least so many runs have a whole history of this job.
pub(crate) async fn some_whole(pool: &PgPool, job: Job, runs: u64) -> anyhow::Result<()> {
    let whole = whole(pool, job).await?;
    anyhow::ensure!(
        whole >= runs,
        "{whole} runs instead of {runs} have a whole history of {job:?}; the figures mean nothing"
    );
    Ok(())
}

/// How many histories begin with a start, have no gap, hold every result and intent, and end with
/// the completion.
async fn whole(pool: &PgPool, job: Job) -> anyhow::Result<u64> {
    let whole: i64 = sqlx::query_scalar(
        "select count(*) from (
            select from leadrail.history
            group by run_id
            having min(seq) = 0 and max(seq) + 1 = count(*)
               and bool_or(kind = 'run_started' and seq = 0)
               and count(*) filter (where kind = 'activity_completed') = $1
               and count(*) filter (where kind = 'activity_started') >= $2
               and count(*) filter (where kind = 'run_completed') = 1
        ) whole",
    )
    .bind(job.results())
    .bind(job.intents())
    .fetch_one(pool)
    .await?;
    Ok(u64::try_from(whole)?)
}

/// Fails unless so many runs are completed and the history holds as many completions and all results.
/// Cheaper than [`all_whole`] where there are tens of millions of rows.
pub(crate) async fn sums_are_right(pool: &PgPool, job: Job, runs: u64) -> anyhow::Result<()> {
    let (completed, results, heads): (i64, i64, i64) = sqlx::query_as(
        "select count(*) filter (where kind = 'run_completed'),
                count(*) filter (where kind = 'activity_completed'),
                (select count(*) from leadrail.run where state = 'completed')
         from leadrail.history",
    )
    .fetch_one(pool)
    .await?;
    let runs = i64::try_from(runs)?;
    anyhow::ensure!(
        completed == runs && heads == runs && results == runs * job.results(),
        "of {runs} runs {heads} are completed, with {completed} completions and {results} results in the history"
    );
    Ok(())
}
