//! Changes what is set for a connection: its settings, and which account on the CRM's side it is for.

use super::difference::difference;
use super::propose::changed;
use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use crate::{Connected, adapter};
use leadrail_connections::{Connection, ConnectionError, ConnectionId, ConnectionSettings};
use serde_json::{Map, Value};

/// What is to be changed; what is not given stays.
#[derive(Clone, Default)]
pub struct Change {
    /// Settings to set; null takes one away.
    pub settings: Map<String, Value>,
    /// The account's id in the CRM, where leads name one; an inner `None` takes it away.
    pub crm_account_id: Option<Option<String>>,
    /// Only if it was not changed since it had this revision.
    pub revision: Option<i32>,
}

impl Desk {
    /// Changes a connection. Of two changes at once neither is lost: both are made, one after the other,
    /// and where both set the same thing the later one holds and the audit log has both. Leads that waited
    /// for a setting go out.
    ///
    /// # Errors
    /// [`DeskError`], with `is_wrong_use` for what was given; [`DeskError::Changed`] where somebody was
    /// faster than the revision that was named. Then nothing is stored.
    pub async fn change_connection(
        &self,
        who: &Actor,
        id: ConnectionId,
        change: Change,
    ) -> DeskResult<Connected> {
        let connections = self.connections()?;
        loop {
            let before = connections.get(id).await?;
            if change.revision.is_some_and(|seen| seen != before.revision) {
                return Err(DeskError::Changed {
                    revision: before.revision,
                });
            }
            let (settings, crm_account_id) = as_changed(&before, &change)?;
            if settings == before.settings && crm_account_id == before.crm_account_id {
                return Ok(Connected {
                    connection: before,
                    released: 0,
                });
            }
            let (account, revision) = (crm_account_id.as_deref(), before.revision);
            let written = connections.change(id, revision, &settings, account).await?;
            if let Some(connection) = written {
                return self.after_change(who, &before, connection).await;
            }
        }
    }

    async fn after_change(
        &self,
        who: &Actor,
        before: &Connection,
        connection: Connection,
    ) -> DeskResult<Connected> {
        let what = difference(Some(before), &connection);
        self.note(who, Action::ConnectionChange, &connection.id, &what)
            .await;
        self.set_budget(Some(before), &connection).await?;
        let released = self.release_if_active(who, &connection).await?;
        Ok(Connected {
            connection,
            released,
        })
    }
}

/// What the connection is to have, checked as when it is made.
fn as_changed(
    before: &Connection,
    change: &Change,
) -> DeskResult<(ConnectionSettings, Option<String>)> {
    let crm = adapter(&before.crm)?.crm();
    let present = serde_json::to_value(&before.settings).unwrap_or_default();
    let wanted = changed(present, change.settings.clone());
    let settings = match change.settings.is_empty() {
        true => before.settings.clone(),
        false => ConnectionSettings::parse(crm, &wanted)
            .map_err(|source| ConnectionError::Settings { source })?,
    };
    let crm_account_id = match &change.crm_account_id {
        None => before.crm_account_id.clone(),
        Some(wanted) => leadrail_connections::crm_account_id(wanted.clone())?,
    };
    Ok((settings, crm_account_id))
}
