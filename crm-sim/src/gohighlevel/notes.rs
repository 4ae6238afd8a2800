//! Notes on contacts, which are listed at once and all together, newest first.

use serde_json::json;

use super::form;
use super::records::{Note, new_id};
use super::refusal::no_contact;
use super::{GoHighLevel, created, ok};
use crate::clock;
use crate::routes::{Answer, Visit};

pub(super) fn create(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    crm.permit(visit, "contacts.write")?;
    let contact = visit.ids[0];
    let mut form = form::read(visit.call)?;
    let note = Note {
        id: new_id(),
        body: form.required_text("body"),
        user_id: form.text("userId"),
        contact_id: contact.to_owned(),
        date_added: clock::now(),
    };
    for name in ["title", "color"] {
        form.text(name);
    }
    form.flag("pinned");
    form::check(form)?;
    let made = crm.with(visit.company, |company| {
        company.contact(contact)?;
        Some(company.add_note(note))
    });
    let made = made.ok_or_else(|| no_contact(contact))?;
    created(&json!({"note": *made}))
}

pub(super) fn list(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    crm.permit(visit, "contacts.readonly")?;
    let contact = visit.ids[0];
    let notes = crm.with(visit.company, |company| {
        company.contact(contact)?;
        Some(company.notes_of(contact))
    });
    let notes = notes.ok_or_else(|| no_contact(contact))?;
    let notes: Vec<_> = notes.iter().rev().map(|note| json!(**note)).collect();
    ok(&json!({"notes": notes}))
}
