//! Writes the leads and the faults that meet them.

use super::{Accounts, End, KILLED, REPEATED, Role};
use crate::rig::CRM;
use chrono::{DateTime, Utc};
use leadrail_crm_sim::{Fault, FaultMatch, FaultRule, RetryAfter};
use leadrail_lead::sample::{sample_lead_at, sample_phone};

/// Leads of the CRM that is down, and of the account whose key is revoked.
const DOWN: usize = 4;
const REFUSED: usize = 4;
/// Longer than any call may take.
const FOR_EVER_MS: u64 = 60_000;

/// The request that a fault meets.
#[derive(Clone, Copy)]
enum At {
    LookUp,
    Customer,
    Lead,
}

/// Writes one lead after the other, each of another caller.
pub(super) struct Writer {
    pub(super) accounts: Accounts,
    now: DateTime<Utc>,
    written: u64,
    pub(super) faults: Vec<(&'static str, FaultRule)>,
}

impl Writer {
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        Self {
            accounts: Accounts::new(),
            now,
            written: 0,
            faults: Vec::new(),
        }
    }

    /// Leads that meet something, in groups that belong together.
    pub(super) fn troubled(&mut self) -> Vec<Vec<Role>> {
        let mut groups = vec![
            vec![self.repeated()],
            self.same_caller().into(),
            vec![self.unqualified()],
        ];
        groups.extend(self.one_by_one().into_iter().map(|role| vec![role]));
        groups.push(self.elsewhere());
        groups.push(self.refused());
        groups.push(self.down());
        groups
    }

    fn role(&mut self, account: &str, story: Option<&'static str>, end: End) -> Role {
        self.role_at(CRM, account, story, end)
    }

    fn role_at(&mut self, crm: &str, account: &str, story: Option<&'static str>, end: End) -> Role {
        let payload = sample_lead_at(self.written, account, crm, self.now);
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

    /// A lead that meets nothing, of each account and CRM in turn.
    pub(super) fn calm(&mut self) -> Role {
        let at_home = self.accounts.calm.iter().map(|account| (account, CRM));
        let elsewhere = self.accounts.elsewhere();
        let elsewhere = elsewhere.map(|(account, place)| (account, place.crm));
        let all: Vec<_> = at_home.chain(elsewhere).collect();
        let (account, crm) = all[(self.written % all.len() as u64) as usize];
        let account = account.clone();
        self.role_at(crm, &account, None, End::Delivered)
    }

    /// A lead in each of the other CRMs and modes whose answer is lost.
    fn elsewhere(&mut self) -> Vec<Role> {
        let places: Vec<_> = self
            .accounts
            .elsewhere()
            .map(|(account, place)| (account.clone(), place))
            .collect();
        let mut roles = Vec::new();
        for (account, place) in places {
            let story = Some("connection cut after the lead was made, in another CRM");
            let role = self.role_at(place.crm, &account, story, End::Delivered);
            let matching = FaultMatch {
                method: Some("POST".into()),
                path_prefix: Some(place.lead_path.into()),
                contains: Some(role.marker().to_string()),
                times: Some(1),
                ..FaultMatch::default()
            };
            let fault = Fault::ResetAfter {};
            self.faults.push((place.crm, FaultRule { matching, fault }));
            roles.push(role);
        }
        roles
    }

    /// Their last call has taken effect and is not answered yet when the worker is killed.
    pub(super) fn killed(&mut self) -> Vec<Role> {
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
        let mut role = || self.role(&account, story, End::DeliveredOnceConnected);
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
        self.faults.push((CRM, FaultRule { matching, fault }));
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
        ("redirected elsewhere", At::Lead, elsewhere, 1, delivered),
    ]
}
