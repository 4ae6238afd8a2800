//! Opening gates for those who wait there.

use super::access::Access;
use sqlx::PgPool;

/// Makes the runs due that wait at any of these gates, `spacing` milliseconds apart; how many.
pub(crate) async fn open(pool: &PgPool, gates: &[String], spacing: i64) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        r#"select leadrail.open_gates($1, $2) as "freed!""#,
        gates,
        spacing
    )
    .fetch_one(pool)
    .await
}

/// The same for who is behind the wall, refused where somebody else's runs wait.
pub(crate) async fn open_seen(db: &Access, gates: &[String], spacing: i64) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        r#"select leadrail.open_seen_gates($1, $2) as "freed!""#,
        gates,
        spacing
    )
    .fetch_one(db)
    .await
}
