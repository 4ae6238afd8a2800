//! `leadrail connection settings`: what may be set for a connection to a CRM.

use crate::failure::told;
use crate::output::{self, or_dash};
use leadrail_desk::{CrmForm, RateLimit, crm_form};

/// Prints what `leadrail connection add --settings` and `connection set` take for a CRM. Needs no
/// database.
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

pub(crate) fn run(args: &SettingsArgs) -> anyhow::Result<()> {
    let form = crm_form(&args.crm).map_err(told)?;
    if args.json {
        return output::json(&form.settings);
    }
    let mut table = output::table(&["name", "type", "choices", "needed", "what it does"]);
    for setting in &form.settings {
        let choices = match setting.options {
            true => "`connection options`".to_owned(),
            false => setting.choices.join(", "),
        };
        table.add_row([
            setting.name.to_owned(),
            setting.kind.clone(),
            or_dash((!choices.is_empty()).then_some(choices)),
            setting.required.clone(),
            format!("{}. {}", setting.title, setting.help),
        ]);
    }
    output::line(table.trim_fmt())?;
    output::line(rate(&form))
}

/// How fast leads go without a setting, in a sentence.
fn rate(form: &CrmForm) -> String {
    let title = form.title;
    match form.rate {
        Some(RateLimit {
            requests,
            seconds,
            source,
        }) => format!(
            "{title} takes {requests} requests in {seconds} s ({source}); leads keep below that, unless \
             leads_per_minute says otherwise."
        ),
        None => format!("{title} documents no limit of requests."),
    }
}
