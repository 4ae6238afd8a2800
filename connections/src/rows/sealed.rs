//! Which vault keys seal what, and putting other envelopes in their place.

use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Row, StoredConnection};
use crate::rotate::SealedWith;
use crate::vault::Envelope;
use crate::{ConnectionId, ConnectionResult, ConnectionState};

/// So many connections that these vault keys seal, by id.
pub(crate) async fn sealed_under(
    db: impl PgExecutor<'_>,
    keys: &[String],
    after: Uuid,
    limit: i64,
) -> ConnectionResult<Vec<StoredConnection>> {
    let rows = select_rows!(
        "where vault_key_id = any ($1) and id > $2 order by id limit $3",
        keys,
        after,
        limit,
    );
    let rows = rows.fetch_all(db).await?;
    rows.into_iter().map(StoredConnection::try_from).collect()
}

/// Puts other envelopes in the place of those that were read, where they are still there; how many.
pub(crate) async fn reseal(
    db: impl PgExecutor<'_>,
    were: &[StoredConnection],
    are: &[Envelope],
) -> sqlx::Result<u64> {
    let ids: Vec<Uuid> = were.iter().map(|stored| stored.connection.id.0).collect();
    let old: Vec<&[u8]> = were
        .iter()
        .map(|stored| &*stored.envelope.sealed_data_key)
        .collect();
    let keys: Vec<&str> = are.iter().map(|envelope| &*envelope.vault_key_id).collect();
    let new: Vec<&[u8]> = are
        .iter()
        .map(|envelope| &*envelope.sealed_data_key)
        .collect();
    let done = sqlx::query!(
        "
        update leadrail.connection c
        set vault_key_id = n.vault_key_id, sealed_data_key = n.sealed_data_key, updated_at = leadrail.now()
        from unnest($1::uuid[], $2::bytea[], $3::text[], $4::bytea[])
            as n (id, old_data_key, vault_key_id, sealed_data_key)
        where c.id = n.id and c.sealed_data_key = n.old_data_key
        ",
        &ids,
        &old as &[&[u8]],
        &keys as &[&str],
        &new as &[&[u8]],
    );
    Ok(done.execute(db).await?.rows_affected())
}

/// How many connections each vault key seals, the most first.
pub(crate) async fn sealed_with(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<SealedWith>> {
    sqlx::query_as!(
        SealedWith,
        r#"
        select vault_key_id, count(*) as "connections!", 0::bigint as "clients!"
        from leadrail.connection
        group by vault_key_id
        order by count(*) desc, vault_key_id
        "#
    )
    .fetch_all(db)
    .await
}

/// One connection that is in use and sealed under another vault key than these, with that key's id.
pub(crate) async fn sealed_otherwise(
    db: impl PgExecutor<'_>,
    vault_key_ids: &[String],
) -> sqlx::Result<Option<(ConnectionId, String)>> {
    let other = sqlx::query!(
        r#"
        select id as "id: ConnectionId", vault_key_id
        from leadrail.connection
        where vault_key_id <> all ($1) and state <> 'disabled'
        order by created_at
        limit 1
        "#,
        vault_key_ids,
    );
    Ok(other
        .fetch_optional(db)
        .await?
        .map(|row| (row.id, row.vault_key_id)))
}
