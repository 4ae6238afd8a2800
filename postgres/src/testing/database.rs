//! A database of a test's own.

use std::env;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::OnceCell;
use uuid::Uuid;

use super::source::{Server, say};
use super::{admin, background};
use crate::database;

/// Begins the name of every database made here, before the time it was made.
const PREFIX: &str = "leadrail_test_";

/// A database or container this old belongs to a run that was killed.
pub(super) const LEFTOVER_AGE: Duration = Duration::from_secs(3600);

/// The server that the databases of this process are on. Never dropped: the process's end is its
/// end, by the supervisor for a private server.
static SHARED: OnceCell<Shared> = OnceCell::const_new();

#[derive(Debug)]
enum Shared {
    Given(String),
    Ours(Server),
}

impl Shared {
    async fn find() -> Self {
        let shared = match env::var("LEADRAIL_TEST_DATABASE_URL") {
            Ok(url) if !url.is_empty() => {
                say("the server behind LEADRAIL_TEST_DATABASE_URL");
                Self::Given(url)
            }
            _ => Self::Ours(Server::shared().await),
        };
        drop_leftovers(&shared.admin_url()).await;
        shared
    }

    fn admin_url(&self) -> String {
        match self {
            Self::Given(url) => url.clone(),
            Self::Ours(server) => server.url("postgres"),
        }
    }
}

/// An empty database that no other test knows. Dropping this value drops the database, together
/// with all connections that are still open to it.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    admin_url: String,
    name: String,
}

impl TestDatabase {
    /// Creates the database, and starts the shared server if this process has none yet.
    ///
    /// # Panics
    /// If there is no server to create it on, saying why.
    pub async fn fresh() -> Self {
        let admin_url =
            background::run(async { SHARED.get_or_init(Shared::find).await.admin_url() }).await;
        let name = name_at(seconds_now());
        let (server, wanted) = (admin_url.clone(), name.clone());
        let created =
            background::run(async move { database::create(&server, &wanted).await }).await;
        created.unwrap_or_else(|refused| panic!("the test server refuses a database: {refused}"));
        Self {
            url: with_database(&admin_url, &name),
            admin_url,
            name,
        }
    }

    /// The address of the database, as a superuser.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of the server's own database `postgres`, for tests that create roles or look
    /// at `pg_stat_activity`. What happens there is shared with all other tests.
    #[must_use]
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.admin_url.clone(), self.name.clone());
        background::finish(async move {
            // A database that cannot be dropped now is dropped as a leftover by a later run.
            let _ = admin::drop_database(&server, &name).await;
        });
    }
}

/// Drops what killed test programs left behind.
async fn drop_leftovers(admin_url: &str) {
    let now = seconds_now();
    for name in admin::names(admin_url, PREFIX).await.unwrap_or_default() {
        if is_leftover(&name, now) {
            let _ = admin::drop_database(admin_url, &name).await;
        }
    }
}

/// The time in names and labels, compared to within an hour and by this machine only.
#[expect(
    clippy::disallowed_methods,
    reason = "there may be no database to ask, and nothing durable follows from it"
)]
pub(super) fn seconds_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// `leadrail_test_`, the time in seconds, and something random: 57 of PostgreSQL's 63 bytes.
fn name_at(seconds: u64) -> String {
    format!("{PREFIX}{seconds}_{}", Uuid::new_v4().simple())
}

/// Whether a name says that it was made too long ago. Names of another shape are not ours.
fn is_leftover(name: &str, now: u64) -> bool {
    name.strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('_'))
        .filter(|(_, random)| Uuid::try_parse(random).is_ok())
        .and_then(|(seconds, _)| seconds.parse::<u64>().ok())
        .is_some_and(|made| now.saturating_sub(made) > LEFTOVER_AGE.as_secs())
}

/// The address with another database, its parameters kept.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url
        .split_once('?')
        .map_or((url, ""), |(address, rest)| (address, rest));
    let authority = address.find("://").map_or(0, |scheme| scheme + 3);
    let end = address[authority..]
        .find('/')
        .map_or(address.len(), |slash| authority + slash);
    let mark = if parameters.is_empty() { "" } else { "?" };
    format!("{}/{name}{mark}{parameters}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_old_databases_are_leftovers() {
        let now = 1_800_000_000;
        assert!(is_leftover(&name_at(now - 3601), now));
        assert!(!is_leftover(&name_at(now - 3599), now));
        assert!(
            !is_leftover(&name_at(now + 9999), now),
            "a clock that was set back"
        );
        assert!(!is_leftover("leadrail_test_1_keep", now));
        assert!(!is_leftover("leadrail_test_", now));
        assert!(!is_leftover("leadrail", now));
    }

    #[test]
    fn a_name_fits_into_postgresqls_63_bytes() {
        assert!(name_at(99_999_999_999).len() <= 63);
    }

    #[test]
    fn only_the_database_of_an_address_changes() {
        let with = |url| with_database(url, "x");
        assert_eq!(with("postgres://u:p@h:5/postgres"), "postgres://u:p@h:5/x");
        assert_eq!(with("postgres://u:p@h:5"), "postgres://u:p@h:5/x");
        assert_eq!(
            with("postgres://h/a?sslmode=require&b=/c"),
            "postgres://h/x?sslmode=require&b=/c"
        );
        assert_eq!(with("postgres://h?host=/run"), "postgres://h/x?host=/run");
    }
}
