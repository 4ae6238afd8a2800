//! A second look at a lead whose outcome was unknown for a while.

use leadrail_activities::{AUDIT_LEAD, AuditFindings, AuditInput, LeadAudit};
use leadrail_connections::Doors;
use leadrail_engine::{Ctx, Engine, Workflow, WorkflowResult};

/// Looks once whether there is exactly one of what was made. Planned by `push_lead`, which has long
/// ended by then.
pub struct AuditLead {
    lead_audit: LeadAudit,
}

impl AuditLead {
    /// The workflow with everything its step needs.
    #[must_use]
    pub fn new(engine: Engine, doors: Doors) -> Self {
        Self {
            lead_audit: LeadAudit { doors, engine },
        }
    }
}

impl Workflow for AuditLead {
    /// Stored with every run: a rename strands the runs in flight.
    const NAME: &'static str = AUDIT_LEAD;
    type Input = AuditInput;
    type Output = AuditFindings;

    async fn run(&self, ctx: Ctx, input: AuditInput) -> WorkflowResult<AuditFindings> {
        ctx.activity(&self.lead_audit, &input).await
    }
}
