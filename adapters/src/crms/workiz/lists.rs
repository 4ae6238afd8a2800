//! Reading Workiz's lists, page after page.
//!
//! `offset` is the number of a page to one client and of a row to another. The second request asks
//! for the second page; if what it brings was read already, it was a row, and rows are counted from
//! then on. Where pages have one record both are the same.

use std::collections::HashSet;

use super::WORKIZ;
use super::wire::{Page, Row};
use crate::http::cut::Cut;
use crate::http::error::{AdapterError, AdapterResult};
use crate::http::request::CrmRequest;
use crate::http::session::Session;

/// The most records that a page may have.
const MOST: u32 = 100;

/// A list on its way to its end.
pub(super) struct Pages<'a> {
    session: &'a Session,
    list: CrmRequest,
    next: Option<Cut>,
    counts: Offset,
    seen: HashSet<String>,
}

/// What an offset counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Offset {
    Pages,
    Rows,
}

impl<'a> Pages<'a> {
    pub(super) fn of(session: &'a Session, list: CrmRequest) -> Self {
        Self {
            session,
            list,
            next: Some(Cut::of(MOST)),
            counts: Offset::Pages,
            seen: HashSet::new(),
        }
    }

    /// What is new on the next page, until there is none. A list that is longer than we read is an
    /// error: not having found something there proves nothing.
    pub(super) async fn next(&mut self) -> AdapterResult<Option<Vec<Row>>> {
        let Some(mut cut) = self.next else {
            return Ok(None);
        };
        if cut.is_too_far() {
            return Err(AdapterError::incomplete_lookup(&WORKIZ));
        }
        let mut page = self.read(&mut cut).await?;
        let mut told = page.rows.len();
        let mut fresh = self.fresh(page.rows);
        if self.counts == Offset::Pages && cut.page() > 1 && fresh.len() * 2 < told {
            self.counts = Offset::Rows;
            page = self.read(&mut cut).await?;
            told = page.rows.len();
            fresh.extend(self.fresh(page.rows));
        }
        let more = page.has_more.unwrap_or(told >= cut.size() as usize);
        self.next = (more && !fresh.is_empty()).then_some(cut.next());
        Ok(Some(fresh))
    }

    /// The page, in shorter pieces where it is too long.
    async fn read(&self, cut: &mut Cut) -> AdapterResult<Page> {
        loop {
            let request = page(&self.list, *cut, self.counts);
            let answer = self.session.send_maybe(request).await;
            match cut.instead_of(&answer) {
                Some(shorter) => *cut = shorter,
                None => return answer.map(Option::unwrap_or_default),
            }
        }
    }

    /// Those that were not read before: a list that grows while it is read shows some twice.
    fn fresh(&mut self, rows: Vec<Row>) -> Vec<Row> {
        let is_new = |row: &Row| match &row.uuid {
            Some(uuid) => self.seen.insert(uuid.clone()),
            None => true,
        };
        rows.into_iter().filter(is_new).collect()
    }
}

/// The first request for a list.
pub(super) fn first_page(list: &CrmRequest) -> CrmRequest {
    page(list, Cut::of(MOST), Offset::Pages)
}

fn page(list: &CrmRequest, cut: Cut, counts: Offset) -> CrmRequest {
    let before = cut.page() - 1;
    let offset = match counts {
        Offset::Pages => before,
        Offset::Rows => before * cut.size(),
    };
    let request = list.clone().query("offset", offset.to_string());
    request.query("records", cut.size().to_string())
}
