//! `leadrail connection add`: connects an account, or connects it again.

use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::{told, usage};
use crate::output;
use anyhow::Context as _;
use leadrail_adapters::{AuthMethod, SetupError};
use leadrail_connections::{Connection, ConnectionFilter, NewConnection};
use leadrail_desk::{Connected, Desk, DeskError, adapter, auth_method};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// More than any credential has.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Connects an account to a CRM, or connects it again under the same id.
///
/// Connecting again needs the secret; settings, address and way in stay as they are unless they are
/// given.
///
/// The secret is read from standard input or a file, never from the command line. Where a way in needs
/// several, they are a JSON object by name. Leads that waited for the connection go out, ten a minute.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail connection add --account acme --crm housecall_pro --secret-file acme.key\n  leadrail connection add --account acme --crm servicetitan --settings '{\"tenant_id\": 123456}' < secrets.json\n\nWith several secrets, secrets.json is {\"access_token\": \"...\", \"app_key\": \"...\"}."
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
    /// The file with the secrets; standard input if not given.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// What the contractor chose, as a JSON object such as {"call_timeout_ms": 5000}; null takes a
    /// setting away.
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// Prints the connection as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: AddArgs, config: &Config) -> anyhow::Result<()> {
    let adapter = adapter(&args.crm).map_err(told)?;
    auth_method(adapter, args.auth.as_deref()).map_err(no_way_in)?;
    let given = given_settings(args.settings.as_deref())?;
    let secret = read_secrets(args.secret_file.as_deref())?;
    let desk = database::desk_with_vault(config).await?;
    let present = present(&desk, &args).await?;
    let of_present = present.as_ref();
    let auth = args
        .auth
        .as_deref()
        .or(of_present.map(|present| &*present.auth_method));
    let method = auth_method(adapter, auth).map_err(no_way_in)?;
    let secrets = secrets(method, secret)?;
    let settings = match of_present {
        Some(present) => changed(serde_json::to_value(&present.settings)?, given),
        None => first(given, config.call_timeout)?,
    };
    let kept_url = of_present.and_then(|present| present.base_url.as_ref());
    let base_url = args
        .base_url
        .or(kept_url.map(|url| url.as_str().to_owned()));
    let new = NewConnection {
        account: args.account,
        crm: args.crm,
        crm_account_id: args.crm_account_id,
        base_url: base_url.filter(|url| !url.is_empty()),
        auth_method: method.id.to_owned(),
        secrets,
        settings,
    };
    let connected = desk.connect(&actor::command_line(), new).await;
    let connected = connected.map_err(told)?;
    if args.json {
        return output::json(&connected);
    }
    say(&connected)
}

fn say(connected: &Connected) -> anyhow::Result<()> {
    let (connection, released) = (&connected.connection, connected.released);
    output::line(format!(
        "connection {} is {}",
        connection.id, connection.state
    ))?;
    if released > 0 {
        output::line(format!(
            "{released} leads waited for it and go out, ten a minute"
        ))?;
    }
    output::line(format!(
        "`leadrail connection test {}` asks the CRM whether it works",
        connection.id
    ))
}

fn no_way_in(error: DeskError) -> anyhow::Error {
    match error {
        DeskError::Setup(SetupError::AuthMethod { crm, known }) => usage(format!(
            "{crm} has no such way in; --auth is one of: {known}"
        )),
        error => told(error),
    }
}

/// The connection that stands where this one is to be, if one does.
async fn present(desk: &Desk, args: &AddArgs) -> anyhow::Result<Option<Connection>> {
    let filter = ConnectionFilter {
        account: Some(args.account.clone()),
        crm: Some(args.crm.clone()),
        state: None,
    };
    let listed = desk.list_connections(&filter).await.map_err(told)?;
    let mut there = listed.into_iter();
    Ok(there.find(|listed| listed.crm_account_id == args.crm_account_id))
}

fn given_settings(given: Option<&str>) -> anyhow::Result<Map<String, Value>> {
    let given = given.unwrap_or("{}");
    serde_json::from_str(given)
        .map_err(|_| usage(r#"--settings wants a JSON object such as {"call_timeout_ms": 5000}"#))
}

/// The settings of a new connection: as given, with the configured deadline where they name none.
fn first(given: Map<String, Value>, call_timeout: Option<Duration>) -> anyhow::Result<Value> {
    let mut settings = given;
    if let Some(timeout) = call_timeout {
        let ms = u64::try_from(timeout.as_millis())?;
        settings.entry("call_timeout_ms").or_insert(ms.into());
    }
    Ok(Value::Object(settings))
}

/// The settings of a connection that is there, with those that are given; null takes one away.
fn changed(present: Value, given: Map<String, Value>) -> Value {
    let Value::Object(mut settings) = present else {
        return Value::Object(given);
    };
    settings.extend(given);
    settings.retain(|_, value| !value.is_null());
    Value::Object(settings)
}

/// What was given, by name: the whole text where the way in needs one secret, else a JSON object.
fn secrets(
    method: &AuthMethod,
    given: SecretString,
) -> anyhow::Result<BTreeMap<String, SecretString>> {
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

fn read_secrets(file: Option<&Path>) -> anyhow::Result<SecretString> {
    let text = match file {
        Some(path) => {
            let file = File::open(path).map_err(|error| {
                usage(format!(
                    "the secret file {} cannot be read: {error}",
                    path.display()
                ))
            })?;
            read(file).with_context(|| format!("the secret file {} is not text", path.display()))?
        }
        None if io::stdin().is_terminal() => {
            return Err(usage(
                "the secret is not typed here: give it on standard input (`... < acme.key`) or with --secret-file",
            ));
        }
        None => read(io::stdin()).context("the secret on standard input is not text")?,
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
    use leadrail_adapters::SecretInfo;
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
    fn the_configured_deadline_is_for_connections_that_name_none() {
        let read = |given, timeout| first(given_settings(given).unwrap(), timeout).unwrap();
        let two = Some(Duration::from_secs(2));
        assert_eq!(read(None, None), json!({}));
        assert_eq!(read(None, two), json!({"call_timeout_ms": 2000}));
        let own = Some(r#"{"call_timeout_ms": 5, "lead_source": "Ad"}"#);
        assert_eq!(
            read(own, two),
            json!({"call_timeout_ms": 5, "lead_source": "Ad"})
        );
        for wrong in ["", "[]", "5", "{", "call_timeout_ms=5"] {
            assert!(given_settings(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn settings_that_are_given_change_those_and_no_others() {
        let given = |text| given_settings(Some(text)).unwrap();
        let present = json!({"call_timeout_ms": 5, "lead_source": "Ad"});
        assert_eq!(changed(present.clone(), given("{}")), present);
        let other = changed(present.clone(), given(r#"{"lead_source": "Call"}"#));
        assert_eq!(other, json!({"call_timeout_ms": 5, "lead_source": "Call"}));
        let less = changed(present, given(r#"{"lead_source": null}"#));
        assert_eq!(less, json!({"call_timeout_ms": 5}));
    }
}
