//! Finds the account's way into the CRM that a lead is addressed to.

use leadrail_connections::{Closed, Connection, Doors, Lookup};
use leadrail_engine::{Activity, ActivityError, ActivityResult, Attempt, FailureKind};
use leadrail_lead::{CrmName, Lead};
use serde::{Deserialize, Serialize};

use crate::destination::{Destination, address_gate, gate_of};
use crate::failure;

/// Finds the account's way into the CRM. Leads wait for a connection that is missing or closed.
///
/// It only looks, so it may run again.
pub struct FindConnection {
    /// The connections to look in.
    pub doors: Doors,
}

/// Whose lead it is and where it is addressed to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FindConnectionInput {
    /// Whose lead it is.
    pub account: String,
    /// The CRM it is addressed to.
    pub crm: CrmName,
    /// The account on the CRM's side, where the lead names one.
    pub crm_account_id: Option<String>,
}

impl FindConnectionInput {
    /// What a lead asks for; `None` if it is addressed to no CRM.
    #[must_use]
    pub fn of(lead: &Lead) -> Option<Self> {
        Some(Self {
            account: lead.callsetter_account_id.as_str().to_owned(),
            crm: lead.routing.destination_crm.clone()?,
            crm_account_id: lead.routing.crm_account_id.clone(),
        })
    }

    /// Says which connection is missing, and what to do.
    fn missing(&self, title: &str) -> String {
        let (account, crm) = (&self.account, &self.crm);
        let add = format!("`leadrail connection add --account {account} --crm {crm}");
        match &self.crm_account_id {
            Some(id) => format!(
                "The account {account} has no connection to {title} for the CRM account {id}, which \
                 the lead names (routing.crm_account_id); the lead waits for one: {add} \
                 --crm-account-id {id}`"
            ),
            None => format!(
                "The account {account} has no connection to {title}; the lead waits for one: {add}`"
            ),
        }
    }

    /// Where it waits while its address leads to no connection, or to several.
    fn gate(&self) -> String {
        address_gate(&self.account, self.crm.as_str())
    }
}

impl Activity for FindConnection {
    const NAME: &'static str = "find_connection";
    type Input = FindConnectionInput;
    type Output = Destination;

    async fn run(&self, _: &Attempt, wanted: &FindConnectionInput) -> ActivityResult<Destination> {
        let adapter = self.doors.adapter(wanted.crm.as_str());
        let adapter = adapter.map_err(|error| failure::of_door(error, wanted.gate()))?;
        let title = adapter.crm().title;
        let connection = self.look_up(wanted, title).await?;
        match Closed::of(&connection, title) {
            Some(closed) => Err(failure::of_closed(closed, gate_of(connection.id))),
            None => Ok(Destination::new(&connection, wanted.crm.clone(), adapter)),
        }
    }
}

impl FindConnection {
    async fn look_up(
        &self,
        wanted: &FindConnectionInput,
        title: &str,
    ) -> ActivityResult<Connection> {
        let connections = self.doors.connections();
        let crm_account = wanted.crm_account_id.as_deref();
        let found = connections.find(&wanted.account, wanted.crm.as_str(), crm_account);
        let found = found
            .await
            .map_err(|error| failure::of_connection(&error, wanted.gate()))?;
        let (reason, message) = match found {
            Lookup::Found(connection) => return Ok(*connection),
            Lookup::Ambiguous => (
                "connection_ambiguous",
                format!(
                    "The account has several connections to {title} and the lead does not say which"
                ),
            ),
            Lookup::None => ("connection_missing", wanted.missing(title)),
        };
        Err(ActivityError::new(
            FailureKind::Blocked {
                gate: wanted.gate(),
            },
            reason,
            message,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_asks_for_what_its_routing_says() {
        let lead = Lead::from_value(leadrail_lead::example()).unwrap();
        let wanted = FindConnectionInput::of(&lead).unwrap();
        assert_eq!(wanted.account, "acct_xyz");
        assert_eq!(wanted.crm, CrmName::HOUSECALL_PRO);
        assert_eq!(wanted.crm_account_id.as_deref(), Some("hcp_tenant_4829"));
    }

    #[test]
    fn an_unqualified_lead_asks_for_nothing() {
        let mut payload = leadrail_lead::example();
        payload["event"] = "lead.unqualified".into();
        payload["routing"] = serde_json::Value::Null;
        let lead = Lead::from_value(payload).unwrap();
        assert!(FindConnectionInput::of(&lead).is_none());
    }
}
