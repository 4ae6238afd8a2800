//! Leads page by page, the newest first.

use super::rows::{Address, LeadRow, Source};
use super::search::Search;
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult, has_nul};
use leadrail_connections::ConnectionId;
use leadrail_engine::{RunId, RunState, RunView};
use leadrail_workflows::LeadView;
use std::collections::HashMap;
use uuid::Uuid;

/// How many rows a page looks at where a filter has no index of its own: it bounds the time of one that
/// few leads pass.
const LOOKED_AT: usize = 2_000;
/// How many of them at a time.
const CHUNK: u32 = 1_000;
/// The most leads of a page.
const MOST_A_PAGE: u32 = 1_000;

/// Which leads; what is not given does not matter.
#[derive(Clone, Debug, Default)]
pub struct LeadFilter {
    /// Only leads in this state. Of the waiting ones those that wait for somebody; who only lets a
    /// CRM's settle time pass goes on by itself in a moment.
    pub state: Option<RunState>,
    /// Only this account's.
    pub account: Option<String>,
    /// Only those for this CRM.
    pub crm: Option<String>,
    /// Only those that go through this connection, or waited for it to be made.
    pub connection: Option<ConnectionId>,
    /// Only those of this caller's number, or the one with this event id or run id. Personal data.
    pub q: Option<String>,
}

/// A page of leads.
#[derive(Clone, Debug)]
pub struct LeadPage {
    /// The leads, the newest first. A page may be short, even empty, and not be the last: where few
    /// leads of many pass a filter on CRM or state.
    pub leads: Vec<LeadView>,
    /// Where the next page begins; none after the last one.
    pub next: Option<RunId>,
}

impl Desk {
    /// Leads older than the run `before`, at most `limit` (1 to 1,000) of them. Filters on account,
    /// connection and `q`, and the states in which a lead has not ended well, are looked up; others look
    /// at a bounded number of leads a page.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for a filter with NUL in it or a `q` that is neither a number nor an id, or
    /// when the database cannot be read.
    pub async fn leads(
        &self,
        filter: &LeadFilter,
        before: Option<RunId>,
        limit: u32,
    ) -> DeskResult<LeadPage> {
        filter.check()?;
        let address = match filter.connection {
            Some(id) => self.address(id).await?,
            None => None,
        };
        if filter.contradicts(address.as_ref()) {
            return Ok(LeadPage::empty());
        }
        let source = self.source(filter, address.as_ref()).await?;
        let wanted = Wanted { filter, address };
        let limit = limit.clamp(1, MOST_A_PAGE);
        self.page(&source, &wanted, before, limit).await
    }

    async fn page(
        &self,
        source: &Source,
        wanted: &Wanted<'_>,
        before: Option<RunId>,
        limit: u32,
    ) -> DeskResult<LeadPage> {
        let mut before = before.map_or(Uuid::max(), |run| run.0);
        let (mut page, mut looked) = (Found::default(), 0);
        // Mostly every row belongs on the page; where it does not, more are read at a time.
        let mut size = limit;
        loop {
            let db = self.engine().access();
            let chunk = source.chunk(db, before, i64::from(size)).await?;
            looked += chunk.looked;
            page.next = chunk.next.map(RunId);
            let limit = limit as usize;
            self.fill(&mut page, wanted, chunk.rows, limit).await?;
            match page.next {
                Some(next) if page.heads.len() < limit && looked < LOOKED_AT => before = next.0,
                _ => break,
            }
            size = size.max(CHUNK);
        }
        Ok(LeadPage {
            leads: self.views(page.heads).await?,
            next: page.next,
        })
    }

    /// Adds those of the rows that are wanted, until the page is full; then the next one begins after
    /// the last of them.
    async fn fill(
        &self,
        page: &mut Found,
        wanted: &Wanted<'_>,
        rows: Vec<LeadRow>,
        limit: usize,
    ) -> DeskResult<()> {
        let rows: Vec<_> = rows.into_iter().filter(|row| wanted.row(row)).collect();
        let mut heads = self.heads(&rows).await?;
        for row in rows {
            if page.heads.len() == limit {
                page.next = page.heads.last().map(|(head, _)| head.id);
                return Ok(());
            }
            // A row may outlive its run by some days.
            let head = heads.remove(&row.run_id);
            if let Some(head) = head.filter(|head| wanted.state(head)) {
                page.heads.push((head, row.crm));
            }
        }
        Ok(())
    }

    async fn heads(&self, rows: &[LeadRow]) -> DeskResult<HashMap<Uuid, RunView>> {
        let ids: Vec<_> = rows.iter().map(|row| RunId(row.run_id)).collect();
        let heads = self.engine().heads(&ids).await?;
        Ok(heads.into_iter().map(|head| (head.id.0, head)).collect())
    }

    /// What finds these leads best: the fewest first.
    async fn source(&self, filter: &LeadFilter, address: Option<&Address>) -> DeskResult<Source> {
        let account = address.map(|address| &address.account);
        let account = account.or(filter.account.as_ref()).cloned();
        if let Some(q) = &filter.q {
            return Ok(match Search::read(q)? {
                Search::Phone(number) => Source::Phone(number),
                Search::Id(id) => Source::Runs(self.runs_of_id(id).await?),
            });
        }
        Ok(match (filter.state, address, account) {
            (Some(RunState::Dead), _, account) => Source::Dead(account),
            (Some(RunState::Waiting), _, account) => Source::Gates(account),
            (Some(state), _, account) if !state.is_terminal() => Source::Live(state, account),
            (_, Some(address), _) => Source::Connection(address.clone()),
            (_, None, Some(account)) => Source::Account(account),
            (_, None, None) => Source::Every,
        })
    }

    /// The runs that an event's id may mean, and the one with this id itself.
    async fn runs_of_id(&self, id: Uuid) -> DeskResult<Vec<Uuid>> {
        let runs = self.engine().runs_by_key(&id.to_string()).await?;
        Ok(runs.iter().map(|run| run.id.0).chain([id]).collect())
    }

    async fn address(&self, id: ConnectionId) -> DeskResult<Option<Address>> {
        let row = sqlx::query!(
            "select account, crm, crm_account_id from leadrail.connection where id = $1",
            id.0
        )
        .fetch_optional(self.engine().access())
        .await?;
        Ok(row.map(|row| Address {
            connection: id,
            account: row.account,
            crm: row.crm,
            crm_account_id: row.crm_account_id,
        }))
    }
}

/// What a page has so far.
#[derive(Default)]
struct Found {
    heads: Vec<(RunView, Option<String>)>,
    next: Option<RunId>,
}

/// A filter whose connection was looked up.
struct Wanted<'a> {
    filter: &'a LeadFilter,
    address: Option<Address>,
}

impl Wanted<'_> {
    fn row(&self, row: &LeadRow) -> bool {
        let LeadFilter { account, crm, .. } = self.filter;
        account
            .as_ref()
            .is_none_or(|account| *account == row.account)
            && crm.as_ref().is_none_or(|crm| row.crm.as_ref() == Some(crm))
            && self.address.as_ref().is_none_or(|to| to.is_of(row))
    }

    fn state(&self, head: &RunView) -> bool {
        self.filter.state.is_none_or(|state| state == head.state)
    }
}

impl LeadFilter {
    /// Whether there is no such connection, or it is not the account's.
    fn contradicts(&self, address: Option<&Address>) -> bool {
        let theirs = |address: &Address| {
            let account = self.account.as_ref();
            account.is_none_or(|account| *account == address.account)
        };
        self.connection.is_some() && !address.is_some_and(theirs)
    }

    fn check(&self) -> DeskResult<()> {
        let mut texts = [&self.account, &self.crm].into_iter().flatten();
        match texts.any(|text| has_nul(text)) {
            true => Err(DeskError::refused(
                "filter",
                "account and crm must not hold NUL",
            )),
            false => Ok(()),
        }
    }
}

impl LeadPage {
    fn empty() -> Self {
        Self {
            leads: Vec::new(),
            next: None,
        }
    }
}
