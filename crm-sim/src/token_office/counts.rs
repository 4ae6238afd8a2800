//! How many tokens were issued, refreshed and refused, and what came twice.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

/// Counts in all and by company. A request that names no company counts in all only.
#[derive(Default)]
pub(super) struct Counts {
    all: Count,
    companies: BTreeMap<String, Count>,
}

#[derive(Default, Serialize)]
struct Count {
    /// For a client itself or for a code.
    issued: u64,
    /// For a refresh token.
    refreshed: u64,
    refused: u64,
    /// Spent refresh tokens that came again and were refused for it.
    reused: u64,
    /// Families that ended by that.
    revoked: u64,
}

impl Counts {
    /// `granted` says of a granted request whether it was a renewal.
    pub(super) fn note(&mut self, company: Option<String>, granted: Option<bool>) {
        self.all.note(granted);
        if let Some(company) = company {
            self.companies.entry(company).or_default().note(granted);
        }
    }

    /// A spent refresh token came again; `revokes`: its family ends.
    pub(super) fn note_reuse(&mut self, company: String, revokes: bool) {
        let of_company = self.companies.entry(company).or_default();
        for count in [&mut self.all, of_company] {
            count.reused += 1;
            count.revoked += u64::from(revokes);
        }
    }

    pub(super) fn show(&self) -> Value {
        let mut shown = json!(self.all);
        shown["companies"] = json!(self.companies);
        shown
    }
}

impl Count {
    fn note(&mut self, granted: Option<bool>) {
        match granted {
            Some(false) => self.issued += 1,
            Some(true) => self.refreshed += 1,
            None => self.refused += 1,
        }
    }
}
