//! Keeps what was issued: nothing is used before it is written, and nothing is given up because the database
//! is away for less than a quarter of an hour.

use std::time::{Duration, Instant};

use leadrail_adapters::{SecretVersion, Secrets};
use tokio::time::sleep;

use super::grants;
use super::tokens::Tokens;
use crate::rows::Sealing;
use crate::{Connection, ConnectionError, ConnectionResult, Connections, sealed};

/// The pause between two tries to write.
const PAUSE: Duration = Duration::from_millis(250);

/// How long it is tried: longer than any failover takes.
const TRIED_FOR: Duration = Duration::from_secs(15 * 60);

impl Connections {
    /// Puts renewed tokens in the place of those that they were renewed from; whether they were still
    /// there. Waits a quarter of an hour for a database that is away, because nobody else has these tokens.
    pub(super) async fn keep(
        &self,
        connection: &Connection,
        (version, secrets): (SecretVersion, Secrets),
        tokens: &Tokens,
    ) -> ConnectionResult<bool> {
        let secrets = sealed::written(&tokens.put_into(secrets));
        let sealing = Sealing {
            secret_version: version + 1,
            ..Sealing::of(connection)
        };
        let sealed = sealing.place(|place| self.vault().seal(place, &secrets));
        let envelope = sealed.map_err(ConnectionError::vault(connection.id))?;
        let place = (connection.id, version);
        let until = Instant::now() + TRIED_FOR;
        let mut is_told = false;
        loop {
            let stored = grants::store(self.access(), place, &envelope, tokens.life).await;
            match stored {
                Ok(stored) => {
                    self.forget();
                    return Ok(stored);
                }
                Err(error) if Instant::now() >= until => return Err(error.into()),
                Err(_) => {
                    if !is_told {
                        tracing::warn!(connection.id = %connection.id, "New tokens of connection {} cannot be written yet; they are kept until they are", connection.id);
                    }
                    is_told = true;
                    sleep(PAUSE).await;
                }
            }
        }
    }
}
