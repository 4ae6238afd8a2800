//! Reading Pipedrive's lists, page after page: by a cursor in v2, by a place in v1.

use std::ops::ControlFlow;

use serde::de::DeserializeOwned;

use super::PIPEDRIVE;
use super::wire::{Listed, Pagination};
use crate::http::cut::Cut;
use crate::http::error::{AdapterError, AdapterResult};
use crate::http::request::CrmRequest;
use crate::http::session::Session;

/// Where a page begins.
enum Place {
    Beginning,
    Cursor(String),
    Start(u64),
}

/// The first page of a list, as a preview shows it.
pub(super) fn first_page(list: &CrmRequest, size: u32) -> CrmRequest {
    page(list, Cut::of(size), &Place::Beginning)
}

fn page(list: &CrmRequest, cut: Cut, place: &Place) -> CrmRequest {
    let request = list.clone().query("limit", cut.size().to_string());
    match place {
        Place::Beginning => request,
        Place::Cursor(cursor) => request.query("cursor", cursor.as_str()),
        Place::Start(start) => request.query("start", start.to_string()),
    }
}

/// Shows every item of a list to `visit` until it has seen enough. A list that is longer than we read is
/// an error: not having found something there proves nothing.
pub(super) async fn each<T: DeserializeOwned>(
    session: &Session,
    (list, size): (CrmRequest, u32),
    mut visit: impl FnMut(T) -> ControlFlow<()> + Send,
) -> AdapterResult<()> {
    let is_v1 = list.segments().get(1).is_some_and(|part| part == "v1");
    let mut cut = Cut::of(size);
    let mut place = Place::Beginning;
    while !cut.is_too_far() {
        let answer = session.send::<Listed<T>>(page(&list, cut, &place)).await;
        if let Some(shorter) = cut.instead_of(&answer) {
            cut = shorter;
            continue;
        }
        let (items, cursor, pagination) = answer?.into_parts();
        let next = match is_v1 {
            true => {
                let read = (items.len(), cut.size());
                start_after(&place, read, pagination.as_ref()).map(Place::Start)
            }
            false => cursor.map(Place::Cursor),
        };
        let enough = items.into_iter().any(|item| visit(item).is_break());
        match next {
            Some(next) if !enough => place = next,
            _ => return Ok(()),
        }
        cut = cut.next();
    }
    Err(AdapterError::incomplete_lookup(&PIPEDRIVE))
}

/// Where the next page of v1 begins; `None` at the end. A full page that does not say whether there is
/// more is not taken for the last.
fn start_after(
    place: &Place,
    (read, asked): (usize, u32),
    said: Option<&Pagination>,
) -> Option<u64> {
    let start = match place {
        Place::Start(start) => *start,
        _ => 0,
    };
    let read = u64::try_from(read).unwrap_or(u64::MAX);
    let more = said.and_then(|page| page.more_items_in_collection);
    let goes_on = more.unwrap_or(read >= u64::from(asked));
    let next = said.and_then(|page| page.next_start);
    (goes_on && read > 0).then(|| next.unwrap_or(start.saturating_add(read)))
}
