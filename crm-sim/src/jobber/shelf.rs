//! One kind of an account's records, by the client they belong to and by their last change.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::records::{Client, Note, Property, WorkRequest};
use crate::shelves;

pub(super) trait Record: Clone {
    fn id(&self) -> &str;
    fn client_id(&self) -> &str;
    fn updated_at(&self) -> DateTime<Utc>;
}

/// A shelf that also knows whose its records are, and shows what was last updated first.
pub(super) struct Shelf<T> {
    records: shelves::Shelf<String, T>,
    by_client: HashMap<String, Vec<usize>>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            records: shelves::Shelf::default(),
            by_client: HashMap::new(),
        }
    }
}

impl<T: Record> Shelf<T> {
    pub(super) fn add(&mut self, record: T) -> Arc<T> {
        let record = Arc::new(record);
        let place = self
            .records
            .push(record.id().to_owned(), Arc::clone(&record));
        let of_client = self.by_client.entry(record.client_id().to_owned());
        of_client.or_default().push(place);
        record
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<T>> {
        self.records.get(id).map(Arc::clone)
    }

    /// Changes a record that exists and returns it with its place; `None` if it does not.
    pub(super) fn change(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut T),
    ) -> Option<(usize, Arc<T>)> {
        change(self.records.get_mut(id)?);
        let place = self.records.place(id)?;
        Some((place, Arc::clone(self.records.at(place))))
    }

    /// Takes a record away: nobody finds it any more. The books keep it.
    pub(super) fn remove(&mut self, id: &str) -> Option<()> {
        self.records.remove(id)
    }

    /// Oldest first, also what was taken away.
    pub(super) fn rows(&self) -> &[Arc<T>] {
        self.records.all()
    }

    /// Last updated first.
    pub(super) fn all(&self) -> Vec<Arc<T>> {
        self.there(self.rows().iter())
    }

    /// One client's, last updated first, without reading anybody else's.
    pub(super) fn of_client(&self, client_id: &str) -> Vec<Arc<T>> {
        let places = self.by_client.get(client_id);
        self.at(places.map_or(&[], Vec::as_slice))
    }

    /// Those at the places given, last updated first.
    pub(super) fn at(&self, places: &[usize]) -> Vec<Arc<T>> {
        self.there(places.iter().map(|place| self.records.at(*place)))
    }

    /// What was not taken away of these, last updated first.
    fn there<'a>(&'a self, rows: impl Iterator<Item = &'a Arc<T>>) -> Vec<Arc<T>> {
        last_updated_first(rows.filter(|row| self.records.get(row.id()).is_some()))
    }
}

/// Of two with the same time the one added later comes first.
fn last_updated_first<'a, T: Record + 'a>(rows: impl Iterator<Item = &'a Arc<T>>) -> Vec<Arc<T>> {
    let mut rows: Vec<Arc<T>> = rows.cloned().collect();
    rows.reverse();
    rows.sort_by_key(|row| std::cmp::Reverse(row.updated_at()));
    rows
}

macro_rules! record {
    ($record:ty, $client_id:ident) => {
        impl Record for $record {
            fn id(&self) -> &str {
                &self.id
            }

            fn client_id(&self) -> &str {
                &self.$client_id
            }

            fn updated_at(&self) -> DateTime<Utc> {
                self.updated_at
            }
        }
    };
}

record!(Client, id);
record!(Property, client_id);
record!(WorkRequest, client_id);
record!(Note, client_id);
