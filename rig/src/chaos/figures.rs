//! The figures of a run, each with what it must be.

use super::chronicle::Events;
use super::clocks;
use super::disk;
use super::evidence::Evidence;
use super::plan::{LEASE, Least, Plan};
use super::sender::Sent;
use super::takeover::{after_kills, percentile};
use super::watch::Watched;
use leadrail_engine::RunState;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A run that lies longer than this after a kill was not taken over in time.
const GONE_ON_WITHIN_MS: i64 = LEASE.as_millis() as i64 + 1_000;
/// Of fewer takeovers the slowest in a hundred says nothing.
const ENOUGH_TAKEOVERS: usize = 100;
/// A worker has no reason to be larger.
const LARGEST_WORKER_MIB: u64 = 200;
/// More dead letters than this, of leads that met faults until no retry was left, are too many.
const USED_UP_IN_A_HUNDRED: u64 = 1;
/// The reason of what the fault plan has rejected on purpose.
const REJECTED: &str = "http_422";

/// One figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What was counted or measured; times end in `_ms` or `_s`.
    pub name: &'static str,
    /// A number, a text, a list or sums by name; null if there was nothing to measure.
    pub value: Value,
    /// What it must be, in words; empty if it may be anything.
    pub must: String,
    /// Whether it is that.
    pub holds: bool,
}

/// The figures, in the order in which they are shown.
pub(super) struct Figures {
    pub(super) all: Vec<Figure>,
    /// Whether this is a control, which strikes less and with less patience.
    is_control: bool,
    has_standby: bool,
    least: Least,
}

impl Figures {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            all: Vec::new(),
            is_control: plan.without.is_some(),
            has_standby: plan.has_standby(),
            least: plan.least(),
        }
    }

    fn tell(&mut self, name: &'static str, value: impl Into<Value>) {
        self.add(name, value, "", true);
    }

    fn must_be(&mut self, name: &'static str, value: u64, wanted: u64) {
        self.add(name, value, &wanted.to_string(), value == wanted);
    }

    fn at_least(&mut self, name: &'static str, value: u64, least: u64) {
        self.add(name, value, &format!("at least {least}"), value >= least);
    }

    /// A blow that never falls proves nothing, except in a control.
    fn struck(&mut self, name: &'static str, times: u64, least: u64) {
        match self.is_control {
            true => self.tell(name, times),
            false => self.at_least(name, times, least),
        }
    }

    fn at_most(&mut self, name: &'static str, value: impl Into<Value>, most: u64, holds: bool) {
        self.add(name, value, &format!("at most {most}"), holds);
    }

    fn add(&mut self, name: &'static str, value: impl Into<Value>, must: &str, holds: bool) {
        self.all.push(Figure {
            name,
            value: value.into(),
            must: must.to_owned(),
            holds,
        });
    }

    /// What came in.
    pub(super) fn of_doors(&mut self, sent: &Sent) {
        self.tell("accepted", sent.accepted);
        self.must_be("sent_again_and_recognized", sent.recognized, sent.again);
        self.must_be("changed_and_refused", sent.refused, sent.changed);
        self.tell("requests_repeated", sent.repeated);
        self.struck("requests_cut_by_client", sent.cut, 1);
        self.tell("taken_although_cut", sent.cut_and_taken);
        let has_standby = u64::from(self.has_standby);
        self.struck("lost_with_the_primary", sent.lost_with_primary, has_standby);
    }

    /// What became of it.
    pub(super) fn of_leads(&mut self, sent: &Sent, evidence: &Evidence) {
        let state = |state| evidence.states.get(&state).copied().unwrap_or_default();
        let (completed, dead) = (state(RunState::Completed), state(RunState::Dead));
        self.must_be("lost", evidence.without_run + evidence.not_filed, 0);
        self.must_be("doubled", evidence.doubled, 0);
        self.must_be("unexpected", evidence.unsent + evidence.strangers, 0);
        self.tell("completed", completed);
        self.tell("dead", dead);
        let not_ended = sent
            .accepted
            .saturating_sub(completed + dead + evidence.without_run);
        match self.is_control {
            true => self.tell("not_ended", not_ended),
            false => self.must_be("not_ended", not_ended, 0),
        }
        self.of_dead(sent, &evidence.dead);
        self.tell("reconciled", evidence.marks.reconciled);
        self.tell("executed_alone", evidence.marks.isolated);
        self.tell("second_looks_planned", evidence.marks.audits);
    }

    /// A lead may die of a planned rejection, or of faults until no retry was left.
    fn of_dead(&mut self, sent: &Sent, dead: &BTreeMap<String, u64>) {
        let sum = |which: &dyn Fn(&str) -> bool| {
            let chosen = dead.iter().filter(|(reason, _)| which(reason));
            chosen.map(|(_, leads)| leads).sum::<u64>()
        };
        self.tell(
            "dead_rejected_as_planned",
            sum(&|reason| reason == REJECTED),
        );
        let used_up = sum(&|reason| reason != REJECTED && is_crm_fault(reason));
        let most = (sent.accepted * USED_UP_IN_A_HUNDRED).div_ceil(100);
        self.at_most("dead_retries_used_up", used_up, most, used_up <= most);
        let others = dead.iter().filter(|(reason, _)| !is_expected_death(reason));
        let others: BTreeMap<_, _> = others.collect();
        let holds = others.is_empty();
        self.add("dead_for_no_good_reason", json!(others), "none", holds);
    }

    /// What the engine kept to.
    pub(super) fn of_engine(&mut self, evidence: &Evidence) {
        let stale = &evidence.stale;
        self.must_be("stale_writes_applied", stale.all(), 0);
        if stale.all() > 0 {
            self.tell(
                "stale_writes",
                json!({
                    "second_results": stale.second_results, "second_ends": stale.second_ends,
                    "after_end": stale.after_end, "by_nobody": stale.by_nobody,
                }),
            );
        }
        let broken: Vec<_> = evidence
            .broken
            .iter()
            .map(|check| format!("{}: {}", check.name, check.detail))
            .collect();
        let holds = broken.is_empty();
        self.add("broken_invariants", json!(broken), "none", holds);
    }

    /// What struck; a kind that never did proves nothing.
    pub(super) fn of_blows(&mut self, events: &Events, watched: &Watched, evidence: &Evidence) {
        self.struck("kills", events.kills.len() as u64, 1);
        let (freezes, in_calls) = (&events.freezes, &events.freezes_in_calls);
        self.struck("freezes", freezes.len() as u64, self.least.freezes);
        self.struck("freezes_in_calls", in_calls.len() as u64, 1);
        self.struck("database_restarts", events.restarts, 1);
        self.struck("database_kills", events.crashes, 1);
        let away = events
            .outages
            .iter()
            .map(|outage| (outage.until - outage.from).num_milliseconds());
        self.tell("database_away_longest_ms", json!(away.max()));
        let has_standby = u64::from(self.has_standby);
        self.struck("failovers", events.failovers, has_standby);
        self.of_disk(events);
        self.struck("session_cuts", events.cuts, 1);
        self.tell("sessions_cut", events.sessions_cut);
        self.of_wires(events, evidence);
        self.of_rolling(events, evidence);
        self.of_clocks(evidence);
        let fired: BTreeMap<_, _> = watched
            .fired
            .iter()
            .map(|fired| (fired.name, fired.times))
            .collect();
        let idle = fired.values().any(|times| *times == 0);
        let holds = self.is_control || !idle;
        self.add("faults_fired", json!(fired), "each at least 1", holds);
        self.struck("takeovers", evidence.losses.len() as u64, 1);
        self.of_fence(events, evidence);
        self.must_be("workers_that_ended_by_themselves", events.quitters, 0);
    }

    /// How often a worker that had been taken over was refused: workers that found it out, and
    /// statements that the database did not execute for them.
    fn of_fence(&mut self, events: &Events, evidence: &Evidence) {
        // Every freeze outlasts the lease, so a quarter of them is little, whatever the run's size.
        let fenced = self.least.fenced.max(events.freezes.len() as u64 / 4);
        self.struck("fenced_workers", evidence.fenced_workers, fenced);
        self.struck("fenced_writes", evidence.fenced_writes, 1);
    }

    /// A full disk needs something that is not everywhere; without it nothing is shown.
    fn of_disk(&mut self, events: &Events) {
        if !disk::can_be_full() {
            let said = "the disk was never full: prlimit is not installed";
            return self.tell("disk_full", said);
        }
        let (full, least) = (events.full_disks.len() as u64, self.least.full_disks);
        self.struck("disk_full", full, least);
        self.struck("writes_without_room", events.writes_without_room, least);
    }

    /// What was lost between the workers and the database.
    fn of_wires(&mut self, events: &Events, evidence: &Evidence) {
        let least = self.least.answers_lost;
        self.struck("commit_answers_lost", events.answers_lost, least);
        self.struck("notifications_lost", events.notifications_lost, 1);
        let deaf = events.deaf.map(|deaf| deaf.until - deaf.from);
        let deaf = deaf.map(|deaf| rounded(deaf.as_seconds_f64()));
        self.tell("without_notifications_s", json!(deaf));
        let completed = evidence.completed_while_deaf;
        self.struck("completed_without_notifications", completed, 1);
    }

    /// Every worker that was asked to end did so by itself, in order, and leads went on meanwhile, under
    /// the build that was replaced and under the one that came.
    fn of_rolling(&mut self, events: &Events, evidence: &Evidence) {
        let rounds = events.rounds.len() as u64;
        self.struck("deploys", rounds, self.least.rounds);
        self.struck("filed_by_later_builds", evidence.marks.later_builds, 1);
        self.tell("put_down_by_earlier_builds", evidence.marks.put_down);
        let ended = &events.ended_in_order;
        self.must_be("ended_in_order", ended.len() as u64, events.asked_to_end);
        let slowest = ended.iter().max().map(|slowest| slowest.as_millis() as u64);
        self.tell("ended_slowest_ms", json!(slowest));
        let completed = evidence.completed_while_rolling;
        self.struck("completed_while_rolling", completed, 1);
    }

    /// Wrong clocks need something that is not installed everywhere; without it nothing is shown.
    fn of_clocks(&mut self, evidence: &Evidence) {
        let seen = &evidence.wrong_clocks;
        if !clocks::can_be_wrong() {
            let said = "no clock was wrong: libfaketime is not installed";
            return self.tell("hours_clocks_were_off", said);
        }
        let holds = self.is_control || seen.len() == clocks::WRONG;
        let must = format!("of {} workers", clocks::WRONG);
        self.add("hours_clocks_were_off", json!(seen), &must, holds);
    }

    /// How quick and how large it was.
    pub(super) fn of_speed(&mut self, events: &Events, watched: &Watched, evidence: &Evidence) {
        let (taken, gone_on) = after_kills(&evidence.losses, events);
        self.tell("takeovers_measured", taken.len());
        self.tell("takeover_p50_ms", json!(percentile(&taken, 50)));
        self.soon_enough("takeover_p99_ms", &taken);
        self.tell("gone_on_p50_ms", json!(percentile(&gone_on, 50)));
        self.soon_enough("gone_on_p99_ms", &gone_on);
        let rate = watched.ended_under_blows as f64 / watched.blows.as_secs_f64();
        self.tell("leads_a_second_under_blows", rounded(rate));
        self.tell("blows_s", rounded(watched.blows.as_secs_f64()));
        self.tell("took_s", rounded(watched.took.as_secs_f64()));
        let rss = events.largest_rss_kib / 1_024;
        let holds = rss <= LARGEST_WORKER_MIB;
        self.at_most("worker_rss_mib", rss, LARGEST_WORKER_MIB, holds);
    }

    /// The slowest in a hundred of what follows a kill.
    fn soon_enough(&mut self, name: &'static str, waits: &[i64]) {
        let slow = percentile(waits, 99);
        let in_time = slow.is_none_or(|slow| slow <= GONE_ON_WITHIN_MS);
        let holds = in_time || waits.len() < ENOUGH_TAKEOVERS || self.is_control;
        self.at_most(name, json!(slow), GONE_ON_WITHIN_MS.unsigned_abs(), holds);
    }

    pub(super) fn number(&self, name: &str) -> u64 {
        let figure = self.all.iter().find(|figure| figure.name == name);
        figure
            .and_then(|figure| figure.value.as_u64())
            .unwrap_or_default()
    }
}

/// Whether the fault plan or a CRM at its worst may bring a lead to this end.
pub(super) fn is_expected_death(reason: &str) -> bool {
    reason == REJECTED || is_crm_fault(reason)
}

/// Reasons that only what the CRM answered, or did not answer, can give.
fn is_crm_fault(reason: &str) -> bool {
    const WORDS: [&str; 4] = [
        "timeout",
        "connection_lost",
        "invalid_json",
        "body_too_large",
    ];
    reason.starts_with("http_") || WORDS.contains(&reason)
}

fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
