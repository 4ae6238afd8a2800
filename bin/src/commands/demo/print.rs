//! What the demo says in the end.

use crate::commands::lead::way;
use crate::output;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use leadrail_rig::{CrmSums, DemoReport, Sums, TroubledLead};

/// More rows than this help nobody.
const MOST_ROWS: usize = 100;

/// The ways of leads that met something, the sums, and what is wrong.
pub(super) fn text(report: &DemoReport) -> String {
    let (sums, ways) = (&report.sums, ways(&report.troubled));
    let mut text = format!("{ways}\n{}\n{}", by_crm(&sums.by_crm), summary(sums));
    for fault in &report.faults {
        text += &format!("\nWRONG: {fault}");
    }
    if report.is_right() {
        text += "\nevery lead ended where it should";
    }
    text
}

fn ways(troubled: &[TroubledLead]) -> String {
    let mut table = output::table(&["what happened", "lead", "its way (UTC)", "end"]);
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.add_rows(troubled.iter().take(MOST_ROWS).map(row));
    match troubled.len().saturating_sub(MOST_ROWS) {
        0 => table.trim_fmt(),
        more => format!(
            "{}\nand {more} more that did not go straight",
            table.trim_fmt()
        ),
    }
}

fn row(lead: &TroubledLead) -> [String; 4] {
    let id = lead.event_id.to_string();
    let went = lead.way.as_ref().map(way);
    [
        lead.story.to_owned(),
        format!("{}\n{}", &id[..8], lead.account),
        went.unwrap_or_else(|| "its run is gone".to_owned()),
        lead.end.clone(),
    ]
}

fn summary(sums: &Sums) -> String {
    let mut table = output::table(&["", "leads"]);
    for (what, leads) in [
        ("accepted", sums.accepted),
        ("completed", sums.completed),
        ("dead letters, as they should be", sums.dead),
        ("not ended", sums.waiting),
        ("retried", sums.retried),
        ("resumed after their worker was killed", sums.resumed),
        ("found in the CRM after a lost answer", sums.reconciled),
        ("lost, by the CRM's own books", sums.lost),
        ("double, by the CRM's own books", sums.duplicates_in_crm),
    ] {
        table.add_row([what.to_owned(), leads.to_string()]);
    }
    format!("{}\nin {} s", table.trim_fmt(), sums.wall_s)
}

fn by_crm(crms: &[CrmSums]) -> String {
    let mut table = output::table(&["CRM", "handed over", "in its books", "lost", "double"]);
    for sums in crms {
        let numbers = [sums.accepted, sums.filed, sums.lost, sums.duplicates];
        let numbers = numbers.map(|number| number.to_string());
        table.add_row([sums.crm.to_owned()].into_iter().chain(numbers));
    }
    table.trim_fmt()
}
