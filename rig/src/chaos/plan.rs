//! Everything that is decided before a run begins.

use super::control::Control;
use super::profile::Profile;
use super::stage::Stage;
use super::timetable::Timetable;
use leadrail_engine::{RetrySchedule, Wait};
use std::time::Duration;

/// Workers at a time, and runs that each holds at most.
pub(super) const WORKERS: usize = 4;
pub(super) const SLOTS: u32 = 32;
/// In small runs a worker holds fewer, so that a blow does not hit everything at once.
const LEADS_A_SLOT: u64 = 50;
/// A silent worker is believed for so long.
pub(super) const LEASE: Duration = Duration::from_secs(4);
/// Longer than the lease, so that a frozen worker is taken over before it wakes.
pub(super) const FREEZE: Duration = Duration::from_millis(5_500);
/// What a worker is given to end when asked to: more than any call may take.
pub(super) const GRACE: Duration = Duration::from_secs(4);
pub(super) const CALL_TIMEOUT_MS: u64 = 800;
pub(super) const SETTLE_SECONDS: u64 = 2;

/// The shortest time in which every kind of blow falls.
pub(super) const SHORTEST: Duration = Duration::from_secs(14);
/// Time enough to notice a missing safeguard.
const SHORTEST_CONTROL: Duration = Duration::from_secs(11);
/// How long the CRM takes to answer; without a fence long enough to freeze many in the middle.
const LATENCY_MS: u64 = 40;
const LONG_LATENCY_MS: u64 = 300;
/// Leads a second that any machine manages under blows; a given number is spread over so long.
const EASY_RATE: f64 = 50.0;
/// An account's list of new customers must stay within what an adapter reads of it.
const LEADS_AN_ACCOUNT: u64 = 200;

/// Everything that is decided before a run begins.
pub(super) struct Plan {
    pub(super) profile: Profile,
    pub(super) seed: u64,
    pub(super) leads: u64,
    pub(super) without: Option<Control>,
    /// As many leads as the profile has time for.
    whole: bool,
    /// Blows fall for at least so long.
    pub(super) strike_at_least: Duration,
    /// No lead is sent after this.
    pub(super) send_within: Duration,
    /// No blow falls so long after the last lead was sent.
    pub(super) patience: Duration,
    /// What has not ended so long after the last blow never will.
    pub(super) drain_within: Duration,
    /// Leads sent a second at most.
    pub(super) pace: Option<f64>,
    pub(super) timetable: Timetable,
}

/// Fewer blows of a kind than this prove too little.
#[derive(Clone, Copy)]
pub(super) struct Least {
    /// At random.
    pub(super) freezes: u64,
    /// Workers that were refused after a takeover.
    pub(super) fenced: u64,
    pub(super) answers_lost: u64,
    /// Deploys, each a round of rolling restarts.
    pub(super) rounds: u64,
    /// Small tables cannot tell that the disk is full.
    pub(super) full_disks: u64,
}

impl Plan {
    pub(super) fn new(
        profile: Profile,
        seed: u64,
        leads: Option<u64>,
        without: Option<Control>,
    ) -> Self {
        let (usual, send_secs, drain_secs) = match profile {
            Profile::Ci => (10_000, 150, 75),
            Profile::Full => (50_000, 480, 90),
        };
        let leads = leads.or(without.map(|_| 400));
        let spread = leads.map(|leads| Duration::from_secs_f64(leads as f64 / EASY_RATE));
        let strike_at_least = match without {
            Some(_) => SHORTEST_CONTROL,
            None => spread.unwrap_or(Duration::from_secs(30)).max(SHORTEST),
        };
        let (drain_secs, patience_secs) = match without {
            Some(_) => (12, 0),
            None => (drain_secs, 20),
        };
        let send_within = match leads {
            // Whoever names a number gets it, however long that takes.
            Some(_) => Duration::from_secs(3_600),
            None => Duration::from_secs(send_secs),
        };
        Self {
            profile,
            seed,
            leads: leads.unwrap_or(usual),
            without,
            whole: spread.is_none(),
            strike_at_least,
            send_within,
            patience: Duration::from_secs(patience_secs),
            drain_within: Duration::from_secs(drain_secs),
            pace: leads.map(|leads| leads as f64 / (strike_at_least.as_secs_f64() * 0.8)),
            timetable: Timetable::of(profile, without),
        }
    }

    /// How often blows must have fallen; once is enough in a run of another size.
    pub(super) fn least(&self) -> Least {
        match (self.whole, self.profile) {
            (false, _) => Least {
                freezes: 1,
                fenced: 1,
                answers_lost: 1,
                rounds: 1,
                full_disks: 0,
            },
            (true, Profile::Ci) => Least {
                freezes: 10,
                fenced: 30,
                answers_lost: 50,
                rounds: 1,
                full_disks: 1,
            },
            (true, Profile::Full) => Least {
                freezes: 60,
                fenced: 200,
                answers_lost: 500,
                rounds: 3,
                full_disks: 1,
            },
        }
    }

    /// Whether a standby follows the database and takes its place.
    pub(super) fn has_standby(&self) -> bool {
        self.timetable.failover.is_some()
    }

    /// How many accounts share the leads.
    pub(super) fn accounts(&self) -> u64 {
        (self.leads / LEADS_AN_ACCOUNT).clamp(8, 250)
    }

    /// How many runs a worker holds.
    pub(super) fn slots(&self) -> u32 {
        let slots = u32::try_from(self.leads / LEADS_A_SLOT).unwrap_or(SLOTS);
        match self.without {
            Some(_) => SLOTS,
            None => slots.clamp(8, SLOTS),
        }
    }

    /// How long the CRM takes to answer.
    pub(super) fn latency_ms(&self) -> u64 {
        match self.without {
            Some(Control::Fence) => LONG_LATENCY_MS,
            _ => LATENCY_MS,
        }
    }

    /// What the connections say of the CRM; wrong where that is the control.
    pub(super) fn settle_seconds(&self) -> u64 {
        match self.without {
            Some(Control::Settle) => 0,
            _ => SETTLE_SECONDS,
        }
    }

    pub(super) fn greeting(&self, stage: &Stage) -> String {
        let without = self.without.map(|control| {
            format!(
                "\nwithout {}: the verdict must turn red for it",
                control.name()
            )
        });
        format!(
            "chaos --profile {} --seed {}: up to {} leads of {} accounts, PostgreSQL {}, {WORKERS} workers with \
             {} slots each, a lease of {} s, calls of {} s, a settle time of {} s{}",
            self.profile.name(),
            self.seed,
            self.leads,
            self.accounts(),
            stage.postgres().major_version(),
            self.slots(),
            LEASE.as_secs(),
            CALL_TIMEOUT_MS as f64 / 1_000.0,
            self.settle_seconds(),
            without.unwrap_or_default()
        )
    }
}

/// The usual schedule on a clock a hundred times as fast; the last waits are shorter still, because
/// nobody watches for that long.
pub(super) fn schedule() -> RetrySchedule {
    let wait = |delay: u64, jitter: u64| Wait {
        delay: Duration::from_millis(delay),
        jitter: Duration::from_millis(jitter),
    };
    RetrySchedule::new(vec![
        wait(300, 100),
        wait(1_200, 200),
        wait(3_000, 500),
        wait(6_000, 600),
        wait(9_000, 900),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_number_of_leads_is_spread_over_the_blows() {
        let plan = Plan::new(Profile::Ci, 1, Some(400), None);
        assert_eq!((plan.leads, plan.strike_at_least), (400, SHORTEST));
        let sending = plan.leads as f64 / plan.pace.unwrap();
        assert!(sending > 8.0 && sending < SHORTEST.as_secs_f64());
    }

    #[test]
    fn an_account_stays_within_what_an_adapter_reads_of_its_newest_customers() {
        for leads in [100, 10_000, 200_000] {
            let plan = Plan::new(Profile::Full, 1, Some(leads), None);
            assert!(leads / plan.accounts() <= 1_000);
        }
    }
}
