//! What a connection is after a change, and what leads it let go.

use crate::output;
use leadrail_connections::{Connection, ConnectionState};
use leadrail_desk::Connected;

/// Says it in words, or prints it as JSON.
pub(super) fn say(connection: Connection, released: u32, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(&Connected {
            connection,
            released,
        });
    }
    let (id, state) = (connection.id, connection.state);
    match (state, &connection.state_reason) {
        (ConnectionState::Active, _) | (_, None) => {
            output::line(format!("connection {id} is {state}"))?;
        }
        (_, Some(why)) => output::line(format!("connection {id} is {state}: {why}"))?,
    }
    if released > 0 {
        output::line(format!(
            "{released} leads waited for it and go out, ten a minute"
        ))?;
    }
    Ok(())
}
