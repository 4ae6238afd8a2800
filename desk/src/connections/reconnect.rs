//! Gives a connection new secrets: the same id, settings and queue.

use super::difference::difference;
use crate::Connected;
use crate::actor::{Action, Actor};
use crate::crm::{adapter, auth_method};
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_adapters::{AccountInfo, AdapterError};
use leadrail_connections::{Connection, ConnectionId, DoorError, NewConnection};
use secrecy::SecretString;
use std::collections::BTreeMap;

/// What a connection is signed in with from now on.
#[derive(Clone, Default)]
pub struct Reconnect {
    /// The secrets of the way in, by name.
    pub secrets: BTreeMap<String, SecretString>,
    /// Another way in; the present one where none is given.
    pub auth_method: Option<String>,
    /// Another address; an empty one is the CRM's own, and the present one holds where none is given.
    pub base_url: Option<String>,
    /// Whether the secrets may be those of another account than before.
    pub other_account: bool,
}

impl Desk {
    /// Gives a connection new secrets, after the CRM has been asked whether it accepts them: it keeps its
    /// id and settings, and the leads that waited go out, the urgent first and ten a minute. One that is
    /// paused stays so. Where the CRM does not answer the secrets are taken, and are not said to be
    /// verified.
    ///
    /// # Errors
    /// [`DeskError`], with `is_wrong_use` for what was given; [`DeskError::NotAccepted`] where the CRM
    /// refuses the secrets, [`DeskError::OtherAccount`] where they open another account than before, and
    /// [`DeskError::Changed`] where somebody changed the connection meanwhile. Then nothing is stored.
    pub async fn reconnect(
        &self,
        who: &Actor,
        id: ConnectionId,
        with: Reconnect,
    ) -> DeskResult<Connected> {
        let doors = self.doors()?;
        let connections = doors.connections();
        let before = connections.get(id).await?;
        let other_account = with.other_account;
        let new = as_reconnected(&before, with)?;
        doors.admits(&new)?;
        self.check_vault_key().await?;
        let opened = self.try_secrets(new.clone()).await?;
        if let Some(account) = &opened
            && !other_account
        {
            same_account(&before, account)?;
        }
        let Some(mut connection) = connections.add_over(new, before.revision).await? else {
            let revision = connections.get(id).await?.revision;
            return Err(DeskError::Changed { revision });
        };
        if let Some(account) = opened {
            let version = connection.secret_version;
            let name = Some(account.name.as_str());
            connections.mark_verified(id, version, name).await?;
            connection = connections.get(id).await?;
        }
        let what = difference(Some(&before), &connection);
        self.note(who, Action::ConnectionReconnect, &id, &what)
            .await;
        self.set_budget(Some(&before), &connection).await?;
        let released = self.release_if_active(who, &connection).await?;
        Ok(Connected {
            connection,
            released,
        })
    }

    /// Whose account the CRM says they open; `None` where it does not answer, or who issues its tokens.
    async fn try_secrets(&self, new: NewConnection) -> DeskResult<Option<AccountInfo>> {
        let (adapter, session) = match self.doors()?.open_new(new).await {
            Ok(opened) => opened,
            Err(DoorError::Closed(closed)) => {
                let detail = closed.message;
                return Err(DeskError::NotAccepted { detail });
            }
            Err(DoorError::Later { .. }) => return Ok(None),
            Err(DoorError::Connection(error)) => return Err(error.into()),
            Err(DoorError::Setup(error)) => return Err(error.into()),
            Err(other) => {
                let reason = other.to_string();
                return Err(DeskError::NotNow { reason });
            }
        };
        match adapter.check(&session).await {
            Ok(account) => Ok(Some(account)),
            Err(
                error @ (AdapterError::Auth(_)
                | AdapterError::Forbidden(_)
                | AdapterError::Setup(_)),
            ) => {
                let detail = error.detail().to_owned();
                Err(DeskError::NotAccepted { detail })
            }
            Err(_) => Ok(None),
        }
    }
}

/// The connection with its new secrets, and everything else as it is.
fn as_reconnected(before: &Connection, with: Reconnect) -> DeskResult<NewConnection> {
    let adapter = adapter(&before.crm)?;
    let wanted = with.auth_method.as_deref().unwrap_or(&before.auth_method);
    let kept = before.base_url.as_ref().map(|url| url.as_str().to_owned());
    Ok(NewConnection {
        account: before.account.clone(),
        crm: before.crm.clone(),
        crm_account_id: before.crm_account_id.clone(),
        base_url: with.base_url.or(kept).filter(|url| !url.is_empty()),
        auth_method: auth_method(adapter, Some(wanted))?.id.to_owned(),
        secrets: with.secrets,
        settings: serde_json::to_value(&before.settings).unwrap_or_default(),
    })
}

/// Leads must not go to another company because somebody pasted its key.
fn same_account(before: &Connection, account: &AccountInfo) -> DeskResult<()> {
    match &before.verified_name {
        Some(known) if *known != account.name => Err(DeskError::OtherAccount {
            was: known.clone(),
            is: account.name.clone(),
        }),
        _ => Ok(()),
    }
}
