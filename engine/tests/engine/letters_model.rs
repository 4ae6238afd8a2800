//! The queue of dead letters against a model of it: whatever people and replays do in whatever order,
//! each letter stands where the model says.

use crate::kit::Bench;
use crate::kit::dead::doomed;
use leadrail_engine::{Letter, LetterFilter, LettersError, RunId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use tokio::runtime::Runtime;

const RUNS: usize = 6;
const REPLAYS: usize = 2;
const LANES: [&str; 2] = ["a", "b"];

/// What somebody does; runs and replays by their place.
#[derive(Clone, Copy, Debug)]
enum Act {
    Revive(usize),
    DieAgain(usize),
    Discard(usize),
    Undiscard,
    Sort,
    Enlist { replay: usize, lane: Option<usize> },
    Round { replay: usize, most: u32 },
    Release(usize),
}

/// One run and its letter.
#[derive(Clone, Copy, Debug)]
struct Known {
    dead: bool,
    discarded: bool,
    replay: Option<usize>,
    sorted: bool,
    /// When it died, in deaths.
    nth: usize,
    priority: i16,
}

#[derive(Clone, Debug)]
struct Model {
    runs: Vec<Known>,
    deaths: usize,
    rounds: u32,
    has_chosen: [u64; REPLAYS],
}

impl Model {
    /// All have died, in order.
    fn new() -> Self {
        let run = |n: usize| Known {
            dead: true,
            discarded: false,
            replay: None,
            sorted: false,
            nth: n,
            priority: i16::from(!n.is_multiple_of(3)),
        };
        Self {
            runs: (0..RUNS).map(run).collect(),
            deaths: RUNS,
            rounds: 0,
            has_chosen: [0; REPLAYS],
        }
    }

    /// Does it; how many letters that moved.
    fn act(&mut self, act: Act) -> u64 {
        match act {
            Act::Revive(n) => self.each(|at, run| at == n && run.is_wanted(), Known::revive),
            Act::DieAgain(n) => self.die_again(n),
            Act::Discard(n) => self.each(
                |at, run| at == n && run.is_wanted(),
                |run| (run.discarded, run.replay) = (true, None),
            ),
            Act::Undiscard => self.each(
                |_, run| run.dead && run.discarded,
                |run| run.discarded = false,
            ),
            Act::Sort => self.each(
                |_, run| run.is_wanted() && !run.sorted,
                |run| run.sorted = true,
            ),
            Act::Enlist { replay, lane } => self.enlist(replay, lane),
            Act::Round { replay, most } => self.round(replay, most),
            Act::Release(replay) => self.each(
                |_, run| run.dead && run.replay == Some(replay),
                |run| run.replay = None,
            ),
        }
    }

    fn each(&mut self, which: impl Fn(usize, &Known) -> bool, what: impl Fn(&mut Known)) -> u64 {
        let meant = self.runs.iter_mut().enumerate();
        let meant = meant.filter(|(n, run)| which(*n, run));
        meant.map(|(_, run)| what(run)).count() as u64
    }

    fn die_again(&mut self, n: usize) -> u64 {
        if self.runs[n].dead {
            return 0;
        }
        let (nth, priority) = (self.deaths, self.runs[n].priority);
        self.deaths += 1;
        self.runs[n] = Known {
            nth,
            priority,
            ..Self::new().runs[n]
        };
        1
    }

    fn enlist(&mut self, replay: usize, lane: Option<usize>) -> u64 {
        if self.has_chosen[replay] == 0 {
            let is_meant = |n: usize, run: &Known| {
                run.is_wanted() && run.replay.is_none() && lane.is_none_or(|lane| n % 2 == lane)
            };
            self.has_chosen[replay] = self.each(is_meant, |run| run.replay = Some(replay));
        }
        self.has_chosen[replay]
    }

    fn round(&mut self, replay: usize, most: u32) -> u64 {
        self.rounds += 1;
        let mut sent = 0;
        for lane in 0..LANES.len() {
            let runs = self.runs.iter_mut().enumerate();
            let mut left: Vec<_> = runs
                .filter(|(n, run)| run.dead && run.replay == Some(replay) && n % 2 == lane)
                .map(|(_, run)| run)
                .collect();
            left.sort_by_key(|run| (run.priority, run.nth));
            for run in left.into_iter().take(most as usize) {
                run.revive();
                sent += 1;
            }
        }
        sent
    }
}

impl Known {
    fn is_wanted(&self) -> bool {
        self.dead && !self.discarded
    }

    fn revive(&mut self) {
        (self.dead, self.replay, self.sorted) = (false, None, false);
    }
}

/// The same on the database.
struct Real<'a> {
    bench: &'a Bench,
    runs: Vec<RunId>,
    replays: Vec<RunId>,
}

impl Real<'_> {
    async fn act(&self, act: Act, rounds: u32) -> Result<u64, LettersError> {
        let engine = &self.bench.engine;
        match act {
            Act::Revive(n) => engine.revive(self.runs[n], "ann").await.map(u64::from),
            Act::DieAgain(n) => self.die_again(n).await,
            Act::Discard(n) => {
                let meant = LetterFilter::of_runs([self.runs[n]]);
                engine.discard(&meant, "ann", "spam").await
            }
            Act::Undiscard => engine.undiscard(&self.mine()).await,
            Act::Sort => {
                let letters = engine.unsorted(1_000).await?;
                let mine = letters.iter().filter(|l| self.runs.contains(&l.run_id));
                let mine: Vec<_> = mine.map(|letter| letter.seq).collect();
                engine.sort_into(1, &mine).await
            }
            Act::Enlist { replay, lane } => {
                let lanes = lane.map(|lane| vec![LANES[lane].to_owned()]);
                let meant = LetterFilter {
                    lanes,
                    ..self.mine()
                };
                engine.enlist(self.replays[replay], &meant).await
            }
            Act::Round { replay, most } => {
                let replay = self.replays[replay];
                let sent = engine.revive_enlisted(replay, None, most, rounds, "replay");
                sent.await.map(u64::from)
            }
            Act::Release(replay) => engine.release_replay(self.replays[replay]).await,
        }
    }

    fn mine(&self) -> LetterFilter {
        LetterFilter::of_runs(self.runs.iter().copied())
    }

    async fn die_again(&self, n: usize) -> Result<u64, LettersError> {
        if self.bench.engine.letter(self.runs[n]).await?.is_some() {
            return Ok(0);
        }
        self.bench.bury_again(&[self.runs[n]]).await;
        Ok(1)
    }

    /// Every letter of the model is there as it says, in its order, and no other.
    async fn is_where(&self, model: &Model) {
        let letters = self.bench.engine.letters(&self.mine(), None, 1_000).await;
        let letters = letters.expect("letters");
        let mut expected: Vec<_> = (0..RUNS).filter(|&n| model.runs[n].dead).collect();
        expected.sort_by_key(|&n| model.runs[n].nth);
        let expected: Vec<_> = expected.into_iter().map(|n| self.seen(model, n)).collect();
        let seen: Vec<_> = letters.iter().map(seen).collect();
        assert_eq!(seen, expected, "{model:?}");
    }

    fn seen(&self, model: &Model, n: usize) -> Seen {
        let run = model.runs[n];
        let replay = run.replay.map(|replay| self.replays[replay]);
        (self.runs[n], run.sorted, run.discarded, replay)
    }
}

type Seen = (RunId, bool, bool, Option<RunId>);

fn seen(letter: &Letter) -> Seen {
    let (sorted, discarded) = (letter.incident_id.is_some(), letter.discarded_at.is_some());
    (letter.run_id, sorted, discarded, letter.replay_id)
}

fn act() -> impl Strategy<Value = Act> {
    let (run, replay) = (0..RUNS, 0..REPLAYS);
    prop_oneof![
        2 => run.clone().prop_map(Act::Revive),
        4 => run.clone().prop_map(Act::DieAgain),
        3 => run.prop_map(Act::Discard),
        1 => Just(Act::Undiscard),
        1 => Just(Act::Sort),
        3 => (replay.clone(), prop::option::of(0..LANES.len()))
            .prop_map(|(replay, lane)| Act::Enlist { replay, lane }),
        3 => (replay.clone(), 0..3_u32).prop_map(|(replay, most)| Act::Round { replay, most }),
        1 => replay.prop_map(Act::Release),
    ]
}

#[test]
fn every_letter_stands_where_the_model_says_whatever_is_done() {
    let runtime = Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::new());
    let config = Config {
        cases: 32,
        failure_persistence: None,
        ..Config::default()
    };
    let acts = prop::collection::vec(act(), 1..30);
    let lived = TestRunner::new(config).run(&acts, |acts| {
        runtime.block_on(live(&bench, acts));
        Ok(())
    });
    if let Err(failed) = lived {
        panic!("{failed}");
    }
    runtime.block_on(bench.is_sound());
}

async fn live(bench: &Bench, acts: Vec<Act>) {
    let mut model = Model::new();
    let (mut runs, mut replays) = (Vec::new(), Vec::new());
    for (n, run) in model.runs.iter().enumerate() {
        runs.extend(bench.bury(&[doomed(LANES[n % 2], run.priority)]).await);
    }
    for _ in 0..REPLAYS {
        replays.push(bench.tell(Value::Null).await);
    }
    let real = Real {
        bench,
        runs,
        replays,
    };
    for act in acts {
        let expected = model.act(act);
        let moved = real.act(act, model.rounds).await.expect("done");
        assert_eq!(moved, expected, "{act:?} led to {model:?}");
        real.is_where(&model).await;
    }
}
