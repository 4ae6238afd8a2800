//! One simulated CRM at work: requests come in, the fault plan decides, the CRM answers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::crm::{Collection, Crm};
use crate::delivery::Delivery;
use crate::fault::{Fault, millis, status_code};
use crate::lock;
use crate::plan::{FaultPlan, Seen};
use crate::reply::Reply;
use crate::routes::Endpoint;
use crate::token_office::TokenOffice;
use crate::traffic::{Entry, Traffic};

/// A CRM with everything around it that the control API can turn.
///
/// Each lock guards one thing, is held for one synchronous step, and only `late` is held while
/// another is taken.
pub(crate) struct Desk {
    pub(crate) crm: Box<dyn Crm>,
    pub(crate) faults: Mutex<FaultPlan>,
    /// Which credential opens which company; it locks itself.
    pub(crate) office: TokenOffice,
    pub(crate) traffic: Mutex<Traffic>,
    pub(crate) settings: Mutex<Settings>,
    late: Mutex<LateEffects>,
}

/// Delays set by the control API.
#[derive(Clone, Copy, Default)]
pub(crate) struct Settings {
    pub(crate) latency: Duration,
    pub(crate) index_lag: Duration,
}

/// Effects that are still to land. Emptying the books starts a new epoch, and what was under way
/// in the one before never lands.
#[derive(Default)]
struct LateEffects {
    epoch: u64,
    pending: u64,
}

impl Desk {
    pub(crate) fn new(crm: Box<dyn Crm>) -> Self {
        let office = TokenOffice::new(crm.token_rules());
        Self {
            crm,
            faults: Mutex::default(),
            office,
            traffic: Mutex::default(),
            settings: Mutex::default(),
            late: Mutex::default(),
        }
    }

    /// Decides a request's fate, lets it take effect if it shall, and counts it.
    ///
    /// Synchronous, so a caller that goes away in the middle cannot leave half an effect.
    pub(crate) fn handle(self: &Arc<Self>, mut call: Call) -> Delivery {
        let endpoint = self.crm.endpoint(&call);
        call.company = self.company_of(&call, endpoint);
        call.index_lag = lock(&self.settings).index_lag;
        let template = endpoint.map(|endpoint| endpoint.template);
        let fault = self.fate(&call, template);
        let kind = fault.as_ref().map(Fault::kind);
        let (method, company) = (call.method.clone(), call.company.clone());
        let delivery = self.carry_out(fault, call);
        let outcome = (delivery.status(), kind);
        lock(&self.traffic).note(Entry::new(&method, template, company, outcome));
        delivery
    }

    /// Whose request it is: by its credential, at an open endpoint by what it asks a token for.
    fn company_of(&self, call: &Call, endpoint: Option<Endpoint>) -> Option<String> {
        if endpoint.is_some_and(|endpoint| endpoint.is_open) {
            return self.office.company_asking(call);
        }
        let credential = self.crm.credential(call)?;
        self.office.company_of(&credential)
    }

    fn fate(&self, call: &Call, template: Option<&str>) -> Option<Fault> {
        lock(&self.faults).fate(&Seen {
            method: &call.method,
            path: &call.path,
            template,
            company: call.company.as_deref(),
            contains: &|text| call.contains(text),
        })
    }

    fn carry_out(self: &Arc<Self>, fault: Option<Fault>, call: Call) -> Delivery {
        let Some(fault) = fault else {
            return Delivery::Whole(self.crm.answer(&call, &self.office));
        };
        match fault {
            Fault::Down {} => Delivery::Cut,
            Fault::TimeoutBefore { hang_ms } => Delivery::Hang(millis(hang_ms)),
            Fault::LateEffect { delay_ms, hang_ms } => {
                self.answer_late(call, millis(delay_ms));
                Delivery::Hang(millis(hang_ms))
            }
            Fault::StatusBefore { .. }
            | Fault::Throttle { .. }
            | Fault::Unauthorized {}
            | Fault::Reject { .. }
            | Fault::Redirect { .. } => Delivery::Whole(self.refuse(fault, &call)),
            fault => after_effect(fault, self.crm.answer(&call, &self.office)),
        }
    }

    /// The answer of a fault that keeps a request from taking effect.
    fn refuse(&self, fault: Fault, call: &Call) -> Reply {
        match fault {
            Fault::StatusBefore { status, body } => plain_answer(status, body.as_ref()),
            Fault::Throttle { retry_after } => {
                let value = retry_after.and_then(|after| after.header());
                with_header(self.crm.throttled(), "retry-after", value)
            }
            Fault::Unauthorized {} => self.crm.unauthorized(),
            Fault::Reject { body: Some(body) } => plain_answer(422, Some(&body)),
            Fault::Redirect { status, location } => {
                let value = location.parse().ok();
                with_header(Reply::empty(status_code(status)), "location", value)
            }
            _ => self.crm.rejected(call),
        }
    }

    /// Lets a request take effect later, on its own task, because its caller may be gone by then.
    fn answer_late(self: &Arc<Self>, call: Call, delay: Duration) {
        let desk = Arc::clone(self);
        let epoch = {
            let mut late = lock(&self.late);
            late.pending += 1;
            late.epoch
        };
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let mut late = lock(&desk.late);
            if late.epoch == epoch {
                desk.crm.answer(&call, &desk.office);
                late.pending -= 1;
            }
        });
    }

    /// The books of one company or of all, by kind.
    pub(crate) fn collections(&self, company: Option<&str>) -> Vec<Collection> {
        self.crm.records(company)
    }

    /// How many effects are still to land.
    pub(crate) fn late_effects(&self) -> u64 {
        lock(&self.late).pending
    }

    /// The whole books as one JSON object.
    pub(crate) fn records(&self, company: Option<&str>) -> Value {
        // Read first: an effect that lands in between then counts twice, never not at all.
        let pending = self.late_effects();
        let mut books: Map<String, Value> = self
            .collections(company)
            .into_iter()
            .map(|collection| (collection.name.to_owned(), Value::Array(collection.rows)))
            .collect();
        books.insert("requests".into(), lock(&self.traffic).counts(company));
        books.insert("late_effects_pending".into(), json!(pending));
        Value::Object(books)
    }

    /// Empties books, counts and log. Faults, keys, tokens and settings stay.
    pub(crate) fn clear(&self) {
        let mut late = lock(&self.late);
        late.epoch += 1;
        late.pending = 0;
        self.crm.clear();
        self.office.clear_counts();
        lock(&self.traffic).clear();
    }
}

/// What the caller gets of the true answer, once the effect has happened.
fn after_effect(fault: Fault, reply: Reply) -> Delivery {
    match fault {
        Fault::StatusAfter { status, body } => Delivery::Whole(plain_answer(status, body.as_ref())),
        Fault::TimeoutAfter { hang_ms } => Delivery::Hang(millis(hang_ms)),
        Fault::SlowBytes { bytes_per_second } => Delivery::Dripping(reply, bytes_per_second),
        Fault::InvalidJson {} => {
            let page =
                "<!doctype html><html><title>Sign in</title><body>Please sign in.</body></html>";
            Delivery::Whole(Reply::html(reply.status, page))
        }
        Fault::HugeBody { bytes } => Delivery::Huge(reply, bytes),
        _ => Delivery::Cut,
    }
}

/// A string as text, anything else as JSON, nothing as the status' own name.
fn plain_answer(status: u16, body: Option<&Value>) -> Reply {
    let status = status_code(status);
    match body {
        Some(Value::String(text)) => Reply::text(status, text.clone()),
        Some(json) => Reply::json(status, json),
        None => Reply::text(status, status.canonical_reason().unwrap_or("Error")),
    }
}

fn with_header(reply: Reply, name: &'static str, value: Option<axum::http::HeaderValue>) -> Reply {
    match value {
        Some(value) => reply.with_header(axum::http::HeaderName::from_static(name), value),
        None => reply,
    }
}
