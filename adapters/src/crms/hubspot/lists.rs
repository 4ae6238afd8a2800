//! Lists of HubSpot's: searches in pages, batches by id, and what is associated with a record.

use std::ops::ControlFlow;

use serde::de::DeserializeOwned;

use super::requests::{self, Window, associated};
use super::wire::{Associated, Batch, Object, Page};
use super::{HUBSPOT, Kind};
use crate::http::cut::{Cut, FEW, MOST_PAGES};
use crate::http::error::{AdapterError, AdapterResult, Failure};
use crate::http::request::CrmRequest;
use crate::http::session::Session;

/// Shows every item of a list to `visit`, page after page, until it has seen enough. A list that is
/// longer than we read is an error: not having found something there proves nothing.
pub(super) async fn each<T: DeserializeOwned>(
    session: &Session,
    list: impl Fn(Window) -> CrmRequest,
    mut visit: impl FnMut(T) -> ControlFlow<()> + Send,
) -> AdapterResult<()> {
    let mut cut = Cut::of(FEW);
    let mut after: Option<String> = None;
    while !cut.is_too_far() {
        let window = Window {
            size: cut.size(),
            after: after.clone(),
        };
        let answer = session.send::<Page<T>>(list(window)).await;
        if let Some(shorter) = cut.instead_of(&answer) {
            cut = shorter;
            continue;
        }
        let page = answer?;
        let next = page.next();
        if page.results.into_iter().any(|item| visit(item).is_break()) {
            return Ok(());
        }
        match next {
            None => return Ok(()),
            // Whoever goes on where he was goes on for ever.
            Some(_) if next == after => break,
            more => after = more,
        }
        cut = cut.next();
    }
    Err(AdapterError::incomplete_lookup(&HUBSPOT))
}

/// The records of these ids that are still there, with one property.
pub(super) async fn read(
    session: &Session,
    kind: Kind,
    ids: &[String],
    property: &str,
) -> AdapterResult<Vec<Object>> {
    let mut found = Vec::new();
    let mut cut = Cut::of(FEW);
    loop {
        let from = ((cut.page() - 1) * cut.size()) as usize;
        let to = ids.len().min(from + cut.size() as usize);
        let Some(part) = ids.get(from..to).filter(|part| !part.is_empty()) else {
            return Ok(found);
        };
        if cut.is_too_far() {
            return Err(AdapterError::incomplete_lookup(&HUBSPOT));
        }
        let answer = batch::<Object>(session, requests::objects(kind, part, property)).await;
        if let Some(shorter) = cut.instead_of(&answer) {
            cut = shorter;
            continue;
        }
        found.extend(answer?.results);
        cut = cut.next();
    }
}

/// The ids of what a record is associated with, each once.
pub(super) async fn ids(
    session: &Session,
    from: (Kind, &str),
    to: Kind,
) -> AdapterResult<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    let mut after = None;
    for _ in 0..MOST_PAGES {
        let request = associated(from, to, after.clone());
        let batch = batch::<Associated>(session, request).await?;
        let next = batch.results.iter().find_map(Associated::next);
        for target in batch.results.into_iter().flat_map(|of| of.to) {
            if !ids.contains(&target.to_object_id) {
                ids.push(target.to_object_id);
            }
        }
        match next {
            None => return Ok(ids),
            Some(_) if next == after => break,
            more => after = more,
        }
    }
    Err(AdapterError::incomplete_lookup(&HUBSPOT))
}

/// A batch of which every part was answered.
pub(super) async fn batch<T: DeserializeOwned>(
    session: &Session,
    request: CrmRequest,
) -> AdapterResult<Batch<T>> {
    let batch = session.send::<Batch<T>>(request).await?;
    match batch.is_whole() {
        true => Ok(batch),
        false => Err(AdapterError::NotDone(Failure::new(
            "batch_in_part",
            "HubSpot answered a part of the look-up with an error, so it proves nothing",
        ))),
    }
}
