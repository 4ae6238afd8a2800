//! The CRMs we can file leads in. Adding one is its file and a line here.

use leadrail_lead::CrmName;

use crate::contract::CrmAdapter;
use crate::housecall_pro::HousecallPro;

static ALL: &[&dyn CrmAdapter] = &[&HousecallPro];

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
    use crate::{Session, Target};

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
            assert!(crm.call_timeout >= Duration::from_secs(1) && crm.settle >= crm.call_timeout);
            for method in crm.auth {
                let templates: String = method.headers.iter().map(|(_, value)| *value).collect();
                for secret in method.secrets {
                    assert!(
                        templates.contains(&format!("{{{secret}}}")),
                        "{secret} is not sent"
                    );
                }
                assert!(!method.help.is_empty());
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
