//! What the books of both sides must say when all is calm.

use super::database::Head;
use super::dice;
use super::outside::REASONS;
use super::story::{CREATED, marker};
use super::world::World;
use crate::history::{Event, HistoryKind};
use crate::state::RunState;

/// Everything that is wrong; nothing, one hopes.
pub(super) fn of(world: &World) -> Vec<String> {
    let mut wrong = std::mem::take(&mut world.database().wrong);
    for head in &world.database().heads {
        let run = head.id;
        let found = ended(head)
            .into_iter()
            .chain(numbered(head))
            .chain(completed_once(head))
            .chain(same_books(world, head));
        wrong.extend(found.map(|what| format!("run {run}: {what}")));
    }
    wrong
}

fn ended(head: &Head) -> Option<String> {
    match (head.state, head.reason.as_deref()) {
        (RunState::Completed, _) => None,
        (RunState::Dead, Some(reason)) if REASONS.contains(&reason) => {
            dice::note("run dead", || format!("{} {reason}", head.id));
            None
        }
        (state, reason) => Some(format!("is {state} ({reason:?})")),
    }
}

fn numbered(head: &Head) -> Option<String> {
    let gap = head.history.keys().zip(0..).find(|(seq, n)| *seq != n);
    gap.map(|(_, missing)| format!("history has no line {missing}"))
}

fn completed_once(head: &Head) -> Vec<String> {
    let mut wrong = Vec::new();
    for label in CREATED.map(|(label, _)| label).iter().chain(&["count"]) {
        let of_it = |event: &&Event| event.activity.as_deref() == Some(*label);
        let after = |event: &Event| event.kind != HistoryKind::ActivityCompleted;
        let mut rest = head
            .history
            .values()
            .filter(of_it)
            .skip_while(|event| after(event));
        rest.next();
        if let Some(again) = rest.next() {
            wrong.push(format!("{label} is {:?} after its completion", again.kind));
        }
    }
    wrong
}

/// Each completed activity has its one record, and its stored result names it.
fn same_books(world: &World, head: &Head) -> Vec<String> {
    let mut wrong = Vec::new();
    for (label, what) in CREATED {
        let records = world.outside().with_marker(&marker(head.id, what));
        if records.len() > 1 {
            wrong.push(format!("{} records of its {what}", records.len()));
        }
        let output = output_of(head, label);
        if output.is_none() && head.state == RunState::Completed {
            wrong.push(format!("completed without its {what}"));
        }
        if let Some(id) = output
            && records.first() != Some(&id)
        {
            wrong.push(format!("its {what} is {id} here and {records:?} outside"));
        }
    }
    wrong
}

fn output_of(head: &Head, label: &str) -> Option<usize> {
    let completed = head.history.values().find(|event| {
        event.kind == HistoryKind::ActivityCompleted && event.activity.as_deref() == Some(label)
    })?;
    let output = completed.payload.as_ref()?.get("output")?.as_u64()?;
    usize::try_from(output).ok()
}
