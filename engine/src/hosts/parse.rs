//! The list of hosts in a database URL. No fault repeats the URL: it may hold a password.

use super::DatabaseHosts;
use super::privacy::encrypted;
use sqlx::postgres::PgConnectOptions;
use std::str::FromStr;

/// Why a text names no database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHosts {
    /// It is no PostgreSQL URL at all.
    #[error("it is not one: write it as postgres://user:password@host:port/name")]
    NotAUrl,
    /// Two commas in a row, or one at an end.
    #[error("host {nth} of its list is empty; write h1:5432,h2:5432 without blanks")]
    EmptyHost {
        /// Counted from 1.
        nth: usize,
    },
    /// Something else than a number from 1 to 65535 after the colon.
    #[error(
        "host {nth} of its list has no valid port; write a number from 1 to 65535 after the colon"
    )]
    Port {
        /// Counted from 1.
        nth: usize,
    },
    /// The same host and port again.
    #[error("host {nth} of its list is there twice; leave one out")]
    Twice {
        /// Counted from 1.
        nth: usize,
    },
}

impl FromStr for DatabaseHosts {
    type Err = InvalidHosts;

    fn from_str(url: &str) -> Result<Self, InvalidHosts> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidHosts::NotAUrl)?;
        if !matches!(scheme, "postgres" | "postgresql") {
            return Err(InvalidHosts::NotAUrl);
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        if !hosts.contains(',') {
            return read(url).map(Self::from);
        }
        let mut all: Vec<PgConnectOptions> = Vec::new();
        for (n, host) in hosts.split(',').enumerate() {
            check(host, n + 1)?;
            let one = format!("{scheme}://{user}{host}{tail}");
            let one = read(&one)?;
            let same = |there: &PgConnectOptions| {
                there.get_host() == one.get_host() && there.get_port() == one.get_port()
            };
            if all.iter().any(same) {
                return Err(InvalidHosts::Twice { nth: n + 1 });
            }
            all.push(one);
        }
        Ok(Self::new(all))
    }
}

fn read(url: &str) -> Result<PgConnectOptions, InvalidHosts> {
    let options = url.parse().map_err(|_| InvalidHosts::NotAUrl)?;
    Ok(encrypted(options, url))
}

fn check(host: &str, nth: usize) -> Result<(), InvalidHosts> {
    // The colons of an IPv6 address stand in brackets.
    let after = host.rfind(']').map_or(host, |end| &host[end + 1..]);
    let port = after.split_once(':').map(|(_, port)| port);
    if host.trim() != host || host.is_empty() || host.starts_with(':') {
        return Err(InvalidHosts::EmptyHost { nth });
    }
    match port.map(str::parse::<u16>) {
        None | Some(Ok(1..)) => Ok(()),
        Some(_) => Err(InvalidHosts::Port { nth }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Result<String, InvalidHosts> {
        url.parse::<DatabaseHosts>().map(|hosts| hosts.place())
    }

    #[test]
    fn one_host_or_several_are_read() {
        for (url, wanted) in [
            ("postgres://u:p@h:5433/d", "h:5433/d"),
            ("postgres://u:p@h1:5432,h2:5433/d", "h1:5432,h2:5433/d"),
            ("postgresql://h1,h2/d?sslmode=disable", "h1:5432,h2:5432/d"),
            ("postgres://u:a,b@h1,[::1]:5433/d", "h1:5432,[::1]:5433/d"),
        ] {
            assert_eq!(place(url).as_deref(), Ok(wanted), "{url}");
        }
    }

    #[test]
    fn a_bad_list_says_which_host_is_wrong() {
        for (url, fault) in [
            ("postgres://u@h1,,h2/d", InvalidHosts::EmptyHost { nth: 2 }),
            ("postgres://u@h1,/d", InvalidHosts::EmptyHost { nth: 2 }),
            (
                "postgres://u@:5432,h2/d",
                InvalidHosts::EmptyHost { nth: 1 },
            ),
            ("postgres://u@h1, h2/d", InvalidHosts::EmptyHost { nth: 2 }),
            ("postgres://u@h1:x,h2/d", InvalidHosts::Port { nth: 1 }),
            ("postgres://u@h1,h2:70000/d", InvalidHosts::Port { nth: 2 }),
            ("postgres://u@h1,h2:0/d", InvalidHosts::Port { nth: 2 }),
            ("postgres://u@h1,h1:5432/d", InvalidHosts::Twice { nth: 2 }),
            ("mysql://u@h1,h2/d", InvalidHosts::NotAUrl),
            ("h1,h2", InvalidHosts::NotAUrl),
        ] {
            assert_eq!(place(url), Err(fault), "{url}");
        }
    }

    #[test]
    fn no_fault_repeats_the_password() {
        for url in ["postgres://u:canary@h1,,h2/d", "postgres://u:canary@h:x/d"] {
            let fault = place(url).expect_err(url).to_string();
            assert!(!fault.contains("canary"), "{fault}");
        }
    }
}
