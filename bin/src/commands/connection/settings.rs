//! `leadrail connection settings`: what may be set for a connection to a CRM.

use crate::failure::told;
use crate::output::{self, or_dash};
use leadrail_adapters::{Required, SettingInfo, SettingKind};
use leadrail_connections::{DELIVERY, DeliverySetting};
use serde::Serialize;

/// Prints what `leadrail connection add --settings` takes for a CRM. Needs no database.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail connection settings --crm servicetitan")]
pub(crate) struct SettingsArgs {
    /// The CRM, such as housecall_pro.
    #[arg(long)]
    crm: String,
    /// Prints a JSON array.
    #[arg(long)]
    json: bool,
}

/// A setting as it is printed.
#[derive(Serialize)]
struct Setting {
    name: &'static str,
    title: &'static str,
    /// What may stand there, in words.
    kind: String,
    /// What it may be, where it is one of a few; the first without a choice.
    choices: &'static [&'static str],
    /// `always`, `never`, or with which other setting.
    required: String,
    help: &'static str,
}

pub(crate) fn run(args: &SettingsArgs) -> anyhow::Result<()> {
    let crm = leadrail_desk::adapter(&args.crm).map_err(told)?.crm();
    let theirs = crm.settings.iter().map(Setting::of_crm);
    let ours = DELIVERY.iter().map(Setting::of_delivery);
    let all: Vec<_> = theirs.chain(ours).collect();
    if args.json {
        return output::json(&all);
    }
    let mut table = output::table(&["name", "type", "choices", "needed", "what it does"]);
    for setting in &all {
        let choices = setting.choices.join(", ");
        table.add_row([
            setting.name.to_owned(),
            setting.kind.clone(),
            or_dash((!choices.is_empty()).then_some(choices)),
            setting.required.clone(),
            format!("{}. {}", setting.title, setting.help),
        ]);
    }
    output::line(table.trim_fmt())
}

impl Setting {
    fn of_crm(info: &SettingInfo) -> Self {
        let (kind, choices): (_, &[&str]) = match info.kind {
            SettingKind::Text(most) => (format!("text of at most {most} characters"), &[]),
            SettingKind::Choice(choices) => ("choice".to_owned(), choices),
            SettingKind::Switch => ("true or false".to_owned(), &[]),
            SettingKind::Id { .. } => ("id, text or whole number".to_owned(), &[]),
            SettingKind::Number { .. } => ("id, whole number".to_owned(), &[]),
        };
        Self {
            name: info.name,
            title: info.title,
            kind,
            choices,
            required: match info.required {
                Required::Always => "always".to_owned(),
                Required::Never => "never".to_owned(),
                Required::When(name, value) => format!("with {name} {value}"),
            },
            help: info.help,
        }
    }

    fn of_delivery(info: &DeliverySetting) -> Self {
        Self {
            name: info.name,
            title: info.title,
            kind: info.kind.to_owned(),
            choices: info.choices,
            required: "never".to_owned(),
            help: info.help,
        }
    }
}
