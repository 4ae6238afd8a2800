//! Files of functions: which of them the database has.

use sqlx::migrate::{Migration, MigrationType};
use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr as _};
use std::borrow::Cow;
use std::collections::HashMap;

/// A file of functions: their whole text, made to be applied again and again.
#[derive(Debug, Clone)]
pub struct SqlFile {
    name: &'static str,
    text: Cow<'static, str>,
}

impl SqlFile {
    /// A file by its name without the directory, such as `claim.sql`, and its text. The text is run
    /// as it is, so it must not come from outside the program.
    pub fn new(name: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        Self { name, text }
    }

    /// Its name, such as `claim.sql`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The checksum of the text, as numbered files have it.
    fn checksum(&self) -> Vec<u8> {
        let text = AssertSqlSafe(self.text.to_string()).into_sql_str();
        let name = Cow::Borrowed(self.name);
        let migration = Migration::new(0, name, MigrationType::Simple, text, false);
        migration.checksum.into_owned()
    }
}

/// What a database has of a file's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It never had this text.
    New,
    /// This text is what it has.
    Current,
    /// It had this text and another one since, of a newer release's.
    Replaced,
}

/// The texts of one set's files that were applied to a database.
pub(super) struct Applied {
    /// Of each file, oldest first.
    checksums: HashMap<String, Vec<Vec<u8>>>,
}

impl Applied {
    /// Reads them; none in a database without the engine's tables.
    pub(super) async fn read(db: &mut PgConnection, set: &str) -> sqlx::Result<Self> {
        let mut applied = Self {
            checksums: HashMap::new(),
        };
        if !is_kept(db).await? {
            return Ok(applied);
        }
        let rows = sqlx::query!(
            "select file, checksum from leadrail.function_file where set_name = $1 order by nth",
            set
        )
        .fetch_all(db)
        .await?;
        for row in rows {
            let checksums = applied.checksums.entry(row.file).or_default();
            checksums.push(row.checksum);
        }
        Ok(applied)
    }

    pub(super) fn standing(&self, file: &SqlFile) -> Standing {
        let Some(checksums) = self.checksums.get(file.name) else {
            return Standing::New;
        };
        let ours = file.checksum();
        match checksums.iter().rposition(|checksum| *checksum == ours) {
            None => Standing::New,
            Some(place) if place + 1 == checksums.len() => Standing::Current,
            Some(_) => Standing::Replaced,
        }
    }
}

/// Whether the database has the table where applied files are kept.
async fn is_kept(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select to_regclass('leadrail.function_file') is not null as "kept!""#)
        .fetch_one(db)
        .await
}

/// Applies the text of a file in the transaction of the caller, who keeps it in mind.
pub(super) async fn run(db: &mut PgConnection, file: &SqlFile) -> sqlx::Result<()> {
    let text = AssertSqlSafe(file.text.to_string());
    sqlx::raw_sql(text).execute(db).await.map(drop)
}

/// Writes down that the database has these texts now.
pub(super) async fn keep(db: &mut PgConnection, set: &str, files: &[&SqlFile]) -> sqlx::Result<()> {
    for file in files {
        sqlx::query!(
            "insert into leadrail.function_file (set_name, file, checksum) values ($1, $2, $3)",
            set,
            file.name,
            file.checksum()
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}
