//! The pure code against the model: legal moves, decisions, and what a resumed run reads.

use super::model::{ATTEMPTS, Model, PAUSES, Row, STEPS};
use super::moves::{Failure, Move};
use crate::past::Past;
use crate::{
    ActivityError, Decision, Event, FailureKind, Limits, RetrySchedule, RunId, RunState, Tried,
    decide,
};
use chrono::DateTime;
use proptest::prelude::*;
use proptest_state_machine::{StateMachineTest, prop_state_machine};

/// The state that the run had before.
struct Program {
    before: Model,
}

impl StateMachineTest for Program {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(model: &Model) -> Self {
        Self {
            before: model.clone(),
        }
    }

    fn apply(program: Self, model: &Model, tried: Move) -> Self {
        if let Move::Fail { step, how, .. } = tried {
            agrees_on_the_failure(&program.before, step, how);
        }
        if let Move::Force { to } = tried {
            assert_eq!(program.before.state.may_become(to), model.answer.is_ok());
        }
        let (was, is) = (program.before.state, model.state);
        assert!(was == is || was.may_become(is), "{was} -> {is}");
        Self {
            before: model.clone(),
        }
    }

    fn check_invariants(_: &Self, model: &Model) {
        reads_the_same(model);
    }
}

fn agrees_on_the_failure(model: &Model, step: usize, how: Failure) {
    let known = model.known[step];
    let tried = Tried {
        failures: known.failures,
        throttles: known.pauses,
    };
    let limits = Limits {
        throttles: PAUSES,
        ..Limits::default()
    };
    let error = ActivityError::new(kind_of(how), "scripted", "scripted");
    let decision = decide(&error, tried, &RetrySchedule::default(), &limits, 0.0);
    let (to, used_up) = match decision {
        Decision::Retry(_) => (RunState::Retrying, true),
        Decision::Pause(_) => (RunState::Retrying, false),
        Decision::Block(..) => (RunState::Waiting, false),
        Decision::GiveUp(_) => (RunState::Dead, true),
    };
    assert_eq!(to, model.after(step, how), "{how:?} after {known:?}");
    assert_eq!(used_up, model.uses_up(step, how), "{how:?} after {known:?}");
}

fn kind_of(how: Failure) -> FailureKind {
    match how {
        Failure::NotDone => FailureKind::NotDone,
        Failure::Ambiguous => FailureKind::Ambiguous,
        Failure::Throttled => FailureKind::Throttled { after: None },
        Failure::Rejected => FailureKind::Rejected,
        Failure::Blocked => FailureKind::Blocked {
            gate: "gate".into(),
        },
    }
}

fn reads_the_same(model: &Model) {
    let run = RunId::new();
    let events = model.rows.iter().enumerate();
    let mut past = Past::read(events.map(|(seq, row)| event(run, seq, row)).collect());
    assert_eq!(usize::try_from(past.next_seq), Ok(model.rows.len()));
    assert_eq!(past.crashes.all, model.deaths);
    assert_eq!(past.unknown_outcome, model.in_doubt);
    for (step, known) in model.known.iter().enumerate() {
        let read = past.take(STEPS[step]);
        assert_eq!(read.output.is_some(), known.done, "{step} in {model:?}");
        assert_eq!(read.failures, known.failures, "{step} in {model:?}");
        assert_eq!(read.throttles, known.pauses, "{step} in {model:?}");
        assert_eq!(
            read.open_intent.is_some(),
            known.open,
            "{step} in {model:?}"
        );
        assert_eq!(read.refused.is_some(), known.refused, "{step} in {model:?}");
        assert!(read.failures <= ATTEMPTS);
    }
}

fn event(run_id: RunId, seq: usize, row: &Row) -> Event {
    let seq = i32::try_from(seq).unwrap();
    Event {
        run_id,
        seq,
        at: DateTime::from_timestamp(i64::from(seq), 0).unwrap(),
        kind: row.kind,
        activity: row.step.map(|step| STEPS[step].to_owned()),
        attempt: row.step.map(|_| 1),
        payload: serde_json::from_str(&row.payload).ok(),
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_program_decides_and_remembers_what_the_model_does(sequential 1..80 => Program);
}
