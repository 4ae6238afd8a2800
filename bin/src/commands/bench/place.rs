//! Where to measure, and how to print.

use crate::output;
use anyhow::Context as _;
use clap::Args;
use leadrail_bench::refuse_if_in_use;
use leadrail_postgres::{Options, PrivateServer};
use serde::Serialize;

/// Where to measure, and how to print.
#[derive(Args)]
pub(super) struct Place {
    /// A database to measure on, which must hold nothing else: its engine tables are emptied.
    /// Without it a private server is started.
    #[arg(long, value_name = "URL")]
    on: Option<String>,
    /// Prints the figures as JSON.
    #[arg(long)]
    json: bool,
}

impl Place {
    /// Measures there; the private server is taken down whether it went well or not.
    pub(super) async fn measure<T>(
        &self,
        work: impl AsyncFnOnce(&str) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let site = Site::open(self.on.clone()).await?;
        let measured = work(&site.url).await;
        site.close().await;
        measured
    }

    /// Prints a report whose fields are figures, as JSON or as a table.
    pub(super) fn show(&self, report: &impl Serialize) -> anyhow::Result<()> {
        if self.json {
            return output::json(report);
        }
        let figures = serde_json::to_value(report)?;
        let mut table = output::table(&["figure", "value"]);
        for (figure, value) in figures.as_object().into_iter().flatten() {
            table.add_row([figure.clone(), cell(value)]);
        }
        output::line(table.to_string())
    }

    /// Prints rows as JSON, or as a table of these fields.
    pub(super) fn show_rows(&self, fields: &[&str], rows: &[impl Serialize]) -> anyhow::Result<()> {
        if self.json {
            return output::json(&rows);
        }
        output::line(rows_table(fields, rows)?)
    }

    /// Whether it is a server that nobody else uses, on this machine.
    pub(super) fn is_private(&self) -> bool {
        self.on.is_none()
    }

    /// Whether machines read it.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }
}

/// A table of these fields of each row.
pub(super) fn rows_table(fields: &[&str], rows: &[impl Serialize]) -> anyhow::Result<String> {
    let mut table = output::table(fields);
    for row in rows {
        let row = serde_json::to_value(row)?;
        table.add_row(fields.iter().map(|field| cell(&row[*field])));
    }
    Ok(table.to_string())
}

fn cell(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(", "),
        serde_json::Value::Null => "-".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        value => match value.as_f64() {
            Some(number) if value.is_f64() => format!("{number:.3}"),
            _ => value.to_string(),
        },
    }
}

/// The database that is measured, and its server if it is ours.
struct Site {
    url: String,
    server: Option<PrivateServer>,
}

impl Site {
    async fn open(given: Option<String>) -> anyhow::Result<Self> {
        if let Some(url) = given {
            refuse_if_in_use(&url).await?;
            return Ok(Self { url, server: None });
        }
        eprintln!("starting a private PostgreSQL");
        let settings = [("shared_buffers", "1GB"), ("max_connections", "200")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let server = PrivateServer::start(Options {
            settings: settings.into(),
            ..Options::default()
        })
        .await
        .context("the private PostgreSQL did not start")?;
        server.create_database("bench").await?;
        Ok(Self {
            url: server.url("bench"),
            server: Some(server),
        })
    }

    async fn close(self) {
        if let Some(server) = self.server {
            server.close().await;
        }
    }
}
