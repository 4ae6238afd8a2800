//! What the engine does about what a CRM or a connection answered: decided here and nowhere else.

use std::fmt::Display;
use std::time::Duration;

use leadrail_adapters::AdapterError;
use leadrail_connections::{Closed, ConnectionError, DoorError, VaultError};
use leadrail_engine::{ActivityError, FailureKind};

/// A step that so many attempts could not finish waits at its gate instead of being given back: it
/// must not become a dead letter because of a key that its worker lacks.
const GIVEN_BACK_UNTIL: u32 = 3;
/// How long a step waits for our own database before it asks again.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);

/// The shortest pause before tokens are looked for again that are being renewed.
const RENEWAL_PAUSE: Duration = Duration::from_millis(250);

/// What follows from a CRM's answer.
///
/// What is set up wrongly keeps its leads at the gate. A refusal of ours does too, if nobody has
/// asked again whether it is one ([`refused`](crate::access::OpenCrm::refused)).
pub(crate) fn of_answer(error: &AdapterError, gate: String) -> ActivityError {
    let reason = error.failure().reason.clone();
    let message = error.detail().to_owned();
    match error {
        AdapterError::NotDone(_) => ActivityError::new(FailureKind::NotDone, reason, message),
        AdapterError::Ambiguous(_) => ActivityError::new(FailureKind::Ambiguous, reason, message),
        AdapterError::Rejected(_) => ActivityError::new(FailureKind::Rejected, reason, message),
        AdapterError::Auth(_) | AdapterError::Forbidden(_) | AdapterError::Setup(_) => {
            ActivityError::new(FailureKind::Blocked { gate }, reason, message)
        }
        AdapterError::Throttled { retry_after, .. } => {
            let after = *retry_after;
            ActivityError::new(FailureKind::Throttled { after }, reason, message)
        }
    }
}

/// What follows when a connection cannot be read or opened. A database that is away comes back by
/// itself; for everything else a person must act, and the lead waits for that.
pub(crate) fn of_connection(error: &ConnectionError, gate: String) -> ActivityError {
    match error {
        ConnectionError::Database { .. } => of_our_database(error),
        _ => {
            let kind = FailureKind::Blocked { gate };
            ActivityError::new(kind, error.reason(), error.to_string())
        }
    }
}

/// What follows when this worker cannot open a connection for the attempt with this number. Another
/// worker may have the vault key that it lacks, so the run is given back, and its lane not held.
pub(crate) fn of_opening(error: DoorError, attempt: u32, gate: String) -> ActivityError {
    match &error {
        DoorError::Connection(ConnectionError::Vault {
            source: VaultError::KeyMismatch { .. },
            ..
        }) if attempt < GIVEN_BACK_UNTIL => {
            let given_back = FailureKind::Throttled { after: None };
            ActivityError::new(given_back, "vault_key", error.to_string())
        }
        _ => of_door(error, gate),
    }
}

/// What follows when a connection cannot be opened.
pub(crate) fn of_door(error: DoorError, gate: String) -> ActivityError {
    let (reason, message) = (error.reason(), error.to_string());
    match error {
        DoorError::Connection(error) => of_connection(&error, gate),
        // Nobody's fault, and no attempt is used up: whoever renews the tokens is asked again.
        DoorError::Later { after, .. } => {
            let after = Some(after.max(RENEWAL_PAUSE));
            ActivityError::new(FailureKind::Throttled { after }, reason, message)
        }
        DoorError::UnsupportedCrm { .. } => ActivityError::rejected(reason, message),
        // A person has to act, and its leads wait for that.
        DoorError::Closed(_) | DoorError::Setup(_) | DoorError::NoClient { .. } => {
            ActivityError::new(FailureKind::Blocked { gate }, reason, message)
        }
    }
}

/// What follows when no lead may go through a connection: it waits for that.
pub(crate) fn of_closed(closed: Closed, gate: String) -> ActivityError {
    ActivityError::new(FailureKind::Blocked { gate }, closed.reason, closed.message)
}

/// What follows when our own database is away: no fault of the CRM's, so no attempt is used up.
pub(crate) fn of_our_database(message: impl Display) -> ActivityError {
    let after = Some(DATABASE_PAUSE);
    let message = message.to_string();
    ActivityError::new(FailureKind::Throttled { after }, "database", message)
}

#[cfg(test)]
mod tests {
    use leadrail_adapters::{Failure, SetupError};
    use leadrail_connections::{ConnectionId, UrlError};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_kind_of_answer_has_one_consequence() {
        let failure = || Failure::new("http_503", "Housecall Pro failed on its side (HTTP 503)");
        let gate = || "connection:acme/housecall_pro".to_owned();
        let after = Some(Duration::from_secs(7));
        let throttled = |retry_after| AdapterError::Throttled {
            failure: failure(),
            retry_after,
        };
        let table = [
            (
                AdapterError::NotDone(failure()),
                FailureKind::NotDone,
                "http_503",
            ),
            (
                AdapterError::Ambiguous(failure()),
                FailureKind::Ambiguous,
                "http_503",
            ),
            (
                AdapterError::Rejected(failure()),
                FailureKind::Rejected,
                "http_503",
            ),
            (
                AdapterError::Auth(failure()),
                FailureKind::Blocked { gate: gate() },
                "http_503",
            ),
            (
                AdapterError::Setup(failure()),
                FailureKind::Blocked { gate: gate() },
                "http_503",
            ),
            (
                AdapterError::Forbidden(failure()),
                FailureKind::Blocked { gate: gate() },
                "http_503",
            ),
            (
                throttled(after),
                FailureKind::Throttled { after },
                "http_503",
            ),
            (
                throttled(None),
                FailureKind::Throttled { after: None },
                "http_503",
            ),
        ];
        for (answer, kind, reason) in table {
            let error = of_answer(&answer, gate());
            assert_eq!((error.kind, &*error.reason), (kind, reason), "{answer:?}");
            assert_eq!(error.message, "Housecall Pro failed on its side (HTTP 503)");
        }
    }

    #[test]
    fn a_run_whose_connection_opens_elsewhere_is_given_back_and_never_dies_of_it() {
        let error = || {
            let (sealed, have) = ("k-1".to_owned(), "k-2".to_owned());
            DoorError::Connection(ConnectionError::Vault {
                id: ConnectionId(Uuid::nil()),
                source: VaultError::KeyMismatch { sealed, have },
            })
        };
        let kind = |attempt| of_opening(error(), attempt, "connection:1".to_owned()).kind;
        assert_eq!(kind(1), FailureKind::Throttled { after: None });
        assert!(matches!(
            kind(GIVEN_BACK_UNTIL),
            FailureKind::Blocked { .. }
        ));
        let changed = DoorError::Connection(ConnectionError::Vault {
            id: ConnectionId(Uuid::nil()),
            source: VaultError::DoesNotOpen,
        });
        let changed = of_opening(changed, 1, "connection:1".to_owned());
        assert!(matches!(changed.kind, FailureKind::Blocked { .. }));
    }

    #[test]
    fn tokens_on_their_way_cost_no_attempt_and_a_client_that_is_missing_is_waited_for() {
        let gate = || "connection:1".to_owned();
        for (asked, waited) in [
            (Duration::ZERO, RENEWAL_PAUSE),
            (DATABASE_PAUSE, DATABASE_PAUSE),
        ] {
            let later = DoorError::Later {
                message: "later".to_owned(),
                after: asked,
            };
            let error = of_door(later, gate());
            let after = Some(waited);
            assert_eq!(error.kind, FailureKind::Throttled { after });
            assert_eq!(error.reason, "renewing");
        }
        let missing = DoorError::NoClient {
            message: "`leadrail provider set` gives it".to_owned(),
        };
        let error = of_door(missing, gate());
        assert_eq!(error.kind, FailureKind::Blocked { gate: gate() });
        assert!(error.message.contains("provider set"));
    }

    #[test]
    fn only_a_database_that_is_away_is_tried_again_by_itself() {
        let gate = || "connection:acme/housecall_pro".to_owned();
        let away = ConnectionError::Database {
            source: std::io::Error::other("away").into(),
        };
        let after = Some(DATABASE_PAUSE);
        assert_eq!(
            of_connection(&away, gate()).kind,
            FailureKind::Throttled { after }
        );
        let id = ConnectionId(Uuid::nil());
        for (error, reason) in [
            (ConnectionError::NotFound { id }, "connection_missing"),
            (
                ConnectionError::Damaged {
                    id,
                    column: "base_url",
                },
                "connection_damaged",
            ),
        ] {
            let error = of_connection(&error, gate());
            assert_eq!(error.kind, FailureKind::Blocked { gate: gate() });
            assert_eq!(error.reason, reason);
        }
        let setup = DoorError::Setup(SetupError::BaseUrl(UrlError::NotAUrl));
        let setup = of_door(setup, gate());
        assert_eq!(setup.kind, FailureKind::Blocked { gate: gate() });
        assert_eq!(setup.reason, "connection_setup");
    }
}
