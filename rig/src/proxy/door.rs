//! One worker's way to the database.

use super::orders::Orders;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use url::Url;

/// A port that leads to the server, and what is seen and done there.
pub(crate) struct Door {
    url: Url,
    pub(super) orders: Arc<Orders>,
    /// Told when the worker has learned that the intent of a step is committed: it acts now.
    pub(super) intent: Notify,
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
            silence: watch::Sender::new(()),
        };
        Ok((Arc::new(door), listener))
    }

    /// The database's address through this door.
    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
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
