//! Strikes the way between the workers and the database: answers to committed statements get lost,
//! and for a time no notification arrives.

use super::chronicle::{Chronicle, Outage};
use super::plan::Plan;
use super::stage::Stage;
use super::timetable::Spell;
use super::traces;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Strikes until all is to be calm, and notes how often it hit.
pub(super) async fn strike(
    plan: &Plan,
    stage: &Stage,
    chronicle: &Chronicle,
    calm: &CancellationToken,
) {
    let orders = &stage.proxy.orders;
    orders.lose_answers(plan.timetable.lost_answer);
    if let Some(spell) = plan.timetable.deaf {
        deafen(spell, stage, chronicle, calm).await;
    }
    calm.cancelled().await;
    orders.lose_answers(None);
    let mut events = chronicle.events();
    events.answers_lost = orders.answers_lost();
    events.notifications_lost = orders.swallowed();
}

/// For so long polling has to do, and until a lead has shown that it does.
async fn deafen(spell: Spell, stage: &Stage, chronicle: &Chronicle, calm: &CancellationToken) {
    pause(spell.first, calm).await;
    let from = chronicle.now();
    stage.proxy.orders.keep_notifications(true);
    pause(spell.lasts, calm).await;
    let deaf = || Outage {
        from,
        until: chronicle.now(),
    };
    while !calm.is_cancelled() && !completes_in(deaf(), stage).await {
        pause(LOOK_EVERY, calm).await;
    }
    stage.proxy.orders.keep_notifications(false);
    chronicle.events().deaf = Some(deaf());
}

/// Whether a lead completed in this time; false while the database is away.
async fn completes_in(time: Outage, stage: &Stage) -> bool {
    let completed = traces::completed_in(stage.rig.engine.pool(), &[time]).await;
    completed.is_ok_and(|completed| completed > 0)
}

async fn pause(time: Duration, calm: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = calm.cancelled() => {}
    }
}
