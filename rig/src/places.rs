//! The simulated CRMs in which the accounts of a rig can be.

use leadrail_crm_sim::{HOUSECALL_PRO, JOBBER, SERVICETITAN};
use serde_json::{Value, json};

/// A simulated CRM, in one of its modes.
pub(crate) struct Place {
    /// Its name.
    pub(crate) crm: &'static str,
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
    secrets: &[("api_key", "sim-{account}")],
    settings: || json!({}),
    lead_path: "/leads",
};

/// The other CRMs, each mode of them a place. The simulated `ServiceTitan` gives a tenant number to
/// the company that asks for it first, and opens all of them to one application.
pub(crate) static ELSEWHERE: [Place; 3] = [
    Place {
        crm: JOBBER,
        auth_method: "bearer_token",
        secrets: &[("access_token", "sim-{account}")],
        settings: || json!({}),
        lead_path: "/api/graphql#requestCreate()",
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
];

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
        for place in std::iter::once(&HOME).chain(&ELSEWHERE) {
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
