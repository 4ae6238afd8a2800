//! The note that a dispatcher reads: who called, what the caller wants, and where to hear it.
//!
//! Who called stands there in the words of this call, always: the customer that was found by the
//! number may be the caller's wife, has another e-mail address, or lives elsewhere by now, and a CRM
//! may have no field for a number from abroad.
//!
//! What must never be cut (links, call id, marker) stands at the end, so the text above gives way.

use leadrail_lead::{Address, Contact, Lead, Remark, Sentiment, Urgency};
use serde_json::Value;

use super::line::{cut, line, paragraph};
use crate::plan::{Filing, Links};

/// The longest single line of the note; only the issue, the summary and the links are longer.
const MAX_LINE: usize = 300;

/// The longest label of a remark, and the longest remark.
const MAX_LABEL: usize = 80;
const MAX_REMARK: usize = 1_000;

/// What stands where a text was cut.
const SHORTENED: &str = "... (shortened)";

/// Writes the note of a lead, at most `max_chars` long.
pub(crate) fn note(filing: &Filing<'_>, max_chars: usize) -> String {
    let end = ending(filing, max_chars / 2);
    let room = max_chars.saturating_sub(end.chars().count() + 1);
    let start = fit(&beginning(filing.lead), room);
    fit(&format!("{start}\n{end}"), max_chars)
}

fn beginning(lead: &Lead) -> String {
    let mut lines = vec!["Phone call, qualified by AI".to_owned()];
    lines.extend(caller(&lead.contact));
    let wanted = &lead.service_request;
    labeled(
        &mut lines,
        "Urgency",
        words(wanted.urgency.as_ref().map(Urgency::as_str)),
    );
    labeled(&mut lines, "Service", service(lead));
    labeled(
        &mut lines,
        "Preferred time",
        line(wanted.preferred_schedule.as_deref(), MAX_LINE),
    );
    let existing = wanted
        .is_existing_customer
        .map(|yes| yes_or_no(yes).to_owned());
    labeled(&mut lines, "Says to be an existing customer", existing);
    lines.extend(lead.remarks.iter().filter_map(remark));
    labeled(
        &mut lines,
        "Issue",
        long(wanted.issue_description.as_deref()),
    );
    labeled(
        &mut lines,
        "Summary",
        long(lead.call.transcript_summary.as_deref()),
    );
    lines.extend(answers(lead));
    labeled(&mut lines, "Intent score", score(lead));
    let mood = lead.ai_analysis.sentiment.as_ref().map(Sentiment::as_str);
    labeled(&mut lines, "Sentiment", words(mood));
    lines.join("\n")
}

/// Who called, from where, and how to call back.
fn caller(contact: &Contact) -> Vec<String> {
    let address = contact.address.as_ref();
    let parts = |address: &Address| {
        let Address {
            street,
            city,
            state,
            zip,
            country,
            ..
        } = address;
        together([street, city, state, zip, country], ", ")
    };
    let mut lines = Vec::new();
    let name = together([&contact.first_name, &contact.last_name], " ");
    labeled(&mut lines, "Caller", name);
    let phone = contact.phone.as_ref();
    let phone = phone.map(|phone| phone.as_str().to_owned());
    labeled(&mut lines, "Phone", phone);
    labeled(
        &mut lines,
        "E-mail",
        line(contact.email.as_deref(), MAX_LINE),
    );
    labeled(&mut lines, "Address", address.and_then(parts));
    lines
}

/// What was said of some parts, in one line.
fn together<const N: usize>(parts: [&Option<String>; N], between: &str) -> Option<String> {
    let said = parts.into_iter();
    let said = said.filter_map(|part| line(part.as_deref(), MAX_LINE));
    line(Some(&said.collect::<Vec<_>>().join(between)), MAX_LINE)
}

/// What was given and has no field, in its own words: a number that does not read, an extension, what
/// this version does not know.
fn remark(remark: &Remark) -> Option<String> {
    let label = line(Some(&remark.label), MAX_LABEL)?;
    let text = line(Some(&remark.text), MAX_REMARK)?;
    Some(format!("{label}: {text}"))
}

fn ending(filing: &Filing<'_>, room_for_links: usize) -> String {
    let (lead, marker) = (filing.lead, filing.marker);
    let mut lines = link_lines(lead, filing.links);
    if lines.iter().map(|line| line.chars().count()).sum::<usize>() > room_for_links {
        lines = link_lines(lead, Links::NONE);
    }
    labeled(&mut lines, "Call", line(Some(&lead.call.call_id), MAX_LINE));
    lines.push(format!("Ref: {marker}"));
    lines.join("\n")
}

/// Where to hear it and to read it, as far as there is something. The payload's own links would be dead
/// before anybody follows them, so without links of ours the note says by what to ask.
fn link_lines(lead: &Lead, links: Links<'_>) -> Vec<String> {
    let call = &lead.call;
    let kinds = [
        ("Recording", &call.recording_url, links.recording),
        ("Transcript", &call.transcript_url, links.transcript),
    ];
    let there = kinds.into_iter().filter(|(_, there, _)| there.is_some());
    let (linked, bare): (Vec<_>, Vec<_>) = there.partition(|(_, _, link)| link.is_some());
    let mut lines = Vec::new();
    for (label, _, link) in linked {
        labeled(&mut lines, label, line(link, usize::MAX));
    }
    if !bare.is_empty() {
        let labels: Vec<_> = bare.into_iter().map(|(label, ..)| label).collect();
        lines.push(format!(
            "{}: on request, by the call's id",
            labels.join(" and ")
        ));
    }
    lines
}

/// What kind of work is wanted: `HVAC, heating repair`.
pub(crate) fn service(lead: &Lead) -> Option<String> {
    let kind = words(lead.service_request.service_type.as_deref());
    let sub = words(lead.service_request.sub_type.as_deref());
    let parts: Vec<String> = [kind, sub].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn score(lead: &Lead) -> Option<String> {
    lead.ai_analysis
        .conversion_intent_score
        .map(|score| format!("{score:.2} of 1"))
}

fn answers(lead: &Lead) -> Vec<String> {
    let answers = lead.ai_analysis.qualifier_answers.iter().flatten();
    let mut lines = Vec::new();
    for (question, answer) in answers {
        let Some(question) = words(Some(question)) else {
            continue;
        };
        labeled(
            &mut lines,
            &format!("- {question}"),
            line(spoken(answer).as_deref(), MAX_LINE),
        );
    }
    if !lines.is_empty() {
        lines.insert(0, "Answers:".into());
    }
    lines
}

/// A JSON value as people would say it.
fn spoken(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(yes) => Some(yes_or_no(*yes).to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(spoken).collect();
            Some(items.join(", "))
        }
        other => Some(other.to_string()),
    }
}

fn labeled(lines: &mut Vec<String>, label: &str, text: Option<String>) {
    lines.extend(text.map(|text| format!("{label}: {text}")));
}

/// `same_day` as people write it.
pub(crate) fn words(text: Option<&str>) -> Option<String> {
    Some(line(text, MAX_LINE)?.replace('_', " "))
}

fn long(text: Option<&str>) -> Option<String> {
    let text = paragraph(text?);
    (!text.is_empty()).then_some(text)
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn fit(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    let room = max_chars.saturating_sub(SHORTENED.len());
    let shortened = format!("{}{SHORTENED}", cut(text, room));
    cut(&shortened, max_chars).to_owned()
}
