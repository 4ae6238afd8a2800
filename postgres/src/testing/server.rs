//! A server of a test's own, for tests that crash it.

use super::source::Server;
use crate::database;

/// A server that one test has for itself. It keeps its data and its address through stops, kills
/// and starts, and is gone when this value is dropped.
#[derive(Debug)]
pub struct TestServer(Server);

impl TestServer {
    /// Starts a server for the calling test.
    ///
    /// # Panics
    /// If no server can be had, saying why; so do all other methods.
    pub async fn dedicated() -> Self {
        Self::dedicated_with(&[]).await
    }

    /// Starts a server with further settings, such as `("wal_level", "logical")`.
    pub async fn dedicated_with(settings: &[(&str, &str)]) -> Self {
        let settings = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self(Server::dedicated(settings).await)
    }

    /// The address of a database on it, as a superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.0.url(database)
    }

    /// Creates a database unless it is there.
    pub async fn create_database(&self, name: &str) {
        let created = database::create(&self.url("postgres"), name).await;
        created.unwrap_or_else(|refused| {
            panic!("the test server refuses the database {name:?}: {refused}")
        });
    }

    /// Stops it in good order: connections are cut, everything is written down.
    pub async fn stop(&self) {
        match &self.0 {
            Server::Container(server) => done("stop", server.end("SIGINT").await),
            Server::Private(server) => done("stop", server.stop().await),
        }
    }

    /// Stops it at once, so that the next start recovers from the log.
    pub async fn stop_immediate(&self) {
        match &self.0 {
            Server::Container(server) => done("stop", server.end("SIGQUIT").await),
            Server::Private(server) => done("stop", server.stop_immediate().await),
        }
    }

    /// Kills it with `kill -9`.
    pub async fn kill(&self) {
        match &self.0 {
            Server::Container(server) => done("kill", server.end("SIGKILL").await),
            Server::Private(server) => done("kill", server.kill().await),
        }
    }

    /// Starts it again at the same address and returns when it answers.
    pub async fn start(&self) {
        match &self.0 {
            Server::Container(server) => done("start", server.start().await),
            Server::Private(server) => done("start", server.start_again().await),
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Server::Container(server) = &self.0 {
            server.remove();
        }
    }
}

fn done<E: std::fmt::Display>(what: &str, result: Result<(), E>) {
    result.unwrap_or_else(|refused| panic!("the test server did not {what}: {refused}"));
}
