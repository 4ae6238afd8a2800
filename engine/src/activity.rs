//! Activities: one side effect each, and what may come of it.

use crate::deadline::Deadline;
use crate::ids::RunId;
use crate::retry::RetrySchedule;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

/// Whether an activity may simply run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Effect {
    /// Running it twice does no harm: a look-up, an upsert.
    #[default]
    Repeatable,
    /// It makes something that must exist once. Its intent is committed before it starts, and after
    /// an unknown outcome [`Activity::reconcile`] looks before it runs again.
    Once,
}

/// What to do when nobody can know whether an earlier attempt took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// Run again and risk a double.
    Retry,
    /// Make the run a dead letter with reason `ambiguous`: a person looks.
    #[default]
    Ask,
}

/// How one activity is run.
#[derive(Clone, Debug)]
pub struct ActivityOptions {
    /// Whether it may simply run again.
    pub effect: Effect,
    /// The longest an attempt may take, from its intent to its answer.
    pub timeout: Duration,
    /// How long after `timeout` an effect may still show up in a look-up.
    pub settle: Duration,
    /// Replaces the worker's schedule.
    pub schedule: Option<RetrySchedule>,
    /// For [`Found::Unknowable`].
    pub on_unknown: OnUnknown,
}

impl Default for ActivityOptions {
    fn default() -> Self {
        Self {
            effect: Effect::Repeatable,
            timeout: Duration::from_secs(30),
            settle: Duration::from_secs(60),
            schedule: None,
            on_unknown: OnUnknown::Ask,
        }
    }
}

/// One side effect with a stable name.
///
/// The implementing value holds what the effect needs (clients, pools). Its doc comment says what
/// makes a second run harmless.
pub trait Activity: Send + Sync {
    /// What the type is called. Where it is the label too, it is stored with every run: a rename
    /// strands the runs in flight.
    const NAME: &'static str;
    /// What it needs to know.
    type Input: Sync + ?Sized;
    /// Stored as JSON and handed out again after a restart.
    type Output: Serialize + DeserializeOwned + Send;

    /// What this call is called in history, so that one type may stand as several steps. Stored
    /// with every run, so the same input must give the same label in every build; also a label of
    /// metrics, so there are few of them, and nothing of the input is repeated. One to 100 bytes
    /// without control characters, `/` and `#`: the engine adds branch and number with these.
    fn label(&self, input: &Self::Input) -> Cow<'static, str> {
        let _ = input;
        Cow::Borrowed(Self::NAME)
    }

    /// How this call is run; may depend on its input.
    fn options(&self, input: &Self::Input) -> ActivityOptions {
        let _ = input;
        ActivityOptions::default()
    }

    /// Does it.
    fn run(
        &self,
        attempt: &Attempt,
        input: &Self::Input,
    ) -> impl Future<Output = ActivityResult<Self::Output>> + Send;

    /// Finds out whether an earlier attempt of [`Effect::Once`] took effect. An error proves nothing.
    fn reconcile(
        &self,
        attempt: &Attempt,
        input: &Self::Input,
    ) -> impl Future<Output = ActivityResult<Found<Self::Output>>> + Send {
        let _ = (attempt, input);
        async { Ok(Found::Unknowable) }
    }
}

/// What a look-up after an unknown outcome showed.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// It took effect; here is its result.
    Yes(T),
    /// It did not.
    No,
    /// There is no way to look.
    Unknowable,
}

/// The result of one attempt.
pub type ActivityResult<T> = Result<T, ActivityError>;

/// Why an attempt gave no result. `kind` decides what happens next, `reason` is for machines,
/// `message` for people; neither may hold secrets or personal data.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ActivityError {
    /// What the engine does about it.
    pub kind: FailureKind,
    /// Stable and short, such as `http_503`.
    pub reason: Cow<'static, str>,
    /// One sentence.
    pub message: String,
}

/// What the engine does about a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// It certainly did not happen: try again on the schedule.
    NotDone,
    /// It may have happened: look first, on the schedule.
    Ambiguous,
    /// The other side asked for a pause: wait that long, use up no attempt.
    Throttled {
        /// What it asked for, if it said.
        after: Option<Duration>,
    },
    /// It will never work like this: a dead letter now.
    Rejected,
    /// Something else must happen first: wait until the gate opens, use up no attempt.
    Blocked {
        /// The name to pass to `Engine::open_gate`.
        gate: String,
    },
}

impl ActivityError {
    /// An error of this kind.
    pub fn new(
        kind: FailureKind,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            reason: reason.into(),
            message: message.into(),
        }
    }

    /// Certainly not done; try again on the schedule.
    pub fn not_done(reason: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::NotDone, reason, message)
    }

    /// Never going to work; dead at once.
    pub fn rejected(reason: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Rejected, reason, message)
    }
}

/// How many calls the other side still takes, by what its answers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Calls that are left.
    pub left: u32,
    /// When there will be more.
    pub resets_in: Duration,
}

impl Budget {
    /// A budget with more left than this holds nobody back.
    pub const SCARCE: u32 = 50;
}

/// One attempt at an activity, as the activity sees it.
pub struct Attempt {
    /// The run it belongs to.
    pub run_id: RunId,
    /// The run's idempotency key, if it has one.
    pub key: Option<String>,
    /// 1 for the first.
    pub number: u32,
    /// When the run was enqueued, on the database's clock.
    pub enqueued_at: DateTime<Utc>,
    /// When this worker claimed the run, on the database's clock: near enough to "now" for choices
    /// such as whether a link is still alive.
    pub claimed_at: DateTime<Utc>,
    /// The earliest time at which this activity can have taken effect for this run, on the database's
    /// clock: when its first intent was written, or the run enqueued where none is known. A restart
    /// of the run does not change it. Earlier than the run where it may repeat one that the database
    /// lost.
    pub effect_since: DateTime<Utc>,
    pub(crate) deadline: Deadline,
    pub(crate) evidence: Mutex<Vec<serde_json::Value>>,
    pub(crate) budget: Mutex<Option<Budget>>,
}

impl Attempt {
    /// Keeps something for the history: what was sent and what came back. Secrets must be gone.
    ///
    /// # Panics
    /// Never: a value that is no JSON is kept as its error text.
    pub fn record(&self, evidence: impl Serialize) {
        let value = serde_json::to_value(evidence)
            .unwrap_or_else(|error| serde_json::Value::String(error.to_string()));
        self.evidence
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(value);
    }

    /// Tells the engine what the other side said of its budget; the last word counts. When it is
    /// [scarce](Budget::SCARCE), no more runs of the lane start than there are calls left.
    ///
    /// # Panics
    /// Never.
    pub fn report_budget(&self, budget: Budget) {
        *self
            .budget
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(budget);
    }

    /// How long this attempt may still take; zero when it must not send anything any more.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.left()
    }

    pub(crate) fn take_budget(&self) -> Option<Budget> {
        self.budget
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
    }

    pub(crate) fn take_evidence(&self) -> Vec<serde_json::Value> {
        std::mem::take(
            &mut *self
                .evidence
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }
}
