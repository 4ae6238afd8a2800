//! The way to a database beyond this machine is encrypted, unless somebody says otherwise.

use super::DatabaseHosts;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::net::IpAddr;

/// Who can read what is sent to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Privacy {
    /// Nothing leaves this machine.
    ThisMachine,
    /// Only the server that its certificate names.
    Checked,
    /// Whoever answers in the server's place; everything is encrypted.
    Unchecked,
    /// Everybody on the way, if the server has no TLS.
    Open,
}

impl DatabaseHosts {
    /// Of all hosts the least private.
    #[must_use]
    pub fn privacy(&self) -> Privacy {
        let all = self.all.iter().map(privacy);
        all.max().unwrap_or(Privacy::Open)
    }
}

fn privacy(options: &PgConnectOptions) -> Privacy {
    match options.get_ssl_mode() {
        _ if is_here(options) => Privacy::ThisMachine,
        PgSslMode::VerifyFull | PgSslMode::VerifyCa => Privacy::Checked,
        PgSslMode::Require => Privacy::Unchecked,
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => Privacy::Open,
    }
}

/// What the URL does not say: TLS, which the driver would do without if the server has none.
pub(super) fn encrypted(options: PgConnectOptions, url: &str) -> PgConnectOptions {
    let said = names_a_mode(url) || std::env::var_os("PGSSLMODE").is_some();
    match said || is_here(&options) {
        true => options,
        false => options.ssl_mode(PgSslMode::Require),
    }
}

fn names_a_mode(url: &str) -> bool {
    let (_, parameters) = url.split_once('?').unwrap_or_default();
    let mut names = parameters.split('&').filter_map(|it| it.split('=').next());
    names.any(|name| matches!(name, "sslmode" | "ssl-mode"))
}

/// Whether the database is on this machine: a socket, or an address that leads nowhere else.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || bare.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_this_machine_nothing_is_plain_unless_the_url_says_so() {
        for (url, wanted) in [
            ("postgres://u@localhost/d", Privacy::ThisMachine),
            ("postgres://u@127.0.0.1:5433/d", Privacy::ThisMachine),
            ("postgres://u@[::1]/d", Privacy::ThisMachine),
            (
                "postgres:///d?host=/var/run/postgresql",
                Privacy::ThisMachine,
            ),
            ("postgres://u@db/d", Privacy::Unchecked),
            (
                "postgres://u@10.0.0.5/d?application_name=x",
                Privacy::Unchecked,
            ),
            ("postgres://u@db/d?sslmode=verify-full", Privacy::Checked),
            ("postgres://u@db/d?a=b&sslmode=disable", Privacy::Open),
            ("postgres://u@db/d?sslmode=prefer", Privacy::Open),
            ("postgres://u@localhost,db/d", Privacy::Unchecked),
        ] {
            let hosts: DatabaseHosts = url.parse().expect(url);
            assert_eq!(hosts.privacy(), wanted, "{url}");
        }
    }
}
