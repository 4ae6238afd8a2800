//! One worker's way to the database.

use super::orders::Orders;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use url::Url;

/// A port that leads to the server, and what is seen and done there.
pub(crate) struct Door {
    url: Url,
    pub(super) orders: Arc<Orders>,
    /// Told when the worker acts.
    intent: Notify,
    /// Whether it has acted since somebody new came.
    acted: AtomicBool,
    /// Changed when the worker's sign of life is to be cut.
    pub(super) silence: watch::Sender<()>,
}

impl Door {
    /// Opens a port for the database of this address.
    pub(super) async fn open(
        mut url: Url,
        orders: Arc<Orders>,
    ) -> anyhow::Result<(Arc<Self>, TcpListener)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let set = url.set_port(Some(listener.local_addr()?.port()));
        anyhow::ensure!(set.is_ok(), "the database's address has no port");
        let door = Self {
            url,
            orders,
            intent: Notify::new(),
            acted: AtomicBool::new(false),
            silence: watch::Sender::new(()),
        };
        Ok((Arc::new(door), listener))
    }

    /// The database's address through this door.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The worker has learned that the intent of a step is committed: it acts now.
    pub(super) fn acts(&self) {
        self.acted.store(true, Ordering::Relaxed);
        self.intent.notify_waiters();
    }

    /// Whether the worker behind this door has begun a step since it came.
    pub(crate) fn has_acted(&self) -> bool {
        self.acted.load(Ordering::Relaxed)
    }

    /// Another worker takes this door.
    pub(crate) fn is_taken(&self) {
        self.acted.store(false, Ordering::Relaxed);
    }

    /// Waits until the worker is about to call the CRM; false if it was not within this time.
    pub(crate) async fn until_it_acts(&self, within: Duration) -> bool {
        let acts = tokio::time::timeout(within, self.intent.notified());
        acts.await.is_ok()
    }

    /// Cuts the session by whose end the others see that the worker is gone, and that one only.
    pub(crate) fn silence(&self) {
        self.silence.send_replace(());
    }
}
