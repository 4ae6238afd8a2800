//! Who asked what, and what came of it: counts without end, a log of bounded length.
//!
//! Paths are kept as templates only, because some CRMs carry keys or phone numbers in theirs.

use std::collections::{BTreeMap, VecDeque};

use axum::http::Method;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock;

/// How many requests the log remembers.
const LOG_LENGTH: usize = 10_000;

/// Written where a path has no template.
const UNKNOWN_PATH: &str = "(unknown path)";

/// One line of the log.
#[derive(Serialize, Clone)]
pub(crate) struct Entry {
    at: DateTime<Utc>,
    method: String,
    path: &'static str,
    company: Option<String>,
    /// The status on the wire; `None` where the caller gets no answer.
    status: Option<u16>,
    fault: Option<&'static str>,
}

impl Entry {
    pub(crate) fn new(
        method: &Method,
        template: Option<&'static str>,
        company: Option<String>,
        (status, fault): (Option<u16>, Option<&'static str>),
    ) -> Self {
        let (at, method) = (clock::now(), method.to_string());
        let path = template.unwrap_or(UNKNOWN_PATH);
        Self {
            at,
            method,
            path,
            company,
            status,
            fault,
        }
    }
}

/// Counts by company, endpoint and status, and the last requests.
#[derive(Default)]
pub(crate) struct Traffic {
    counts: BTreeMap<Option<String>, BTreeMap<String, BTreeMap<String, u64>>>,
    log: VecDeque<Entry>,
}

impl Traffic {
    pub(crate) fn note(&mut self, entry: Entry) {
        let status = entry
            .status
            .map_or("no_answer".into(), |status| status.to_string());
        let endpoint = format!("{} {}", entry.method, entry.path);
        let counts = self.counts.entry(entry.company.clone()).or_default();
        *counts
            .entry(endpoint)
            .or_default()
            .entry(status)
            .or_default() += 1;
        if self.log.len() == LOG_LENGTH {
            self.log.pop_front();
        }
        self.log.push_back(entry);
    }

    /// `{"POST /leads": {"201": 3}}` of one company or of all, the unknown ones included.
    pub(crate) fn counts(&self, company: Option<&str>) -> Value {
        let mut sums: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        let wanted = |whose: &Option<String>| company.is_none() || whose.as_deref() == company;
        for (_, endpoints) in self.counts.iter().filter(|(whose, _)| wanted(whose)) {
            for (endpoint, statuses) in endpoints {
                for (status, count) in statuses {
                    *sums.entry(endpoint).or_default().entry(status).or_default() += count;
                }
            }
        }
        let show = |(endpoint, counts): (&str, _)| (endpoint.to_owned(), serde_json::json!(counts));
        Value::Object(sums.into_iter().map(show).collect::<Map<_, _>>())
    }

    /// The last so many requests, oldest first.
    pub(crate) fn last(&self, count: usize) -> Vec<Entry> {
        let start = self.log.len().saturating_sub(count);
        self.log.range(start..).cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(company: &str, status: Option<u16>) -> Entry {
        Entry::new(
            &Method::GET,
            Some("/leads"),
            Some(company.into()),
            (status, None),
        )
    }

    #[test]
    fn the_log_is_bounded_and_the_counts_are_not() {
        let mut traffic = Traffic::default();
        for _ in 0..LOG_LENGTH + 5 {
            traffic.note(entry("acme", Some(200)));
        }
        assert_eq!(traffic.last(usize::MAX).len(), LOG_LENGTH);
        assert_eq!(traffic.counts(None)["GET /leads"]["200"], LOG_LENGTH + 5);
    }

    #[test]
    fn counts_can_be_had_for_one_company() {
        let mut traffic = Traffic::default();
        traffic.note(entry("acme", Some(200)));
        traffic.note(entry("other", None));
        assert_eq!(
            traffic.counts(Some("acme")),
            serde_json::json!({"GET /leads": {"200": 1}})
        );
        let all = serde_json::json!({"GET /leads": {"200": 1, "no_answer": 1}});
        assert_eq!(traffic.counts(None), all);
    }
}
