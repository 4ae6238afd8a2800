//! `leadrail lead push`: hands leads over, many or one.

use super::wait::until_ended;
use super::{input, story};
use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::{Said, told, usage};
use crate::output;
use crate::progress::Progress;
use leadrail_desk::Desk;
use leadrail_engine::{Outcome, RunId, RunState};
use leadrail_lead::{EventId, PayloadFaults, Warning};
use leadrail_workflows::{Submission, Submitted};
use serde::Serialize;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Leads that share a commit.
const CHUNK: usize = 500;

/// Hands leads over: a JSON object, an array, or one lead a line. Each is accepted, a duplicate or
/// refused; an accepted one is committed before it is reported. Pushing a lead again is harmless.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail lead push leads.ndjson --wait\n  leadrail schema lead --example | leadrail lead push -"
)]
pub(crate) struct PushArgs {
    /// A file, or - for standard input.
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Follows the leads until each is completed or dead; exit code 1 if any is dead. What has to be done
    /// for those that wait is said once.
    #[arg(long)]
    wait: bool,
    /// Prints one JSON object a lead and line.
    #[arg(long)]
    json: bool,
}

/// What became of one lead.
#[derive(Serialize)]
struct Answer {
    /// Its place in the input, from 1.
    number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<EventId>,
    /// `accepted`, `duplicate` or `refused`.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<RunState>,
    /// The details that could not be taken as they were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
    /// Why it was refused; never repeats a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Counts, and the runs to follow.
#[derive(Default)]
struct Pushed {
    accepted: u64,
    duplicates: u64,
    refused: u64,
    runs: Vec<RunId>,
}

/// A lead as it was read: to be handed over, or refused already.
type Item = Result<Submission, PayloadFaults>;

pub(crate) async fn run(args: PushArgs, config: &Config) -> anyhow::Result<()> {
    let source = input::open(&args.file)?;
    let desk = database::desk(config).await?;
    let (sender, mut items) = mpsc::channel::<Item>(CHUNK);
    let reading = tokio::task::spawn_blocking(move || {
        input::each_lead(source, &mut |bytes| {
            sender.blocking_send(Submission::from_slice(&bytes)).is_ok()
        })
    });
    let mut pushed = Pushed::default();
    let mut progress = Progress::start("leads", None);
    let mut chunk = Vec::with_capacity(CHUNK);
    while items.recv_many(&mut chunk, CHUNK).await > 0 {
        for answer in hand_over(&desk, pushed.seen(), &mut chunk).await? {
            progress.aside(|| answer.print(args.json))?;
            pushed.count(&answer);
        }
        progress.show(pushed.seen(), "");
    }
    progress.end();
    // What was accepted is kept and told, even if the rest of the input cannot be read.
    let read = reading.await?;
    if pushed.accepted > 0 {
        desk.tell_workers().await;
    }
    if pushed.seen() == 0 {
        return read.and_then(|()| Err(no_lead()));
    }
    finish(&args, &desk, &pushed).await?;
    read
}

fn no_lead() -> anyhow::Error {
    usage("the input holds no lead; `leadrail schema lead --example` shows one")
}

/// Commits what is valid in one go; one answer an item, in order.
async fn hand_over(desk: &Desk, before: u64, chunk: &mut Vec<Item>) -> anyhow::Result<Vec<Answer>> {
    let (mut good, mut answers) = (Vec::new(), Vec::new());
    for (number, item) in (before + 1..).zip(chunk.drain(..)) {
        match item {
            Ok(submission) => {
                answers.push(Answer::accepted(number));
                good.push(submission);
            }
            Err(faults) => answers.push(Answer::refused(number, faults.to_string())),
        }
    }
    let submitted = desk.submit(&actor::command_line(), &good).await;
    let mut submitted = submitted.map_err(told)?.into_iter();
    for answer in answers.iter_mut().filter(|answer| answer.reason.is_none()) {
        if let Some(submitted) = submitted.next() {
            answer.fill(&submitted);
        }
    }
    Ok(answers)
}

impl Answer {
    fn accepted(number: u64) -> Self {
        let (outcome, event_id, run_id, state, reason) = ("accepted", None, None, None, None);
        Self {
            number,
            event_id,
            outcome,
            run_id,
            state,
            warnings: Vec::new(),
            reason,
        }
    }

    fn refused(number: u64, reason: String) -> Self {
        Self {
            outcome: "refused",
            reason: Some(reason),
            ..Self::accepted(number)
        }
    }

    fn fill(&mut self, submitted: &Submitted) {
        self.event_id = Some(submitted.event_id);
        self.warnings.clone_from(&submitted.warnings);
        match submitted.outcome {
            Outcome::Created => {}
            Outcome::Duplicate => self.outcome = "duplicate",
            Outcome::Conflict => {
                self.outcome = "refused";
                self.reason = Some(
                    "another lead of the account has this event_id; nothing was changed".to_owned(),
                );
                return;
            }
        }
        (self.run_id, self.state) = (Some(submitted.run_id), Some(submitted.state));
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        match json {
            true => output::json_line(self),
            false => output::line(self.text()),
        }
    }

    fn text(&self) -> String {
        let name = self
            .event_id
            .map_or_else(|| format!("number {}", self.number), |id| id.to_string());
        let mut text = match (&self.reason, self.state) {
            (Some(reason), _) => format!("{}  {name}  {reason}", self.outcome),
            (None, Some(state)) if self.outcome == "duplicate" => {
                format!("duplicate  {name}  it is {state}")
            }
            (None, _) => format!("{}  {name}", self.outcome),
        };
        for warning in &self.warnings {
            text += &format!("\n  {}", story::warning(warning));
        }
        text
    }
}

impl Pushed {
    fn seen(&self) -> u64 {
        self.accepted + self.duplicates + self.refused
    }

    fn count(&mut self, answer: &Answer) {
        match answer.outcome {
            "accepted" => self.accepted += 1,
            "duplicate" => self.duplicates += 1,
            _ => self.refused += 1,
        }
        self.runs.extend(answer.run_id);
    }
}

async fn finish(args: &PushArgs, desk: &Desk, pushed: &Pushed) -> anyhow::Result<()> {
    let Pushed {
        accepted,
        duplicates,
        refused,
        runs,
    } = pushed;
    eprintln!("{accepted} accepted, {duplicates} duplicates, {refused} refused");
    let mut failed = *refused > 0;
    if args.wait && !runs.is_empty() {
        let ended = until_ended(desk, runs).await?;
        eprintln!("{ended}");
        failed |= ended.of(RunState::Dead) > 0;
        if ended.of(RunState::Dead) > 0 {
            eprintln!("`leadrail lead list --state dead` shows which are dead and why");
        }
    }
    if failed {
        return Err(Said.into());
    }
    Ok(())
}
