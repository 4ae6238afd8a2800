//! `leadrail schema`: the shapes that Leadrail expects.

use crate::output;

/// Which shape.
#[derive(clap::Subcommand)]
pub(crate) enum SchemaCommand {
    /// Prints the JSON Schema of the lead payload. Needs no database.
    #[command(after_help = "Example:\n  leadrail schema lead --example | leadrail lead push -")]
    Lead(LeadSchemaArgs),
}

#[derive(clap::Args)]
pub(crate) struct LeadSchemaArgs {
    /// Prints a complete example payload instead.
    #[arg(long)]
    example: bool,
    /// Accepted as everywhere; the output is JSON in any case.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &SchemaCommand) -> anyhow::Result<()> {
    let SchemaCommand::Lead(args) = command;
    output::json(&if args.example {
        leadrail_lead::example()
    } else {
        leadrail_lead::schema()
    })
}
