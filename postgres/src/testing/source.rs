//! Decides where the server of the tests comes from.

use std::env;
use std::io::Write;

use super::container::Container;
use super::{background, image};
use crate::{Options, PrivateServer};

/// What `LEADRAIL_TEST_POSTGRES` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Container,
    Installed,
    Either,
}

impl Wanted {
    /// Reads the variable's value; the error is a sentence for a person.
    fn parse(value: Option<&str>) -> Result<Self, String> {
        match value {
            None | Some("") => Ok(Self::Either),
            Some("container") => Ok(Self::Container),
            Some("installed") => Ok(Self::Installed),
            Some(other) => Err(format!(
                "LEADRAIL_TEST_POSTGRES is {other:?}, it can be \"container\" or \"installed\""
            )),
        }
    }

    fn from_environment() -> Self {
        let value = env::var("LEADRAIL_TEST_POSTGRES").ok();
        Self::parse(value.as_deref()).unwrap_or_else(|refused| panic!("{refused}"))
    }
}

/// A server in either form.
#[derive(Debug)]
pub(super) enum Server {
    Container(Container),
    Private(PrivateServer),
}

impl Server {
    /// The server that all tests of the machine share, if it is a container, or that all tests of
    /// this process share, if it is not.
    pub(super) async fn shared() -> Self {
        let server = Self::from_source(
            |image| async move { Container::shared(&image).await },
            Vec::new(),
        )
        .await;
        announce(&server.0, &server.1);
        server.0
    }

    /// A server for one test, with further settings.
    pub(super) async fn dedicated(settings: Vec<(String, String)>) -> Self {
        let wanted = settings.clone();
        let start = |image: String| async move { Container::dedicated(&image, wanted).await };
        Self::from_source(start, settings).await.0
    }

    /// Tries a container and falls back to installed programs if that is allowed. The text says
    /// why there is no container.
    async fn from_source<F>(
        start: impl FnOnce(String) -> F,
        settings: Vec<(String, String)>,
    ) -> (Self, String)
    where
        F: Future<Output = Result<Container, String>> + Send + 'static,
    {
        let wanted = Wanted::from_environment();
        let reason = if wanted == Wanted::Installed {
            "LEADRAIL_TEST_POSTGRES=installed".to_owned()
        } else {
            let container =
                match background::run(image::available(wanted == Wanted::Container)).await {
                    Ok(image) => background::run(start(image)).await,
                    Err(reason) => Err(reason),
                };
            match container {
                Ok(container) => return (Self::Container(container), String::new()),
                Err(reason) if wanted == Wanted::Container => panic!(
                    "LEADRAIL_TEST_POSTGRES=container asks for PostgreSQL in a container, but {reason}; \
                     unset it to use installed programs"
                ),
                Err(reason) => reason,
            }
        };
        let options = Options {
            settings,
            ..Options::default()
        };
        match PrivateServer::start(options).await {
            Ok(server) => (Self::Private(server), reason),
            Err(refused) => panic!(
                "no PostgreSQL for the tests: no container ({reason}), no private server ({refused})"
            ),
        }
    }

    pub(super) fn url(&self, database: &str) -> String {
        match self {
            Self::Container(server) => server.url(database),
            Self::Private(server) => server.url(database),
        }
    }
}

/// Says where the server came from. Not with `eprintln!`, which the test harness swallows.
fn announce(server: &Server, reason: &str) {
    let origin = match server {
        Server::Container(server) => {
            format!("container {} of image {}", server.name(), server.image())
        }
        Server::Private(server) => {
            let version = server.major_version();
            format!("private server, installed version {version}, no container: {reason}")
        }
    };
    say(&origin);
}

pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "test postgres: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unset_or_empty_wish_takes_what_is_there() {
        assert_eq!(Wanted::parse(None), Ok(Wanted::Either));
        assert_eq!(Wanted::parse(Some("")), Ok(Wanted::Either));
    }

    #[test]
    fn a_misspelt_wish_is_refused_and_not_ignored() {
        assert_eq!(Wanted::parse(Some("container")), Ok(Wanted::Container));
        assert_eq!(Wanted::parse(Some("installed")), Ok(Wanted::Installed));
        let refused = Wanted::parse(Some("docker")).expect_err("no such source");
        assert!(
            refused.contains("\"docker\"") && refused.contains("\"container\""),
            "{refused}"
        );
    }
}
