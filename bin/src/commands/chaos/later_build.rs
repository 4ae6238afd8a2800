//! `leadrail chaos-worker`: a worker as later deploys bring it, whose `push_lead` has changed.
//!
//! Each deploy adds one step before all others, behind `ctx.version`. Leads in flight go on without
//! it. While a deploy is underway, earlier builds meet histories of later ones; they put those leads
//! down until a build comes that fits.

use crate::commands::worker::{self, WorkerArgs};
use crate::config::Config;
use leadrail_activities::CrmAccess;
use leadrail_adapters::{Adapters, CrmHttp};
use leadrail_desk::Desk;
use leadrail_engine::{
    Activity, ActivityResult, Attempt, Ctx, Effect, Registry, Workflow, WorkflowResult,
};
use leadrail_workflows::{AuditLead, PushLead, PushLeadOutput};
use serde_json::Value;

/// The name of the command, for whoever starts it.
pub(super) const COMMAND: &str = "chaos-worker";
/// What the deploys change, one after the other.
const CHANGES: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];

/// Executes runs as `leadrail worker` does, with a later build's workflow.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail chaos-worker --changes 1 --name worker-0")]
pub(crate) struct ChaosWorkerArgs {
    #[command(flatten)]
    pub(crate) worker: WorkerArgs,
    /// How many deploys came before.
    #[arg(long, value_name = "N")]
    changes: usize,
}

pub(crate) async fn run(args: &ChaosWorkerArgs, config: &Config) -> anyhow::Result<()> {
    let changes = args.changes;
    worker::run_with(config, |desk| registry(desk, changes)).await
}

fn registry(desk: &Desk, changes: usize) -> anyhow::Result<Registry> {
    let engine = desk.engine();
    let access = CrmAccess {
        connections: desk.connections()?.clone(),
        adapters: Adapters::all(),
        http: CrmHttp::new()?,
    };
    let push_lead = PushLead::new(engine.clone(), access.clone());
    Ok(Registry::new()
        .with(LaterPushLead { push_lead, changes })
        .with(AuditLead::new(engine.clone(), access)))
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
    const EFFECT: Effect = Effect::Repeatable;
    type Input = Value;
    type Output = usize;

    async fn run(&self, _: &Attempt, payload: &Value) -> ActivityResult<usize> {
        Ok(payload.to_string().len())
    }
}
