//! What a connection is to be: what stands in its place already, with what is given now.

use crate::crm::{adapter, auth_method};
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_adapters::AuthMethod;
use leadrail_connections::{Connection, ConnectionFilter, NewConnection};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is given of a connection besides its secrets. Of one that is there, what is not given stays.
#[derive(Clone, Default)]
pub struct Given {
    /// Whose it is.
    pub account: String,
    /// The CRM.
    pub crm: String,
    /// The account's id in the CRM, where leads name one.
    pub crm_account_id: Option<String>,
    /// Another address of the CRM; an empty one is the CRM's own again.
    pub base_url: Option<String>,
    /// The way in; the CRM's usual one where none is given and none is there.
    pub auth_method: Option<String>,
    /// What the contractor chose; null takes a setting away.
    pub settings: Map<String, Value>,
}

/// A connection as it is to be, but for its secrets.
pub struct Proposed {
    /// The way in, which says what secrets are needed.
    pub method: &'static AuthMethod,
    /// Everything else. It has no secrets yet.
    pub connection: NewConnection,
    /// Of what it was proposed for; 0 where there is nothing in its place.
    pub revision: i32,
}

impl Desk {
    /// What [`Desk::connect`] is to make of this. Changes nothing.
    ///
    /// # Errors
    /// [`DeskError`](crate::DeskError), with `is_wrong_use` for a CRM or a way in that there is not; or
    /// when the database cannot be read.
    pub async fn propose(&self, given: Given) -> DeskResult<Proposed> {
        let adapter = adapter(&given.crm)?;
        let place = (
            &*given.account,
            &*given.crm,
            given.crm_account_id.as_deref(),
        );
        let present = self.in_place_of(place).await?;
        let kept = present.as_ref();
        let kept_method = kept.map(|present| present.auth_method.as_str());
        let method = auth_method(adapter, given.auth_method.as_deref().or(kept_method))?;
        let kept_url = kept.and_then(|present| present.base_url.as_ref());
        let base_url = given
            .base_url
            .or(kept_url.map(|url| url.as_str().to_owned()));
        let settings = match kept {
            Some(present) => {
                let present = serde_json::to_value(&present.settings).unwrap_or_default();
                changed(present, given.settings)
            }
            None => first(given.settings, self.call_timeout()),
        };
        let connection = NewConnection {
            account: given.account,
            crm: given.crm,
            crm_account_id: given.crm_account_id,
            base_url: base_url.filter(|url| !url.is_empty()),
            auth_method: method.id.to_owned(),
            secrets: BTreeMap::new(),
            settings,
        };
        Ok(Proposed {
            method,
            connection,
            revision: kept.map_or(0, |present| present.revision),
        })
    }

    /// The connection of this account, CRM and CRM account, if there is one.
    pub(super) async fn in_place_of(
        &self,
        (account, crm, crm_account_id): (&str, &str, Option<&str>),
    ) -> DeskResult<Option<Connection>> {
        let filter = ConnectionFilter {
            account: Some(account.to_owned()),
            crm: Some(crm.to_owned()),
            state: None,
        };
        let mut there = self.list_connections(&filter).await?.into_iter();
        Ok(there.find(|listed| listed.crm_account_id.as_deref() == crm_account_id))
    }
}

/// Where a connection is to be.
pub(super) fn place(new: &NewConnection) -> (&str, &str, Option<&str>) {
    (&new.account, &new.crm, new.crm_account_id.as_deref())
}

/// The settings of a new connection, with the usual deadline where they name none.
fn first(given: Map<String, Value>, call_timeout: Option<Duration>) -> Value {
    let mut settings = given;
    if let Some(timeout) = call_timeout {
        let ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        settings.entry("call_timeout_ms").or_insert(ms.into());
    }
    Value::Object(settings)
}

/// The settings of a connection that is there, with those that are given.
pub(super) fn changed(present: Value, given: Map<String, Value>) -> Value {
    let Value::Object(mut settings) = present else {
        return Value::Object(given);
    };
    settings.extend(given);
    settings.retain(|_, value| !value.is_null());
    Value::Object(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn given(settings: Value) -> Map<String, Value> {
        match settings {
            Value::Object(settings) => settings,
            _ => Map::new(),
        }
    }

    #[test]
    fn the_usual_deadline_is_for_connections_that_name_none() {
        let two = Some(Duration::from_secs(2));
        assert_eq!(first(Map::new(), None), json!({}));
        assert_eq!(first(Map::new(), two), json!({"call_timeout_ms": 2000}));
        let own = json!({"call_timeout_ms": 5, "lead_source": "Ad"});
        assert_eq!(first(given(own.clone()), two), own);
    }

    #[test]
    fn settings_that_are_given_change_those_and_no_others() {
        let present = json!({"call_timeout_ms": 5, "lead_source": "Ad"});
        assert_eq!(changed(present.clone(), Map::new()), present);
        let other = changed(present.clone(), given(json!({"lead_source": "Call"})));
        assert_eq!(other, json!({"call_timeout_ms": 5, "lead_source": "Call"}));
        let less = changed(present, given(json!({"lead_source": null})));
        assert_eq!(less, json!({"call_timeout_ms": 5}));
    }
}
