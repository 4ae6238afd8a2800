//! The workers, who may be killed, frozen, thawed, and asked to end.

use super::chronicle::{Blow, Chronicle};
use super::member::{Ended, Frozen, Member};
use super::plan::{FREEZE, GRACE, Plan, WORKERS};
use super::stage::Stage;
use anyhow::Context as _;
use sqlx::PgPool;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A worker that woke is left alone for so long: it is to try what it still wants to write.
const SPARED: Duration = Duration::from_millis(2_500);
/// One that was taken over before it woke tries at once.
const SPARED_SHORTLY: Duration = Duration::from_millis(700);
/// A busy worker begins a call within this.
const ACTS_WITHIN: Duration = Duration::from_millis(200);
/// The call is sent by then, and the CRM has not answered yet.
const INTO_THE_CALL: Duration = Duration::from_millis(12);
/// How often it is looked whether a frozen one was taken over.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The grace, and what a restart of the database may add to it.
const ENDS_WITHIN: Duration = GRACE.saturating_add(Duration::from_secs(5));
/// A database that does not say who a worker is within this is away.
const ASK_WITHIN: Duration = Duration::from_millis(300);

pub(super) struct Crew<'a> {
    slots: u32,
    /// What the last deploy brought.
    build: usize,
    stage: &'a Stage,
    chronicle: &'a Chronicle,
    members: Vec<Member>,
}

impl<'a> Crew<'a> {
    pub(super) fn start(
        plan: &Plan,
        stage: &'a Stage,
        chronicle: &'a Chronicle,
    ) -> anyhow::Result<Self> {
        let slots = plan.slots();
        let members = (0..WORKERS).map(|number| Member::start(stage, number, slots));
        let members = members.collect::<anyhow::Result<_>>()?;
        Ok(Self {
            slots,
            build: 0,
            stage,
            chronicle,
            members,
        })
    }

    pub(super) fn chronicle(&self) -> &'a Chronicle {
        self.chronicle
    }

    /// Those that may be struck now. One that has done nothing yet is left: however slow the machine
    /// is, leads get on between the blows, and every blow has something to break.
    pub(super) fn at_hand(&self) -> Vec<usize> {
        let now = Instant::now();
        let all = self.members.iter().enumerate();
        let free = all.filter(|(index, member)| {
            member.is_at_hand(now) && self.stage.proxy.door(*index).has_acted()
        });
        free.map(|(index, _)| index).collect()
    }

    /// How many are frozen or about to end.
    pub(super) fn away(&self) -> usize {
        let away = self.members.iter();
        away.filter(|member| member.frozen.is_some() || member.asked_to_end.is_some())
            .count()
    }

    /// `kill -9`, and another one in its place. One that is still starting holds nothing and is left.
    pub(super) async fn kill(&mut self, index: usize) -> anyhow::Result<()> {
        let Some(blow) = self.aim(index).await else {
            return Ok(());
        };
        let member = &mut self.members[index];
        member
            .process
            .kill()
            .await
            .with_context(|| format!("{} could not be killed", member.name))?;
        self.chronicle.events().kills.push(blow);
        member.start_again(self.stage, self.build, self.slots)
    }

    /// Whoever is asked to end from now on is replaced by the next build.
    pub(super) fn deploy(&mut self) {
        self.build += 1;
    }

    /// SIGTERM, as at a deploy; false if it cannot be asked now. One that is known to the database
    /// is past its start and hears it.
    pub(super) async fn ask_to_end(&mut self, index: usize) -> bool {
        let known = self.aim(index).await;
        let known = known.is_some_and(|blow| !blow.workers.is_empty());
        if !known || !self.members[index].is_at_hand(Instant::now()) {
            return false;
        }
        self.members[index].ask_to_end();
        self.chronicle.events().asked_to_end += 1;
        true
    }

    /// Whether it was asked to end and has not been replaced by one that is at work.
    pub(super) async fn is_ending(&self, index: usize) -> bool {
        self.members[index].asked_to_end.is_some() || self.aim(index).await.is_none()
    }

    /// Stops it for longer than its lease.
    pub(super) async fn freeze(&mut self, index: usize) {
        if let Some(blow) = self.aim(index).await {
            self.members[index].freeze(Frozen {
                until: Instant::now() + FREEZE,
                incarnations: Vec::new(),
            });
            self.chronicle.events().freezes.push(blow);
        }
    }

    /// Stops it while the CRM answers one of its calls, and cuts its sign of life: it is taken over
    /// soon, and what it writes when it wakes is stale. False if it made no call.
    pub(super) async fn freeze_in_call(&mut self, index: usize) -> bool {
        let blow = self.aim(index).await;
        let Some(blow) = blow.filter(|blow| !blow.workers.is_empty()) else {
            return false;
        };
        let door = self.stage.proxy.door(index);
        if !door.until_it_acts(ACTS_WITHIN).await {
            return false;
        }
        tokio::time::sleep(INTO_THE_CALL).await;
        self.members[index].freeze(Frozen {
            until: Instant::now() + FREEZE,
            incarnations: blow.workers.clone(),
        });
        door.silence();
        self.chronicle.events().freezes_in_calls.push(blow);
        true
    }

    /// When it is to be looked whether one can be thawed.
    pub(super) fn next_thaw(&self) -> Option<Instant> {
        let soon = Instant::now() + LOOK_EVERY;
        let frozen = self
            .members
            .iter()
            .filter_map(|member| member.frozen.as_ref());
        let times = frozen.map(|frozen| match frozen.incarnations.is_empty() {
            true => frozen.until,
            false => frozen.until.min(soon),
        });
        times.min()
    }

    /// Lets those go on whose time has come.
    pub(super) async fn thaw(&mut self) {
        for member in &mut self.members {
            let Some(frozen) = &member.frozen else {
                continue;
            };
            let aimed = !frozen.incarnations.is_empty();
            if aimed && is_gone(self.stage.rig.engine.pool(), &frozen.incarnations).await {
                member.thaw(SPARED_SHORTLY);
            } else if frozen.until <= Instant::now() {
                member.thaw(SPARED);
            }
        }
    }

    /// Waits until every frozen one has had its time, so that none wakes before it was taken over.
    pub(super) async fn thaw_all(&mut self) {
        while let Some(at) = self.next_thaw() {
            tokio::time::sleep_until(at.into()).await;
            self.thaw().await;
        }
    }

    /// Replaces whoever ended, and looks how large they are.
    pub(super) async fn muster(&mut self) -> anyhow::Result<()> {
        let mut largest = 0;
        for member in &mut self.members {
            if let Some(how) = member.has_ended(ENDS_WITHIN).await? {
                let mut events = self.chronicle.events();
                match how {
                    Ended::InOrder(after) => events.ended_in_order.push(after),
                    Ended::NotInOrder => {}
                    Ended::Unasked => events.quitters += 1,
                }
                drop(events);
                member.start_again(self.stage, self.build, self.slots)?;
            }
            largest = largest.max(member.process.memory_kib());
        }
        let mut events = self.chronicle.events();
        events.largest_rss_kib = events.largest_rss_kib.max(largest);
        Ok(())
    }

    /// Ends them all.
    pub(super) async fn dismiss(mut self) {
        for member in &mut self.members {
            let _ = member.process.kill().await;
        }
    }

    /// Who it is, before it is struck; `None` if the database says that it does not know it yet.
    async fn aim(&self, index: usize) -> Option<Blow> {
        let pid = self.members[index].process.pid().unwrap_or_default();
        let asking = ids(self.stage.rig.engine.pool(), pid);
        let known = tokio::time::timeout(ASK_WITHIN, asking).await;
        let known = known.ok().and_then(Result::ok);
        if known.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        Some(Blow {
            workers: known.unwrap_or_default(),
            at: self.chronicle.now(),
        })
    }
}

/// Whether the database knows none of these any more; false while it is away.
async fn is_gone(pool: &PgPool, incarnations: &[Uuid]) -> bool {
    let asking = sqlx::query_scalar!(
        r#"select not exists (select from leadrail.worker where id = any ($1)) as "gone!""#,
        incarnations
    )
    .fetch_one(pool);
    let gone = tokio::time::timeout(ASK_WITHIN, asking).await;
    gone.is_ok_and(Result::unwrap_or_default)
}

async fn ids(pool: &PgPool, pid: u32) -> sqlx::Result<Vec<Uuid>> {
    let pid = i32::try_from(pid).unwrap_or_default();
    sqlx::query_scalar!("select id from leadrail.worker where pid = $1", pid)
        .fetch_all(pool)
        .await
}
