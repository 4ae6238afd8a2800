//! Reading ServiceTitan's lists, page after page.

use serde::de::DeserializeOwned;

use super::SERVICETITAN;
use super::refusal::misplaced;
use super::requests::page;
use super::wire::Page;
use crate::http::error::{AdapterError, AdapterResult};
use crate::http::request::CrmRequest;
use crate::http::session::Session;

/// How many pages are read before a look-up gives up.
pub(super) const MAX_PAGES: u32 = 10;

/// A list on its way to its end.
pub(super) struct Pages<'a> {
    session: &'a Session,
    list: CrmRequest,
    next: Option<u32>,
}

impl<'a> Pages<'a> {
    pub(super) fn of(session: &'a Session, list: CrmRequest) -> Self {
        Self {
            session,
            list,
            next: Some(1),
        }
    }

    /// The next page, until there is none. A list that is longer than we read is an error: not
    /// having found something there proves nothing.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> AdapterResult<Option<Vec<T>>> {
        let Some(number) = self.next else {
            return Ok(None);
        };
        if number > MAX_PAGES {
            return Err(AdapterError::incomplete_lookup(&SERVICETITAN));
        }
        let read = self.session.send(page(&self.list, number)).await;
        let Page { has_more, data } = read.map_err(misplaced)?;
        self.next = (has_more && !data.is_empty()).then_some(number + 1);
        Ok(Some(data))
    }
}

/// Everything in a list of which `pick` makes something, each once: a list that grows while it is
/// read shows some of it on two pages.
pub(super) async fn all<T: DeserializeOwned, R: PartialEq>(
    session: &Session,
    list: CrmRequest,
    pick: impl Fn(T) -> Option<R>,
) -> AdapterResult<Vec<R>> {
    let mut pages = Pages::of(session, list);
    let mut picked = Vec::new();
    while let Some(page) = pages.next::<T>().await? {
        for found in page.into_iter().filter_map(&pick) {
            if !picked.contains(&found) {
                picked.push(found);
            }
        }
    }
    Ok(picked)
}
