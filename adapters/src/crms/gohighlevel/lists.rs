//! Reading GoHighLevel's lists, page after page.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::GOHIGHLEVEL;
use super::wire::Page;
use crate::http::cut::{Cut, FEW};
use crate::http::error::{AdapterError, AdapterResult};
use crate::http::request::CrmRequest;
use crate::http::session::Session;

/// Everything in a list of which `pick` makes something, each record once: a list that grows while it is
/// read shows some of it on two pages. A list that is longer than we read is an error: not having found
/// something there proves nothing.
pub(super) async fn all<P: Page + DeserializeOwned, R>(
    session: &Session,
    page: impl Fn(Cut) -> AdapterResult<CrmRequest>,
    pick: impl Fn(P::Item) -> Option<R>,
) -> AdapterResult<Vec<R>> {
    let (mut seen, mut picked) = (HashSet::new(), Vec::new());
    let mut cut = Cut::of(FEW);
    while !cut.is_too_far() {
        let answer = session.send::<P>(page(cut)?).await;
        if let Some(shorter) = cut.instead_of(&answer) {
            cut = shorter;
            continue;
        }
        let (items, total) = answer?.into_parts();
        let is_short = items.len() < usize::try_from(cut.size()).unwrap_or(usize::MAX);
        for item in items {
            if seen.insert(P::id(&item).to_owned()) {
                picked.extend(pick(item));
            }
        }
        if is_short || total.is_some_and(|total| seen.len() as u64 >= total) {
            return Ok(picked);
        }
        cut = cut.next();
    }
    Err(AdapterError::incomplete_lookup(&GOHIGHLEVEL))
}
