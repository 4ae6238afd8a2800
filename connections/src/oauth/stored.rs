//! Keeps what was issued: nothing is used before it is written, and nothing is given up while this process
//! lives because the database is away.

use std::time::Duration;

use leadrail_adapters::{SecretVersion, Secrets};
use tokio::time::sleep;

use super::grants;
use super::tokens::Tokens;
use crate::rows::Sealing;
use crate::{Connection, ConnectionError, ConnectionResult, Connections, sealed};

/// The pause between two tries to write.
const PAUSE: Duration = Duration::from_millis(250);

/// How often it is tried: for a quarter of an hour, which no failover takes.
const TRIES: u32 = 3_600;

impl Connections {
    /// Puts renewed tokens in the place of those that they were renewed from; whether they were still
    /// there. Waits for a database that is away, because nobody else has these tokens.
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
        let mut tries = 0;
        loop {
            let stored = grants::store(self.access(), place, &envelope, tokens.life).await;
            match stored {
                Ok(stored) => {
                    self.forget();
                    return Ok(stored);
                }
                Err(error) if tries >= TRIES => return Err(error.into()),
                Err(_) => {
                    if tries == 0 {
                        tracing::warn!(connection.id = %connection.id, "New tokens of connection {} cannot be written yet; they are kept until they are", connection.id);
                    }
                    tries += 1;
                    sleep(PAUSE).await;
                }
            }
        }
    }
}
