//! The CRM that somebody named, and the way into it.

use crate::error::{DeskError, DeskResult};
use leadrail_adapters::{Adapters, AuthMethod, CrmAdapter, SetupError};
use leadrail_lead::CrmName;

/// The adapter of a CRM by its name, such as `housecall_pro`.
///
/// # Errors
/// [`DeskError::Refused`], which names those there are.
pub fn adapter(crm: &str) -> DeskResult<&'static dyn CrmAdapter> {
    let adapters = Adapters::all();
    let found = CrmName::new(crm).ok().and_then(|name| adapters.get(&name));
    found.ok_or_else(|| {
        let known: Vec<_> = adapters.iter().map(|adapter| adapter.crm().name).collect();
        let known = known.join(", ");
        DeskError::refused(
            "crm",
            format!("there is no adapter for that CRM; there is: {known}"),
        )
    })
}

/// The way in that was asked for; the CRM's usual one if none was.
///
/// # Errors
/// [`SetupError::AuthMethod`], which names those there are.
pub fn auth_method(
    adapter: &dyn CrmAdapter,
    asked: Option<&str>,
) -> DeskResult<&'static AuthMethod> {
    let crm = adapter.crm();
    let found = match asked {
        Some(asked) => crm.auth_method(asked),
        None => crm.auth.first(),
    };
    let known = crm.auth.iter().map(|method| method.id);
    let known = || known.collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| {
        SetupError::AuthMethod {
            crm: crm.title,
            known: known(),
        }
        .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crm_and_its_way_in_are_named_or_refused_with_those_there_are() {
        let crm = adapter("housecall_pro").expect("an adapter");
        assert_eq!(
            auth_method(crm, None).expect("a way").id,
            crm.crm().auth[0].id
        );
        for method in crm.crm().auth {
            assert_eq!(
                auth_method(crm, Some(method.id)).expect("a way").id,
                method.id
            );
        }
        let refused = auth_method(crm, Some("password")).expect_err("no such way");
        assert!(
            refused.to_string().contains(crm.crm().auth[0].id),
            "{refused}"
        );
        for name in ["", "nonsense", "House Call", "-", "a\0b"] {
            let Err(refused) = adapter(name) else {
                panic!("{name} is no CRM");
            };
            assert!(refused.is_wrong_use());
            assert!(refused.to_string().contains("housecall_pro"), "{refused}");
        }
    }
}
