//! The CRM that somebody named, the way into it, and a session with it.

use crate::desk::Crms;
use crate::error::{DeskError, DeskResult};
use leadrail_adapters::{Adapters, Credentials, CrmAdapter, CrmHttp, Session, SetupError, Target};
use leadrail_connections::{BaseUrl, Credential, NewConnection, OpenConnection};
use leadrail_lead::CrmName;
use std::time::Duration;

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

/// The id of the way in that was asked for; the CRM's usual one if none was.
///
/// # Errors
/// [`SetupError::AuthMethod`], which names those there are.
pub fn auth_method(adapter: &dyn CrmAdapter, asked: Option<&str>) -> DeskResult<String> {
    let known = adapter.crm().auth;
    let names: Vec<_> = known.iter().map(|method| method.id).collect();
    let usual = names.first().copied().unwrap_or_default();
    let asked = asked.unwrap_or(usual);
    if names.contains(&asked) {
        return Ok(asked.to_owned());
    }
    let (crm, known) = (adapter.crm().title, names.join(", "));
    Err(SetupError::AuthMethod { crm, known }.into())
}

/// Whether the CRM's session would take it, before anything is stored. Calls nobody.
pub(crate) fn check(http: &CrmHttp, new: &NewConnection) -> DeskResult<()> {
    let credential = Credential {
        method: new.auth_method.clone(),
        secret: new.secret.clone(),
    };
    session(
        http,
        adapter(&new.crm)?,
        new.base_url.as_deref(),
        None,
        &credential,
    )?;
    Ok(())
}

/// A session through a stored connection.
pub(crate) fn open(
    crms: &Crms,
    adapter: &dyn CrmAdapter,
    open: &OpenConnection,
) -> Result<Session, SetupError> {
    let connection = &open.connection;
    let url = connection.base_url.as_ref().map(BaseUrl::as_str);
    let timeout = connection.settings.call_timeout_ms;
    let timeout = timeout.map(|ms| Duration::from_millis(ms.into()));
    session(&crms.http, adapter, url, timeout, &open.credential)
}

/// The secret goes under the name that its method gives it. A method that is unknown, or needs more
/// than one secret, is refused by the session.
fn session(
    http: &CrmHttp,
    adapter: &dyn CrmAdapter,
    base_url: Option<&str>,
    call_timeout: Option<Duration>,
    credential: &Credential,
) -> Result<Session, SetupError> {
    let mut target = Target::new(adapter.crm())?;
    if let Some(url) = base_url {
        target = target.with_base_url(url)?;
    }
    if let Some(timeout) = call_timeout {
        target = target.with_call_timeout(timeout);
    }
    let method = &credential.method;
    let known = adapter.crm().auth.iter().find(|known| known.id == method);
    let mut credentials = Credentials::new(method);
    if let Some(&name) = known.and_then(|known| known.secrets.first()) {
        credentials = credentials.with(name, credential.secret.clone());
    }
    Session::new(http, target, credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crm_and_its_way_in_are_named_or_refused_with_those_there_are() {
        let crm = adapter("housecall_pro").expect("an adapter");
        assert_eq!(auth_method(crm, None).expect("a way"), crm.crm().auth[0].id);
        for method in crm.crm().auth {
            assert_eq!(auth_method(crm, Some(method.id)).expect("a way"), method.id);
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
