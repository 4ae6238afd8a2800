//! A seeded simulation of a fleet: the real executor, contexts, claims and journal of several
//! workers over a database, an outside world and a clock that are simulated.
//!
//! Workers die, freeze, are cut off and taken over; the database goes away; statements and answers
//! are lost or come late; the outside world loses answers and acts late. Then all calms down, every
//! run must end, and the books of both sides must agree. Everything random comes from one seed, time
//! passes only when nothing is left to do, so a seed tells the same story every time:
//!
//! ```sh
//! LEADRAIL_SIM_SEED=4711 cargo test -p leadrail-engine --lib -- --nocapture a_fleet   # tell this one
//! LEADRAIL_SIM_SEEDS=1000000 cargo test -p leadrail-engine --lib a_fleet              # many more
//! ```

mod database;
mod dice;
mod ledger;
mod nemesis;
mod outside;
mod story;
mod verdict;
mod worker;
mod world;

pub(crate) use dice::{elapsed, roll};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use world::World;

/// As many as fit into a minute on two cores.
const SEEDS: u64 = 20_000;

/// A fault built in on purpose, to see whether the books show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    /// The database takes writes from workers that were taken over.
    NoFence,
    /// Looking after an unknown outcome finds nothing.
    NoLook,
    /// Looking right away, while an effect may still be under way.
    NoSettle,
    /// After a broken session nobody makes sure that its last statement is over.
    LateStatements,
    /// After a broken session a line of history is believed to be one's own.
    TrustedLine,
}

/// What one seed came to.
struct Told {
    seed: u64,
    /// What the books say that they must not say.
    wrong: Vec<String>,
    /// How often each thing happened.
    seen: BTreeMap<&'static str, u64>,
    /// A digest of everything that happened, in order.
    digest: u64,
}

/// Lives one seed to its end.
fn tell(seed: u64, flaw: Option<Flaw>) -> Told {
    let aloud = std::env::var_os("LEADRAIL_SIM_SEED").is_some();
    dice::throw(seed, aloud);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let wrong = runtime.block_on(async {
        dice::start_clock();
        let world = World::new(flaw);
        world.live().await;
        verdict::of(&world)
    });
    drop(runtime);
    let (seen, digest) = dice::put_away();
    Told {
        seed,
        wrong,
        seen,
        digest,
    }
}

/// Tells seeds on all cores until `enough` says so.
fn tell_many(seeds: u64, flaw: Option<Flaw>, enough: impl Fn(&Told) -> bool + Sync) -> Vec<Told> {
    let (next, all) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    let told = tell(seed, flaw);
                    if enough(&told) {
                        next.store(seeds, Ordering::Relaxed);
                    }
                    all.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(told);
                }
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number")),
    )
}

#[test]
fn a_fleet_loses_nothing_and_doubles_nothing_whatever_breaks() {
    if let Some(seed) = number("LEADRAIL_SIM_SEED") {
        let told = tell(seed, None);
        println!("{:?}", told.seen);
        assert!(told.wrong.is_empty(), "seed {seed}: {:#?}", told.wrong);
        return;
    }
    let seeds = number("LEADRAIL_SIM_SEEDS").unwrap_or(SEEDS);
    let told = tell_many(seeds, None, |told| !told.wrong.is_empty());
    if let Some(red) = told.iter().find(|told| !told.wrong.is_empty()) {
        let seed = red.seed;
        panic!("LEADRAIL_SIM_SEED={seed} tells of {:#?}", red.wrong);
    }
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for (what, times) in told.iter().flat_map(|told| &told.seen) {
        *seen.entry(what).or_default() += times;
    }
    println!("{} seeds: {seen:?}", told.len());
    for what in dice::MUST_HAPPEN {
        assert!(seen.contains_key(what), "in no seed there was: {what}");
    }
}

#[test]
fn a_seed_tells_the_same_story_every_time() {
    for seed in [1, 99, 4_711] {
        assert_eq!(tell(seed, None).digest, tell(seed, None).digest, "{seed}");
    }
    assert_ne!(tell(1, None).digest, tell(2, None).digest);
}

/// Without these the simulation could be green because it looks at nothing.
#[test]
fn every_flaw_built_in_on_purpose_is_seen() {
    for flaw in [
        Flaw::NoFence,
        Flaw::NoLook,
        Flaw::NoSettle,
        Flaw::LateStatements,
        Flaw::TrustedLine,
    ] {
        let told = tell_many(4_000, Some(flaw), |told| !told.wrong.is_empty());
        let seen = told.iter().any(|told| !told.wrong.is_empty());
        println!("{flaw:?} was seen within {} seeds", told.len());
        assert!(seen, "nobody noticed {flaw:?} in {} seeds", told.len());
    }
}
