//! Who is to blame when a run's workers die: the run, or somebody outside.
//!
//! A worker dies with everything it holds, so most runs that it held are bystanders. After
//! [`Crashes::SUSPECT_AFTER`] deaths a run is a suspect and is executed alone; only deaths while it was
//! alone tell against it, and only while few other workers die: where somebody kills workers all the
//! time, even a lone run may be hit twice in a row. A true killer among healthy workers costs five of
//! them.
//!
//! Suspicion comes late because it is dear: to be alone, a run waits until its worker has put down
//! everything else, and that worker claims nothing meanwhile.

use crate::history::HistoryKind;

/// Deaths of a run's workers in a row, before the run achieved anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Crashes {
    pub(crate) all: u32,
    pub(crate) lone: u32,
    /// In the life that history tells of last it was executed alone.
    alone: bool,
    /// Workers taken over in the whole system up to the first and up to the last of these deaths.
    counted: Option<(u64, u64)>,
}

impl Crashes {
    const SUSPECT_AFTER: u32 = 3;
    const LONE_UNTIL_POISON: u32 = 2;
    /// So many lone deaths are enough, whoever else dies: two killers must not shield each other.
    const LONE_AT_MOST: u32 = 10;

    /// Whether the run is to be executed alone.
    pub(crate) fn is_suspect(self) -> bool {
        self.all >= Self::SUSPECT_AFTER
    }

    /// Whether the run is not to be tried again.
    pub(crate) fn is_poison(self) -> bool {
        self.lone >= Self::LONE_AT_MOST
            || (self.lone >= Self::LONE_UNTIL_POISON && self.others() < u64::from(self.lone))
    }

    /// Workers that died meanwhile without this run.
    fn others(self) -> u64 {
        let meanwhile = self.counted.map_or(0, |(first, last)| {
            last.saturating_sub(first).saturating_add(1)
        });
        meanwhile.saturating_sub(u64::from(self.all))
    }

    /// Reads the next line of the run's history; `deaths` is what a lost run's line says of how many
    /// workers were taken over so far.
    pub(super) fn note(&mut self, kind: HistoryKind, deaths: Option<u64>) {
        match kind {
            HistoryKind::RunLost => self.note_death(deaths),
            HistoryKind::RunIsolated => self.alone = true,
            HistoryKind::RunStarted => self.alone = false,
            // Whoever only waits until an open intent has settled has achieved nothing yet.
            HistoryKind::ActivityStarted | HistoryKind::RunWaiting => {}
            _ => *self = Self::default(),
        }
    }

    fn note_death(&mut self, deaths: Option<u64>) {
        self.all += 1;
        self.lone += u32::from(self.alone);
        if let Some(deaths) = deaths {
            let (first, _) = self.counted.unwrap_or((deaths, deaths));
            self.counted = Some((first, deaths));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run's workers die so often, each time after so many others did.
    fn deaths(alone: bool, times: u32, others_between: u64) -> Crashes {
        let mut crashes = Crashes::default();
        let mut dead = 1_000;
        for _ in 0..times {
            crashes.note(HistoryKind::RunStarted, None);
            if alone {
                crashes.note(HistoryKind::RunIsolated, None);
            }
            crashes.note(HistoryKind::ActivityStarted, None);
            crashes.note(HistoryKind::RunLost, Some(dead));
            dead += 1 + others_between;
        }
        crashes
    }

    #[test]
    fn deaths_in_company_make_a_suspect_and_never_poison() {
        assert!(!deaths(false, 2, 0).is_suspect());
        assert!(deaths(false, 3, 0).is_suspect());
        let often = deaths(false, 50, 0);
        assert!(often.is_suspect() && !often.is_poison());
    }

    #[test]
    fn two_lone_deaths_in_a_row_are_poison_where_nobody_else_dies() {
        assert!(!deaths(true, 1, 0).is_poison());
        assert!(deaths(true, 2, 0).is_poison());
    }

    #[test]
    fn a_run_that_kills_whenever_it_creates_is_poison_although_it_waits_in_between() {
        let mut crashes = Crashes::default();
        for dead in [7, 8] {
            crashes.note(HistoryKind::RunStarted, None);
            crashes.note(HistoryKind::RunIsolated, None);
            crashes.note(HistoryKind::RunWaiting, None);
            crashes.note(HistoryKind::RunStarted, None);
            crashes.note(HistoryKind::RunIsolated, None);
            crashes.note(HistoryKind::ActivityStarted, None);
            crashes.note(HistoryKind::RunLost, Some(dead));
        }
        assert!(crashes.is_poison());
    }

    #[test]
    fn a_bystander_is_spared_while_other_workers_die_as_often() {
        for times in 2..10 {
            assert!(!deaths(true, times, 2).is_poison(), "{times}");
        }
        assert_eq!(deaths(true, 3, 2).others(), 4);
    }

    #[test]
    fn a_few_other_deaths_do_not_shield_a_killer() {
        for (last, others, poison) in [(1_004, 2, true), (1_005, 3, false)] {
            let mut crashes = deaths(true, 2, 0);
            crashes.note(HistoryKind::RunIsolated, None);
            crashes.note(HistoryKind::RunLost, Some(last));
            assert_eq!((crashes.others(), crashes.is_poison()), (others, poison));
        }
    }

    #[test]
    fn ten_lone_deaths_are_poison_whoever_else_dies() {
        assert!(!deaths(true, 9, 100).is_poison());
        assert!(deaths(true, 10, 100).is_poison());
    }

    #[test]
    fn histories_without_a_count_read_as_if_nobody_else_died() {
        let mut crashes = Crashes::default();
        for _ in 0..2 {
            crashes.note(HistoryKind::RunIsolated, None);
            crashes.note(HistoryKind::RunLost, None);
        }
        assert!(crashes.is_poison());
    }

    #[test]
    fn anything_achieved_clears_the_suspicion() {
        let mut crashes = deaths(true, 5, 0);
        crashes.note(HistoryKind::ActivityCompleted, None);
        assert_eq!(crashes, Crashes::default());
    }
}
