//! `leadrail bench leads`: real leads all their way.

use super::place::Place;
use super::say;
use crate::failure::usage;
use clap::Args;
use leadrail_bench::{LeadsOptions, leads};
use leadrail_rig::{Place as CrmPlace, Program};
use std::collections::BTreeSet;

/// Real leads through the HTTP door, the workflow, the adapter and a simulated CRM, beside no-op
/// workflows.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench leads --crm jobber --inflight 64 --json")]
pub(crate) struct LeadsArgs {
    /// The CRM, in the first of its modes.
    #[arg(long, default_value = "housecall_pro")]
    crm: String,
    /// Leads; an eighth of them more go ahead to warm up.
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u64).range(8..=1_000_000))]
    leads: u64,
    /// Leads in flight.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    inflight: u32,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: LeadsArgs) -> anyhow::Result<()> {
    let Some(crm) = CrmPlace::all().find(|place| place.crm == args.crm) else {
        let known: BTreeSet<_> = CrmPlace::all().map(|place| place.crm).collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(usage(format!(
            "{} is not simulated; there are {known}",
            args.crm
        )));
    };
    let options = LeadsOptions {
        program: Program::this()?,
        place: crm,
        leads: args.leads,
        inflight: usize::try_from(args.inflight)?,
    };
    let work = async |url: &str| leads(url, &options, say).await;
    args.place.show(&args.place.measure(work).await?)
}
