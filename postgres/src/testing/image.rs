//! Finds an image with PostgreSQL, or gets one.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use testcontainers::GenericImage;
use testcontainers::bollard::Docker;
use testcontainers::core::client::docker_client_instance;
use testcontainers::runners::AsyncRunner;

/// Built by `tests/postgres-image/build.sh` where no image can be pulled.
const OWN: &str = "leadrail-test-postgres:15";

/// The official image, name and tag apart as testcontainers wants them.
const OFFICIAL: (&str, &str) = ("postgres", "15-alpine");

/// A Docker engine that needs longer for a ping is of no use.
const PING: Duration = Duration::from_secs(10);

/// How long a pull may take before the tests go on without a container.
const PULL: Duration = Duration::from_secs(300);

/// The engine, if one answers; else a sentence's end that says why not.
pub(super) async fn engine() -> Result<Docker, String> {
    let silent = |why: &dyn std::fmt::Display| format!("no Docker engine answers ({why})");
    let engine = docker_client_instance()
        .await
        .map_err(|refused| silent(&refused))?;
    // Engines speak the older versions of their interface, but not newer ones than their own.
    let engine = engine
        .negotiate_version()
        .await
        .map_err(|refused| silent(&refused))?;
    match tokio::time::timeout(PING, engine.ping()).await {
        Ok(Ok(_)) => Ok(engine),
        Ok(Err(refused)) => Err(silent(&refused)),
        Err(_) => Err(silent(&"it took too long")),
    }
}

/// The name of an image that is on this machine afterwards. Building one installs packages on the
/// machine, so it takes somebody who asked for a container (`may_build`).
pub(super) async fn available(may_build: bool) -> Result<String, String> {
    let engine = engine().await?;
    let official = format!("{}:{}", OFFICIAL.0, OFFICIAL.1);
    for image in [OWN, &official] {
        if engine.inspect_image(image).await.is_ok() {
            return Ok(image.to_owned());
        }
    }
    if may_build && rustix::process::geteuid().is_root() {
        match tokio::task::spawn_blocking(build)
            .await
            .unwrap_or_else(|failed| Err(failed.to_string()))
        {
            Ok(()) => return Ok(OWN.to_owned()),
            Err(reason) => super::source::say(&reason),
        }
    }
    match tokio::time::timeout(PULL, GenericImage::new(OFFICIAL.0, OFFICIAL.1).pull_image()).await {
        Ok(Ok(_)) => Ok(official),
        Ok(Err(_)) => Err(format!(
            "{OWN} is not built and {official} cannot be pulled"
        )),
        Err(_) => Err(format!(
            "{OWN} is not built and pulling {official} took too long"
        )),
    }
}

fn build() -> Result<(), String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/postgres-image/build.sh");
    let output = Command::new(&script)
        .output()
        .map_err(|refused| format!("{} does not run: {refused}", script.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "building {OWN} failed: {}",
        said.lines().last().unwrap_or("it said nothing")
    ))
}
