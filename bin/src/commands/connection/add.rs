//! `leadrail connection add`: connects an account, or connects it again.

use super::{prompt, released};
use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::{told, usage};
use crate::output;
use leadrail_adapters::{AuthMethod, SecretInfo, SetupError};
use leadrail_desk::{DeskError, Given, adapter, auth_method};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

/// More than any credential has.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Connects an account to a CRM by its secrets, or connects it again under the same id; where somebody
/// signs in, `leadrail connection sign-in` does.
///
/// Connecting again needs the secret; settings, address and way in stay as they are unless they are
/// given.
///
/// The secret is read from standard input or a file, never from the command line; at a terminal it is
/// asked for and not shown. Where a way in needs several, they are a JSON object by name. Leads that
/// waited for the connection go out, ten a minute.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail connection add --account acme --crm housecall_pro --secret-file acme.key\n  leadrail connection add --account acme --crm servicetitan --settings '{\"tenant_id\": 123456}' < secrets.json\n\nWith several secrets, secrets.json is {\"client_id\": \"...\", \"client_secret\": \"...\", \"app_key\": \"...\"}."
)]
pub(crate) struct AddArgs {
    /// Whose connection: the lead's callsetter_account_id.
    #[arg(long)]
    account: String,
    /// The CRM, such as housecall_pro.
    #[arg(long)]
    crm: String,
    /// The account's id in the CRM, where leads name one (routing.crm_account_id).
    #[arg(long, value_name = "ID")]
    crm_account_id: Option<String>,
    /// Another address of the CRM: a sandbox, the simulator. Empty is the CRM's own again.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// How the secrets authenticate; the CRM's usual way if not given. A wrong one is answered with
    /// those there are.
    #[arg(long, value_name = "METHOD")]
    auth: Option<String>,
    /// The file with the secrets; if not given they are asked for at a terminal, else read from standard
    /// input.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// What the contractor chose, as a JSON object such as {"call_timeout_ms": 5000}; null takes a
    /// setting away. `leadrail connection settings` says what there is.
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// Makes it without its secrets: its leads wait until they are added.
    #[arg(long, conflicts_with = "secret_file")]
    pending: bool,
    /// Prints the connection as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: AddArgs, config: &Config) -> anyhow::Result<()> {
    let adapter = adapter(&args.crm).map_err(told)?;
    auth_method(adapter, args.auth.as_deref()).map_err(no_way_in)?;
    let given = given_settings(args.settings.as_deref())?;
    let asks = args.secret_file.is_none() && io::stdin().is_terminal();
    let secret = match args.pending || asks {
        true => None,
        false => Some(given_text(args.secret_file.as_deref())?),
    };
    let desk = database::desk_with_vault(config).await?;
    let proposed = desk.propose(Given {
        account: args.account,
        crm: args.crm,
        crm_account_id: args.crm_account_id,
        base_url: args.base_url,
        auth_method: args.auth,
        settings: given,
    });
    let proposed = proposed.await.map_err(no_way_in)?;
    let who = actor::command_line();
    if args.pending {
        let made = desk.prepare_connection(&who, proposed.connection).await;
        return released::say(made.map_err(told)?, 0, args.json);
    }
    let secrets = match secret {
        Some(given) => secrets(proposed.method, given)?,
        None => typed(proposed.method)?,
    };
    let connected = desk.connect_proposed(&who, proposed, secrets).await;
    let connected = connected.map_err(told)?;
    desk.tell_workers().await;
    if args.json {
        return output::json(&connected);
    }
    let id = connected.connection.id;
    released::say(connected.connection, connected.released, false)?;
    output::line(format!(
        "`leadrail connection test {id}` asks the CRM whether it works"
    ))
}

pub(super) fn no_way_in(error: DeskError) -> anyhow::Error {
    match error {
        DeskError::Setup(SetupError::AuthMethod { crm, known }) => usage(format!(
            "{crm} has no such way in; --auth is one of: {known}"
        )),
        error => told(error),
    }
}

/// What stands in the flag, as an object.
pub(super) fn given_settings(given: Option<&str>) -> anyhow::Result<Map<String, Value>> {
    let given = given.unwrap_or("{}");
    serde_json::from_str(given)
        .map_err(|_| usage(r#"--settings wants a JSON object such as {"call_timeout_ms": 5000}"#))
}

/// The secrets of a way in: from this file, typed at a terminal, else from standard input.
pub(super) fn secrets_for(
    method: &AuthMethod,
    file: Option<&Path>,
) -> anyhow::Result<BTreeMap<String, SecretString>> {
    match file.is_none() && io::stdin().is_terminal() {
        true => typed(method),
        false => secrets(method, given_text(file)?),
    }
}

/// What was given, by name: the whole text where the way in needs one secret, else a JSON object.
fn secrets(
    method: &AuthMethod,
    given: SecretString,
) -> anyhow::Result<BTreeMap<String, SecretString>> {
    if method.secrets.is_empty() {
        return Err(usage(
            "somebody signs in to this: `leadrail connection sign-in --account ... --crm ...` gives the link",
        ));
    }
    if let [only] = method.secrets {
        return Ok(BTreeMap::from([(only.name.to_owned(), given)]));
    }
    let by_name = serde_json::from_str::<BTreeMap<String, String>>(given.expose_secret());
    // The parser's words may quote a secret.
    let by_name = by_name.map_err(|_| {
        let names: Vec<&str> = method.secrets.iter().map(|secret| secret.name).collect();
        let names = names.join(", ");
        usage(format!(
            "this way in needs several secrets, as a JSON object of texts with the names {names}"
        ))
    })?;
    Ok(by_name
        .into_iter()
        .map(|(name, secret)| (name, SecretString::from(secret)))
        .collect())
}

/// What a person types at the terminal, one secret after the other.
fn typed(method: &AuthMethod) -> anyhow::Result<BTreeMap<String, SecretString>> {
    let ask = |secret: &SecretInfo| Ok((secret.name.to_owned(), prompt::secret(secret.title)?));
    method.secrets.iter().map(ask).collect()
}

/// A secret from a file, or from standard input.
pub(crate) fn given_text(file: Option<&Path>) -> anyhow::Result<SecretString> {
    let text = match file {
        Some(path) => {
            let file = File::open(path).map_err(|error| {
                usage(format!(
                    "the secret file {} cannot be read: {error}",
                    path.display()
                ))
            })?;
            let wrong = |_| usage(format!("the secret file {} is not text", path.display()));
            read(file).map_err(wrong)?
        }
        None => read(io::stdin()).map_err(|_| usage("the secret on standard input is not text"))?,
    };
    Ok(SecretString::from(text))
}

/// All the room at once: a growing text would leave copies of the secret behind.
fn read(from: impl Read) -> io::Result<String> {
    let mut text = String::with_capacity(64 * 1024 + 1);
    from.take(MAX_SECRET_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadrail_adapters::Grant;
    use serde_json::json;

    static TWO: AuthMethod = AuthMethod {
        id: "token",
        title: "",
        help: "",
        secrets: &[
            SecretInfo {
                name: "access_token",
                title: "",
            },
            SecretInfo {
                name: "app_key",
                title: "",
            },
        ],
        places: &[],
        grant: Grant::Given,
    };

    #[test]
    fn several_secrets_are_a_json_object_by_name_and_one_is_the_whole_text() {
        let read = |method: &AuthMethod, text: &str| {
            secrets(method, SecretString::from(text)).map(|secrets| {
                let shown = |(name, secret): (String, SecretString)| {
                    format!("{name}={}", secret.expose_secret())
                };
                secrets.into_iter().map(shown).collect::<Vec<_>>().join(" ")
            })
        };
        let one = auth_method(adapter("housecall_pro").unwrap(), None).unwrap();
        assert_eq!(read(one, "{\"a\": 1}\n").unwrap(), "api_key={\"a\": 1}\n");
        let given = r#"{"access_token": "a", "app_key": "b"}"#;
        assert_eq!(read(&TWO, given).unwrap(), "access_token=a app_key=b");
        for wrong in [
            "canary",
            "[]",
            r#"{"access_token": 1}"#,
            r#"{"canary": null}"#,
        ] {
            let refused = read(&TWO, wrong).unwrap_err().to_string();
            assert!(refused.contains("access_token, app_key"), "{refused}");
            assert!(!refused.contains("canary"), "{refused}");
        }
    }

    #[test]
    fn settings_are_a_json_object_or_refused() {
        let own = Some(r#"{"call_timeout_ms": 5, "lead_source": null}"#);
        let read = given_settings(own).unwrap();
        assert_eq!(
            Value::Object(read),
            json!({"call_timeout_ms": 5, "lead_source": null})
        );
        assert!(given_settings(None).unwrap().is_empty());
        for wrong in ["", "[]", "5", "{", "call_timeout_ms=5"] {
            assert!(given_settings(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
