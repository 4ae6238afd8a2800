//! What follows when a CRM refuses us. One refusal is not a revoked sign-in: a firewall may dislike
//! one text, and a server may fail to read a good token once. So the CRM is asked again, by the
//! cheapest check that it has, before all leads of a connection wait (decision 0015).
//!
//! | the check says | the lead | the connection |
//! |---|---|---|
//! | it works | 401: is tried again; 403: is a dead letter with the reason | stays open |
//! | refused too | waits at the connection's gate | waits for a person |
//! | nothing: no answer, throttled, an answer that fits no check | is tried again when that says | stays open |

use leadrail_adapters::AdapterError;
use leadrail_connections::{Closed, ConnectionResult, Door};
use leadrail_engine::{ActivityError, FailureKind};

use crate::access::{OpenCrm, keep_evidence, open_door};
use crate::failure;

impl OpenCrm<'_> {
    /// What becomes of a lead whose request was refused, and of its connection.
    pub(crate) async fn refused(&self, refusal: &AdapterError) -> ActivityError {
        // Opened anew: it may have been connected again, or closed, in the meantime.
        let door = match open_door(self.doors, self.attempt, self.destination).await {
            Ok(door) => door,
            Err(closed) => return closed,
        };
        let checked = door.adapter.check(&door.session).await;
        keep_evidence(&door, self.attempt);
        match checked {
            Ok(_) => of_one_lead(refusal, door.adapter.crm().title),
            Err(no @ (AdapterError::Auth(_) | AdapterError::Forbidden(_))) => {
                self.condemned(&door, &no).await
            }
            // It is not the lead that was asked about, so no answer to that ends it.
            Err(AdapterError::Rejected(unclear) | AdapterError::Ambiguous(unclear)) => {
                let unclear = AdapterError::NotDone(unclear);
                failure::of_answer(&unclear, self.destination.gate())
            }
            Err(unknown) => failure::of_answer(&unknown, self.destination.gate()),
        }
    }

    async fn condemned(&self, door: &Door, refusal: &AdapterError) -> ActivityError {
        match self.close_connection(door, refusal).await {
            Ok(why) => why,
            Err(away) => failure::of_connection(&away, self.destination.gate()),
        }
    }

    /// Marks the connection, unless there are newer secrets, and says what the lead waits for.
    async fn close_connection(
        &self,
        door: &Door,
        refusal: &AdapterError,
    ) -> ConnectionResult<ActivityError> {
        let (connections, id) = (self.doors.connections(), door.connection.id);
        let (title, version) = (door.adapter.crm().title, door.session.secret_version());
        if connections
            .mark_needs_reauth(id, version, refusal.detail())
            .await?
        {
            tracing::warn!(connection.id = %id, crm = %self.destination.crm, "{title} refused the credentials of connection {id}; its leads wait until it is connected again");
        }
        let now = connections.get(id).await?;
        Ok(match Closed::of(&now, title) {
            Some(closed) => failure::of_closed(closed, self.destination.gate()),
            None => {
                let message = "The account was connected again during the call";
                ActivityError::new(FailureKind::NotDone, "reconnected", message)
            }
        })
    }
}

/// The connection is good, so the refusal was about this request.
fn of_one_lead(refusal: &AdapterError, title: &str) -> ActivityError {
    let said = refusal.status().map_or_else(
        || refusal.reason().to_owned(),
        |status| format!("HTTP {status}"),
    );
    match refusal {
        AdapterError::Forbidden(_) => ActivityError::rejected(
            "forbidden",
            format!(
                "{title} refused this lead ({said}) though it accepts the connection: it may not \
                 be allowed to take this kind of record, or dislike something in the text"
            ),
        ),
        other => ActivityError::new(
            FailureKind::NotDone,
            other.failure().reason.clone(),
            format!("{title} refused our credentials once ({said}) and accepts them now"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use leadrail_adapters::Failure;

    use super::*;

    #[test]
    fn of_a_good_connection_a_refused_sign_in_is_tried_again_and_a_forbidden_lead_is_not() {
        let refused = |code: &'static str, status| Failure::new(code, "no").with_status(status);
        let once = of_one_lead(&AdapterError::Auth(refused("http_401", 401)), "Acme");
        assert_eq!(
            (once.kind, &*once.reason),
            (FailureKind::NotDone, "http_401")
        );
        let never = of_one_lead(&AdapterError::Forbidden(refused("forbidden", 403)), "Acme");
        assert_eq!(
            (never.kind, &*never.reason),
            (FailureKind::Rejected, "forbidden")
        );
        assert!(
            never
                .message
                .starts_with("Acme refused this lead (HTTP 403)")
        );
    }
}
