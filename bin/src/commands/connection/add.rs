//! `leadrail connection add`: connects an account, or connects it again.

use super::{RELEASE_SPACING, open, release};
use crate::commands::lead::adapter;
use crate::config::Config;
use crate::failure::{sentence, usage};
use crate::output;
use anyhow::Context as _;
use leadrail_adapters::{Credentials, CrmAdapter, Session, Target};
use leadrail_connections::{BaseUrl, ConnectionError, NewConnection};
use leadrail_outbound::{Guard, Outbound};
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// More than any credential has.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Connects an account to a CRM, or connects it again under the same id.
///
/// The secret is read from standard input or a file, never from the command line. Leads that waited
/// for the connection go out, ten a minute.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail connection add --account acme --crm housecall_pro --secret-file acme.key"
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
    /// Another address of the CRM: a sandbox, the simulator.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// How the secret authenticates: api_key or bearer_token; the CRM's usual way if not given.
    #[arg(long, value_name = "METHOD")]
    auth: Option<String>,
    /// The file with the secret; standard input if not given.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// What the contractor chose, as a JSON object such as {"call_timeout_ms": 5000}.
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// Prints the connection as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: AddArgs, config: &Config) -> anyhow::Result<()> {
    let adapter = adapter(&args.crm)?;
    let auth_method = method(adapter, args.auth.as_deref())?;
    let settings = settings(args.settings.as_deref(), config.call_timeout)?;
    let secret = secret(args.secret_file.as_deref())?;
    may_be_called(&config.guard, args.base_url.as_deref())?;
    let http = Outbound::new(config.guard.clone())?;
    check(
        &http,
        adapter,
        &auth_method,
        args.base_url.as_deref(),
        &secret,
    )?;
    let (connections, engine) = open(config).await?;
    let added = connections.add(NewConnection {
        account: args.account,
        crm: args.crm,
        crm_account_id: args.crm_account_id,
        base_url: args.base_url,
        auth_method,
        secret,
        settings,
    });
    let connection = added.await.map_err(refusal)?;
    let released = release(&engine, &connection, RELEASE_SPACING).await?;
    if args.json {
        let mut shown = serde_json::to_value(&connection)?;
        shown["released"] = released.into();
        return output::json(&shown);
    }
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

fn method(adapter: &dyn CrmAdapter, asked: Option<&str>) -> anyhow::Result<String> {
    let known = adapter.crm().auth;
    let names: Vec<_> = known.iter().map(|method| method.id).collect();
    let usual = names.first().copied().unwrap_or_default();
    let asked = asked.unwrap_or(usual);
    match names.contains(&asked) {
        true => Ok(asked.to_owned()),
        false => Err(usage(format!(
            "{} has no such way in; --auth is one of: {}",
            adapter.crm().title,
            names.join(", ")
        ))),
    }
}

/// The settings as given, with the configured deadline where they name none.
fn settings(given: Option<&str>, call_timeout: Option<Duration>) -> anyhow::Result<Value> {
    let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    let mut settings = object(given.unwrap_or("{}")).ok_or_else(|| {
        usage(r#"--settings wants a JSON object such as {"call_timeout_ms": 5000}"#)
    })?;
    if let Some(timeout) = call_timeout {
        let ms = u64::try_from(timeout.as_millis())?;
        settings.entry("call_timeout_ms").or_insert(ms.into());
    }
    Ok(Value::Object(settings))
}

fn secret(file: Option<&Path>) -> anyhow::Result<SecretString> {
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

/// Whether calls could go there at all; what a name resolves to is judged at each call.
fn may_be_called(guard: &Guard, base_url: Option<&str>) -> anyhow::Result<()> {
    let Some(text) = base_url else { return Ok(()) };
    let url = BaseUrl::parse(text.trim());
    let url = url.map_err(|rule| usage(format!("the base URL is not usable: {rule}")))?;
    let admitted = guard.admits(&url.into());
    admitted.map_err(|refusal| usage(format!("the base URL is not usable: {refusal}")))
}

/// Whether the CRM's session would take it, before anything is stored.
fn check(
    http: &Outbound,
    adapter: &dyn CrmAdapter,
    auth_method: &str,
    base_url: Option<&str>,
    secret: &SecretString,
) -> anyhow::Result<()> {
    let wrong = |error: leadrail_adapters::SetupError| usage(error.to_string());
    let mut target = Target::new(adapter.crm()).map_err(wrong)?;
    if let Some(url) = base_url {
        target = target.with_base_url(url).map_err(wrong)?;
    }
    let mut credentials = Credentials::new(auth_method);
    let way = adapter.crm().auth.iter().find(|way| way.id == auth_method);
    for &name in way.map_or(&[][..], |way| way.secrets) {
        credentials = credentials.with(name, secret.clone());
    }
    Session::new(http, target, credentials).map_err(wrong)?;
    Ok(())
}

/// Bad input is a wrong use; whatever else went wrong is not the caller's doing.
fn refusal(error: ConnectionError) -> anyhow::Error {
    let wrong_use = matches!(
        error,
        ConnectionError::Refused { .. }
            | ConnectionError::BaseUrl { .. }
            | ConnectionError::Settings { .. }
    );
    let error = anyhow::Error::new(error);
    match wrong_use {
        true => usage(sentence(&error)),
        false => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_configured_deadline_is_for_connections_that_name_none() {
        let read = |given, timeout| settings(given, timeout).unwrap();
        let two = Some(Duration::from_secs(2));
        assert_eq!(read(None, None), json!({}));
        assert_eq!(read(None, two), json!({"call_timeout_ms": 2000}));
        let own = Some(r#"{"call_timeout_ms": 5, "lead_source": "Ad"}"#);
        assert_eq!(
            read(own, two),
            json!({"call_timeout_ms": 5, "lead_source": "Ad"})
        );
        for wrong in ["", "[]", "5", "{", "call_timeout_ms=5"] {
            assert!(settings(Some(wrong), None).is_err(), "{wrong}");
        }
    }
}
