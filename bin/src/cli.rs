//! The command line. What a command takes stands beside what it does, under `commands/`.

use crate::commands::chaos_worker::ChaosWorkerArgs;
use crate::commands::worker::{WorkerArgs, WorkerCommand};
use crate::commands::{
    audit, bench, chaos, connection, crm_sim, demo, doctor, erase, key, lane, lead, link, migrate,
    openapi, provider, restored, runs, schema, serve, show_config, vault, worker,
};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Files qualified phone leads in the contractor's CRM, durably.
#[derive(Parser)]
#[command(name = "leadrail", version, propagate_version = true)]
#[command(
    after_help = "Example:\n  leadrail demo    shows everything on this machine, needs nothing"
)]
pub(crate) struct Cli {
    /// The configuration file; leadrail.toml in this folder if it is there.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Configuration"
    )]
    pub(crate) config: Option<PathBuf>,
    /// The database; one with a password belongs in DATABASE_URL.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help_heading = "Configuration"
    )]
    pub(crate) database_url: Option<String>,
    /// What is logged: off, error, warn, info, debug, trace, or a list of targets.
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        help_heading = "Configuration"
    )]
    log: Option<String>,
    /// How it is logged: text or json.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        help_heading = "Configuration"
    )]
    log_format: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Subcommand)]
pub(crate) enum Command {
    Demo(demo::DemoArgs),
    Migrate(migrate::MigrateArgs),
    Serve(serve::ServeArgs),
    Worker(worker::WorkerCommand),
    /// Hands leads over and follows them.
    #[command(subcommand)]
    #[command(after_help = "Example:\n  leadrail lead push lead.json --wait")]
    Lead(lead::LeadCommand),
    /// The accounts' connections to their CRMs.
    #[command(subcommand)]
    #[command(after_help = "Example:\n  leadrail connection list --json")]
    Connection(connection::ConnectionCommand),
    /// The links to recordings and transcripts that CRMs have.
    #[command(subcommand)]
    #[command(after_help = "Example:\n  leadrail link list 3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10")]
    Link(link::LinkCommand),
    Erase(erase::EraseArgs),
    /// The CRMs' sign-ins, and our own clients with them.
    #[command(subcommand)]
    #[command(after_help = "Example:\n  leadrail provider list")]
    Provider(provider::ProviderCommand),
    /// The engine's runs: look, check before a deploy, resume, restart, cancel, talk to them.
    #[command(subcommand)]
    #[command(after_help = "Example:\n  leadrail runs check")]
    Runs(runs::RunsCommand),
    /// API keys: who may call, for whom, and how far.
    #[command(subcommand)]
    #[command(
        after_help = "Example:\n  leadrail key create --purpose \"call pipeline\" --role intake"
    )]
    Key(key::KeyCommand),
    /// The keys that seal the credentials.
    #[command(subcommand)]
    #[command(after_help = "Example:\n  leadrail vault status")]
    Vault(vault::VaultCommand),
    /// What runs queue behind together: pause it, limit it.
    #[command(subcommand)]
    #[command(after_help = "Example:\n  leadrail lane list")]
    Lane(lane::LaneCommand),
    /// The shapes that Leadrail expects.
    #[command(subcommand)]
    #[command(after_help = "Example:\n  leadrail schema lead --example > lead.json")]
    Schema(schema::SchemaCommand),
    Openapi(openapi::OpenapiArgs),
    CrmSim(crm_sim::CrmSimArgs),
    Doctor(doctor::DoctorArgs),
    Audit(audit::AuditArgs),
    Restored(restored::RestoredArgs),
    Chaos(chaos::ChaosArgs),
    #[command(hide = true, name = leadrail_rig::LATER_BUILD)]
    ChaosWorker(ChaosWorkerArgs),
    Config(show_config::ConfigArgs),
    /// Measures the engine beside bare PostgreSQL.
    #[command(subcommand)]
    #[command(after_help = "Example:\n  leadrail bench engine --json")]
    Bench(bench::BenchCommand),
}

impl Command {
    /// Whether it shows what it does by itself, so that logs would only be in the way.
    pub(crate) fn is_quiet(&self) -> bool {
        match self {
            Self::Serve(_) | Self::ChaosWorker(_) | Self::CrmSim(_) => false,
            Self::Worker(command) => command.instead.is_some(),
            _ => true,
        }
    }
}

impl Cli {
    /// The flags that are configuration: key, flag, value.
    pub(crate) fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
        let (listen, worker) = match &self.command {
            Command::Serve(args) => (args.listen.clone(), None),
            Command::Worker(WorkerCommand { start: args, .. })
            | Command::ChaosWorker(ChaosWorkerArgs { worker: args, .. }) => (None, Some(args)),
            _ => (None, None),
        };
        let of_worker =
            |flag: fn(&WorkerArgs) -> &Option<String>| worker.and_then(|args| flag(args).clone());
        let flags = [
            ("database_url", "--database-url", self.database_url.clone()),
            ("log", "--log", self.log.clone()),
            ("log_format", "--log-format", self.log_format.clone()),
            ("listen", "--listen", listen),
            (
                "worker.concurrency",
                "--concurrency",
                of_worker(|args| &args.concurrency),
            ),
            ("worker.listen", "--listen", of_worker(|args| &args.listen)),
            ("worker.name", "--name", of_worker(|args| &args.name)),
        ];
        let given = flags.into_iter();
        given
            .filter_map(|(key, flag, value)| Some((key, flag, value?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
