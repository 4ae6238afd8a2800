//! `leadrail connection`: the accounts' ways into their CRMs.

mod add;
mod delete;
mod disable;
mod enable;
mod list;
mod options;
mod pause;
pub(crate) mod prompt;
mod reconnect;
mod released;
mod resume;
mod set;
mod settings;
mod show;
mod sign_in;
mod test;

use crate::config::Config;
pub(crate) use add::given_text;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum ConnectionCommand {
    Add(add::AddArgs),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Set(set::SetArgs),
    Options(options::OptionsArgs),
    Reconnect(reconnect::ReconnectArgs),
    Test(test::TestArgs),
    Pause(pause::PauseArgs),
    Resume(resume::ResumeArgs),
    Disable(disable::DisableArgs),
    Enable(enable::EnableArgs),
    Delete(delete::DeleteArgs),
    Settings(settings::SettingsArgs),
    SignIn(sign_in::SignInArgs),
}

pub(crate) async fn run(command: ConnectionCommand, config: &Config) -> anyhow::Result<()> {
    match command {
        ConnectionCommand::Add(args) => add::run(args, config).await,
        ConnectionCommand::List(args) => list::run(args, config).await,
        ConnectionCommand::Test(args) => test::run(&args, config).await,
        ConnectionCommand::Pause(args) => pause::run(&args, config).await,
        ConnectionCommand::Resume(args) => resume::run(&args, config).await,
        ConnectionCommand::Enable(args) => enable::run(&args, config).await,
        ConnectionCommand::Disable(args) => disable::run(&args, config).await,
        ConnectionCommand::Show(args) => show::run(&args, config).await,
        ConnectionCommand::Set(args) => set::run(args, config).await,
        ConnectionCommand::Options(args) => options::run(&args, config).await,
        ConnectionCommand::Reconnect(args) => reconnect::run(args, config).await,
        ConnectionCommand::Delete(args) => delete::run(&args, config).await,
        ConnectionCommand::Settings(args) => settings::run(&args),
        ConnectionCommand::SignIn(args) => sign_in::run(args, config).await,
    }
}
