//! What would become of a lead, for whoever builds against the API with a test key.

use super::preview::{PreviewOptions, preview};
use crate::desk::Desk;
use crate::error::DeskResult;
use crate::keys::{Caller, Need};
use leadrail_adapters::{Links, PlannedRequest};
use leadrail_connections::{BaseUrl, Connection, ConnectionId, Lookup};
use leadrail_workflows::Submission;

/// What would become of a lead.
#[derive(Clone)]
pub struct TestedLead {
    /// The CRM that it is addressed to; none where to none.
    pub crm: Option<String>,
    /// The connection that it would go through now; none where there is none that fits, or the caller may
    /// not look at connections.
    pub connection: Option<ConnectionId>,
    /// What would be sent there, with secrets masked. Holds the lead's personal data.
    pub requests: Vec<PlannedRequest>,
}

impl Desk {
    /// What would become of a lead if this caller handed it over with a live key. Nothing is kept, and
    /// nobody is called. Settings of a connection show in it only for who may look at connections.
    ///
    /// # Errors
    /// When a connection's settings do not fit its CRM any more, or the database cannot be read.
    pub async fn test_lead(&self, by: &Caller, lead: &Submission) -> DeskResult<TestedLead> {
        let lead = lead.lead();
        let Some(crm) = lead.routing.destination_crm.as_ref() else {
            return Ok(TestedLead {
                crm: None,
                connection: None,
                requests: Vec::new(),
            });
        };
        let account = lead.callsetter_account_id.as_str();
        let there = match by.may(Need::Look) {
            true => match self.connection_of(lead, account, crm.as_str()).await? {
                Lookup::Found(connection) => Some(connection),
                Lookup::Ambiguous | Lookup::None => None,
            },
            false => None,
        };
        let settings = there.as_deref().map(settings_of).transpose()?;
        let base_url = there.as_deref().and_then(|there| there.base_url.as_ref());
        let options = PreviewOptions {
            base_url: base_url.map(BaseUrl::as_str),
            settings: settings.as_ref(),
            links: self.told_links(),
            known_customer: None,
            mode: None,
        };
        Ok(TestedLead {
            requests: preview(crm.as_str(), lead, &options)?,
            connection: there.map(|there| there.id),
            crm: Some(crm.as_str().to_owned()),
        })
    }

    /// Without a public URL no CRM gets a link, and a lead that was not accepted has none yet.
    fn told_links(&self) -> Links<'static> {
        match self.doors().is_ok_and(|doors| doors.links().makes_any()) {
            true => Links::WORDS,
            false => Links::NONE,
        }
    }
}

fn settings_of(connection: &Connection) -> DeskResult<serde_json::Value> {
    let settings = serde_json::to_value(&connection.settings);
    settings.map_err(|error| sqlx::Error::Encode(error.into()).into())
}
