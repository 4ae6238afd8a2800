//! A simulated CRM on a real socket, and a caller that knows it by URL only.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test binary uses a part of it"
)]

use std::net::SocketAddr;
use std::time::Duration;

use leadrail_crm_sim::{CrmSim, serve};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub struct Server {
    pub sim: CrmSim,
    pub address: SocketAddr,
    pub client: Client,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<std::io::Result<()>>>,
}

/// One company's key.
pub const ACME: &str = "sim-acme";

impl Server {
    pub async fn start() -> Self {
        Self::start_with(CrmSim::new(), "127.0.0.1:0".parse().expect("an address")).await
    }

    pub async fn start_with(sim: CrmSim, address: SocketAddr) -> Self {
        // A second installation fails, which is as good as the first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let task = tokio::spawn(serve(listener, sim.clone(), shutdown));
        let redirect = reqwest::redirect::Policy::none();
        #[expect(clippy::disallowed_methods, reason = "the simulator is called")]
        let client = Client::builder()
            .redirect(redirect)
            .build()
            .expect("a client");
        Self {
            sim,
            address,
            client,
            stop: Some(stop),
            task: Some(task),
        }
    }

    /// Ends the server and waits until it has ended.
    pub async fn stop(&mut self) {
        drop(self.stop.take());
        let task = self.task.take().expect("a running server");
        task.await.expect("no panic").expect("a clean end");
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request to the CRM as it comes back, or does not.
    pub async fn send(
        &self,
        (key, method, path): (&str, Method, &str),
        body: Option<&Value>,
        timeout: Duration,
    ) -> reqwest::Result<Response> {
        let url = self.url(&format!("/housecall_pro{path}"));
        let request = self.client.request(method, url).timeout(timeout);
        let request = request.header("authorization", format!("Token {key}"));
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => request,
        };
        request.send().await
    }

    pub async fn get(&self, key: &str, path: &str) -> (u16, Value) {
        read(
            self.send((key, Method::GET, path), None, LONG)
                .await
                .expect("an answer"),
        )
        .await
    }

    pub async fn post(&self, key: &str, path: &str, body: &Value) -> (u16, Value) {
        let sent = self.send((key, Method::POST, path), Some(body), LONG).await;
        read(sent.expect("an answer")).await
    }

    pub async fn control(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        self.control_of("housecall_pro", method, path, body).await
    }

    /// A call to the control API of any CRM.
    pub async fn control_of(
        &self,
        crm: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let url = self.url(&format!("/_sim/{crm}{path}"));
        let mut request = self.client.request(method, url).timeout(LONG);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        read(request.send().await.expect("an answer")).await
    }

    /// Arms a rule for the creation of leads.
    pub async fn arm(&self, fault: Value) {
        let matching = json!({"method": "POST", "path_prefix": "/leads", "times": 1});
        let rule = json!({"match": matching, "fault": fault});
        let (status, body) = self.control(Method::POST, "/faults", Some(rule)).await;
        assert_eq!(status, 201, "{body}");
    }

    pub async fn records(&self) -> Value {
        let (status, body) = self.control(Method::GET, "/records", None).await;
        assert_eq!(status, 200);
        body
    }

    pub async fn customer(&self, key: &str, body: Value) -> String {
        let (status, customer) = self.post(key, "/customers", &body).await;
        assert_eq!(status, 201, "{customer}");
        customer["id"].as_str().expect("an id").to_owned()
    }
}

pub const LONG: Duration = Duration::from_secs(20);

pub async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.bytes().await.expect("a whole body");
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

pub fn rows<'a>(books: &'a Value, collection: &str) -> &'a Vec<Value> {
    books[collection].as_array().expect("a list of records")
}
