//! A lead as the API shows it.

use chrono::{DateTime, Utc};
use leadrail_engine::{Held, HistoryKind, RunId, RunState};
use leadrail_lead::Warning;
use leadrail_workflows::{CrmAnswer, LeadView, TimelineEntry};
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

/// What keeps a lead from going on: its lane, or its place in a line.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub(crate) enum HeldBy {
    /// A person has stopped its lane; nothing of it starts until the lane is resumed.
    Pause {
        /// Its lane.
        lane: String,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// The CRM wants to be left alone, or takes no more calls.
    Throttle {
        /// Its lane.
        lane: String,
        /// Until when.
        until: DateTime<Utc>,
    },
    /// Its connection is there, and the leads that waited for it go out ten a minute.
    Release {
        /// Its place among those of its lane, from 1.
        place: i64,
        /// When its turn comes.
        at: DateTime<Utc>,
    },
}

impl From<Held> for HeldBy {
    fn from(held: Held) -> Self {
        match held {
            Held::Pause { lane, since } => Self::Pause { lane, since },
            Held::Throttle { lane, until } => Self::Throttle { lane, until },
            Held::Release { place, at } => Self::Release { place, at },
        }
    }
}

/// Who called: enough to know which call it was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallerView {
    /// First and last name, as far as they are known.
    name: Option<String>,
    /// The last four digits of the number.
    phone_last4: Option<String>,
}

/// What the CRM said, in its own words. It may repeat personal data.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrmAnswerView {
    /// When it was written down.
    at: DateTime<Utc>,
    /// The step that it was the answer to.
    activity: Option<String>,
    /// Its HTTP status.
    status: u16,
    /// The beginning of its body, secrets taken out.
    text: String,
    /// Whether the body went on.
    truncated: bool,
}

/// Where a lead stands. Of the lead's own fields it has no more than who called.
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
    /// What keeps it from going on, if it is its lane or its place in the line of a paced release.
    pub(crate) held: Option<HeldBy>,
    /// Who called.
    pub(crate) caller: CallerView,
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
    /// How many tries there are.
    pub(crate) tries: Option<u32>,
    /// When it goes on by itself, as far as that is known: null while a person has stopped its lane.
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
            held: lead.held.map(HeldBy::from),
            caller: CallerView {
                name: lead.caller.name,
                phone_last4: lead.caller.phone_last4,
            },
            account: lead.account,
            crm: lead.crm,
            priority: lead.priority,
            reason: lead.reason,
            activity: lead.activity,
            attempt: lead.attempt,
            tries: lead.tries,
            next_at: lead.next_at,
            created_at: lead.created_at,
            changed_at: lead.changed_at,
        }
    }
}

/// The payload as it was accepted, or that it was forgotten: after a person was erased, or after its time.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the payload in the API description")]
pub(crate) enum StoredPayload {
    Kept(crate::openapi::LeadSchema),
    Forgotten {
        /// Always true.
        forgotten: bool,
    },
}

/// A lead and everything that happened to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeadStory {
    /// Where it stands.
    lead: LeadSummary,
    /// The payload as it was accepted, until it is forgotten.
    #[schema(value_type = StoredPayload)]
    payload: Value,
    /// The details that could not be taken as they were given.
    #[schema(value_type = Vec<super::submit::FieldWarning>)]
    warnings: Vec<Warning>,
    /// What happened, oldest first.
    entries: Vec<StoryEntry>,
    /// What came of it, once it is delivered or recorded.
    result: Option<Value>,
    /// What the CRM said to a lead that is dead.
    crm_answer: Option<CrmAnswerView>,
}

impl From<CrmAnswer> for CrmAnswerView {
    fn from(answer: CrmAnswer) -> Self {
        Self {
            at: answer.at,
            activity: answer.activity,
            status: answer.status,
            text: answer.text,
            truncated: answer.truncated,
        }
    }
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
            crm_answer: told.crm_answer.map(CrmAnswerView::from),
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
