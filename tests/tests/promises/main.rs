//! The product as its users run it, a promise a file. One program, because each links all of it.

mod architecture;
mod chaos;
mod doors;
mod drain;
mod failpoints;
mod fence;
mod kill;
mod poison;
mod privacy;
mod retry;

use tokio::sync::{Mutex, MutexGuard};

/// The product with failpoints compiled in.
const PROGRAM: &str = env!("CARGO_BIN_EXE_leadrail-under-test");

/// Held by those that keep the whole machine busy.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}
