//! What can keep a private server from running, told apart by what a person does about it.

use std::io;
use std::path::PathBuf;

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why there is no server. Each sentence says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No programs are installed and they could not be downloaded either.
    #[error(
        "no PostgreSQL 14 or newer is installed and downloading one failed; install it (Debian: \
         apt-get install postgresql, Fedora: dnf install postgresql-server, macOS: brew install \
         postgresql) or give the address of a running server"
    )]
    NoPrograms {
        /// What the download said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// We are root, PostgreSQL refuses to run as root, and there is nobody else to run it as.
    #[error(
        "PostgreSQL does not run as root and there is no user postgres or nobody: add one, or run as another user"
    )]
    NoUnprivilegedUser,
    /// The user that runs the server cannot enter the folder that it should work in.
    #[error(
        "the user {user} cannot enter {}: choose a folder that others may enter, for example below /var/tmp",
        path.display()
    )]
    Unreachable {
        /// The folder.
        path: PathBuf,
        /// The user the server runs as.
        user: String,
    },
    /// The folder holds files that no private server wrote; nothing in it was changed.
    #[error("{} is not empty and holds no private server: choose another folder", path.display())]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// Another program runs a server on this folder.
    #[error("another program runs a server in {}: stop it, or choose another folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A setting that callers may not change, or that cannot be written down.
    #[error("the setting {name:?} is refused: {reason}")]
    Setting {
        /// The setting's name as it was given.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// The cluster could not be made.
    #[error("initdb failed: {log}")]
    Init {
        /// The end of what it printed.
        log: String,
    },
    /// The server did not come up.
    #[error("PostgreSQL did not start: {log}")]
    Start {
        /// The end of the server's log.
        log: String,
    },
    /// The supervisor is gone or could not do what it was told.
    #[error("the supervisor of the private server could not {command}")]
    Supervisor {
        /// What it was told.
        command: &'static str,
    },
    /// A file or a program could not be used.
    #[error("could not {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file or program.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The server refused a statement or a connection.
    #[error("the private server refused a statement")]
    Database {
        /// What it answered.
        #[source]
        source: sqlx::Error,
    },
    /// A background task of ours panicked or was cut off by the end of its runtime.
    #[error("the work on the private server was cut off")]
    CutOff,
}

impl Error {
    /// An [`Error::Io`] maker for `map_err`.
    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        Self::Database { source }
    }
}
