//! `leadrail lead`: hands leads over and follows them.

mod input;
mod list;
mod preview;
mod push;
mod show;
mod story;
mod wait;

use crate::config::Config;
use clap::Subcommand;

pub(crate) use show::missing;
pub(crate) use story::{time, way};

#[derive(Subcommand)]
pub(crate) enum LeadCommand {
    Push(push::PushArgs),
    Show(show::ShowArgs),
    List(list::ListArgs),
    Preview(preview::PreviewArgs),
}

pub(crate) async fn run(command: LeadCommand, config: &Config) -> anyhow::Result<()> {
    match command {
        LeadCommand::Push(args) => push::run(args, config).await,
        LeadCommand::Show(args) => show::run(&args, config).await,
        LeadCommand::List(args) => list::run(&args, config).await,
        LeadCommand::Preview(args) => preview::run(&args, config).await,
    }
}
