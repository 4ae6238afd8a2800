//! Leads by SQL, as from an application's own transaction: by `leadrail.enqueue_lead`, or otherwise.

use super::{EnqueueOptions, Way, side_by_side};
use sqlx::{Connection as _, PgConnection};
use std::sync::Arc;

/// The door itself; text in, how many leads it took out.
pub(super) const ENQUEUE: &str =
    "select count(leadrail.enqueue_lead(payload::jsonb)) from unnest($1::text[]) payload";

/// One lead a transaction, by this statement.
pub(super) async fn single(
    url: &str,
    statement: &'static str,
    leads: Vec<String>,
    options: &EnqueueOptions,
) -> anyhow::Result<Way> {
    let one = leads.into_iter().map(|lead| vec![lead]).collect();
    call(url, statement, one, options.clients, options.leads).await
}

/// Many leads a statement.
pub(super) async fn batch(
    url: &str,
    statement: &'static str,
    leads: Vec<String>,
    options: &EnqueueOptions,
) -> anyhow::Result<Way> {
    let many = leads.chunks(options.batch).map(<[_]>::to_vec).collect();
    call(url, statement, many, options.batch_clients(), options.leads).await
}

async fn call(
    url: &str,
    statement: &'static str,
    bodies: Vec<Vec<String>>,
    callers: usize,
    leads: usize,
) -> anyhow::Result<Way> {
    let mut clients = Vec::new();
    for _ in 0..callers {
        clients.push(PgConnection::connect(url).await?);
    }
    let calls = bodies.len();
    let bodies = Arc::new(bodies);
    side_by_side(clients, calls, leads, move |mut client, place| {
        let bodies = bodies.clone();
        async move {
            let kept: i64 = sqlx::query_scalar(statement)
                .bind(&bodies[place])
                .fetch_one(&mut client)
                .await?;
            anyhow::ensure!(usize::try_from(kept)? == bodies[place].len());
            Ok(client)
        }
    })
    .await
}
