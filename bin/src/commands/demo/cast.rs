//! Who plays in the demo: the leads, what each of them meets, and how each must end.

use chrono::{DateTime, Utc};
use leadrail_adapters::activity;
use leadrail_crm_sim::{Fault, FaultMatch, FaultRule, HOUSECALL_PRO, RetryAfter};
use leadrail_lead::sample::{sample_lead_at, sample_phone};
use leadrail_lead::{EventId, Marker};
use serde_json::Value;
use uuid::Uuid;

/// The CRM in which the demo's accounts are.
pub(super) const CRM: &str = HOUSECALL_PRO;
/// All kinds of trouble and as many leads that go straight.
pub(super) const FEWEST: usize = 60;
/// More would take longer than anybody watches.
pub(super) const MOST: usize = 20_000;

/// Leads under way when the first worker is killed, leads of the CRM that is down, and leads of the
/// account whose key is revoked.
pub(super) const KILLED: usize = 4;
const DOWN: usize = 4;
const REFUSED: usize = 4;
/// Longer than any call may take.
const FOR_EVER_MS: u64 = 60_000;

/// Where a lead must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// In the CRM, once.
    Delivered,
    /// Here only: an unqualified lead goes to no CRM.
    Recorded,
    /// Among the dead letters for this reason, and not in the CRM.
    Dead(&'static str),
    /// One lead of the account finds out that the key is revoked and is dead; the others wait and
    /// are delivered once the account is connected again.
    DeliveredOrFirstRefused,
}

/// One lead.
pub(super) struct Role {
    /// What it meets; `None` if nothing.
    pub(super) story: Option<&'static str>,
    pub(super) account: String,
    pub(super) event_id: EventId,
    pub(super) payload: Value,
    pub(super) end: End,
}

impl Role {
    /// The tag by which the lead is known in the CRM.
    pub(super) fn marker(&self) -> Marker {
        Marker::new(self.event_id, activity::LEAD_CREATE)
    }
}

/// The accounts, by what happens to them. Each is a company of the same name in the CRM.
#[derive(Clone)]
pub(super) struct Accounts {
    pub(super) calm: [String; 3],
    pub(super) killed: String,
    pub(super) down: String,
    pub(super) refused: String,
}

impl Accounts {
    /// New names each time, so that a kept database has room for another demo.
    fn new() -> Self {
        let run = Uuid::new_v4().simple().to_string();
        let name = |what: &str| format!("{what}-{}", &run[..4]);
        Self {
            calm: ["acme-plumbing", "bolt-electric", "cedar-roofing"].map(name),
            killed: name("dunes-hvac"),
            down: name("elm-plumbing"),
            refused: name("fjord-heating"),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        let troubled = [&self.killed, &self.down, &self.refused];
        self.calm.iter().chain(troubled)
    }
}

/// All leads, in two acts, and what the CRM will do to them.
pub(super) struct Cast {
    pub(super) accounts: Accounts,
    /// Before the first worker is killed.
    pub(super) first: Vec<Role>,
    /// After that.
    pub(super) second: Vec<Role>,
    pub(super) faults: Vec<FaultRule>,
}

/// The request that a fault meets.
#[derive(Clone, Copy)]
enum At {
    LookUp,
    Customer,
    Lead,
}

impl Cast {
    /// So many leads, whose calls have just ended.
    pub(super) fn of(leads: usize, now: DateTime<Utc>) -> Self {
        let mut writer = Writer {
            accounts: Accounts::new(),
            now,
            written: 0,
            faults: Vec::new(),
        };
        let first = writer.killed();
        let mut second = writer.one_by_one();
        second.extend(writer.down());
        second.extend(writer.refused());
        second.extend(writer.same_caller());
        second.push(writer.repeated());
        second.push(writer.unqualified());
        let calm = leads.saturating_sub(first.len() + second.len());
        let mut cast = Self {
            first,
            second,
            faults: writer.faults.clone(),
            accounts: writer.accounts.clone(),
        };
        for number in 0..calm {
            let role = writer.calm();
            match number < calm / 2 {
                true => cast.first.push(role),
                false => cast.second.push(role),
            }
        }
        cast
    }

    pub(super) fn roles(&self) -> impl Iterator<Item = &Role> {
        self.first.iter().chain(&self.second)
    }

    pub(super) fn len(&self) -> u64 {
        (self.first.len() + self.second.len()) as u64
    }

    /// The lead that is posted more than once.
    pub(super) fn repeated(&self) -> &Role {
        let mut roles = self.roles();
        let found = roles.find(|role| role.story == Some(REPEATED));
        found.expect("every cast has one")
    }
}

const REPEATED: &str = "posted twice, and once more with another body";

/// Writes one lead after the other, each of another caller.
struct Writer {
    accounts: Accounts,
    now: DateTime<Utc>,
    written: u64,
    faults: Vec<FaultRule>,
}

impl Writer {
    fn role(&mut self, account: &str, story: Option<&'static str>, end: End) -> Role {
        let payload = sample_lead_at(self.written, account, CRM, self.now);
        self.written += 1;
        let event_id = payload["event_id"].as_str().unwrap_or_default().parse();
        Role {
            story,
            account: account.to_owned(),
            event_id: event_id.expect("samples have an event id"),
            payload,
            end,
        }
    }

    fn calm(&mut self) -> Role {
        let count = self.accounts.calm.len() as u64;
        let account = self.accounts.calm[(self.written % count) as usize].clone();
        self.role(&account, None, End::Delivered)
    }

    /// Their last call has taken effect and is not answered yet when the worker is killed.
    fn killed(&mut self) -> Vec<Role> {
        let account = self.accounts.killed.clone();
        let hang_ms = FOR_EVER_MS;
        let matching = FaultMatch {
            method: Some("POST".into()),
            path_prefix: Some("/leads".into()),
            company: Some(account.clone()),
            times: Some(KILLED as u64),
            ..FaultMatch::default()
        };
        self.arm(matching, Fault::TimeoutAfter { hang_ms });
        let mut urgent = || {
            let story = "its worker was killed between effect and answer";
            let mut role = self.role(&account, Some(story), End::Delivered);
            role.payload["service_request"]["urgency"] = "emergency".into();
            role
        };
        (0..KILLED).map(|_| urgent()).collect()
    }

    /// One lead for each kind of trouble that a single request can meet.
    fn one_by_one(&mut self) -> Vec<Role> {
        let mut troubles = Vec::new();
        for (story, at, fault, times, end) in single_troubles() {
            let account = self.accounts.calm[0].clone();
            let role = self.role(&account, Some(story), end);
            let matching = self.at(at, &role, times);
            self.arm(matching, fault);
            troubles.push(role);
        }
        troubles
    }

    /// A rule for one lead: its caller's number, or the tag under which it is filed.
    fn at(&self, at: At, role: &Role, times: u64) -> FaultMatch {
        let number = sample_phone(self.written - 1);
        let digits = number.trim_start_matches("+1").to_owned();
        let (method, path, contains) = match at {
            At::LookUp => ("GET", "/customers", digits),
            At::Customer => ("POST", "/customers", digits),
            At::Lead => ("POST", "/leads", role.marker().to_string()),
        };
        FaultMatch {
            method: Some(method.into()),
            path_prefix: Some(path.into()),
            contains: Some(contains),
            times: Some(times),
            ..FaultMatch::default()
        }
    }

    fn down(&mut self) -> Vec<Role> {
        let account = self.accounts.down.clone();
        let matching = FaultMatch {
            method: Some("GET".into()),
            company: Some(account.clone()),
            times: Some(2 * DOWN as u64),
            ..FaultMatch::default()
        };
        self.arm(matching, Fault::Down {});
        let story = Some("the CRM is down for a while");
        let mut role = || self.role(&account, story, End::Delivered);
        (0..DOWN).map(|_| role()).collect()
    }

    fn refused(&mut self) -> Vec<Role> {
        let account = self.accounts.refused.clone();
        let story = Some("401: the key is revoked, later the account is connected again");
        let mut role = || self.role(&account, story, End::DeliveredOrFirstRefused);
        (0..REFUSED).map(|_| role()).collect()
    }

    fn same_caller(&mut self) -> [Role; 2] {
        let account = self.accounts.calm[1].clone();
        let story = Some("two leads of one caller at once: one customer");
        let one = self.role(&account, story, End::Delivered);
        let mut other = self.role(&account, story, End::Delivered);
        other.payload["contact"]["phone"] = one.payload["contact"]["phone"].clone();
        [one, other]
    }

    fn repeated(&mut self) -> Role {
        let account = self.accounts.calm[2].clone();
        self.role(&account, Some(REPEATED), End::Delivered)
    }

    fn unqualified(&mut self) -> Role {
        let account = self.accounts.calm[2].clone();
        let story = Some("not qualified");
        let mut role = self.role(&account, story, End::Recorded);
        role.payload["event"] = "lead.unqualified".into();
        role.payload["ai_analysis"]["qualification_status"] = "unqualified".into();
        role
    }

    fn arm(&mut self, matching: FaultMatch, fault: Fault) {
        self.faults.push(FaultRule { matching, fault });
    }
}

/// What a request can meet: the story, which request, the fault, how often, and how the lead ends.
fn single_troubles() -> Vec<(&'static str, At, Fault, u64, End)> {
    let hang_ms = FOR_EVER_MS;
    let status = |status, after| {
        let body = None;
        match after {
            true => Fault::StatusAfter { status, body },
            false => Fault::StatusBefore { status, body },
        }
    };
    let retry_after = Some(RetryAfter::Seconds(1));
    let elsewhere = Fault::Redirect {
        status: 307,
        location: "https://elsewhere.example/".into(),
    };
    let late = Fault::LateEffect {
        delay_ms: 2_000,
        hang_ms,
    };
    let drip = Fault::SlowBytes {
        bytes_per_second: 20,
    };
    let huge = Fault::HugeBody { bytes: 8 << 20 };
    let delivered = End::Delivered;
    vec![
        (
            "the look-up is not answered",
            At::LookUp,
            Fault::TimeoutBefore { hang_ms },
            1,
            delivered,
        ),
        (
            "503 without effect",
            At::Lead,
            status(503, false),
            1,
            delivered,
        ),
        (
            "500 after the lead was made",
            At::Lead,
            status(500, true),
            1,
            delivered,
        ),
        (
            "502 after the customer was made",
            At::Customer,
            status(502, true),
            1,
            delivered,
        ),
        (
            "no answer after the lead was made",
            At::Lead,
            Fault::TimeoutAfter { hang_ms },
            1,
            delivered,
        ),
        (
            "connection cut after the lead was made",
            At::Lead,
            Fault::ResetAfter {},
            1,
            delivered,
        ),
        (
            "made after we gave up waiting",
            At::Lead,
            late,
            1,
            delivered,
        ),
        ("the answer drips", At::Lead, drip, 1, delivered),
        (
            "the answer is a web page",
            At::Lead,
            Fault::InvalidJson {},
            1,
            delivered,
        ),
        ("the answer has 8 MiB", At::Lead, huge, 1, delivered),
        (
            "429 twice, Retry-After 1 s",
            At::LookUp,
            Fault::Throttle { retry_after },
            2,
            delivered,
        ),
        (
            "422: will never be taken",
            At::Lead,
            Fault::Reject { body: None },
            1,
            End::Dead("http_422"),
        ),
        (
            "redirected elsewhere",
            At::Lead,
            elsewhere,
            1,
            End::Dead("redirect"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadrail_lead::Lead;
    use std::collections::BTreeSet;

    fn cast(leads: usize) -> Cast {
        Cast::of(leads, DateTime::from_timestamp(1_779_805_920, 0).unwrap())
    }

    #[test]
    fn as_many_leads_as_asked_for_and_every_one_valid_and_its_own() {
        for leads in [FEWEST, 200] {
            let cast = cast(leads);
            assert_eq!(cast.roles().count(), leads);
            let ids: BTreeSet<_> = cast.roles().map(|role| role.event_id).collect();
            assert_eq!(ids.len(), leads);
            for role in cast.roles() {
                assert!(Lead::from_value(role.payload.clone()).is_ok());
            }
        }
    }

    #[test]
    fn the_smallest_demo_has_as_many_calm_leads_as_troubled_ones() {
        let cast = cast(FEWEST);
        let calm = cast.roles().filter(|role| role.story.is_none()).count();
        assert!(calm >= FEWEST / 2, "{calm} are calm");
    }

    #[test]
    fn a_fault_meets_no_lead_but_its_own() {
        let cast = cast(2_000);
        for rule in &cast.faults {
            let Some(text) = &rule.matching.contains else {
                continue;
            };
            let met = cast.roles().filter(|role| {
                let digits = role.payload["contact"]["phone"].as_str().unwrap();
                digits.contains(text.as_str()) || role.marker().as_str() == text
            });
            assert_eq!(met.count(), 1, "{text}");
        }
    }

    #[test]
    fn two_demos_on_one_database_share_no_lead() {
        let (one, other) = (cast(FEWEST), cast(FEWEST));
        assert_ne!(one.accounts.killed, other.accounts.killed);
        assert_ne!(one.first[0].event_id, other.first[0].event_id);
    }
}
