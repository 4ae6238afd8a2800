//! The workflow of the simulation: a record, for every other run under a lock, two records side by side, a timer and a count.

use super::Flaw;
use super::outside::{self, SETTLES_WITHIN, TIMEOUT};
use super::world::World;
use crate::activity::{Activity, ActivityOptions, ActivityResult, Attempt, Effect, Found};
use crate::ctx::Ctx;
use crate::ids::RunId;
use crate::workflow::{Workflow, WorkflowResult};
use std::time::Duration;

pub(super) const STORY: &str = "story";

/// The activities that create, by the label in history, and what each creates.
pub(super) const CREATED: [(&str, &str); 3] = [
    ("create", "customer"),
    ("create#2", "lead"),
    ("create#3", "note"),
];

/// What the record of a run is known by outside.
pub(super) fn marker(run: RunId, what: &str) -> String {
    format!("{run}/{what}")
}

pub(super) struct Story(pub(super) World);

impl Workflow for Story {
    const NAME: &'static str = STORY;
    type Input = ();
    type Output = usize;

    async fn run(&self, ctx: Ctx, (): ()) -> WorkflowResult<usize> {
        let create = Create(&self.0);
        let [customer, lead, note] = CREATED.map(|(_, what)| marker(ctx.run_id(), what));
        let first = async |ctx: Ctx| ctx.activity(&create, &customer).await;
        match ctx.run_id().0.as_u128() % 2 {
            0 => ctx.under_lock("caller", first).await?,
            _ => first(ctx.clone()).await?,
        };
        let lead = ctx.activity(&create, &lead);
        let note = ctx.activity(&create, &note);
        ctx.join(lead, note).await?;
        ctx.sleep(Duration::from_secs(1)).await?;
        ctx.activity(&Count(&self.0), &customer).await
    }
}

/// Makes a record; it carries its marker, by which it is found again.
struct Create<'a>(&'a World);

impl Activity for Create<'_> {
    const NAME: &'static str = "create";
    type Input = String;
    type Output = usize;

    fn options(&self, _: &String) -> ActivityOptions {
        let settle = match self.0.has(Flaw::NoSettle) {
            true => Duration::ZERO,
            false => SETTLES_WITHIN,
        };
        ActivityOptions {
            effect: Effect::Once,
            timeout: TIMEOUT,
            settle,
            ..ActivityOptions::default()
        }
    }

    async fn run(&self, attempt: &Attempt, marker: &String) -> ActivityResult<usize> {
        outside::create(self.0, attempt, marker).await
    }

    async fn reconcile(&self, _: &Attempt, marker: &String) -> ActivityResult<Found<usize>> {
        outside::look(self.0, marker).await
    }
}

/// Counts records; nothing changes by it.
struct Count<'a>(&'a World);

impl Activity for Count<'_> {
    const NAME: &'static str = "count";
    type Input = String;
    type Output = usize;

    async fn run(&self, _: &Attempt, marker: &String) -> ActivityResult<usize> {
        super::dice::a_while(20).await;
        Ok(self.0.outside().with_marker(marker).len())
    }
}
