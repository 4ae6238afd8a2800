//! Ids, and lists of names where each stands once.

use std::collections::HashMap;

use serde::Serialize;
use uuid::Uuid;

/// A tag, a lead source or the like.
#[derive(Clone, Serialize)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Named entries, each name once. A caller may bring a new one with every record.
#[derive(Default)]
pub(crate) struct Names {
    list: Vec<Named>,
    places: HashMap<String, usize>,
}

impl Names {
    /// The entry of that name, which is added if it is new.
    pub(crate) fn remember(&mut self, prefix: &str, name: &str) -> Named {
        if let Some(place) = self.places.get(name) {
            return self.list[*place].clone();
        }
        let named = Named {
            id: new_id(prefix),
            name: name.to_owned(),
        };
        self.places.insert(name.to_owned(), self.list.len());
        self.list.push(named.clone());
        named
    }

    /// All entries, oldest first.
    pub(crate) fn all(&self) -> &[Named] {
        &self.list
    }

    pub(crate) fn remember_all(&mut self, prefix: &str, names: &[String]) {
        for name in names {
            self.remember(prefix, name);
        }
    }
}

/// What a company is called in answers.
pub(crate) fn display_name(company: &str) -> String {
    format!("Simulated company {company}")
}

/// Ids are random, so that those of a restarted stand-in cannot pass for those of the one before.
pub(crate) fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::new_v4().simple())
}
