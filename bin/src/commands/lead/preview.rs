//! `leadrail lead preview`: what would be sent, without sending it.

use super::input;
use crate::failure::{told, usage};
use crate::output;
use leadrail_adapters::LinkState;
use leadrail_lead::Lead;
use std::path::PathBuf;

/// Prints the exact HTTP requests that filing a lead would send, as JSON; sends nothing.
///
/// Needs no database. Secrets are masked.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail lead preview lead.json --crm housecall_pro --known-customer cus_1"
)]
pub(crate) struct PreviewArgs {
    /// A file with one lead, or - for standard input.
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// The CRM, such as housecall_pro.
    #[arg(long)]
    crm: String,
    /// Previews what happens when the CRM knows the caller as this customer.
    #[arg(long, value_name = "ID")]
    known_customer: Option<String>,
    /// Previews a lead that goes out after its recording's link has expired.
    #[arg(long)]
    expired_links: bool,
    /// The address of the CRM; its own unless given.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Accepted as everywhere; the output is JSON in any case.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &PreviewArgs) -> anyhow::Result<()> {
    let lead = only_lead(args)?;
    let links = match args.expired_links {
        true => LinkState::Expired,
        false => LinkState::Fresh,
    };
    let (url, known) = (args.base_url.as_deref(), args.known_customer.as_deref());
    let planned = leadrail_desk::preview(&args.crm, url, &lead, links, known);
    output::json(&planned.map_err(told)?)
}

fn only_lead(args: &PreviewArgs) -> anyhow::Result<Lead> {
    let bytes = input::only_lead(input::open(&args.file)?)?;
    Lead::from_slice(&bytes).map_err(|faults| {
        usage(format!(
            "the lead is not valid, correct it (`leadrail schema lead` says how): {faults}"
        ))
    })
}
