//! The clean-ups of `housekeeping.sql` and `partitions.sql`, as workers call them.

use sqlx::{PgPool, Postgres, Transaction};

/// Heads that one statement looks at.
pub(crate) const HOUSE_BATCH: i32 = 2_000;

/// What one step through the hot table did.
pub(crate) struct Moved {
    /// Heads it looked at; fewer than asked for when the round is over.
    pub(crate) looked: i32,
    /// Heads it moved.
    pub(crate) moved: i32,
}

/// Makes the partitions that a new database needs: from yesterday on, because ids may be a little older
/// than the database, to two weeks ahead.
pub(crate) async fn make_partitions(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query!(
        "select leadrail.make_history_partitions((leadrail.now() at time zone 'UTC')::date - 1, 16) as made"
    )
    .fetch_one(pool)
    .await
    .map(drop)
}

/// Moves ended runs among the next `rows` heads out of the hot table.
pub(crate) async fn move_ended(pool: &PgPool, rows: i32) -> sqlx::Result<Moved> {
    sqlx::query_as!(
        Moved,
        r#"select looked as "looked!", moved as "moved!" from leadrail.move_ended_runs($1)"#,
        rows
    )
    .fetch_one(pool)
    .await
}

/// Forgets the inputs of the next `rows` runs that are old enough; fewer than asked for when there are no
/// more yet.
///
/// A failure is written down where doctor finds it.
pub(crate) async fn forget_inputs(pool: &PgPool, rows: i32) -> sqlx::Result<i32> {
    let forgotten = sqlx::query_scalar!(
        r#"select leadrail.forget_old_inputs($1) as "looked!""#,
        rows
    );
    let forgotten = forgotten.fetch_one(pool).await;
    told_if_failed(pool, "inputs", forgotten).await
}

/// Forgets at most so many keys that are old enough and whose runs are not kept any more; fewer than asked
/// for when there are no more yet, or somebody else is at it.
///
/// A failure is written down where doctor finds it.
pub(crate) async fn forget_keys(pool: &PgPool, rows: i32) -> sqlx::Result<i32> {
    let forgotten = sqlx::query_scalar!(r#"select leadrail.forget_keys($1) as "forgotten!""#, rows);
    let forgotten = forgotten.fetch_one(pool).await;
    told_if_failed(pool, "keys", forgotten).await
}

/// By a statement of its own: the one that failed is rolled back.
async fn told_if_failed<T>(pool: &PgPool, task: &str, done: sqlx::Result<T>) -> sqlx::Result<T> {
    if let Err(why) = &done {
        sqlx::query!(
            "select leadrail.note_housekeeping($1, $2) as done",
            task,
            why.to_string()
        )
        .fetch_one(pool)
        .await?;
    }
    done
}

/// Partitions ahead, stale locks and gates, rows kept beyond their day.
pub(crate) async fn keep(pool: &PgPool) -> sqlx::Result<()> {
    let mut change = at_leisure(pool).await?;
    sqlx::query!("select leadrail.keep_house() as done")
        .fetch_one(&mut *change)
        .await?;
    change.commit().await
}

/// A transaction for what goes over a day, or over all there is: a minute may not do.
async fn at_leisure(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut change = pool.begin().await?;
    sqlx::query!("set local statement_timeout = '15min'")
        .execute(&mut *change)
        .await?;
    Ok(change)
}

/// Drops the oldest day that need not be kept; its partition's name.
///
/// A failure is written down where doctor finds it, by a statement of its own: the first one is
/// rolled back.
pub(crate) async fn drop_oldest_day(pool: &PgPool) -> sqlx::Result<Option<String>> {
    let dropped = drop_day(pool).await;
    let why = dropped.as_ref().err().map(ToString::to_string);
    sqlx::query!(
        "select leadrail.note_housekeeping('old_days', $1) as done",
        why
    )
    .fetch_one(pool)
    .await?;
    dropped
}

async fn drop_day(pool: &PgPool) -> sqlx::Result<Option<String>> {
    let mut change = at_leisure(pool).await?;
    let dropped = sqlx::query_scalar!("select leadrail.drop_oldest_day()")
        .fetch_one(&mut *change)
        .await?;
    change.commit().await?;
    Ok(dropped)
}

/// The tasks whose last try failed, with why.
pub(crate) async fn failures(pool: &PgPool) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        r#"select task, error as "error!" from leadrail.housekeeping where error is not null order by task"#
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.task, row.error)).collect())
}
