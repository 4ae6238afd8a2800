//! What a caller may choose about its server, and the settings file that follows from it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A Unix socket's address holds 108 bytes, its end included (`sun_path` in unix(7)).
const LONGEST_SOCKET_PATH: usize = 107;

/// Settings that make the server private or durable. A caller who could change them would have
/// another server than the one that this crate promises.
const OURS: &[&str] = &[
    "config_file",
    "data_directory",
    "fsync",
    "full_page_writes",
    "hba_file",
    "listen_addresses",
    "port",
    "synchronous_commit",
    "unix_socket_directories",
];

/// How to run a private server. The default is a temporary one on any free port.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the cluster lives. Kept, and used again by the next start. `None` is a temporary
    /// folder that is removed with the server.
    pub data_dir: Option<PathBuf>,
    /// The port on 127.0.0.1; `None` takes a free one.
    pub port: Option<u16>,
    /// More server settings, such as `("max_connections", "300")`. The ones that keep the server
    /// private and durable are refused.
    pub settings: Vec<(String, String)>,
}

impl Options {
    /// Refuses settings that are ours or that could break out of the settings file.
    pub(crate) fn check(&self) -> Result<()> {
        for (name, value) in &self.settings {
            let reason = if !is_setting_name(name) {
                "a name is made of letters, digits, '_' and '.'"
            } else if OURS.contains(&name.to_ascii_lowercase().as_str()) {
                "it keeps the server private or durable"
            } else if value.chars().any(char::is_control) {
                "its value contains a control character"
            } else {
                continue;
            };
            return Err(Error::Setting {
                name: name.clone(),
                reason,
            });
        }
        Ok(())
    }

    /// The text of the settings file for a server in `folder` on `port`.
    pub(crate) fn settings_file(&self, folder: &Path, port: u16) -> String {
        let sockets = if folder.as_os_str().len() + "/.s.PGSQL.65535".len() > LONGEST_SOCKET_PATH {
            String::new()
        } else {
            quoted(&folder.to_string_lossy())
        };
        let mut text = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{sockets}'\n\
             max_connections = 200\n"
        );
        for (name, value) in &self.settings {
            let _ = writeln!(text, "{name} = '{}'", quoted(value));
        }
        text.push_str("fsync = on\nfull_page_writes = on\nsynchronous_commit = on\n");
        text
    }
}

fn is_setting_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

/// Doubles what would end or escape a quoted value in postgresql.conf.
fn quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\'', "''")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Options {
        Options {
            settings: vec![(name.into(), value.into())],
            ..Options::default()
        }
    }

    #[test]
    fn durability_cannot_be_switched_off() {
        for name in ["fsync", "FSYNC", "synchronous_commit", "full_page_writes"] {
            let refused = with(name, "off").check().unwrap_err();
            assert!(refused.to_string().contains(name), "{refused}");
        }
    }

    #[test]
    fn a_server_cannot_be_opened_to_the_network() {
        assert!(with("listen_addresses", "*").check().is_err());
        assert!(with("hba_file", "/tmp/trust").check().is_err());
    }

    #[test]
    fn hostile_names_and_values_are_refused() {
        assert!(with("", "1").check().is_err());
        assert!(with("work_mem = 1\nfsync", "off").check().is_err());
        assert!(with("work_mem", "1'\nfsync = off").check().is_err());
        assert!(with("9lives", "1").check().is_err());
    }

    #[test]
    fn quotes_and_backslashes_stay_inside_their_value() {
        let file = with("application_name", r"it's a \ name").settings_file(Path::new("/x"), 1);
        assert!(
            file.contains(r"application_name = 'it''s a \\ name'"),
            "{file}"
        );
    }

    #[test]
    fn ordinary_settings_are_written_before_the_durable_ones() {
        let options = with("max_connections", "12");
        options.check().expect("an ordinary setting");
        let file = options.settings_file(Path::new("/x"), 5433);
        let own = file.find("max_connections = '12'").expect("written");
        assert!(own < file.find("fsync = on").expect("written"));
        assert!(file.contains("port = 5433"));
    }

    #[test]
    fn a_folder_too_deep_for_a_socket_gets_none() {
        let deep = format!("/{}", "d".repeat(100));
        let file = Options::default().settings_file(Path::new(&deep), 1);
        assert!(file.contains("unix_socket_directories = ''"), "{file}");
    }
}
