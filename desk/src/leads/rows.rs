//! Where a page of leads is read from: the rows of `leadrail.lead`, the newest first, by one of its
//! indexes or by a small table of the engine's.

use super::live;
use leadrail_connections::ConnectionId;
use leadrail_engine::{Access, RunState};

use uuid::Uuid;

/// How many dead letters, or runs at gates, one chunk looks at: it bounds the time of an account that
/// has few among many.
const LOOKED_AT: i64 = 20_000;

/// What is asked for, by what finds it best.
pub(super) enum Source {
    /// These runs.
    Runs(Vec<Uuid>),
    /// Leads of this number, in E.164.
    Phone(String),
    /// Dead letters, of one account or of all.
    Dead(Option<String>),
    /// Leads that wait at a gate, of one account or of all.
    Gates(Option<String>),
    /// Leads in a state that only the hot table knows, of one account or of all.
    Live(RunState, Option<String>),
    /// Leads that go through this connection.
    Connection(Address),
    /// One account's leads.
    Account(String),
    /// All.
    Every,
}

/// A connection, and what leads from before it was made are addressed to.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) connection: ConnectionId,
    pub(super) account: String,
    pub(super) crm: String,
    pub(super) crm_account_id: Option<String>,
}

/// What was accepted, as far as lists want it.
pub(super) struct LeadRow {
    pub(super) run_id: Uuid,
    pub(super) account: String,
    pub(super) crm: Option<String>,
    pub(super) crm_account_id: Option<String>,
    pub(super) connection_id: Option<Uuid>,
}

/// Some rows, the newest first.
pub(super) struct Chunk {
    pub(super) rows: Vec<LeadRow>,
    /// Before which run the next chunk begins; none where this was the last one.
    pub(super) next: Option<Uuid>,
    /// How many were looked at for them.
    pub(super) looked: usize,
}

impl Address {
    /// Whether a lead goes through this connection, or did not know of any when it came and is
    /// addressed to it.
    pub(super) fn is_of(&self, lead: &LeadRow) -> bool {
        match lead.connection_id {
            Some(id) => id == self.connection.0,
            None => {
                let named = lead.crm_account_id.as_ref();
                lead.account == self.account
                    && lead.crm.as_ref() == Some(&self.crm)
                    && named.is_none_or(|named| Some(named) == self.crm_account_id.as_ref())
            }
        }
    }
}

impl Source {
    /// At most `size` rows of runs older than `before`.
    pub(super) async fn chunk(&self, db: &Access, before: Uuid, size: i64) -> sqlx::Result<Chunk> {
        let rows = match self {
            Self::Dead(account) => {
                let ids = dead(db, before, account.as_deref(), size).await?;
                return chunk_of(db, ids, size, last_dead(db, before)).await;
            }
            Self::Gates(account) => {
                let ids = at_gates(db, before, account.as_deref(), size).await?;
                return chunk_of(db, ids, size, last_at_gates(db, before)).await;
            }
            Self::Live(state, account) => {
                let wanted = (*state, account.as_deref());
                let ids = live::in_state(db, before, wanted, size).await?;
                return chunk_of(db, ids, size, live::last_looked_at(db, before)).await;
            }
            Self::Runs(ids) => {
                let mut rows = by_ids(db, ids).await?;
                rows.retain(|row| row.run_id < before);
                return Ok(Chunk::of(rows, None));
            }
            Self::Phone(number) => by_phone(db, number, before, size).await?,
            Self::Connection(address) => by_connection(db, address, before, size).await?,
            Self::Account(account) => by_account(db, account, before, size).await?,
            Self::Every => every(db, before, size).await?,
        };
        let is_last = i64::try_from(rows.len()).unwrap_or(i64::MAX) < size;
        let next = rows.last().map(|row| row.run_id).filter(|_| !is_last);
        Ok(Chunk::of(rows, next))
    }
}

impl Chunk {
    fn of(rows: Vec<LeadRow>, next: Option<Uuid>) -> Self {
        let looked = rows.len();
        Self { rows, next, looked }
    }
}

/// The rows of these runs, as far as they file leads. Where there were fewer than asked for, `edge` tells
/// how far was looked.
async fn chunk_of(
    db: &Access,
    ids: Vec<Uuid>,
    size: i64,
    edge: impl Future<Output = sqlx::Result<Option<Uuid>>>,
) -> sqlx::Result<Chunk> {
    let is_full = i64::try_from(ids.len()).unwrap_or(i64::MAX) >= size;
    let (next, looked) = match ids.last() {
        Some(last) if is_full => (Some(*last), ids.len()),
        _ => (
            edge.await?,
            usize::try_from(LOOKED_AT).unwrap_or(usize::MAX),
        ),
    };
    let rows = by_ids(db, &ids).await?;
    Ok(Chunk { rows, next, looked })
}

/// By ids that stand in the statement, so that its plan names only the partitions that they are in.
async fn by_ids(db: &Access, ids: &[Uuid]) -> sqlx::Result<Vec<LeadRow>> {
    sqlx::query_as!(
        LeadRow,
        "
        select run_id, account, crm, crm_account_id, connection_id
        from leadrail.lead
        where run_id = any ($1)
        order by run_id desc
        ",
        ids
    )
    .fetch_all(db)
    .await
}

async fn by_account(
    db: &Access,
    account: &str,
    before: Uuid,
    size: i64,
) -> sqlx::Result<Vec<LeadRow>> {
    sqlx::query_as!(
        LeadRow,
        "
        select run_id, account, crm, crm_account_id, connection_id
        from leadrail.lead
        where account = $1 and run_id < $2
        order by run_id desc
        limit $3
        ",
        account,
        before,
        size
    )
    .fetch_all(db)
    .await
}

/// Those that were accepted when there was the connection, and those that came before it.
async fn by_connection(
    db: &Access,
    address: &Address,
    before: Uuid,
    size: i64,
) -> sqlx::Result<Vec<LeadRow>> {
    sqlx::query_as!(
        LeadRow,
        r#"
        select run_id as "run_id!", account as "account!", crm, crm_account_id, connection_id
        from (
            (
                select run_id, account, crm, crm_account_id, connection_id
                from leadrail.lead
                where connection_id = $1 and run_id < $5
                order by run_id desc
                limit $6
            )
            union all
            (
                select run_id, account, crm, crm_account_id, connection_id
                from leadrail.lead
                where connection_id is null and account = $2 and crm = $3
                  and (crm_account_id is null or crm_account_id = $4 or $4 is null) and run_id < $5
                order by run_id desc
                limit $6
            )
        ) l
        order by run_id desc
        limit $6
        "#,
        address.connection.0,
        address.account,
        address.crm,
        address.crm_account_id,
        before,
        size
    )
    .fetch_all(db)
    .await
}

async fn by_phone(
    db: &Access,
    number: &str,
    before: Uuid,
    size: i64,
) -> sqlx::Result<Vec<LeadRow>> {
    sqlx::query_as!(
        LeadRow,
        "
        select run_id, account, crm, crm_account_id, connection_id
        from leadrail.lead
        where phone_hash = (select leadrail.phone_hash($1)) and run_id < $2
        order by run_id desc
        limit $3
        ",
        number,
        before,
        size
    )
    .fetch_all(db)
    .await
}

async fn every(db: &Access, before: Uuid, size: i64) -> sqlx::Result<Vec<LeadRow>> {
    sqlx::query_as!(
        LeadRow,
        "
        select run_id, account, crm, crm_account_id, connection_id
        from leadrail.lead
        where run_id < $1
        order by run_id desc
        limit $2
        ",
        before,
        size
    )
    .fetch_all(db)
    .await
}

async fn dead(
    db: &Access,
    before: Uuid,
    account: Option<&str>,
    size: i64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        select d.run_id as "run_id!"
        from (
            select run_id, seen, scope
            from leadrail.dead_letter_place
            where run_id < $1
            order by run_id desc
            limit $2
        ) d
        where d.seen and ($3::text is null or d.scope = $3)
        order by d.run_id desc
        limit $4
        "#,
        before,
        LOOKED_AT,
        account,
        size
    )
    .fetch_all(db)
    .await
}

/// The last dead letter that was looked at, if there may be more.
async fn last_dead(db: &Access, before: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"
        select run_id as "run_id!"
        from leadrail.dead_letter_place
        where run_id < $1
        order by run_id desc
        offset $2
        limit 1
        "#,
        before,
        LOOKED_AT - 1
    )
    .fetch_optional(db)
    .await
}

async fn at_gates(
    db: &Access,
    before: Uuid,
    account: Option<&str>,
    size: i64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        select g.run_id as "run_id!"
        from (
            select distinct run_id
            from leadrail.run_gate_place
            where run_id < $1
            order by run_id desc
            limit $2
        ) g
        where exists (
            select from leadrail.seen_live_run r where r.id = g.run_id and ($3::text is null or r.scope = $3)
        )
        order by g.run_id desc
        limit $4
        "#,
        before,
        LOOKED_AT,
        account,
        size
    )
    .fetch_all(db)
    .await
}

/// The last run at a gate that was looked at, if there may be more.
async fn last_at_gates(db: &Access, before: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"
        select distinct run_id as "run_id!"
        from leadrail.run_gate_place
        where run_id < $1
        order by run_id desc
        offset $2
        limit 1
        "#,
        before,
        LOOKED_AT - 1
    )
    .fetch_optional(db)
    .await
}
