//! Dead secrets are found before the next lead: each CRM is asked from time to time.

use leadrail_activities::{
    PROBE_CONNECTION, PlanProbes, PlannedProbes, ProbeConnection, ProbeInput, Probed,
};
use leadrail_connections::Doors;
use leadrail_engine::{Ctx, Engine, NewCron, NewRun, Overlap, Workflow, WorkflowResult};

/// The name of the workflow that plans, of its schedule and of the lane that it runs in.
pub const PROBE_CONNECTIONS: &str = "probe_connections";

/// Plans the probes that are due. Started by the schedule of [`probe_schedule`].
pub struct ProbeConnections {
    plan_probes: PlanProbes,
}

/// Asks about one connection.
pub struct ProbeOneConnection {
    probe_connection: ProbeConnection,
}

impl ProbeConnections {
    /// The workflow with everything its step needs.
    #[must_use]
    pub fn new(engine: Engine, doors: Doors) -> Self {
        Self {
            plan_probes: PlanProbes { engine, doors },
        }
    }
}

impl ProbeOneConnection {
    /// The workflow with everything its step needs.
    #[must_use]
    pub fn new(doors: Doors) -> Self {
        Self {
            probe_connection: ProbeConnection { doors },
        }
    }
}

impl Workflow for ProbeConnections {
    /// Stored with every run: a rename strands the runs in flight.
    const NAME: &'static str = PROBE_CONNECTIONS;
    type Input = ();
    type Output = PlannedProbes;

    async fn run(&self, ctx: Ctx, (): ()) -> WorkflowResult<PlannedProbes> {
        ctx.activity(&self.plan_probes, &()).await
    }
}

impl Workflow for ProbeOneConnection {
    /// Stored with every run: a rename strands the runs in flight.
    const NAME: &'static str = PROBE_CONNECTION;
    type Input = ProbeInput;
    type Output = Probed;

    async fn run(&self, ctx: Ctx, input: ProbeInput) -> WorkflowResult<Probed> {
        ctx.activity(&self.probe_connection, &input).await
    }
}

/// When probes are planned: every five minutes, at any time zone's same moment; a time that was missed is
/// made up for once.
#[must_use]
pub fn probe_schedule() -> NewCron {
    let run = NewRun {
        workflow: PROBE_CONNECTIONS.to_owned(),
        scope: String::new(),
        key: None,
        fingerprint: String::new(),
        lane: PROBE_CONNECTIONS.to_owned(),
        priority: 5,
        delay: std::time::Duration::ZERO,
        input: "null".to_owned(),
    };
    NewCron {
        overlap: Overlap::Skip,
        ..NewCron::new(PROBE_CONNECTIONS, "*/5 * * * *", "UTC", run)
    }
}
