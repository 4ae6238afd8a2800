//! What PostgreSQL itself could do with the same bytes: they are put into a table with a key, and nothing
//! is looked at.

use super::{EnqueueOptions, Way, sql};
use sqlx::{Connection as _, PgConnection};

const TABLE: &str = "create table leadrail_bare (
    number bigint generated always as identity primary key,
    payload json not null
)";

const INSERT: &str = "with kept as (
    insert into leadrail_bare (payload) select payload::json from unnest($1::text[]) payload returning number
)
select count(*) from kept";

/// One lead a transaction, and many leads a statement, as the doors get them.
pub(super) async fn both(
    url: &str,
    leads: Vec<String>,
    options: &EnqueueOptions,
) -> anyhow::Result<(Way, Way)> {
    let mut session = PgConnection::connect(url).await?;
    sqlx::query(TABLE).execute(&mut session).await?;
    let single = sql::single(url, INSERT, leads.clone(), options).await;
    let batch = match single.is_ok() {
        true => sql::batch(url, INSERT, leads, options).await,
        false => Err(anyhow::anyhow!("not measured")),
    };
    let dropped = sqlx::query("drop table leadrail_bare");
    dropped.execute(&mut session).await?;
    Ok((single?, batch?))
}
