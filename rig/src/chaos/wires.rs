//! Strikes the way between the workers and the database: answers to committed statements get lost,
//! and for a time no notification arrives.

use super::chronicle::{Chronicle, Outage};
use super::plan::Plan;
use super::timetable::Spell;
use crate::Proxy;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Strikes until all is to be calm, and notes how often it hit.
pub(super) async fn strike(
    plan: &Plan,
    proxy: &Proxy,
    chronicle: &Chronicle,
    calm: &CancellationToken,
) {
    proxy.orders.lose_answers(plan.timetable.lost_answer);
    if let Some(spell) = plan.timetable.deaf {
        deafen(spell, proxy, chronicle, calm).await;
    }
    calm.cancelled().await;
    proxy.orders.lose_answers(None);
    let mut events = chronicle.events();
    events.answers_lost = proxy.orders.answers_lost();
    events.notifications_lost = proxy.orders.swallowed();
}

/// For so long polling has to do.
async fn deafen(spell: Spell, proxy: &Proxy, chronicle: &Chronicle, calm: &CancellationToken) {
    pause(spell.first, calm).await;
    let from = chronicle.now();
    proxy.orders.keep_notifications(true);
    pause(spell.lasts, calm).await;
    proxy.orders.keep_notifications(false);
    let until = chronicle.now();
    chronicle.events().deaf = Some(Outage { from, until });
}

async fn pause(time: Duration, calm: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = calm.cancelled() => {}
    }
}
