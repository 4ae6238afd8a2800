//! Which blow falls when.

use super::control::Control;
use super::profile::Profile;
use std::time::Duration;

/// Often enough for 500 in a full run, and rarely enough for the workers to get on in between.
const LOST_ANSWER_EVERY: Duration = Duration::from_millis(500);

/// When which blow falls: the first one, and how often from then on.
#[derive(Default)]
pub(super) struct Timetable {
    pub(super) kill: Option<Beat>,
    pub(super) freeze: Option<Beat>,
    /// Freezes in the middle of a call.
    pub(super) freeze_in_call: Option<Beat>,
    /// Rounds in which every worker is started anew.
    pub(super) roll: Option<Beat>,
    pub(super) cut: Option<Beat>,
    pub(super) restart: Option<Beat>,
    pub(super) crash: Option<Beat>,
    pub(super) disk_full: Option<Beat>,
    /// Once, where there is a standby.
    pub(super) failover: Option<Beat>,
    /// How often about an answer of the database's gets lost.
    pub(super) lost_answer: Option<Duration>,
    /// When no notification arrives.
    pub(super) deaf: Option<Spell>,
}

/// A time that comes once.
#[derive(Clone, Copy)]
pub(super) struct Spell {
    pub(super) first: Duration,
    pub(super) lasts: Duration,
}

/// A blow that falls again and again.
#[derive(Clone, Copy)]
pub(super) struct Beat {
    pub(super) first: Duration,
    pub(super) every: Duration,
}

impl Beat {
    const fn new(first_ms: u64, every_ms: u64) -> Self {
        Self {
            first: Duration::from_millis(first_ms),
            every: Duration::from_millis(every_ms),
        }
    }
}

impl Timetable {
    pub(super) fn of(profile: Profile, without: Option<Control>) -> Self {
        match without {
            // Nothing but freezes: a killed worker writes nothing when it wakes.
            Some(Control::Fence) => {
                return Self {
                    freeze: Some(Beat::new(1_000, 1_500)),
                    ..Self::default()
                };
            }
            // What the CRM does is enough to show that these are missing.
            Some(Control::Look | Control::Settle) => {
                return Self {
                    kill: Some(Beat::new(1_500, 3_000)),
                    ..Self::default()
                };
            }
            None => {}
        }
        let (crash_every, roll_every, full_every, deaf_secs) = match profile {
            Profile::Ci => (3_600_000, 3_600_000, 3_600_000, 10),
            Profile::Full => (150_000, 110_000, 170_000, 60),
        };
        Self {
            kill: Some(Beat::new(1_500, 1_500)),
            freeze: Some(Beat::new(1_000, 4_000)),
            freeze_in_call: Some(Beat::new(2_000, 1_800)),
            roll: Some(Beat::new(5_000, roll_every)),
            cut: Some(Beat::new(3_000, 10_000)),
            restart: Some(Beat::new(6_000, 15_000)),
            crash: Some(Beat::new(10_500, crash_every)),
            disk_full: Some(Beat::new(12_500, full_every)),
            failover: (profile == Profile::Full).then(|| Beat::new(4_000, 3_600_000)),
            lost_answer: Some(LOST_ANSWER_EVERY),
            deaf: Some(Spell {
                first: Duration::from_secs(2),
                lasts: Duration::from_secs(deaf_secs),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::SHORTEST;
    use super::*;

    #[test]
    fn every_kind_of_blow_falls_within_the_shortest_run() {
        let table = Timetable::of(Profile::Ci, None);
        for beat in [
            table.kill,
            table.freeze,
            table.freeze_in_call,
            table.roll,
            table.cut,
            table.restart,
            table.crash,
        ] {
            assert!(beat.is_some_and(|beat| beat.first < SHORTEST));
        }
    }
}
