//! `leadrail erase`: erases a person.

use crate::actor;
use crate::commands::lead::missing;
use crate::config::Config;
use crate::database;
use crate::failure::{told, usage};
use crate::output;
use anyhow::{Context as _, anyhow};
use leadrail_desk::{Actor, CrmCopy, Desk, Erasure, Person};
use leadrail_lead::EventId;
use std::time::Duration;

/// How long leads that are on their way have to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// Erases a person: what a caller left in leads, their histories, dead letters and evidence.
///
/// Leads that are on their way are cancelled first. Counts stay, and so do event ids: a lead that is sent again
/// is a duplicate. Copies in CRMs are named, so that whoever runs them can erase those. Safe to run again.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail erase --phone +13055550182 --dry-run\n  leadrail erase --phone - < number.txt"
)]
pub(crate) struct EraseArgs {
    /// Whoever called from this number, in all accounts; - reads it from standard input, where nobody on
    /// this machine sees it.
    #[arg(
        long,
        value_name = "NUMBER|-",
        allow_hyphen_values = true,
        required_unless_present = "lead",
        conflicts_with = "lead"
    )]
    phone: Option<String>,
    /// Whoever is behind this one lead, such as one who left no number.
    #[arg(long, value_name = "EVENT_ID")]
    lead: Option<EventId>,
    /// Whose lead, where two accounts use the same id.
    #[arg(long, requires = "lead")]
    account: Option<String>,
    /// Only says what would be erased, and where copies are.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &EraseArgs, config: &Config) -> anyhow::Result<()> {
    let person = person(args)?;
    let desk = database::desk(config).await?;
    let erasure = match args.dry_run {
        true => desk.look_for(&person).await,
        false => erase(&desk, &actor::command_line(), &person).await,
    };
    let erasure = erasure.map_err(|error| match args.lead {
        Some(event_id) => missing(error, event_id),
        None => told(error),
    })?;
    if args.json {
        output::json(&erasure)?;
    } else {
        print(&erasure, args.dry_run)?;
    }
    match erasure.on_their_way {
        0 => Ok(()),
        _ if args.dry_run => Ok(()),
        some => Err(anyhow!(
            "{some} leads are still on their way; they were asked to stop, so run this again in a minute \
             (a worker must run)"
        )),
    }
}

fn person(args: &EraseArgs) -> anyhow::Result<Person> {
    if let Some(event_id) = args.lead {
        let account = args.account.clone();
        return Ok(Person::Lead { event_id, account });
    }
    let given = args.phone.as_deref().unwrap_or_default();
    let read = match given {
        "-" => {
            let mut line = String::new();
            let read = std::io::stdin().read_line(&mut line);
            read.context("standard input cannot be read")?;
            line
        }
        number => number.to_owned(),
    };
    Person::of_phone(&read).map_err(|error| usage(error.to_string()))
}

/// Until there is no more of the person, or what is left does not stop.
async fn erase(
    desk: &Desk,
    who: &Actor,
    person: &Person,
) -> Result<Erasure, leadrail_desk::DeskError> {
    let mut all = Erasure::default();
    loop {
        let part = desk.erase(who, person, PATIENCE).await?;
        all.erased += part.erased;
        all.on_their_way = part.on_their_way;
        // Whoever is on the way is counted by each part.
        all.leads = all.erased + part.on_their_way;
        all.more = part.more;
        part.copies.into_iter().for_each(|copy| add(&mut all, copy));
        if !part.more || part.erased == 0 {
            return Ok(all);
        }
    }
}

fn add(all: &mut Erasure, copy: CrmCopy) {
    let same = |known: &&mut CrmCopy| known.account == copy.account && known.crm == copy.crm;
    match all.copies.iter_mut().find(same) {
        None => all.copies.push(copy),
        Some(known) => {
            known.leads += copy.leads;
            known.records.extend(copy.records);
            known.records.sort_unstable();
            known.records.dedup();
        }
    }
}

fn print(erasure: &Erasure, dry_run: bool) -> anyhow::Result<()> {
    let and_more = if erasure.more { " or more" } else { "" };
    output::line(match dry_run {
        true => format!(
            "{}{and_more} leads would be erased; {} of them are on their way, or dead letters, and would be \
             cancelled first",
            erasure.leads, erasure.on_their_way
        ),
        false => format!("{} leads are erased", erasure.erased),
    })?;
    if erasure.copies.is_empty() {
        return output::line("no CRM has a copy that we know of");
    }
    output::line("copies that are not ours to erase:")?;
    let mut table = output::table(&["account", "crm", "leads", "record", "id", "page"]);
    for copy in &erasure.copies {
        let head = [
            copy.account.clone(),
            copy.crm.clone(),
            copy.leads.to_string(),
        ];
        if copy.records.is_empty() {
            let none = ["none that we know of", "-", "-"].map(str::to_owned);
            table.add_row(head.iter().chain(&none));
        }
        for record in &copy.records {
            let page = output::or_dash(record.url.as_ref());
            let record = [record.kind.clone(), record.id.clone(), page];
            table.add_row(head.iter().chain(&record));
        }
    }
    output::line(table.trim_fmt())
}
