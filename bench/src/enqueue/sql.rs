//! `leadrail.enqueue_lead`, called by SQL as from an application's own transaction.

use super::{EnqueueOptions, Way, side_by_side};
use sqlx::{Connection as _, PgConnection};
use std::sync::Arc;

/// One lead a transaction.
pub(super) async fn single(
    url: &str,
    leads: Vec<String>,
    options: &EnqueueOptions,
) -> anyhow::Result<Way> {
    let one = leads.into_iter().map(|lead| vec![lead]).collect();
    call(url, one, options.clients, options.leads).await
}

/// Many leads a statement.
pub(super) async fn batch(
    url: &str,
    leads: Vec<String>,
    options: &EnqueueOptions,
) -> anyhow::Result<Way> {
    let many = leads.chunks(options.batch).map(<[_]>::to_vec).collect();
    call(url, many, options.batch_clients(), options.leads).await
}

async fn call(
    url: &str,
    statements: Vec<Vec<String>>,
    callers: usize,
    leads: usize,
) -> anyhow::Result<Way> {
    let mut clients = Vec::new();
    for _ in 0..callers {
        clients.push(PgConnection::connect(url).await?);
    }
    let calls = statements.len();
    let statements = Arc::new(statements);
    side_by_side(clients, calls, leads, move |mut client, place| {
        let statements = statements.clone();
        async move {
            let kept: i64 = sqlx::query_scalar(
                "select count(leadrail.enqueue_lead(payload::jsonb)) from unnest($1::text[]) payload",
            )
            .bind(&statements[place])
            .fetch_one(&mut client)
            .await?;
            anyhow::ensure!(usize::try_from(kept)? == statements[place].len());
            Ok(client)
        }
    })
    .await
}
