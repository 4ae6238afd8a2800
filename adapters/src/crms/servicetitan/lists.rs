//! Reading ServiceTitan's lists, page after page.

use serde::de::DeserializeOwned;

use super::SERVICETITAN;
use super::refusal::misplaced;
use super::requests::page;
use super::wire::{Contact, Page};
use crate::http::cut::{Cut, FEW};
use crate::http::error::{AdapterError, AdapterResult};
use crate::http::request::CrmRequest;
use crate::http::session::Session;

/// How many contacts a page has: they are short.
const CONTACTS: u32 = 500;

/// A list on its way to its end.
pub(super) struct Pages<'a> {
    session: &'a Session,
    list: CrmRequest,
    next: Option<Cut>,
}

impl<'a> Pages<'a> {
    pub(super) fn of(session: &'a Session, list: CrmRequest) -> Self {
        Self::by(FEW, session, list)
    }

    fn by(size: u32, session: &'a Session, list: CrmRequest) -> Self {
        Self {
            session,
            list,
            next: Some(Cut::of(size)),
        }
    }

    /// The next page, until there is none. A list that is longer than we read is an error: not
    /// having found something there proves nothing.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> AdapterResult<Option<Vec<T>>> {
        let Some(mut cut) = self.next else {
            return Ok(None);
        };
        if cut.is_too_far() {
            return Err(AdapterError::incomplete_lookup(&SERVICETITAN));
        }
        let mut answer = self.session.send(page(&self.list, cut)).await;
        while let Some(shorter) = cut.instead_of(&answer) {
            cut = shorter;
            answer = self.session.send(page(&self.list, cut)).await;
        }
        let Page { has_more, data } = answer.map_err(misplaced)?;
        self.next = (has_more && !data.is_empty()).then_some(cut.next());
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
    picked(Pages::of(session, list), pick).await
}

/// The same of contacts.
pub(super) async fn all_contacts<R: PartialEq>(
    session: &Session,
    list: CrmRequest,
    pick: impl Fn(Contact) -> Option<R>,
) -> AdapterResult<Vec<R>> {
    picked(Pages::by(CONTACTS, session, list), pick).await
}

async fn picked<T: DeserializeOwned, R: PartialEq>(
    mut pages: Pages<'_>,
    pick: impl Fn(T) -> Option<R>,
) -> AdapterResult<Vec<R>> {
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
