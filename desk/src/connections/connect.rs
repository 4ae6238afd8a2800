//! Connects an account to a CRM, or connects it again under the same id.

use super::difference::difference;
use super::propose::{Proposed, place};
use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_connections::{Connection, NewConnection};
use secrecy::SecretString;
use serde::Serialize;
use std::collections::BTreeMap;

/// A connection that an account made.
#[derive(Clone, PartialEq, Serialize)]
pub struct Connected {
    /// The connection: active, or paused as it was.
    #[serde(flatten)]
    pub connection: Connection,
    /// How many leads waited for it and go out now, ten a minute, the urgent first.
    pub released: u32,
}

impl Desk {
    /// Connects an account to a CRM; the same account, CRM and CRM account again replaces the secret and
    /// the settings of the connection that is there. Leads that waited for it go out, unless somebody has
    /// paused it. The CRM is not asked: [`Desk::test`] does.
    ///
    /// # Errors
    /// [`DeskError`](crate::DeskError), with `is_wrong_use` for what was given; then nothing is stored.
    pub async fn connect(&self, who: &Actor, new: NewConnection) -> DeskResult<Connected> {
        self.admit(&new).await?;
        let before = self.in_place_of(place(&new)).await?;
        let connection = self.connections()?.add(new).await?;
        self.connected(who, before.as_ref(), connection).await
    }

    /// The same for a connection that was proposed, unless somebody has changed what it was proposed for.
    ///
    /// # Errors
    /// As [`Desk::connect`], and [`DeskError::Changed`]; then nothing is stored.
    pub async fn connect_proposed(
        &self,
        who: &Actor,
        proposed: Proposed,
        secrets: BTreeMap<String, SecretString>,
    ) -> DeskResult<Connected> {
        let new = NewConnection {
            secrets,
            ..proposed.connection
        };
        self.admit(&new).await?;
        let before = self.in_place_of(place(&new)).await?;
        let connections = self.connections()?;
        match connections.add_over(new, proposed.revision).await? {
            Some(connection) => self.connected(who, before.as_ref(), connection).await,
            None => Err(DeskError::Changed {
                revision: before.map_or(proposed.revision, |before| before.revision),
            }),
        }
    }

    /// Whether this can be kept at all.
    async fn admit(&self, new: &NewConnection) -> DeskResult<()> {
        self.doors()?.admits(new)?;
        // A second key in one database is one that somebody will be without.
        self.check_vault_key().await
    }

    async fn connected(
        &self,
        who: &Actor,
        before: Option<&Connection>,
        connection: Connection,
    ) -> DeskResult<Connected> {
        let what = difference(before, &connection);
        self.note(who, Action::ConnectionConnect, &connection.id, &what)
            .await;
        self.set_budget(before, &connection).await?;
        let released = self.release_if_active(who, &connection).await?;
        Ok(Connected {
            connection,
            released,
        })
    }
}
