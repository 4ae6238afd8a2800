//! Signals: what somebody outside sends to a run, kept until the run asks for it.

use super::Ctx;
use crate::history::HistoryKind;
use crate::journal::Transition;
use crate::names::signal_gate;
use crate::past::RecordedSignal;
use crate::state::RunState;
use crate::workflow::{WorkflowResult, unreadable};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;
use std::time::Duration;

/// The payload of `signal_received`.
#[derive(Serialize)]
struct Received<'a> {
    signal: i64,
    value: &'a Value,
}

impl Ctx {
    /// The next signal of this name; waits for it in the database, not in memory. Signals of one
    /// name come in the order in which they were sent, those sent before the run asked included.
    ///
    /// # Errors
    /// The run was asked to stop, or the signal's payload is no `T`.
    pub fn signal<T: DeserializeOwned + Send>(
        &self,
        name: &str,
    ) -> impl Future<Output = WorkflowResult<T>> + Send + use<'_, T> {
        let waiting = self.signal_or_end(name, None);
        async move {
            match waiting.await? {
                Some(value) => read(value),
                // Without a limit there is no end but a signal.
                None => self.abandon().await,
            }
        }
    }

    /// The next signal of this name, or `None` when none came within the limit, counted from when
    /// the run first asked.
    ///
    /// # Errors
    /// The run was asked to stop, or the signal's payload is no `T`.
    pub fn signal_within<T: DeserializeOwned + Send>(
        &self,
        name: &str,
        limit: Duration,
    ) -> impl Future<Output = WorkflowResult<Option<T>>> + Send + use<'_, T> {
        let waiting = self.signal_or_end(name, Some(limit));
        async move { waiting.await?.map(read).transpose() }
    }

    fn signal_or_end(
        &self,
        name: &str,
        limit: Option<Duration>,
    ) -> impl Future<Output = WorkflowResult<Option<Value>>> + Send + use<'_> {
        let name = name.to_owned();
        let label = self.label(format!("signal:{name}"));
        let (recorded, started) = {
            let mut progress = self.progress();
            let recorded = progress.past.take_signal(&label);
            (recorded, progress.past.take_timer(&label).flatten())
        };
        async move {
            match recorded {
                Some(RecordedSignal::Received(value)) => Ok(Some(value)),
                Some(RecordedSignal::TimedOut) => Ok(None),
                None => self.wait_for_signal(&name, label, limit, started).await,
            }
        }
    }

    async fn wait_for_signal(
        &self,
        name: &str,
        label: Cow<'static, str>,
        limit: Option<Duration>,
        started: Option<DateTime<Utc>>,
    ) -> WorkflowResult<Option<Value>> {
        let _at_work = self.at_work();
        self.begin_new(&label).await?;
        if let Some(value) = self.take_from_inbox(name, label.clone()).await {
            return Ok(Some(value));
        }
        let mut transition = Transition::to(RunState::Waiting);
        if let Some(limit) = limit {
            let due = started.unwrap_or_else(|| self.start_limit(label.clone(), limit));
            let rest = (due - self.clock()).to_std().unwrap_or_default();
            if rest.is_zero() {
                self.add_row(HistoryKind::SignalTimedOut, Some(label), None, None);
                return Ok(None);
            }
            transition.delay = Some(rest);
        }
        transition.activity = Some(label);
        transition.reason = Some("signal".to_owned());
        transition.gates = vec![signal_gate(self.run_id(), name)];
        self.park(transition).await
    }

    /// Takes the oldest signal of this name that nobody took.
    async fn take_from_inbox(&self, name: &str, label: Cow<'static, str>) -> Option<Value> {
        let shared = &self.run.shared;
        let taken = self.progress().taken_signals.clone();
        let found = shared
            .store
            .next_signal(self.run_id(), name, &taken, &shared.lost)
            .await;
        let (signal, value) = match found {
            None => self.abandon().await,
            Some(found) => found?,
        };
        self.progress().taken_signals.push(signal);
        let payload = serde_json::to_string(&Received {
            signal,
            value: &value,
        })
        .ok();
        self.add_row(HistoryKind::SignalReceived, Some(label), None, payload);
        Some(value)
    }

    /// Writes down until when the signal is waited for.
    fn start_limit(&self, label: Cow<'static, str>, limit: Duration) -> DateTime<Utc> {
        let due = TimeDelta::from_std(limit)
            .ok()
            .and_then(|limit| self.clock().checked_add_signed(limit))
            .map_or(super::timer::FAR, |due| due.min(super::timer::FAR));
        let payload = serde_json::json!({ "due": due, "next_in_ms": limit.as_millis() });
        self.add_row(
            HistoryKind::TimerStarted,
            Some(label),
            None,
            Some(payload.to_string()),
        );
        due
    }
}

fn read<T: DeserializeOwned>(value: Value) -> WorkflowResult<T> {
    serde_json::from_value(value).map_err(|error| unreadable("signal", &error))
}
