//! Everything random and the clock of one simulated story, one story a thread at a time.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::Instant;

/// Over all seeds each of these must have happened, or the stories are too tame.
pub(super) const MUST_HAPPEN: [&str; 16] = [
    "worker killed",
    "worker frozen",
    "worker slandered",
    "worker taken over",
    "write fenced",
    "database away",
    "statement lost",
    "answer lost",
    "statement late",
    "late statement ended",
    "unknown claim given back",
    "effect without answer",
    "effect late",
    "effect adopted",
    "too late to send",
    "run dead",
];

struct Dice {
    rng: StdRng,
    start: Option<Instant>,
    aloud: bool,
    seen: BTreeMap<&'static str, u64>,
    digest: DefaultHasher,
}

thread_local! {
    static DICE: RefCell<Option<Dice>> = const { RefCell::new(None) };
}

/// Begins a story.
pub(super) fn throw(seed: u64, aloud: bool) {
    let dice = Dice {
        rng: StdRng::seed_from_u64(seed),
        start: None,
        aloud,
        seen: BTreeMap::new(),
        digest: DefaultHasher::new(),
    };
    DICE.with_borrow_mut(|slot| *slot = Some(dice));
}

/// Its time is zero now.
pub(super) fn start_clock() {
    with(|dice| dice.start = Some(Instant::now()));
}

/// Ends the story: how often each thing happened, and a digest of all of it.
pub(super) fn put_away() -> (BTreeMap<&'static str, u64>, u64) {
    let dice = DICE.with_borrow_mut(Option::take).expect("a story");
    (dice.seen, dice.digest.finish())
}

fn with<T>(use_them: impl FnOnce(&mut Dice) -> T) -> T {
    DICE.with_borrow_mut(|dice| use_them(dice.as_mut().expect("a story")))
}

/// How much time has passed in the story of this thread, if one is being told.
pub(crate) fn elapsed() -> Option<Duration> {
    DICE.with_borrow(|dice| dice.as_ref()?.start.map(|start| start.elapsed()))
}

/// The jitter of the story of this thread, if one is being told.
pub(crate) fn roll() -> Option<f64> {
    DICE.with_borrow_mut(|dice| Some(dice.as_mut()?.rng.random_range(-1.0..=1.0)))
}

/// The time of the story.
pub(super) fn now() -> Duration {
    elapsed().expect("a story")
}

/// True in so many of a hundred cases.
pub(super) fn percent(chance: u32) -> bool {
    with(|dice| dice.rng.random_ratio(chance, 100))
}

/// Less than `below`.
pub(super) fn pick(below: usize) -> usize {
    with(|dice| dice.rng.random_range(0..below))
}

/// So many milliseconds at most.
pub(super) fn millis(at_most: u64) -> Duration {
    Duration::from_millis(with(|dice| dice.rng.random_range(0..=at_most)))
}

/// A while passes.
pub(super) async fn a_while(at_most_millis: u64) {
    tokio::time::sleep(millis(at_most_millis)).await;
}

/// Something happened.
pub(super) fn note(what: &'static str, about: impl FnOnce() -> String) {
    let at = now();
    with(|dice| {
        *dice.seen.entry(what).or_default() += 1;
        (what, at).hash(&mut dice.digest);
        if dice.aloud {
            println!("{:>9.3} {what}: {}", at.as_secs_f64(), about());
        }
    });
}
