//! How fast leads go to a CRM of which nobody has said anything else: as fast as it documents that it answers.

use crate::crm::adapter;
use leadrail_adapters::{CrmAdapter, RateLimit};
use leadrail_engine::LaneLimits;
use std::time::Duration;

/// More leads a minute than any company's telephones bring. A limit above it never binds and is none.
const NEVER_REACHED: u64 = 120;

/// The limits of a lane of this CRM where nobody has set any. The same for all modes: changing the mode changes
/// no limit that a person set for the lane.
pub(super) fn usual_limits(crm: &str) -> LaneLimits {
    // A CRM that a newer release brought has whatever that release said.
    let known = adapter(crm).ok();
    let limits = known.and_then(|adapter| leads_of(adapter.crm().rate?, calls(adapter)));
    limits.unwrap_or_else(unlimited)
}

pub(super) fn unlimited() -> LaneLimits {
    LaneLimits {
        burst: 1,
        ..LaneLimits::default()
    }
}

/// How many calls a lead usually takes: one for each step, in the mode with the most of them.
fn calls(adapter: &dyn CrmAdapter) -> u32 {
    let steps = adapter.plans().iter().map(|plan| plan.steps.len());
    u32::try_from(steps.max().unwrap_or(1)).unwrap_or(u32::MAX)
}

/// Leads of so many calls each, so that the calls of all that begin within the CRM's time are no more than it
/// takes. Half of them may come at once and the others evenly after them, so that in the long run about half
/// of what the CRM takes is left: for second pages and looks after lost answers, and for the account's other
/// integrations. `None` where they are more than anybody has.
fn leads_of(rate: RateLimit, calls: u32) -> Option<LaneLimits> {
    let leads = rate.requests / calls.max(1);
    let burst = (leads / 2).max(1);
    let spread = leads.saturating_sub(burst).max(1);
    let binds = u64::from(spread) * 60 <= NEVER_REACHED * u64::from(rate.seconds);
    binds.then(|| LaneLimits {
        gap: Some(Duration::from_secs(rate.seconds.into()) / spread),
        burst,
        ..unlimited()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RELEASE_SPACING;
    use leadrail_adapters::Adapters;

    /// At once, and as many in so many seconds after that; none where the CRM documents nothing, or takes more
    /// than anybody has.
    type Row = (&'static str, Option<(u32, u32, u64)>);

    const TABLE: [Row; 7] = [
        ("gohighlevel", Some((12, 13, 10))),
        ("housecall_pro", None),
        ("hubspot", Some((12, 13, 10))),
        ("jobber", Some((208, 208, 300))),
        ("pipedrive", Some((2, 3, 2))),
        ("servicetitan", None),
        ("workiz", None),
    ];

    #[test]
    fn every_crm_has_the_limit_that_its_documents_leave_room_for() {
        let listed: Vec<_> = Adapters::all().iter().map(|one| one.crm().name).collect();
        assert_eq!(listed, TABLE.map(|(crm, _)| crm), "the table has them all");
        for (crm, expected) in TABLE {
            let expected = expected.map_or_else(unlimited, |(burst, spread, seconds)| LaneLimits {
                gap: Some(Duration::from_secs(seconds) / spread),
                burst,
                max_running: None,
            });
            assert_eq!(usual_limits(crm), expected, "{crm}");
        }
        assert_eq!(usual_limits("of_tomorrow"), unlimited());
    }

    #[test]
    fn a_limit_keeps_the_crms_and_is_faster_than_leads_that_are_let_go() {
        for adapter in Adapters::all().iter() {
            let crm = adapter.crm();
            let (Some(rate), Some(gap)) = (crm.rate, usual_limits(crm.name).gap) else {
                continue;
            };
            assert!(gap * 2 <= RELEASE_SPACING, "{} is slow", crm.name);
            // The first lead of the later ones begins one gap after those that come at once.
            let within = Duration::from_secs(rate.seconds.into()).as_micros();
            let later = within / gap.as_micros();
            let begun = u128::from(usual_limits(crm.name).burst) + later;
            assert!(
                begun * u128::from(calls(adapter)) <= u128::from(rate.requests),
                "{}",
                crm.name
            );
        }
    }

    #[test]
    fn a_crm_that_takes_less_than_a_lead_at_once_still_gets_one_lead_in_its_time() {
        let rate = |requests, seconds| RateLimit {
            requests,
            seconds,
            source: "a test",
        };
        let slow = leads_of(rate(1, 10), 4).expect("a limit");
        assert_eq!((slow.burst, slow.gap), (1, Some(Duration::from_secs(10))));
        let slow = leads_of(rate(5, 10), 4).expect("a limit");
        assert_eq!((slow.burst, slow.gap), (1, Some(Duration::from_secs(10))));
        assert_eq!(leads_of(rate(u32::MAX, 1), 0), None);
    }
}
