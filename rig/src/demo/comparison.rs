//! The simulated CRMs' own books against what was accepted.

use super::cast::{Cast, End, Role};
use crate::Books;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashSet;

/// What the books say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Leads that should be in the CRM and are not.
    pub(super) lost: u64,
    /// Leads and customers that are there more than once.
    pub(super) duplicates: u64,
    /// Leads that should not be there: rejected ones, unqualified ones, ones that nobody sent.
    pub(super) unexpected: u64,
    /// The same of each CRM.
    pub(super) by_crm: Vec<CrmSums>,
}

/// What the books of one CRM say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CrmSums {
    /// Its name: `jobber`.
    pub crm: &'static str,
    /// Leads for it that were handed over.
    pub accepted: u64,
    /// Leads in its books.
    pub filed: u64,
    /// Leads that should be there and are not.
    pub lost: u64,
    /// Leads and customers that are there more than once.
    pub duplicates: u64,
}

/// Compares, by the markers and numbers that stand in the CRMs.
pub(super) fn compare(records: &[(&'static str, Value)], cast: &Cast) -> Comparison {
    let mut all = Comparison::default();
    for (crm, records) in records {
        let theirs = cast.roles().filter(|role| role.crm() == *crm);
        let theirs: Vec<_> = theirs.collect();
        let (accepted, books) = (theirs.len() as u64, Books::of(records));
        let expected = theirs.iter().filter(|role| belongs_there(role));
        let expected = expected.map(|role| role.marker().to_string()).collect();
        all.add(crm, accepted, &books, &count(&books, &expected));
    }
    all
}

impl Comparison {
    fn add(&mut self, crm: &'static str, accepted: u64, books: &Books, found: &Self) {
        self.lost += found.lost;
        self.duplicates += found.duplicates;
        self.unexpected += found.unexpected;
        self.by_crm.push(CrmSums {
            crm,
            accepted,
            filed: books.leads(),
            lost: found.lost,
            duplicates: found.duplicates,
        });
    }
}

fn count(books: &Books, expected: &HashSet<String>) -> Comparison {
    let missing = expected
        .iter()
        .filter(|&marker| !books.leads.contains_key(marker));
    let strangers = books.leads.keys();
    let strangers = strangers.filter(|&marker| !expected.contains(marker));
    Comparison {
        lost: missing.count() as u64,
        duplicates: books.surplus(),
        unexpected: strangers.count() as u64,
        by_crm: Vec::new(),
    }
}

fn belongs_there(role: &Role) -> bool {
    match role.end {
        End::Delivered | End::DeliveredOnceConnected => true,
        End::Recorded | End::Dead(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lead(tag: &str) -> Value {
        json!({ "id": "lea", "tags": [tag, "phone"] })
    }

    #[test]
    fn lost_doubled_and_unexpected_leads_are_told_apart() {
        let expected = HashSet::from(["lr-1".to_owned(), "lr-2".to_owned()]);
        let compared = |leads: &[Value]| count(&Books::of(&json!({ "leads": leads })), &expected);
        let both = [lead("lr-1"), lead("lr-2")];
        assert_eq!(compared(&both), Comparison::default());
        assert_eq!(compared(&both[..1]).lost, 1);
        let thrice = [lead("lr-1"), lead("lr-2"), lead("lr-1"), lead("lr-1")];
        assert_eq!(compared(&thrice).duplicates, 2);
        let strange = [lead("lr-1"), lead("lr-2"), lead("lr-3"), lead("other")];
        assert_eq!(compared(&strange).unexpected, 2);
    }
}
