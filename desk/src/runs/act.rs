//! Resume, restart, try now and cancel: what was planned, one run after the other.

use super::select::{ACTED_ON, Pages, Plan, Selection};
use crate::actor::{Action, Actor};
use crate::audit::Change;
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult, has_nul};
use leadrail_engine::{Cancelled, Restarted, RunId, RunView};
use leadrail_lead::is_unshown;
use serde_json::{Value, json};
use std::fmt;
use std::ops::ControlFlow;

/// The most characters of a reason that somebody gives.
const MOST_WHY: usize = 500;

/// What to do with runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Go on with a dead letter from its last checkpoint, with a parked run now.
    Resume,
    /// Make a parked run due now; the attempt that follows uses up none.
    TryNow,
    /// Begin again from this activity, or from the start.
    Restart(Option<String>),
    /// Stop, for this reason. A dead letter is cancelled at once and for good.
    Cancel(String),
}

/// What became of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// The run.
    pub run: RunId,
    /// What became of it.
    pub became: Became,
}

/// What can become of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It goes on from its last checkpoint.
    Resumed,
    /// It is due.
    DueNow,
    /// It begins again.
    Restarted,
    /// It is cancelled.
    Cancelled,
    /// Its workflow hears of it at its next call, and may clean up first.
    AskedToStop,
    /// Nothing to resume: it runs or has ended.
    NotResumable,
    /// Not parked, so there is nothing to hurry.
    NotParked,
    /// It runs, never began, or has ended.
    NotRestartable,
    /// Its history has no such activity.
    NoSuchActivity,
    /// It has ended.
    Ended,
    /// There is no such run.
    NoSuchRun,
}

impl Became {
    /// Whether anything was done to the run.
    #[must_use]
    pub fn is_done(self) -> bool {
        use Became::{AskedToStop, Cancelled, DueNow, Restarted, Resumed};
        matches!(self, Resumed | DueNow | Restarted | Cancelled | AskedToStop)
    }
}

impl From<Cancelled> for Became {
    fn from(outcome: Cancelled) -> Self {
        match outcome {
            Cancelled::Cancelled => Self::Cancelled,
            Cancelled::Asked => Self::AskedToStop,
            Cancelled::Ended => Self::Ended,
            Cancelled::Unknown => Self::NoSuchRun,
        }
    }
}

/// One word, for logs; what people read is the caller's to say.
impl fmt::Display for Became {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Verb {
    fn action(&self) -> Action {
        match self {
            Self::Resume => Action::RunResume,
            Self::TryNow => Action::RunTryNow,
            Self::Restart(_) => Action::RunRestart,
            Self::Cancel(_) => Action::RunCancel,
        }
    }

    /// Where a run begins again, if it does.
    fn began_at(&self) -> Option<Value> {
        match self {
            Self::Restart(from) => Some(json!({"from": from.as_deref().unwrap_or("the start")})),
            Self::Resume | Self::TryNow | Self::Cancel(_) => None,
        }
    }

    fn check(&self) -> DeskResult<()> {
        match self {
            Self::Cancel(why) => check_why(why),
            Self::Restart(Some(from)) if has_nul(from) => Err(DeskError::refused(
                "activity",
                "an activity has no NUL in its name",
            )),
            _ => Ok(()),
        }
    }
}

impl Desk {
    /// Does to every run of a plan what is asked, one after the other and the oldest first, and tells
    /// `each`, which may break it off between two. Runs that were enqueued after the plan are not touched,
    /// nor those that do not match any more. Whether it went through to the end.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for what is asked, before any run; else when the database fails: what was
    /// told is done.
    pub async fn act(
        &self,
        who: &Actor,
        (selection, plan): (&Selection, &Plan),
        verb: &Verb,
        mut each: impl FnMut(Done) -> ControlFlow<()>,
    ) -> DeskResult<bool> {
        verb.check()?;
        let Some(youngest) = plan.youngest else {
            return Ok(true);
        };
        let mut pages = Pages::of(self, selection, Some(youngest), ACTED_ON)?;
        while let Some(page) = pages.next().await? {
            for run in page {
                let became = self.act_on(who, &run, verb).await?;
                if each(Done {
                    run: run.id,
                    became,
                })
                .is_break()
                {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// A dead letter goes on from its last checkpoint, a parked run now.
    async fn resume(&self, who: &Actor, run: RunId) -> DeskResult<bool> {
        let engine = self.engine();
        Ok(engine.revive(run, &who.to_string()).await? || engine.try_now(run).await?)
    }

    async fn act_on(&self, who: &Actor, head: &RunView, verb: &Verb) -> DeskResult<Became> {
        let (engine, run) = (self.engine(), head.id);
        let became = match verb {
            Verb::Resume if self.resume(who, run).await? => Became::Resumed,
            Verb::Resume => Became::NotResumable,
            Verb::TryNow if engine.try_now(run).await? => Became::DueNow,
            Verb::TryNow => Became::NotParked,
            Verb::Restart(from) => match engine.restart(run, from.as_deref()).await? {
                Restarted::Restarted => Became::Restarted,
                Restarted::NotRestartable => Became::NotRestartable,
                Restarted::NoSuchActivity => Became::NoSuchActivity,
                Restarted::Unknown => Became::NoSuchRun,
            },
            Verb::Cancel(why) => return Ok(self.cancel_run(who, head, why).await?.into()),
        };
        let change = Change {
            after: verb.began_at(),
            ..stood(head)
        };
        self.note_change(who, verb.action(), (&run, &became), change)
            .await;
        Ok(became)
    }

    /// Asks one run to stop, which stood as its head says.
    pub(crate) async fn cancel_run(
        &self,
        who: &Actor,
        head: &RunView,
        why: &str,
    ) -> DeskResult<Cancelled> {
        check_why(why)?;
        let outcome = self.engine().cancel(head.id, why).await?;
        let (became, change) = (Became::from(outcome), stood(head).because(why));
        self.note_change(who, Action::RunCancel, (&head.id, &became), change)
            .await;
        Ok(outcome)
    }
}

/// Where a run stood when somebody did something to it; where it went is the outcome.
fn stood(head: &RunView) -> Change {
    Change {
        before: Some(json!({
            "state": head.state, "activity": head.activity, "reason": head.reason,
        })),
        ..Change::default()
    }
}

fn check_why(why: &str) -> DeskResult<()> {
    if why.chars().count() <= MOST_WHY && !why.contains(is_unshown) {
        return Ok(());
    }
    Err(DeskError::refused(
        "why",
        "why has at most 500 characters, all of them shown, in one line",
    ))
}
