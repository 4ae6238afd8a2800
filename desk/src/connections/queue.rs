//! What waits for connections, and what goes out through them one by one.

use crate::desk::Desk;
use crate::error::DeskResult;
use chrono::{DateTime, Utc};
use leadrail_connections::{Connection, ConnectionFilter, ConnectionId};
use leadrail_workflows::gates_of;
use serde::Serialize;
use std::collections::HashMap;
use uuid::Uuid;

/// The leads that stand before a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConnectionQueue {
    /// Leads that wait for it, or for a connection to its account's CRM.
    pub waiting: i64,
    /// Leads that waited and whose turn comes, ten a minute.
    pub released: i64,
    /// When the last of them has its turn.
    pub last_turn_at: Option<DateTime<Utc>>,
}

/// A connection, and the leads that stand before it.
#[derive(Clone, PartialEq, Serialize)]
pub struct ListedConnection {
    /// The connection.
    #[serde(flatten)]
    pub connection: Connection,
    /// The leads.
    pub queue: ConnectionQueue,
}

impl Desk {
    /// The connections as [`Desk::list_connections`] gives them, each with the leads that stand before it.
    ///
    /// # Errors
    /// When the database cannot be read or a row is damaged.
    pub async fn connections_with_queues(
        &self,
        filter: &ConnectionFilter,
    ) -> DeskResult<Vec<ListedConnection>> {
        let connections = self.list_connections(filter).await?;
        let mut queues = self.queues(&connections).await?;
        let each = connections.into_iter().map(|connection| ListedConnection {
            queue: queues.remove(&connection.id).unwrap_or_default(),
            connection,
        });
        Ok(each.collect())
    }

    /// A connection with the leads that stand before it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn with_queue(&self, connection: Connection) -> DeskResult<ListedConnection> {
        let mut queues = self.queues(std::slice::from_ref(&connection)).await?;
        Ok(ListedConnection {
            queue: queues.remove(&connection.id).unwrap_or_default(),
            connection,
        })
    }

    async fn queues(
        &self,
        connections: &[Connection],
    ) -> DeskResult<HashMap<ConnectionId, ConnectionQueue>> {
        if connections.is_empty() {
            return Ok(HashMap::new());
        }
        let mut queues = self.waiting(connections).await?;
        let ids: Vec<Uuid> = connections.iter().map(|one| one.id.0).collect();
        for (id, released, last_turn_at) in self.released(&ids).await? {
            let queue = queues.entry(id).or_default();
            (queue.released, queue.last_turn_at) = (released, last_turn_at);
        }
        Ok(queues)
    }

    async fn waiting(
        &self,
        connections: &[Connection],
    ) -> DeskResult<HashMap<ConnectionId, ConnectionQueue>> {
        let gates = connections.iter().flat_map(|connection| {
            let gates = gates_of(connection).into_iter();
            gates.map(|gate| (connection.id.0, gate))
        });
        let (ids, gates): (Vec<Uuid>, Vec<String>) = gates.unzip();
        let rows = sqlx::query!(
            r#"
            select u.id as "id!", count(distinct g.run_id) as "waiting!"
            from unnest($1::uuid[], $2::text[]) as u (id, gate)
            join leadrail.seen_run_gate g on g.gate = u.gate
            group by u.id
            "#,
            &ids,
            &gates
        )
        .fetch_all(self.engine().access())
        .await?;
        let each = rows.into_iter().map(|row| {
            let queue = ConnectionQueue {
                waiting: row.waiting,
                ..ConnectionQueue::default()
            };
            (ConnectionId(row.id), queue)
        });
        Ok(each.collect())
    }

    /// How many leads are being let go through each of these, and when the last of them is: those that
    /// have begun, are ready, and sleep until their turn.
    async fn released(
        &self,
        connections: &[Uuid],
    ) -> DeskResult<Vec<(ConnectionId, i64, Option<DateTime<Utc>>)>> {
        let rows = sqlx::query!(
            r#"
            with released as materialized (
                select l.connection_id, l.account, l.crm, l.crm_account_id, s.due_at
                from generate_series(0, 9) as p (priority)
                cross join lateral (
                    select r.id, r.due_at
                    from leadrail.seen_live_run r
                    where r.priority = p.priority and r.due_at > leadrail.now() and r.asleep
                      and r.state = 'queued' and r.starts > 0
                ) s
                join leadrail.lead l on l.run_id = s.id
            ), through as (
                select r.connection_id as id, r.due_at
                from released r
                where r.connection_id = any ($1)
                union all
                select c.id, r.due_at
                from released r
                join leadrail.connection c on c.account = r.account and c.crm = r.crm
                where r.connection_id is null and c.id = any ($1)
                  and (c.crm_account_id is null or r.crm_account_id is null or r.crm_account_id = c.crm_account_id)
            )
            select t.id as "id!", count(*) as "released!", max(t.due_at) as last_turn_at
            from through t
            group by t.id
            "#,
            connections
        )
        .fetch_all(self.engine().access())
        .await?;
        let each = rows
            .into_iter()
            .map(|row| (ConnectionId(row.id), row.released, row.last_turn_at));
        Ok(each.collect())
    }
}
