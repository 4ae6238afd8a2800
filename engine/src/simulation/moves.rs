//! What may be tried with a run: by workers that hold it, that lost it, that never had it.

use super::RunState;
use super::model::{Model, STEPS};
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

/// How an attempt fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    NotDone,
    Ambiguous,
    Throttled,
    Rejected,
    Blocked,
}

/// Something that somebody tries. Workers and steps are named by their index.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Move {
    /// The same key once more, with the same body or another.
    EnqueueAgain {
        same_body: bool,
    },
    /// A new worker incarnation.
    Register,
    Claim {
        worker: usize,
    },
    /// The intent of a step.
    Begin {
        worker: usize,
        step: usize,
    },
    /// The result of a step.
    Finish {
        worker: usize,
        step: usize,
    },
    /// A failed attempt, and where the run goes from it.
    Fail {
        worker: usize,
        step: usize,
        how: Failure,
    },
    /// The end: completed or cancelled.
    End {
        worker: usize,
        well: bool,
    },
    /// A line of history at a place that is taken.
    Repeat {
        worker: usize,
    },
    /// A move of the head that a running run may not make.
    Overreach {
        worker: usize,
    },
    /// Takes the worker's runs over; a worker whose lease is not over keeps them.
    TakeOver {
        worker: usize,
        lease_over: bool,
    },
    /// The worker's orderly end.
    Retire {
        worker: usize,
    },
    /// A person sends the dead letter through again.
    Revive,
    /// A bare update of the head's state, undone at once.
    Force {
        to: RunState,
    },
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Move;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::enqueued()).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Move> {
        let worker = prop_oneof![5 => Just(model.likely_worker()), 1 => 0..model.workers.len()];
        let step = prop_oneof![3 => Just(model.likely_step()), 1 => 0..STEPS.len()];
        prop_oneof![
            4 => worker.clone().prop_map(|worker| Move::Claim { worker }),
            8 => (worker.clone(), step).prop_flat_map(|(worker, step)| work(worker, step)),
            4 => disturbance(worker),
            1 => Just(Move::Register),
            1 => Just(Move::Revive),
            1 => any::<bool>().prop_map(|same_body| Move::EnqueueAgain { same_body }),
            1 => prop::sample::select(RunState::ALL.to_vec()).prop_map(|to| Move::Force { to }),
        ]
        .boxed()
    }

    fn preconditions(model: &Self, tried: &Move) -> bool {
        model.can_be_tried(*tried)
    }

    fn apply(mut model: Self, tried: &Move) -> Self {
        model.answer = model.attempt(*tried);
        model
    }
}

fn work(worker: usize, step: usize) -> impl Strategy<Value = Move> {
    let how = prop_oneof![
        4 => Just(Failure::NotDone),
        2 => Just(Failure::Ambiguous),
        3 => Just(Failure::Throttled),
        1 => Just(Failure::Rejected),
        1 => Just(Failure::Blocked),
    ];
    prop_oneof![
        6 => Just(Move::Begin { worker, step }),
        3 => Just(Move::Finish { worker, step }),
        8 => how.prop_map(move |how| Move::Fail { worker, step, how }),
        1 => any::<bool>().prop_map(move |well| Move::End { worker, well }),
    ]
}

fn disturbance(worker: impl Strategy<Value = usize>) -> impl Strategy<Value = Move> {
    (worker, any::<bool>(), 0..5u8).prop_map(|(worker, lease_over, which)| match which {
        0 => Move::Repeat { worker },
        1 => Move::Overreach { worker },
        2 => Move::Retire { worker },
        _ => Move::TakeOver { worker, lease_over },
    })
}
