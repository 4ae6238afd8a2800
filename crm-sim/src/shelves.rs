//! Where books keep their records: company by company, found by id.
//!
//! Records are shared pointers: a page or the whole books are taken out under the lock by copying
//! pointers, and turned into JSON after it is released.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

/// All companies. One comes into being when it is first used.
pub(crate) struct Companies<C> {
    companies: BTreeMap<String, C>,
}

impl<C> Companies<C> {
    /// A company, opened by `open` with its name if it is new.
    pub(crate) fn company(&mut self, name: &str, open: impl FnOnce(&str) -> C) -> &mut C {
        self.companies
            .entry(name.to_owned())
            .or_insert_with(|| open(name))
    }

    /// One company by name, or all.
    pub(crate) fn chosen(&self, company: Option<&str>) -> impl Iterator<Item = &C> {
        let wanted = move |name: &str| company.is_none_or(|company| company == name);
        let all = self.companies.iter();
        all.filter(move |(name, _)| wanted(name))
            .map(|(_, company)| company)
    }
}

impl<C> Default for Companies<C> {
    fn default() -> Self {
        let companies = BTreeMap::new();
        Self { companies }
    }
}

/// Records of one kind, oldest first, found by id.
pub(crate) struct Shelf<K, T> {
    records: Vec<Arc<T>>,
    places: HashMap<K, usize>,
}

impl<K: Eq + Hash, T> Shelf<K, T> {
    /// Adds a record and returns its place.
    pub(crate) fn push(&mut self, id: K, record: Arc<T>) -> usize {
        let place = self.records.len();
        self.places.insert(id, place);
        self.records.push(record);
        place
    }

    pub(crate) fn get<Q>(&self, id: &Q) -> Option<&Arc<T>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.place(id).map(|place| &self.records[place])
    }

    /// Takes a record away: nobody finds it by its id any more. The books keep it.
    pub(crate) fn remove<Q>(&mut self, id: &Q) -> Option<()>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.places.remove(id).map(drop)
    }

    /// Where a record stands; the n-th one added stands at n - 1.
    pub(crate) fn place<Q>(&self, id: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.places.get(id).copied()
    }

    /// The record at a place that [`Shelf::push`] or [`Shelf::place`] gave.
    pub(crate) fn at(&self, place: usize) -> &Arc<T> {
        &self.records[place]
    }

    pub(crate) fn all(&self) -> &[Arc<T>] {
        &self.records
    }
}

impl<K: Eq + Hash, T: Clone> Shelf<K, T> {
    /// A record to change; who holds it already keeps what it was.
    pub(crate) fn get_mut<Q>(&mut self, id: &Q) -> Option<&mut T>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let place = self.place(id)?;
        Some(Arc::make_mut(&mut self.records[place]))
    }
}

impl<K, T> Default for Shelf<K, T> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            places: HashMap::new(),
        }
    }
}
