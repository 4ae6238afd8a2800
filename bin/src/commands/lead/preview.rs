//! `leadrail lead preview`: what would be sent, without sending it.

use super::input;
use crate::failure::usage;
use crate::output;
use leadrail_adapters::{Adapters, CrmAdapter, LinkState, Target};
use leadrail_lead::{CrmName, Lead};
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
    let adapter = adapter(&args.crm)?;
    let mut target = Target::new(adapter.crm())?;
    if let Some(url) = &args.base_url {
        target = target
            .with_base_url(url)
            .map_err(|error| usage(error.to_string()))?;
    }
    let lead =
        Lead::from_slice(&input::only_lead(input::open(&args.file)?)?).map_err(|faults| {
            usage(format!(
                "the lead is not valid, correct it (`leadrail schema lead` says how): {faults}"
            ))
        })?;
    let links = match args.expired_links {
        true => LinkState::Expired,
        false => LinkState::Fresh,
    };
    output::json(&adapter.preview(&target, &lead, links, args.known_customer.as_deref()))
}

/// The adapter of a CRM that a person named.
pub(crate) fn adapter(crm: &str) -> anyhow::Result<&'static dyn CrmAdapter> {
    let adapters = Adapters::all();
    let found = CrmName::new(crm).ok().and_then(|name| adapters.get(&name));
    found.ok_or_else(|| {
        let known: Vec<_> = adapters.iter().map(|adapter| adapter.crm().name).collect();
        usage(format!(
            "there is no adapter for that CRM; there is: {}",
            known.join(", ")
        ))
    })
}
