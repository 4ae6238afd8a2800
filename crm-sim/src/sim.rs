//! All simulated CRMs behind one router.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::{Value, json};

use crate::call::Call;
use crate::crm::Crm;
use crate::desk::Desk;
use crate::fault::{FaultRule, InvalidRule};
use crate::gohighlevel::GoHighLevel;
use crate::housecall_pro::HousecallPro;
use crate::hubspot::HubSpot;
use crate::jobber::Jobber;
use crate::limits::Limits;
use crate::pipedrive::Pipedrive;
use crate::reply::Reply;
use crate::serve::Closing;
use crate::servicetitan::ServiceTitan;
use crate::workiz::Workiz;
use crate::{control, lock};

/// The simulated CRMs, their books and their fault plans. A clone is another handle on the same.
#[derive(Clone)]
pub struct CrmSim {
    desks: Arc<[Arc<Desk>]>,
}

/// Why a fault rule was not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// Ask [`CrmSim::crms`] for the names.
    #[error("no CRM of that name is simulated")]
    UnknownCrm,
    /// The rule itself is wrong.
    #[error("the fault rule cannot be carried out")]
    Invalid(#[source] InvalidRule),
}

impl CrmSim {
    /// Every simulated CRM, with empty books and no faults.
    #[must_use]
    pub fn new() -> Self {
        let crms: [Box<dyn Crm>; 7] = [
            Box::new(GoHighLevel::default()),
            Box::new(HousecallPro::default()),
            Box::new(HubSpot::default()),
            Box::new(Jobber::default()),
            Box::new(Pipedrive::default()),
            Box::new(ServiceTitan::default()),
            Box::new(Workiz::default()),
        ];
        let desks = crms
            .into_iter()
            .map(|crm| Arc::new(Desk::new(crm)))
            .collect();
        Self { desks }
    }

    /// The CRMs under `/{crm}/...` and the control API under `/_sim/{crm}/...`.
    pub fn router(&self) -> Router {
        Router::new()
            .nest("/_sim/{crm}", control::router())
            .route("/{crm}", any(answer_as_crm))
            .route("/{crm}/{*path}", any(answer_as_crm))
            .with_state(self.clone())
    }

    /// The names of the simulated CRMs, as they stand in URLs.
    pub fn crms(&self) -> Vec<&'static str> {
        self.desks.iter().map(|desk| desk.crm.name()).collect()
    }

    /// A CRM's books, as `GET /_sim/{crm}/records` shows them; null for a name unknown here.
    #[must_use]
    pub fn records(&self, crm: &str) -> Value {
        self.desk(crm)
            .map_or(Value::Null, |desk| desk.records(None))
    }

    /// Empties a CRM's books, as `DELETE /_sim/{crm}/records` does; nothing for a name unknown here.
    pub fn clear_records(&self, crm: &str) {
        if let Some(desk) = self.desk(crm) {
            desk.clear();
        }
    }

    /// Adds a fault rule after all others and returns its id.
    ///
    /// # Errors
    /// [`FaultError`] if the CRM is unknown or the rule cannot be carried out.
    pub fn add_fault(&self, crm: &str, rule: FaultRule) -> Result<u64, FaultError> {
        let desk = self.desk(crm).ok_or(FaultError::UnknownCrm)?;
        rule.check().map_err(FaultError::Invalid)?;
        Ok(lock(&desk.faults).add(rule))
    }

    /// The fault rules in order with `seen` and `fired`, as `GET /_sim/{crm}/faults` shows them; null
    /// for a name unknown here.
    #[must_use]
    pub fn faults(&self, crm: &str) -> Value {
        self.desk(crm)
            .map_or(Value::Null, |desk| lock(&desk.faults).list())
    }

    /// Removes all fault rules, as `DELETE /_sim/{crm}/faults` does.
    pub fn clear_faults(&self, crm: &str) {
        if let Some(desk) = self.desk(crm) {
            lock(&desk.faults).retain(|_, _| false);
        }
    }

    /// Sets the limits of a company's account, as `POST /_sim/{crm}/limits` does; false if the CRM is
    /// unknown here or has none to set.
    pub fn set_limits(&self, crm: &str, company: &str, limits: &Limits) -> bool {
        self.desk(crm)
            .is_some_and(|desk| desk.crm.set_limits(company, limits))
    }

    /// Lets people at a company do something, as `POST /_sim/{crm}/office` does.
    ///
    /// # Errors
    /// A sentence: why it cannot happen.
    pub fn happen(&self, crm: &str, company: &str, event: &Value) -> Result<(), String> {
        let desk = self.desk(crm).ok_or("there is no such CRM")?;
        desk.crm.happen(company, event)
    }

    /// How many effects are still to land; none for a name unknown here.
    #[must_use]
    pub fn late_effects(&self, crm: &str) -> u64 {
        self.desk(crm).map_or(0, |desk| desk.late_effects())
    }

    pub(crate) fn desk(&self, crm: &str) -> Option<&Arc<Desk>> {
        self.desks.iter().find(|desk| desk.crm.name() == crm)
    }

    /// The control API's and the router's answer to a name that is not simulated.
    pub(crate) fn unknown_crm(&self) -> Reply {
        let body = json!({"error": "no CRM of that name is simulated", "crms": self.crms()});
        Reply::json(StatusCode::NOT_FOUND, &body)
    }
}

impl Default for CrmSim {
    fn default() -> Self {
        Self::new()
    }
}

async fn answer_as_crm(
    State(sim): State<CrmSim>,
    Path(segments): Path<Vec<(String, String)>>,
    request: Request,
) -> Response {
    let crm = segments.first().map_or("", |(_, name)| name.as_str());
    let Some(desk) = sim.desk(crm).map(Arc::clone) else {
        return sim.unknown_crm().into_response();
    };
    let closing = Closing::of(&request);
    match Call::read(crm, request).await {
        Ok(call) => {
            let delivery = desk.handle(call);
            let latency = lock(&desk.settings).latency;
            delivery.send(latency, closing).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        Reply::into_response(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HOUSECALL_PRO;

    #[test]
    fn a_plan_can_be_read_and_cleared_without_the_control_api() {
        let sim = CrmSim::new();
        let rule = serde_json::from_value(json!({"fault": {"kind": "down"}}));
        let added = sim.add_fault(HOUSECALL_PRO, rule.expect("a rule"));
        assert_eq!(added, Ok(1));
        assert_eq!(sim.faults(HOUSECALL_PRO)[0]["fired"], 0);
        sim.clear_faults(HOUSECALL_PRO);
        assert_eq!(sim.faults(HOUSECALL_PRO), json!([]));
        assert_eq!(sim.late_effects(HOUSECALL_PRO), 0);
        assert_eq!(
            (sim.faults("unknown"), sim.late_effects("unknown")),
            (Value::Null, 0)
        );
    }
}
