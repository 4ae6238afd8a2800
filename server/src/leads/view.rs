//! A lead as the API shows it.

use chrono::{DateTime, Utc};
use leadrail_engine::{HistoryKind, RunId, RunState};
use leadrail_lead::Warning;
use leadrail_workflows::{LeadView, TimelineEntry};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Where a run stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(
    dead_code,
    reason = "describes the engine's `RunState` in the API description"
)]
pub(crate) enum StateName {
    /// Ready, or will be at its time.
    Queued,
    /// A worker holds it.
    Running,
    /// A step failed; the next try has a time.
    Retrying,
    /// Waits for its connection, for another lead of the same caller, or before a look-up.
    Waiting,
    /// Was dead and is sent through again; no worker has taken it up yet.
    Replaying,
    /// Delivered, or recorded.
    Completed,
    /// Gave up: a dead letter that waits for a person.
    Dead,
    /// Ended by a person.
    Cancelled,
}

/// Where a lead stands. Names nobody: the lead's own fields are in its payload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeadSummary {
    /// The lead's own id.
    #[schema(value_type = Option<Uuid>)]
    pub(crate) event_id: Option<String>,
    /// Its run.
    #[schema(value_type = Uuid)]
    pub(crate) run_id: RunId,
    /// Where the run stands.
    #[schema(value_type = StateName)]
    pub(crate) state: RunState,
    /// Whose lead it is.
    pub(crate) account: String,
    /// The CRM it is addressed to, if to any.
    pub(crate) crm: Option<String>,
    /// 0 is the most urgent.
    pub(crate) priority: i16,
    /// Machine-readable: why it retries, waits or is dead.
    pub(crate) reason: Option<String>,
    /// The step where it last stopped.
    pub(crate) activity: Option<String>,
    /// The try that comes next there.
    pub(crate) attempt: Option<i16>,
    /// When it goes on by itself.
    pub(crate) next_at: Option<DateTime<Utc>>,
    /// When it was accepted.
    pub(crate) created_at: DateTime<Utc>,
    /// When its state last changed.
    pub(crate) changed_at: DateTime<Utc>,
}

impl From<LeadView> for LeadSummary {
    fn from(lead: LeadView) -> Self {
        Self {
            event_id: lead.event_id,
            run_id: lead.run_id,
            state: lead.state,
            account: lead.account,
            crm: lead.crm,
            priority: lead.priority,
            reason: lead.reason,
            activity: lead.activity,
            attempt: lead.attempt,
            next_at: lead.next_at,
            created_at: lead.created_at,
            changed_at: lead.changed_at,
        }
    }
}

/// A lead and everything that happened to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeadStory {
    /// Where it stands.
    lead: LeadSummary,
    /// The payload as it was accepted.
    #[schema(value_type = crate::openapi::LeadSchema)]
    payload: Value,
    /// The details that could not be taken as they were given.
    #[schema(value_type = Vec<super::submit::FieldWarning>)]
    warnings: Vec<Warning>,
    /// What happened, oldest first.
    entries: Vec<StoryEntry>,
    /// What came of it, once it is delivered or recorded.
    result: Option<Value>,
}

impl From<leadrail_desk::LeadStory> for LeadStory {
    fn from(story: leadrail_desk::LeadStory) -> Self {
        let (told, payload) = (story.told, story.payload);
        Self {
            lead: told.lead.into(),
            payload,
            warnings: told.warnings,
            entries: told.entries.into_iter().map(StoryEntry::from).collect(),
            result: told.result,
        }
    }
}

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoryEntry {
    /// Its place in the history, from 0.
    seq: i32,
    /// When.
    at: DateTime<Utc>,
    /// What kind of thing, such as `activity_failed`.
    #[schema(value_type = String)]
    kind: HistoryKind,
    /// The step.
    activity: Option<String>,
    /// The try, from 1.
    attempt: Option<i16>,
    /// The same for people; times in UTC.
    text: String,
    /// Machine-readable: why.
    reason: Option<String>,
    /// When the run goes on by itself.
    next_at: Option<DateTime<Utc>>,
    /// The step's result.
    output: Option<Value>,
    /// The exchanges with the CRM, secrets masked.
    evidence: Vec<Value>,
}

impl From<TimelineEntry> for StoryEntry {
    fn from(entry: TimelineEntry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at,
            kind: entry.kind,
            activity: entry.activity,
            attempt: entry.attempt,
            text: entry.text,
            reason: entry.reason,
            next_at: entry.next_at,
            output: entry.output,
            evidence: entry.evidence,
        }
    }
}
