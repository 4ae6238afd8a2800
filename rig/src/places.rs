//! The simulated CRMs in which the accounts of a rig can be.

use leadrail_connections::NewConnection;
use leadrail_crm_sim::{
    GOHIGHLEVEL, HOUSECALL_PRO, HUBSPOT, JOBBER, PIPEDRIVE, SERVICETITAN, WORKIZ,
};
use secrecy::SecretString;
use serde_json::{Value, json};

/// A simulated CRM, in one of its modes.
pub struct Place {
    /// Its name.
    pub crm: &'static str,
    /// The way in.
    pub(crate) auth_method: &'static str,
    /// The secrets of the way in by name, each opening what its account's name is in the place of
    /// `{account}`.
    secrets: &'static [(&'static str, &'static str)],
    /// What a connection must set.
    pub(crate) settings: fn() -> Value,
    /// Where a lead is made: the prefix by which a fault rule meets it.
    pub(crate) lead_path: &'static str,
}

impl Place {
    /// All of them; the first is where the accounts of a rig are, but for a few of the demo's.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        std::iter::once(&HOME).chain(&ELSEWHERE)
    }

    /// A connection of the account to the company of its name, in the simulator at `sim_url`: how long
    /// a call may take, and after what time an effect must show.
    #[must_use]
    pub fn connection(
        &self,
        sim_url: &str,
        account: &str,
        call_timeout_ms: u64,
        settle_seconds: u64,
    ) -> NewConnection {
        let mut settings = (self.settings)();
        settings["call_timeout_ms"] = call_timeout_ms.into();
        settings["settle_seconds"] = settle_seconds.into();
        let secrets = self.secrets_of(account).into_iter();
        NewConnection {
            account: account.to_owned(),
            crm: self.crm.to_owned(),
            crm_account_id: None,
            base_url: Some(format!("{sim_url}/{}", self.crm)),
            auth_method: self.auth_method.to_owned(),
            secrets: secrets
                .map(|(name, secret)| (name, SecretString::from(secret)))
                .collect(),
            settings,
        }
    }

    /// The secrets that open the company of the account's name.
    pub(crate) fn secrets_of(&self, account: &str) -> Vec<(String, String)> {
        let secrets = self.secrets.iter();
        secrets
            .map(|(name, template)| ((*name).to_owned(), template.replace("{account}", account)))
            .collect()
    }
}

/// Where the accounts are of which nothing else is said.
pub(crate) static HOME: Place = Place {
    crm: HOUSECALL_PRO,
    auth_method: "api_key",
    secrets: HOUSECALL_SECRETS,
    settings: || json!({}),
    lead_path: "/leads",
};

/// The other CRMs and modes, each mode a place. The simulated `ServiceTitan` gives a tenant number to
/// the company that asks for it first, and opens all of them to one application; the simulated
/// `GoHighLevel` does so with locations.
pub(crate) static ELSEWHERE: [Place; 12] = [
    Place {
        crm: GOHIGHLEVEL,
        auth_method: "private_integration",
        secrets: &[("access_token", "sim-{account}")],
        settings: || json!({"location_id": "loc-1001", "pipeline": "pipSales000000000001"}),
        lead_path: "/opportunities/",
    },
    Place {
        crm: GOHIGHLEVEL,
        auth_method: "private_integration",
        secrets: &[("access_token", "sim-{account}")],
        settings: || json!({"location_id": "loc-1002", "mode": "contact"}),
        lead_path: "/contacts/{contactId}/notes",
    },
    Place {
        crm: JOBBER,
        auth_method: "bearer_token",
        secrets: &[("access_token", "sim-{account}")],
        settings: || json!({}),
        lead_path: "/api/graphql#requestCreate()",
    },
    Place {
        crm: PIPEDRIVE,
        auth_method: "api_token",
        secrets: PIPEDRIVE_SECRETS,
        settings: || json!({}),
        lead_path: "/api/v1/leads",
    },
    Place {
        crm: PIPEDRIVE,
        auth_method: "api_token",
        secrets: PIPEDRIVE_SECRETS,
        settings: || json!({"mode": "deal", "pipeline": 2, "stage": 21}),
        lead_path: "/api/v2/deals",
    },
    Place {
        crm: SERVICETITAN,
        auth_method: "bearer_token",
        secrets: SERVICETITAN_SECRETS,
        settings: || json!({"tenant_id": 1001, "booking_provider": 99}),
        lead_path: "/crm/v2/tenant/{tenant}/booking-provider/",
    },
    Place {
        crm: SERVICETITAN,
        auth_method: "bearer_token",
        secrets: SERVICETITAN_SECRETS,
        settings: || {
            json!({
                "tenant_id": 1002, "mode": "job", "business_unit": 22, "job_type": 33,
                "campaign": 11,
            })
        },
        lead_path: "/jpm/v2/tenant/{tenant}/jobs",
    },
    Place {
        crm: SERVICETITAN,
        auth_method: "bearer_token",
        secrets: SERVICETITAN_SECRETS,
        settings: || {
            json!({
                "tenant_id": 1003, "mode": "lead", "campaign": 11, "call_reason": 51,
                "note_on": "customer",
            })
        },
        lead_path: "/crm/v2/tenant/{tenant}/leads",
    },
    Place {
        crm: WORKIZ,
        auth_method: "api_token",
        secrets: &[
            ("api_token", "sim-{account}"),
            ("auth_secret", "sec_{account}"),
        ],
        settings: || json!({"time_zone": "America/New_York"}),
        lead_path: "/{token}/lead/create/",
    },
    Place {
        crm: HUBSPOT,
        auth_method: "bearer_token",
        secrets: &[("access_token", "sim-{account}")],
        settings: || json!({"pipeline": "771", "stage": "7711"}),
        lead_path: "/crm/objects/2026-03/deals#create",
    },
    Place {
        crm: HUBSPOT,
        auth_method: "bearer_token",
        secrets: &[("access_token", "sim-{account}")],
        settings: || json!({"mode": "lead", "ref_property": "leadrail_ref"}),
        lead_path: "/crm/objects/2026-03/leads#create",
    },
    Place {
        crm: HOUSECALL_PRO,
        auth_method: "api_key",
        secrets: HOUSECALL_SECRETS,
        settings: || json!({"mode": "job"}),
        lead_path: "/jobs",
    },
];

static HOUSECALL_SECRETS: &[(&str, &str)] = &[("api_key", "sim-{account}")];

static PIPEDRIVE_SECRETS: &[(&str, &str)] = &[("api_token", "sim-{account}")];

static SERVICETITAN_SECRETS: &[(&str, &str)] = &[
    ("access_token", "sim-{account}"),
    ("app_key", "sim-app-key"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use leadrail_adapters::{Adapters, Settings};

    #[test]
    fn every_plan_of_every_crm_is_a_place_and_its_settings_are_accepted() {
        let adapters = Adapters::all();
        let mut plans: Vec<_> = adapters
            .iter()
            .flat_map(|adapter| {
                adapter
                    .plans()
                    .iter()
                    .map(move |plan| (adapter.crm().name, plan.name))
            })
            .collect();
        for place in Place::all() {
            let mut all = adapters.iter();
            let adapter = all.find(|adapter| adapter.crm().name == place.crm);
            let adapter = adapter.expect("an adapter");
            let settings = (place.settings)();
            let given = settings.as_object().expect("an object");
            let settings = Settings::check(adapter.crm(), given).expect("accepted");
            let plan = (place.crm, adapter.plan(&settings).name);
            assert!(plans.contains(&plan), "{plan:?} stands twice");
            plans.retain(|other| *other != plan);
        }
        assert!(plans.is_empty(), "{plans:?} has no place");
    }
}
