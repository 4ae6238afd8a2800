//! `leadrail provider`: the CRMs' providers of tokens, and our own clients with them.

use crate::actor;
use crate::commands::connection::{given_text, prompt};
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output::{self, or_dash};
use clap::Subcommand;
use leadrail_connections::NewProviderClient;
use leadrail_desk::ListedProvider;
use serde_json::json;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum ProviderCommand {
    Set(SetArgs),
    List(ListArgs),
    Remove(RemoveArgs),
}

/// Takes our client with a provider down, or another in its place: people can sign in with it.
///
/// Register the address that `leadrail provider list` shows there as the one to come back to. The client's
/// secret is read from standard input or a file, never from the command line; at a terminal it is asked for
/// and not shown.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail provider set jobber --client-id 4f1c... --secret-file jobber.secret"
)]
pub(crate) struct SetArgs {
    /// The CRM, such as jobber.
    provider: String,
    /// Our id there.
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Which of its environments; production if not given.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Takes the place of the provider's own addresses: a simulator, a proxy.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The file with our secret there.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Prints the client as JSON, without its secret.
    #[arg(long)]
    json: bool,
}

/// Lists the providers, how their tokens are had, and our clients there.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail provider list --json")]
pub(crate) struct ListArgs {
    /// Prints a JSON array.
    #[arg(long)]
    json: bool,
}

/// Takes our client with a provider away: nobody can sign in with it, and its tokens are renewed no more.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail provider remove jobber")]
pub(crate) struct RemoveArgs {
    /// The CRM, such as jobber.
    provider: String,
    /// Which of its environments; production if not given.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Prints what became of it as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(command: ProviderCommand, config: &Config) -> anyhow::Result<()> {
    match command {
        ProviderCommand::Set(args) => set(args, config).await,
        ProviderCommand::List(args) => list(&args, config).await,
        ProviderCommand::Remove(args) => remove(&args, config).await,
    }
}

async fn set(args: SetArgs, config: &Config) -> anyhow::Result<()> {
    let secret = match args.secret_file.is_none() && io::stdin().is_terminal() {
        true => prompt::secret("Client secret")?,
        false => given_text(args.secret_file.as_deref())?,
    };
    let desk = database::desk_with_vault(config).await?;
    let new = NewProviderClient {
        provider: args.provider,
        environment: args.environment,
        client_id: args.client_id,
        client_secret: secret,
        base_url: args.base_url,
    };
    let set = desk.set_provider(&actor::command_line(), new).await;
    let set = set.map_err(told)?;
    if args.json {
        return output::json(&set);
    }
    let (provider, environment) = (&set.provider, &set.environment);
    output::line(format!(
        "people can sign in to {provider} ({environment}): `leadrail connection sign-in --account ... --crm \
         {provider}` gives the link"
    ))
}

async fn list(args: &ListArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let providers = desk.providers().await.map_err(told)?;
    if args.json {
        return output::json(&providers);
    }
    let mut table = output::table(&["crm", "how", "our clients", "address to come back to"]);
    for provider in &providers {
        table.add_row([
            provider.name.to_owned(),
            json!(provider.flow).as_str().unwrap_or_default().to_owned(),
            clients(provider),
            or_dash(provider.redirect_uri.as_ref()),
        ]);
    }
    output::line(table.trim_fmt())
}

fn clients(provider: &ListedProvider) -> String {
    let each = provider.clients.iter();
    let each = each.map(|client| format!("{}: {}", client.environment, client.client_id));
    or_dash(Some(each.collect::<Vec<_>>().join(", ")).filter(|all| !all.is_empty()))
}

async fn remove(args: &RemoveArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk_with_vault(config).await?;
    let who = actor::command_line();
    let removed = desk.remove_provider(&who, &args.provider, args.environment.as_deref());
    let removed = removed.await.map_err(told)?;
    if args.json {
        return output::json(&json!({"provider": args.provider, "removed": removed}));
    }
    output::line(match removed {
        true => "it is gone",
        false => "we had none there",
    })
}
