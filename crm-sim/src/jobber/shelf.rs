//! One kind of records: in order, by id, and by the client they belong to.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::records::{Client, Note, Property, WorkRequest};

pub(super) trait Record: Clone {
    fn id(&self) -> &str;
    fn client_id(&self) -> &str;
    fn updated_at(&self) -> DateTime<Utc>;
}

/// Records are shared pointers, so that lists and the books are taken out by copying those.
pub(super) struct Shelf<T> {
    rows: Vec<Arc<T>>,
    places: HashMap<String, usize>,
    by_client: HashMap<String, Vec<usize>>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            places: HashMap::new(),
            by_client: HashMap::new(),
        }
    }
}

impl<T: Record> Shelf<T> {
    pub(super) fn add(&mut self, record: T) -> Arc<T> {
        let (place, record) = (self.rows.len(), Arc::new(record));
        self.places.insert(record.id().to_owned(), place);
        let of_client = self.by_client.entry(record.client_id().to_owned());
        of_client.or_default().push(place);
        self.rows.push(Arc::clone(&record));
        record
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<T>> {
        self.places
            .get(id)
            .map(|place| Arc::clone(&self.rows[*place]))
    }

    /// Changes a record that exists and returns it with its place; `None` if it does not.
    pub(super) fn change(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut T),
    ) -> Option<(usize, Arc<T>)> {
        let place = *self.places.get(id)?;
        change(Arc::make_mut(&mut self.rows[place]));
        Some((place, Arc::clone(&self.rows[place])))
    }

    /// Oldest first.
    pub(super) fn rows(&self) -> &[Arc<T>] {
        &self.rows
    }

    /// Last updated first.
    pub(super) fn all(&self) -> Vec<Arc<T>> {
        last_updated_first(self.rows.iter())
    }

    /// One client's, last updated first, without reading anybody else's.
    pub(super) fn of_client(&self, client_id: &str) -> Vec<Arc<T>> {
        let places = self.by_client.get(client_id).into_iter().flatten();
        last_updated_first(places.map(|place| &self.rows[*place]))
    }

    /// Those at the places given, last updated first.
    pub(super) fn at(&self, places: &[usize]) -> Vec<Arc<T>> {
        last_updated_first(places.iter().map(|place| &self.rows[*place]))
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
