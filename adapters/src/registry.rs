//! The CRMs we can file leads in. Adding one is its folder and a line here.

use leadrail_lead::CrmName;

use crate::contract::CrmAdapter;
use crate::crms::gohighlevel::GoHighLevel;
use crate::crms::housecall_pro::HousecallPro;
use crate::crms::hubspot::HubSpot;
use crate::crms::jobber::Jobber;
use crate::crms::pipedrive::Pipedrive;
use crate::crms::servicetitan::ServiceTitan;
use crate::crms::workiz::Workiz;

static ALL: &[&dyn CrmAdapter] = &[
    &GoHighLevel,
    &HousecallPro,
    &HubSpot,
    &Jobber,
    &Pipedrive,
    &ServiceTitan,
    &Workiz,
];

/// The adapters by name. Cheap to clone.
#[derive(Clone)]
pub struct Adapters {
    list: Vec<&'static dyn CrmAdapter>,
}

impl Adapters {
    /// Every adapter there is.
    pub fn all() -> Self {
        Adapters { list: ALL.to_vec() }
    }

    /// The adapter for a CRM, if there is one.
    pub fn get(&self, name: &CrmName) -> Option<&'static dyn CrmAdapter> {
        self.iter()
            .find(|adapter| adapter.crm().name == name.as_str())
    }

    /// All of them, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn CrmAdapter> + '_ {
        self.list.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::info::{ACCESS_TOKEN, Grant};
    use crate::oauth::Flow;
    use crate::{
        ENVIRONMENT, RateLimit, Required, Session, SettingInfo, SettingKind, Slot, StepKey, Target,
        Verb,
    };

    #[test]
    fn an_adapter_is_found_by_the_name_that_payloads_use() {
        let adapters = Adapters::all();
        let found = adapters.get(&CrmName::HOUSECALL_PRO).unwrap();
        assert_eq!(found.crm().title, "Housecall Pro");
        assert!(
            adapters
                .get(&CrmName::new("no_such_crm").unwrap())
                .is_none()
        );
    }

    #[test]
    fn every_crm_describes_itself_completely() {
        let mut names = BTreeSet::new();
        for adapter in Adapters::all().iter() {
            let crm = adapter.crm();
            assert!(
                names.insert(crm.name),
                "two adapters are named {}",
                crm.name
            );
            assert!(
                CrmName::new(crm.name).is_ok(),
                "{} is no CRM name",
                crm.name
            );
            assert!(Target::new(crm).is_ok() && crm.base_url.starts_with("https://"));
            assert!(crm.call_timeout >= Duration::from_secs(1) && crm.max_body > 0);
            let rated =
                |rate: RateLimit| rate.requests > 0 && rate.seconds > 0 && !rate.source.is_empty();
            assert!(crm.rate.is_none_or(rated), "{}", crm.name);
            let places: Vec<_> = crm.environments.iter().map(|place| place.name).collect();
            let choice = crm.settings.iter().find(|info| info.name == ENVIRONMENT);
            match choice.map(|info| &info.kind) {
                Some(SettingKind::Choice(names)) => assert_eq!(*names, places),
                other => assert!(other.is_none() && places.is_empty(), "{places:?}"),
            }
            let usual = crm.environments.first().map(|place| place.base_url);
            assert!(usual.is_none_or(|usual| usual == crm.base_url));
            for place in crm.environments {
                let target = Target::new(crm).unwrap().with_base_url(place.base_url);
                assert!(target.is_ok() && place.base_url.starts_with("https://"));
            }
            for setting in crm.settings {
                assert!(!setting.title.is_empty() && !setting.help.is_empty());
                if let Required::When(mode, value) | Required::Unless(mode, value) =
                    setting.required
                {
                    let is_mode = |info: &&SettingInfo| info.name == mode;
                    let kind = crm.settings.iter().find(is_mode).map(|info| &info.kind);
                    let known =
                        matches!(kind, Some(SettingKind::Choice(all)) if all.contains(&value));
                    assert!(known, "{} waits for {mode} = {value}", setting.name);
                }
            }
        }
    }

    #[test]
    fn every_secret_that_is_only_given_is_sent_and_every_place_knows_its_secrets() {
        for adapter in Adapters::all().iter() {
            for method in adapter.crm().auth {
                assert!(!method.title.is_empty() && !method.help.is_empty());
                let sent = method.sent();
                assert!(sent.iter().all(|name| method.knows(name)), "{}", method.id);
                let unsent = method.secrets.iter().find(|one| !sent.contains(&one.name));
                match method.provider() {
                    None => assert!(unsent.is_none(), "{} sends not all", method.id),
                    Some(provider) => {
                        assert!(sent.contains(&ACCESS_TOKEN), "{}", method.id);
                        assert_eq!(provider.name, adapter.crm().name);
                        let of_person = matches!(method.grant, Grant::Code(_));
                        assert_eq!(of_person, method.secrets.is_empty(), "{}", method.id);
                        assert_eq!(of_person, provider.flow == Flow::Code);
                        let crm = adapter.crm();
                        for place in crm.environments {
                            let theirs = provider.environment(Some(place.name));
                            let api = theirs.map(|at| at.api.unwrap_or(crm.base_url));
                            assert_eq!(api, Some(place.base_url), "{}", place.name);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_plan_finds_before_it_makes_and_files_exactly_one_lead() {
        for adapter in Adapters::all().iter() {
            let plans = adapter.plans();
            assert!(!plans.is_empty(), "{} files nothing", adapter.crm().name);
            for plan in plans {
                let keys = plan.keys();
                let mut sorted = keys.clone();
                sorted.sort_by_key(|key| (key.slot, key.verb));
                assert_eq!(keys, sorted, "{} {}", adapter.crm().name, plan.name);
                let distinct: BTreeSet<_> = keys.iter().collect();
                assert_eq!(distinct.len(), keys.len(), "a step stands twice");
                let files = |key: &&StepKey| key.slot == Slot::Lead && key.verb != Verb::Find;
                assert_eq!(keys.iter().filter(files).count(), 1, "{}", plan.name);
                assert!(plan.steps.iter().all(|step| step.calls > 0));
            }
        }
    }

    #[test]
    fn adapters_and_sessions_can_be_shared_between_tasks() {
        fn shareable<T: Send + Sync>() {}
        shareable::<Adapters>();
        shareable::<Session>();
    }
}
