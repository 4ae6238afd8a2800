//! What stands between the workers and PostgreSQL, so that the way between them can be struck too.
//!
//! Each worker has a door of its own, a port that leads to the server. A door passes on what both
//! sides say, and on demand it loses the answer to a journal statement that has been committed, keeps
//! notifications to itself, or cuts the session by which the others see that a worker lives. Where
//! the server closes or refuses, the door does the same.

mod answers;
mod door;
mod orders;
mod questions;
mod relay;
mod wire;

use door::Door;
use orders::Orders;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// All doors, and what they are told to do.
pub struct Proxy {
    pub(crate) orders: Arc<Orders>,
    doors: Vec<Arc<Door>>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Proxy {
    /// Opens so many doors to the database of this address. The seed decides which answers get lost.
    ///
    /// # Errors
    /// When the address is no URL with a port, or no port of this machine can be opened.
    pub async fn open(database_url: &str, doors: usize, seed: u64) -> anyhow::Result<Self> {
        let url: url::Url = database_url.parse()?;
        let mut proxy = Self {
            orders: Arc::new(Orders::new(seed, url.port().unwrap_or(5432))),
            doors: Vec::new(),
            stop: CancellationToken::new(),
            tasks: Vec::new(),
        };
        for _ in 0..doors {
            let (door, listener) = Door::open(url.clone(), proxy.orders.clone()).await?;
            let serving = relay::serve(door.clone(), listener, proxy.stop.clone());
            proxy.tasks.push(tokio::spawn(serving));
            proxy.doors.push(door);
        }
        Ok(proxy)
    }

    /// The database's address through the door of this number.
    #[must_use]
    pub fn url(&self, number: usize) -> &str {
        self.door(number).url()
    }

    /// Keeps notifications from everyone, or no longer.
    pub fn keep_notifications(&self, keep: bool) {
        self.orders.keep_notifications(keep);
    }

    /// The door of the worker of this number.
    pub(crate) fn door(&self, number: usize) -> &Arc<Door> {
        &self.doors[number % self.doors.len()]
    }

    /// Closes every door and all that goes through; returns when it is done.
    pub async fn close(self) {
        self.stop.cancel();
        for task in self.tasks {
            let _ = task.await;
        }
    }
}
