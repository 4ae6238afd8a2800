//! The commands, one a file.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod chaos;
pub(crate) mod chaos_worker;
pub(crate) mod connection;
pub(crate) mod crm_sim;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod erase;
pub(crate) mod key;
pub(crate) mod lane;
pub(crate) mod lead;
pub(crate) mod link;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod provider;
pub(crate) mod restored;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod show_config;
pub(crate) mod standing;
pub(crate) mod vault;
pub(crate) mod worker;

use crate::cli::Command;
use crate::config::Config;

/// Runs the command.
pub(crate) async fn run(command: Command, config: &Config) -> anyhow::Result<()> {
    match command {
        Command::Audit(args) => audit::run(args, config).await,
        Command::Bench(command) => bench::run(command).await,
        Command::Chaos(args) => chaos::run(args).await,
        Command::ChaosWorker(args) => chaos_worker::run(&args, config).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Migrate(args) => migrate::run(&args, config).await,
        Command::Serve(_) => serve::run(config).await,
        Command::Worker(command) => worker::run(command, config).await,
        Command::Lead(command) => lead::run(command, config).await,
        Command::Connection(command) => connection::run(command, config).await,
        Command::Runs(command) => runs::run(command, config).await,
        Command::Key(command) => key::run(command, config).await,
        Command::Provider(command) => provider::run(command, config).await,
        Command::Lane(command) => lane::run(command, config).await,
        Command::Vault(command) => vault::run(command, config).await,
        Command::Schema(command) => schema::run(&command),
        Command::Openapi(_) => openapi::run(),
        Command::CrmSim(args) => crm_sim::run(&args).await,
        Command::Erase(args) => erase::run(&args, config).await,
        Command::Link(command) => link::run(&command, config).await,
        Command::Doctor(args) => doctor::run(&args, config).await,
        Command::Restored(args) => restored::run(&args, config).await,
        Command::Config(args) => show_config::run(&args, config),
    }
}
