//! The fault plan: the rules in force, in order, and how often each was met and fired.

use std::time::{Duration, Instant};

use axum::http::Method;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::fault::{Fault, FaultMatch, FaultRule};

/// What rules look at in a request.
pub(crate) struct Seen<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) template: Option<&'a str>,
    pub(crate) company: Option<&'a str>,
    pub(crate) contains: &'a dyn Fn(&str) -> bool,
}

impl Seen<'_> {
    /// A template may say more than the path it stands for, as a GraphQL call's does.
    fn is_under(&self, prefix: &str) -> bool {
        let starts = |text: &str| text.starts_with(prefix);
        starts(self.path) || self.template.is_some_and(starts)
    }
}

/// The rules of one CRM. Asking it for a request's fate is what counts that request.
#[derive(Default)]
pub(crate) struct FaultPlan {
    rules: Vec<ArmedRule>,
    last_id: u64,
}

struct ArmedRule {
    id: u64,
    rule: FaultRule,
    armed_at: Instant,
    chance: StdRng,
    seen: u64,
    fired: u64,
}

impl FaultPlan {
    /// Adds a rule after all others and returns its id.
    pub(crate) fn add(&mut self, rule: FaultRule) -> u64 {
        let armed = self.arm(rule);
        self.rules.push(armed);
        self.last_id
    }

    /// Adds a rule before all others and returns its id.
    pub(crate) fn add_first(&mut self, rule: FaultRule) -> u64 {
        let armed = self.arm(rule);
        self.rules.insert(0, armed);
        self.last_id
    }

    /// Keeps only the rules for which `keep(id, fault)` is true; returns how many went.
    pub(crate) fn retain(&mut self, keep: impl Fn(u64, &Fault) -> bool) -> usize {
        let before = self.rules.len();
        self.rules.retain(|armed| keep(armed.id, &armed.rule.fault));
        before - self.rules.len()
    }

    /// The fault that meets this request, if any: the first rule that fires wins.
    pub(crate) fn fate(&mut self, request: &Seen<'_>) -> Option<Fault> {
        self.rules
            .iter_mut()
            .find_map(|armed| armed.fires(request).then(|| armed.rule.fault.clone()))
    }

    /// The rules in order, as the control API shows them.
    pub(crate) fn list(&self) -> Value {
        self.rules.iter().map(ArmedRule::show).collect()
    }

    fn arm(&mut self, rule: FaultRule) -> ArmedRule {
        self.last_id += 1;
        let chance = StdRng::seed_from_u64(rule.matching.seed);
        ArmedRule {
            id: self.last_id,
            rule,
            armed_at: Instant::now(),
            chance,
            seen: 0,
            fired: 0,
        }
    }
}

impl ArmedRule {
    fn fires(&mut self, request: &Seen<'_>) -> bool {
        let matching = &self.rule.matching;
        if self.is_spent() || !meets(matching, request) {
            return false;
        }
        self.seen += 1;
        if self.seen <= matching.skip {
            return false;
        }
        let fires = matching
            .probability
            .is_none_or(|chance| self.chance.random_bool(chance));
        self.fired += u64::from(fires);
        fires
    }

    fn is_spent(&self) -> bool {
        let FaultMatch { times, for_ms, .. } = &self.rule.matching;
        let is_over = |ms: u64| self.armed_at.elapsed() >= Duration::from_millis(ms);
        times.is_some_and(|times| self.fired >= times) || for_ms.is_some_and(is_over)
    }

    fn show(&self) -> Value {
        json!({
            "id": self.id,
            "match": self.rule.matching,
            "fault": self.rule.fault,
            "seen": self.seen,
            "fired": self.fired,
        })
    }
}

fn meets(matching: &FaultMatch, request: &Seen<'_>) -> bool {
    let FaultMatch {
        method,
        path_prefix,
        company,
        contains,
        ..
    } = matching;
    method
        .as_deref()
        .is_none_or(|method| method == request.method.as_str())
        && path_prefix
            .as_deref()
            .is_none_or(|prefix| request.is_under(prefix))
        && company
            .as_deref()
            .is_none_or(|company| request.company == Some(company))
        && contains
            .as_deref()
            .is_none_or(|text| (request.contains)(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: Value) -> FaultRule {
        serde_json::from_value(json).expect("a valid rule")
    }

    fn fates(plan: &mut FaultPlan, requests: usize) -> Vec<Option<&'static str>> {
        let request = Seen {
            method: &Method::POST,
            path: "/leads",
            template: Some("/leads"),
            company: Some("acme"),
            contains: &|text| "phone 6025551234".contains(text),
        };
        (0..requests)
            .map(|_| plan.fate(&request).map(|fault| fault.kind()))
            .collect()
    }

    #[test]
    fn a_rule_skips_then_fires_so_often_then_rests() {
        let mut plan = FaultPlan::default();
        plan.add(rule(
            json!({"match": {"skip": 1, "times": 2}, "fault": {"kind": "down"}}),
        ));
        let down = Some("down");
        assert_eq!(fates(&mut plan, 5), [None, down, down, None, None]);
        assert_eq!(plan.list()[0]["fired"], 2);
    }

    #[test]
    fn the_first_rule_that_fires_wins_and_the_next_takes_over() {
        let mut plan = FaultPlan::default();
        plan.add(rule(
            json!({"match": {"times": 1}, "fault": {"kind": "unauthorized"}}),
        ));
        plan.add(rule(json!({"fault": {"kind": "reset_after"}})));
        assert_eq!(
            fates(&mut plan, 2),
            [Some("unauthorized"), Some("reset_after")]
        );
    }

    #[test]
    fn every_criterion_must_hold() {
        for criterion in [
            json!({"method": "GET"}),
            json!({"path_prefix": "/customers"}),
            json!({"company": "other"}),
            json!({"contains": "4805550000"}),
            json!({"for_ms": 0}),
            json!({"probability": 0.0}),
        ] {
            let mut plan = FaultPlan::default();
            plan.add(rule(json!({"match": criterion, "fault": {"kind": "down"}})));
            assert_eq!(fates(&mut plan, 1), [None], "{criterion}");
        }
        let mut plan = FaultPlan::default();
        plan.add(rule(json!({
            "match": {"method": "POST", "path_prefix": "/lea", "company": "acme",
                      "contains": "6025551234", "for_ms": 600_000, "probability": 1.0},
            "fault": {"kind": "down"},
        })));
        assert_eq!(fates(&mut plan, 1), [Some("down")]);
    }

    #[test]
    fn a_path_prefix_may_name_the_template_and_then_meets_that_call_only() {
        let fate = |prefix: &str| {
            let mut plan = FaultPlan::default();
            plan.add(rule(
                json!({"match": {"path_prefix": prefix}, "fault": {"kind": "down"}}),
            ));
            plan.fate(&Seen {
                method: &Method::POST,
                path: "/api/graphql",
                template: Some("/api/graphql#requestCreateNote()"),
                company: None,
                contains: &|_| false,
            })
            .is_some()
        };
        for met in ["/api", "/api/graphql#requestCreateNote()"] {
            assert!(fate(met), "{met}");
        }
        for other in ["/api/graphql#requestCreate()", "/api/graphql/"] {
            assert!(!fate(other), "{other}");
        }
    }

    #[test]
    fn one_seed_makes_one_plan_and_another_seed_another() {
        let run = |seed: u64| {
            let mut plan = FaultPlan::default();
            let chance = json!({"probability": 0.5, "seed": seed});
            plan.add(rule(json!({"match": chance, "fault": {"kind": "down"}})));
            fates(&mut plan, 200)
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let fired = run(7).iter().flatten().count();
        assert!(
            (60..140).contains(&fired),
            "{fired} of 200 fired at one half"
        );
    }

    #[test]
    fn a_misspelled_or_impossible_rule_is_refused() {
        for wrong in [
            json!({"fault": {"kind": "explode"}}),
            json!({"fault": {"kind": "down", "for_ms": 5}}),
            json!({"match": {"phone": "1"}, "fault": {"kind": "down"}}),
            json!({"match": {}}),
            json!({"fault": {"kind": "status_after"}}),
        ] {
            assert!(
                serde_json::from_value::<FaultRule>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
        for wrong in [
            json!({"match": {"probability": 1.5}, "fault": {"kind": "down"}}),
            json!({"fault": {"kind": "status_before", "status": 99}}),
            json!({"fault": {"kind": "redirect", "status": 200, "location": "/"}}),
            json!({"fault": {"kind": "redirect", "status": 302, "location": "a\nb"}}),
            json!({"fault": {"kind": "slow_bytes", "bytes_per_second": 0}}),
            json!({"fault": {"kind": "throttle", "retry_after": "a\nb"}}),
        ] {
            assert!(rule(wrong.clone()).check().is_err(), "{wrong}");
        }
    }
}
