//! Who does something, what may be done, and the one place where it is logged.

use std::fmt;

/// Who does it. Ids and names of ours only; nobody a lead is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Somebody on this machine through the HTTP API, without a key.
    Local,
    /// The holder of an API key.
    ApiKey {
        /// The key's id, never the key.
        key: String,
        /// The account that the key is for, if it is for one.
        account: Option<String>,
    },
    /// A person who runs the product, by the name they signed in with.
    Operator {
        /// That name.
        name: String,
    },
    /// The command line, run by this user of the operating system.
    CommandLine {
        /// The user's number (uid).
        user: u32,
    },
    /// The product itself.
    System {
        /// Which part of it, such as `demo`.
        part: &'static str,
    },
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("api:local"),
            Self::ApiKey { key, account } => {
                write!(f, "api:{}:{key}", account.as_deref().unwrap_or_default())
            }
            Self::Operator { name } => write!(f, "operator:{name}"),
            Self::CommandLine { user } => write!(f, "cli:{user}"),
            Self::System { part } => write!(f, "system:{part}"),
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A lead was handed over.
    LeadSubmit,
    /// A run was asked to stop.
    RunCancel,
    /// A run was sent on from its last checkpoint.
    RunResume,
    /// A run was begun again.
    RunRestart,
    /// A parked run was made due.
    RunTryNow,
    /// A signal was sent to a run.
    RunSignal,
    /// An account was connected, or connected again.
    ConnectionConnect,
    /// A connection was tested.
    ConnectionTest,
    /// A connection's waiting leads were let go.
    ConnectionRelease,
    /// A connection was made that nobody has signed in to yet.
    ConnectionPrepare,
    /// What is set for a connection was changed.
    ConnectionChange,
    /// A connection was given new secrets.
    ConnectionReconnect,
    /// A connection's leads were held back.
    ConnectionPause,
    /// A connection's leads were let go on.
    ConnectionResume,
    /// A connection was switched off.
    ConnectionDisable,
    /// A connection was switched on again.
    ConnectionEnable,
    /// A connection was taken away, with its credential.
    ConnectionDelete,
    /// A link was given by which somebody may sign in for a connection.
    SignInBegin,
    /// Somebody signed in for a connection.
    SignInEnd,
    /// Our client with a provider was given.
    ProviderSet,
    /// Our client with a provider was taken away.
    ProviderRemove,
    /// An API key was made.
    KeyCreate,
    /// An API key was taken back.
    KeyRevoke,
    /// Links of a lead were taken back.
    LinkRevoke,
    /// What a caller left here was erased.
    PersonErase,
    /// Credentials were sealed with another vault key.
    VaultRotate,
    /// A lane was stopped.
    LanePause,
    /// A lane was let go on.
    LaneResume,
    /// A lane's limits were set.
    LaneLimit,
    /// It was set how long what is kept.
    RetentionSet,
    /// Migrations were applied.
    Migrate,
    /// The database was declared to be restored.
    DatabaseRestored,
}

impl Action {
    /// Its stable name: `connection.disable`.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::LeadSubmit => "lead.submit",
            Self::RunCancel => "run.cancel",
            Self::RunResume => "run.resume",
            Self::RunRestart => "run.restart",
            Self::RunTryNow => "run.try_now",
            Self::RunSignal => "run.signal",
            Self::ConnectionConnect => "connection.connect",
            Self::ConnectionTest => "connection.test",
            Self::ConnectionRelease => "connection.release",
            Self::ConnectionPrepare => "connection.prepare",
            Self::ConnectionChange => "connection.change",
            Self::ConnectionReconnect => "connection.reconnect",
            Self::ConnectionPause => "connection.pause",
            Self::ConnectionResume => "connection.resume",
            Self::ConnectionDisable => "connection.disable",
            Self::ConnectionEnable => "connection.enable",
            Self::ConnectionDelete => "connection.delete",
            Self::SignInBegin => "sign_in.begin",
            Self::SignInEnd => "sign_in.end",
            Self::ProviderSet => "provider.set",
            Self::ProviderRemove => "provider.remove",
            Self::KeyCreate => "key.create",
            Self::KeyRevoke => "key.revoke",
            Self::LinkRevoke => "link.revoke",
            Self::PersonErase => "person.erase",
            Self::VaultRotate => "vault.rotate",
            Self::LanePause => "lane.pause",
            Self::LaneResume => "lane.resume",
            Self::LaneLimit => "lane.limit",
            Self::RetentionSet => "retention.set",
            Self::Migrate => "migrate",
            Self::DatabaseRestored => "database.restored",
        }
    }
}

/// Logs that somebody did something: to `subject` (an id, a lane's name), with this outcome.
///
/// Both are words of ours; what a person wrote (why, a signal's payload) is not for this. A lead that
/// is handed over is kept with its run, so it is noted at `debug`, everything else at `info`.
pub(crate) fn say(
    who: &Actor,
    action: Action,
    subject: &(dyn fmt::Display + Sync),
    outcome: &(dyn fmt::Display + Sync),
) {
    let name = action.as_str();
    if action == Action::LeadSubmit {
        tracing::debug!(actor = %who, action = name, %subject, %outcome, "{name} of {subject} by {who}: {outcome}");
    } else {
        tracing::info!(actor = %who, action = name, %subject, %outcome, "{name} of {subject} by {who}: {outcome}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_one_word_that_says_through_which_door_it_came() {
        let (key, account) = ("k1".to_owned(), Some("acme".to_owned()));
        let rows = [
            (Actor::Local, "api:local"),
            (Actor::ApiKey { key, account }, "api:acme:k1"),
            (
                Actor::Operator {
                    name: "ana".to_owned(),
                },
                "operator:ana",
            ),
            (Actor::CommandLine { user: 1000 }, "cli:1000"),
            (Actor::System { part: "demo" }, "system:demo"),
        ];
        for (actor, word) in rows {
            assert_eq!(actor.to_string(), word);
        }
    }
}
