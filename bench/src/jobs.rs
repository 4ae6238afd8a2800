//! What the measured runs do: nothing, durably.

use leadrail_engine::{
    Activity, ActivityOptions, ActivityResult, Attempt, Ctx, Effect, NewRun, Registry, Workflow,
    WorkflowResult,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

/// Inputs and results are of this size, as in a real lead's steps.
const BYTES: usize = 300;

/// What travels between steps.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Parcel(String);

/// A parcel whose JSON has [`BYTES`] bytes.
pub(crate) fn parcel() -> Parcel {
    Parcel("x".repeat(BYTES - 2))
}

macro_rules! step {
    ($name:ident, $stored:literal, $effect:expr) => {
        struct $name;

        impl Activity for $name {
            const NAME: &'static str = $stored;
            type Input = Parcel;
            type Output = Parcel;

            fn options(&self, _: &Parcel) -> ActivityOptions {
                ActivityOptions {
                    effect: $effect,
                    ..ActivityOptions::default()
                }
            }

            async fn run(&self, _: &Attempt, parcel: &Parcel) -> ActivityResult<Parcel> {
                Ok(parcel.clone())
            }
        }
    };
}

step!(Lookup, "lookup", Effect::Repeatable);
step!(Customer, "customer_create", Effect::Once);
step!(Lead, "lead_create", Effect::Once);
step!(Note, "note_attach", Effect::Once);

/// Counts ended workflows and wakes whoever waits for the last one.
pub(crate) struct Tally {
    left: AtomicU64,
    all: Notify,
}

impl Tally {
    /// Waits for so many.
    pub(crate) fn of(workflows: u64) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicU64::new(workflows),
            all: Notify::new(),
        })
    }

    /// Returns when as many have ended; the last of them may not be written yet.
    pub(crate) async fn all_ended(&self) {
        self.all.notified().await;
    }

    /// How many of them have not ended yet.
    pub(crate) fn left(&self) -> u64 {
        self.left.load(Ordering::Acquire)
    }

    fn one_ended(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all.notify_one();
        }
    }
}

/// Looks up, creates a customer, creates a lead, attaches a note.
struct FourSteps(Arc<Tally>);

impl Workflow for FourSteps {
    const NAME: &'static str = "four_steps";
    type Input = Parcel;
    type Output = ();

    async fn run(&self, ctx: Ctx, parcel: Parcel) -> WorkflowResult<()> {
        let found = ctx.activity(&Lookup, &parcel).await?;
        let customer = ctx.activity(&Customer, &found).await?;
        let lead = ctx.activity(&Lead, &customer).await?;
        ctx.activity(&Note, &lead).await?;
        self.0.one_ended();
        Ok(())
    }
}

/// One repeatable activity, which is what a job of a plain queue is.
struct OneStep(Arc<Tally>);

impl Workflow for OneStep {
    const NAME: &'static str = "one_step";
    type Input = Parcel;
    type Output = ();

    async fn run(&self, ctx: Ctx, parcel: Parcel) -> WorkflowResult<()> {
        ctx.activity(&Lookup, &parcel).await?;
        self.0.one_ended();
        Ok(())
    }
}

/// Which of the two is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Four activities, three of them with intents.
    FourSteps,
    /// One activity.
    OneStep,
}

impl Job {
    /// How many results a whole history holds.
    pub(crate) fn results(self) -> i64 {
        match self {
            Self::FourSteps => 4,
            Self::OneStep => 1,
        }
    }

    /// How many intents it holds at least.
    pub(crate) fn intents(self) -> i64 {
        match self {
            Self::FourSteps => 3,
            Self::OneStep => 0,
        }
    }

    /// A run of it.
    pub(crate) fn new_run(self) -> serde_json::Result<NewRun> {
        match self {
            Self::FourSteps => NewRun::of::<FourSteps>(&parcel()),
            Self::OneStep => NewRun::of::<OneStep>(&parcel()),
        }
    }
}

/// Both workflows, counted together.
pub(crate) fn registry(tally: Arc<Tally>) -> Registry {
    Registry::new()
        .with(FourSteps(tally.clone()))
        .with(OneStep(tally))
}
