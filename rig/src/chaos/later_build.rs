//! A worker as later deploys bring it, whose `push_lead` has changed.
//!
//! Each deploy adds one step before all others, behind `ctx.version`. Leads in flight go on without
//! it. While a deploy is underway, earlier builds meet histories of later ones; they put those leads
//! down until a build comes that fits.

use leadrail_connections::Doors;
use leadrail_engine::{
    Activity, ActivityResult, Attempt, Ctx, Engine, Registry, Workflow, WorkflowResult,
};
use leadrail_workflows::{AuditLead, PushLead, PushLeadOutput};
use serde_json::Value;

/// The command that chaos starts for a worker of a later build. It takes the flags of `worker`, and
/// `--changes N`: how many deploys came before.
pub const COMMAND: &str = "chaos-worker";
/// What the deploys change, one after the other.
const CHANGES: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];

/// The workflows of a build that came after so many deploys.
#[must_use]
pub fn registry(engine: &Engine, doors: Doors, changes: usize) -> Registry {
    let push_lead = PushLead::new(engine.clone(), doors.clone());
    Registry::new()
        .with(LaterPushLead { push_lead, changes })
        .with(AuditLead::new(engine.clone(), doors))
}

struct LaterPushLead {
    push_lead: PushLead,
    changes: usize,
}

impl Workflow for LaterPushLead {
    const NAME: &'static str = PushLead::NAME;
    type Input = Value;
    type Output = PushLeadOutput;

    async fn run(&self, ctx: Ctx, payload: Value) -> WorkflowResult<PushLeadOutput> {
        for change in CHANGES.into_iter().take(self.changes) {
            if ctx.version(change, 1)? >= 1 {
                ctx.activity(&Grade, &payload).await?;
            }
        }
        self.push_lead.run(ctx, payload).await
    }
}

/// What the changes are about: how much there is to say about a lead.
struct Grade;

impl Activity for Grade {
    const NAME: &'static str = "grade";
    type Input = Value;
    type Output = usize;

    async fn run(&self, _: &Attempt, payload: &Value) -> ActivityResult<usize> {
        Ok(payload.to_string().len())
    }
}
