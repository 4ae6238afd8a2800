//! `leadrail lead preview`: what would be sent, without sending it.

use super::input;
use crate::config::Config;
use crate::database;
use crate::failure::{told, usage};
use crate::output;
use anyhow::anyhow;
use leadrail_adapters::Links;
use leadrail_connections::Lookup;
use leadrail_desk::PreviewOptions;
use leadrail_lead::{Lead, LeadEvent};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Prints the exact HTTP requests that filing a lead would send, as JSON; sends nothing.
///
/// Needs no database, unless an account's connection is asked for. Secrets are masked.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail lead preview lead.json --crm housecall_pro --known-customer cus_1\n  leadrail lead preview lead.json --crm hubspot --mode deal\n  leadrail lead preview lead.json --crm servicetitan --settings '{\"tenant_id\": 123456, \"booking_provider\": 99}'"
)]
pub(crate) struct PreviewArgs {
    /// A file with one lead, or - for standard input.
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// The CRM, such as housecall_pro.
    #[arg(long)]
    crm: String,
    /// The way of filing, where the CRM has several: booking, job, deal, ...
    #[arg(long)]
    mode: Option<String>,
    /// Previews what happens when the CRM knows the caller as this customer.
    #[arg(long, value_name = "ID")]
    known_customer: Option<String>,
    /// The address of the CRM; its own unless given.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The connection's settings as a JSON object, as `leadrail connection add` takes them; words stand
    /// in the place of what a CRM needs if not given.
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// Previews what goes through this account's stored connection, with its settings and its address.
    /// Needs the database.
    #[arg(long, conflicts_with = "settings")]
    account: Option<String>,
    /// Accepted as everywhere; the output is JSON in any case.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &PreviewArgs, config: &Config) -> anyhow::Result<()> {
    let lead = only_lead(args)?;
    // Without a public URL no CRM gets a link, and a lead that was not accepted has none yet.
    let links = match config.links.public_url {
        Some(_) => Links::WORDS,
        None => Links::NONE,
    };
    let (settings, base_url) = match &args.account {
        Some(account) => stored(args, account, &lead, config).await?,
        None => (args.settings.as_deref().map(settings).transpose()?, None),
    };
    let options = PreviewOptions {
        base_url: args.base_url.as_deref().or(base_url.as_deref()),
        settings: settings.as_ref(),
        links,
        known_customer: args.known_customer.as_deref(),
        mode: args.mode.as_deref(),
    };
    let planned = leadrail_desk::preview(&args.crm, &lead, &options);
    let planned = planned.map_err(told)?;
    if planned.is_empty() && lead.event == LeadEvent::Unqualified {
        eprintln!(
            "leadrail: nothing would be sent: an unqualified lead is recorded here, and no CRM is told of it"
        );
    }
    output::json(&planned)
}

/// The settings and the address of the connection that the account's lead goes through.
async fn stored(
    args: &PreviewArgs,
    account: &str,
    lead: &Lead,
    config: &Config,
) -> anyhow::Result<(Option<Value>, Option<String>)> {
    let crm = &args.crm;
    leadrail_desk::adapter(crm).map_err(told)?;
    let desk = database::desk(config).await?;
    match desk.connection_of(lead, account, crm).await.map_err(told)? {
        Lookup::Found(connection) => Ok((
            Some(serde_json::to_value(&connection.settings)?),
            connection.base_url.map(|url| url.as_str().to_owned()),
        )),
        Lookup::Ambiguous => Err(anyhow!(
            "{account} has several connections to {crm} and the lead does not say which \
             (routing.crm_account_id); `leadrail connection list --account {account}` shows them"
        )),
        Lookup::None => Err(anyhow!(
            "{account} has no connection to {crm} that the lead fits; \
             `leadrail connection list --account {account}` shows what there is"
        )),
    }
}

fn settings(given: &str) -> anyhow::Result<Value> {
    let settings = serde_json::from_str::<Map<String, Value>>(given);
    // The parser's words may quote what was given.
    let settings = settings
        .map_err(|_| usage(r#"--settings wants a JSON object such as {"lead_source": "Phone"}"#))?;
    Ok(Value::Object(settings))
}

fn only_lead(args: &PreviewArgs) -> anyhow::Result<Lead> {
    let bytes = input::only_lead(input::open(&args.file)?)?;
    Lead::from_slice(&bytes).map_err(|faults| {
        usage(format!(
            "the lead is not valid, correct it (`leadrail schema lead` says how): {faults}"
        ))
    })
}
