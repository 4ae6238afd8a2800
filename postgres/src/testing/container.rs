//! A PostgreSQL server in a container, by testcontainers.

use std::collections::HashMap;
use std::env;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use testcontainers::bollard::models::PortBinding;
use testcontainers::bollard::query_parameters::{
    KillContainerOptionsBuilder, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};
use testcontainers::core::IntoContainerPort;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt, ReuseDirective};

use super::database::{LEFTOVER_AGE, seconds_now};
use super::image::engine;
use super::{admin, background, source};
use crate::database;
use crate::server::{PORT_TRIES, free_port};

/// The shared container's name. It is on loopback only and holds nothing but tests' data, so its
/// password is no secret: every test program must know it.
const SHARED: &str = "leadrail-test-postgres";
const PASSWORD: &str = "leadrail";

/// Marks our containers: `shared` or `dedicated`.
const LABEL: &str = "leadrail.test-postgres";

const STARTUP: Duration = Duration::from_secs(60);
const SHUTDOWN: Duration = Duration::from_secs(60);

/// A running container, or a stopped one that can be started again.
#[derive(Debug)]
pub(super) struct Container {
    container: Arc<ContainerAsync<GenericImage>>,
    name: String,
    image: String,
    port: u16,
}

impl Container {
    /// The container that all test programs of this machine share. The first one starts it, the
    /// others find it by its name; a lock on a file keeps two from being first.
    pub(super) async fn shared(image: &str) -> Result<Self, String> {
        let lock = tokio::task::spawn_blocking(starting_lock)
            .await
            .map_err(|failed| failed.to_string())?;
        let request = request(image, "shared", None, &[])?
            .with_container_name(SHARED)
            .with_reuse(ReuseDirective::Always);
        let container = started(request).await?;
        let port = container
            .get_host_port_ipv4(5432.tcp())
            .await
            .map_err(|refused| refused.to_string())?;
        let server = Self {
            container: Arc::new(container),
            name: SHARED.into(),
            image: image.into(),
            port,
        };
        server.wait_until_ready().await?;
        drop(lock);
        Ok(server)
    }

    /// A container for one test. Its port is chosen here, because Docker would choose another one
    /// at each start.
    pub(super) async fn dedicated(
        image: &str,
        settings: Vec<(String, String)>,
    ) -> Result<Self, String> {
        remove_leftovers().await;
        let (container, port) = start_on_a_port(image, &settings).await?;
        let name = container.id().chars().take(12).collect();
        let server = Self {
            container: Arc::new(container),
            name,
            image: image.into(),
            port,
        };
        server.wait_until_ready().await?;
        Ok(server)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn image(&self) -> &str {
        &self.image
    }

    pub(super) fn url(&self, database: &str) -> String {
        let database = database::url_segment(database);
        format!(
            "postgres://postgres:{PASSWORD}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// Sends a signal to the server, which is the container's first process, and waits for its
    /// end. A server that is down already is fine.
    pub(super) async fn end(&self, signal: &'static str) -> Result<(), String> {
        let container = Arc::clone(&self.container);
        background::run(async move {
            let engine = engine().await?;
            let how = KillContainerOptionsBuilder::new().signal(signal).build();
            let sent = engine.kill_container(container.id(), Some(how)).await;
            let end = tokio::time::Instant::now() + SHUTDOWN;
            while container
                .is_running()
                .await
                .map_err(|refused| refused.to_string())?
            {
                sent.as_ref().map_err(ToString::to_string)?;
                if tokio::time::Instant::now() > end {
                    return Err(format!(
                        "the server did not end within {SHUTDOWN:?} after {signal}"
                    ));
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            Ok(())
        })
        .await
    }

    /// Starts the container again and waits until the server answers.
    pub(super) async fn start(&self) -> Result<(), String> {
        let container = Arc::clone(&self.container);
        background::run(async move {
            container
                .start()
                .await
                .map_err(|refused| refused.to_string())
        })
        .await?;
        self.wait_until_ready().await
    }

    /// Removes the container with its data.
    pub(super) fn remove(&self) {
        let id = self.container.id().to_owned();
        background::finish(async move {
            if let Ok(engine) = engine().await {
                let how = RemoveContainerOptionsBuilder::new()
                    .force(true)
                    .v(true)
                    .build();
                let _ = engine.remove_container(&id, Some(how)).await;
            }
        });
    }

    async fn wait_until_ready(&self) -> Result<(), String> {
        let url = self.url("postgres");
        background::run(async move { admin::wait_until_ready(&url, STARTUP).await })
            .await
            .map_err(|refused| {
                format!(
                    "the server in the container {} does not answer: {refused}",
                    self.name
                )
            })
    }
}

/// What testcontainers shall start: PostgreSQL on a port of loopback only.
fn request(
    image: &str,
    role: &str,
    port: Option<u16>,
    settings: &[(String, String)],
) -> Result<ContainerRequest<GenericImage>, String> {
    let (name, tag) = image.split_once(':').ok_or("the image has no tag")?;
    let host_port = port.unwrap_or(0).to_string();
    let defaults = [("max_connections".to_owned(), "300".to_owned())];
    let command = defaults
        .iter()
        .chain(settings)
        .flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]);
    Ok(GenericImage::new(name, tag)
        .with_exposed_port(5432.tcp())
        .with_cmd(std::iter::once("postgres".to_owned()).chain(command))
        .with_env_var("POSTGRES_PASSWORD", PASSWORD)
        .with_label(LABEL, role)
        .with_startup_timeout(STARTUP)
        .with_host_config_modifier(move |host| {
            let binding = PortBinding {
                host_ip: Some("127.0.0.1".into()),
                host_port: Some(host_port.clone()),
            };
            host.publish_all_ports = Some(false);
            host.port_bindings = Some(HashMap::from([("5432/tcp".into(), Some(vec![binding]))]));
            host.shm_size = Some(256 << 20);
        }))
}

async fn started(
    request: ContainerRequest<GenericImage>,
) -> Result<ContainerAsync<GenericImage>, String> {
    request
        .start()
        .await
        .map_err(|refused| format!("the container does not start: {refused}"))
}

/// Another port is tried where somebody took the first one between looking and binding.
async fn start_on_a_port(
    image: &str,
    settings: &[(String, String)],
) -> Result<(ContainerAsync<GenericImage>, u16), String> {
    let mut tries = PORT_TRIES;
    loop {
        let port = free_port().map_err(|refused| refused.to_string())?;
        tries -= 1;
        match started(request(image, "dedicated", Some(port), settings)?).await {
            Ok(container) => return Ok((container, port)),
            Err(refused) if tries > 0 && refused.contains("already") => {}
            Err(refused) => return Err(refused),
        }
    }
}

/// Held while one test program looks for the shared container and starts it. One file a user,
/// because another user's file could not be opened.
fn starting_lock() -> Option<File> {
    let user = rustix::process::geteuid().as_raw();
    let path = env::temp_dir().join(format!("{SHARED}-{user}.lock"));
    let file = File::options().create(true).append(true).open(path).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// Removes dedicated containers whose test was killed an hour ago or earlier.
async fn remove_leftovers() {
    let Ok(engine) = engine().await else { return };
    let ours = HashMap::from([("label".to_owned(), vec![format!("{LABEL}=dedicated")])]);
    let all = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&ours)
        .build();
    let now = seconds_now();
    for container in engine.list_containers(Some(all)).await.unwrap_or_default() {
        let created = container
            .created
            .and_then(|at| u64::try_from(at).ok())
            .unwrap_or(now);
        let Some(id) = container
            .id
            .filter(|_| now.saturating_sub(created) > LEFTOVER_AGE.as_secs())
        else {
            continue;
        };
        let how = RemoveContainerOptionsBuilder::new()
            .force(true)
            .v(true)
            .build();
        if engine.remove_container(&id, Some(how)).await.is_ok() {
            source::say(&format!(
                "removed a container of an earlier run, {}",
                &id[..12.min(id.len())]
            ));
        }
    }
}
