//! `POST /v1/leads` on a real socket; server and callers share this process.

use super::{EnqueueOptions, Way, side_by_side};
use anyhow::Context as _;
use leadrail_connections::VaultKey;
use leadrail_desk::Desk;
use leadrail_engine::{Engine, RetrySchedule};
use leadrail_outbound::{Guard, Outbound};
use leadrail_server::Admission;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The API, served.
pub(crate) struct Door {
    address: String,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Door {
    pub(crate) async fn open(engine: Engine) -> anyhow::Result<Self> {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = leadrail_server::bind(any_port).await?;
        let address = format!("http://{}/v1/leads", listener.local_addr()?);
        let desk = Desk::new(engine, RetrySchedule::default());
        let http = Outbound::new(Guard::public_only())?;
        let desk = desk.with_vault(VaultKey::generate()?, http);
        let stop = CancellationToken::new();
        let task = tokio::spawn(leadrail_server::serve(
            listener,
            desk,
            Admission::default(),
            stop.clone(),
        ));
        Ok(Self {
            address,
            task,
            stop,
        })
    }

    /// One lead a request.
    pub(super) async fn single(
        &self,
        leads: Vec<String>,
        options: &EnqueueOptions,
    ) -> anyhow::Result<Way> {
        self.post(leads, 202, options.clients, options.leads).await
    }

    /// An array of leads a request.
    pub(crate) async fn batch(
        &self,
        leads: Vec<String>,
        options: &EnqueueOptions,
    ) -> anyhow::Result<Way> {
        let batches = leads.chunks(options.batch);
        let bodies = batches.map(|leads| format!("[{}]", leads.join(",")));
        let clients = options.batch_clients();
        self.post(bodies.collect(), 200, clients, options.leads)
            .await
    }

    async fn post(
        &self,
        bodies: Vec<String>,
        good: u16,
        clients: usize,
        leads: usize,
    ) -> anyhow::Result<Way> {
        let clients = (0..clients).map(|_| client());
        let clients = clients.collect::<anyhow::Result<Vec<_>>>()?;
        let (address, calls) = (self.address.clone(), bodies.len());
        let bodies = Arc::new(bodies);
        side_by_side(clients, calls, leads, move |client, place| {
            let (address, bodies) = (address.clone(), bodies.clone());
            async move {
                let request = client
                    .post(address)
                    .header("content-type", "application/json")
                    .body(bodies[place].clone());
                let answer = request.send().await.context("the API did not answer")?;
                let status = answer.status().as_u16();
                anyhow::ensure!(status == good, "the API answered with {status}");
                answer.bytes().await?;
                Ok(client)
            }
        })
        .await
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(self.task.await?)
    }
}

/// Each caller has a connection of its own.
#[expect(clippy::disallowed_methods, reason = "our own API is called")]
fn client() -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder().no_proxy().build()?)
}
