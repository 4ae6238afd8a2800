//! A set of SQL and how it gets into a database.

use super::files::{self, Applied, SqlFile, Standing};
use super::rights;
use crate::store::writes::refuses_writes;
use sqlx::migrate::{AppliedMigration, Migrate, Migrator};
use sqlx::{Connection as _, PgConnection, PgPool};
use std::fmt;

/// Another one may be at it for a while, and a step may take long; but whoever waits for a lock makes all
/// wait who come after, so a step gives up soon.
const FOR_THE_TURN: &str = "set statement_timeout = 0; set lock_timeout = '60s'";
const FOR_EACH_STEP: &str = "set lock_timeout = '5s'";

/// Why a database was not migrated, or could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A numbered file failed, or the applied ones are not ours: one has changed since, or a newer
    /// release has applied more.
    #[error(transparent)]
    Numbered(sqlx::migrate::MigrateError),
    /// Texts of every language must fit.
    #[error(
        "the database's encoding is {encoding}, which cannot hold every text; create one with \
         `create database NAME encoding 'UTF8' template template0` and migrate that"
    )]
    Encoding {
        /// Such as `LATIN1`.
        encoding: String,
    },
    /// Nothing can be written here.
    #[error("{why}")]
    ReadOnly {
        /// Why not, as a sentence.
        why: &'static str,
    },
    /// Our role may not do what the pending steps do.
    #[error("{lacks}")]
    Rights {
        /// What it lacks and how it gets it, as a sentence.
        lacks: String,
    },
    /// A file of functions failed; nothing of the set's functions was kept.
    #[error("while applying {file}: {source}")]
    File {
        /// The set and the file, such as `engine claim.sql`.
        file: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The database had this text of a file and has another one since. Either this is an older
    /// release, or it returns to an old text and must say so in a comment of the file.
    #[error("{file} was applied as it is here, and another text of it since")]
    Replaced {
        /// The set and the file, such as `engine claim.sql`.
        file: String,
    },
}

impl MigrateError {
    /// Whether the database was migrated by another release, so that doing it again does not help.
    #[must_use]
    pub fn is_of_another_release(&self) -> bool {
        use sqlx::migrate::MigrateError::{VersionMismatch, VersionMissing};
        matches!(
            self,
            Self::Replaced { .. } | Self::Numbered(VersionMismatch(_) | VersionMissing(_))
        )
    }
}

impl From<sqlx::migrate::MigrateError> for MigrateError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => Self::Database(error),
            other => Self::Numbered(other),
        }
    }
}

async fn must_hold_every_text(db: &mut PgConnection) -> Result<(), MigrateError> {
    let encoding = sqlx::query_scalar!(r#"select current_setting('server_encoding') as "name!""#)
        .fetch_one(db)
        .await?;
    match encoding.as_str() {
        "UTF8" => Ok(()),
        _ => Err(MigrateError::Encoding { encoding }),
    }
}

/// Numbered files and files of functions that belong together.
///
/// The numbered ones that were applied are listed in the table `leadrail.NAME_migration`, the texts
/// of functions in `leadrail.function_file`.
#[derive(Debug)]
pub struct Set {
    name: &'static str,
    first: Vec<SqlFile>,
    numbered: Migrator,
    functions: Vec<SqlFile>,
}

impl Set {
    /// A set by its name, a word in lower case, which no other set may have. `functions` are applied
    /// after the numbered files, in this order, and nothing in them is checked against what comes
    /// later, except what PostgreSQL needs at once: types, defaults of arguments, triggers, and
    /// bodies that are not text.
    #[must_use]
    pub fn new(name: &'static str, mut numbered: Migrator, functions: Vec<SqlFile>) -> Self {
        numbered.dangerous_set_table_name(format!("leadrail.{name}_migration"));
        Self {
            name,
            first: Vec::new(),
            numbered,
            functions,
        }
    }

    /// Files of functions that the numbered files need, such as for the defaults of columns.
    #[must_use]
    pub fn with_first(self, first: Vec<SqlFile>) -> Self {
        Self { first, ..self }
    }

    /// The numbered files, in order.
    #[must_use]
    pub fn numbered(&self) -> &Migrator {
        &self.numbered
    }

    /// The files of functions, in the order in which they are applied.
    pub fn functions(&self) -> impl Iterator<Item = &SqlFile> {
        self.first.iter().chain(&self.functions)
    }

    /// Applies what is missing; its names, as [`pending`](Self::pending) lists them. Safe to run from
    /// several processes at once and again at any time, also beside workers: they never see half of
    /// the functions. Where nothing is missing it changes nothing and needs no right, so an older release
    /// may do it too.
    ///
    /// # Errors
    /// When the database fails, a file does, our role lacks a right, or the database was migrated by
    /// another release that lacks what this one has. Numbered files that were applied before that stay.
    pub async fn apply(&self, pool: &PgPool) -> Result<Vec<String>, MigrateError> {
        let mut db = pool.acquire().await?;
        // The turn is the session's, and so are its deadlines: they end with it.
        db.close_on_drop();
        self.apply_in_turn(&mut db).await
    }

    /// What [`apply`](Self::apply) would apply, in order, such as `engine 0001 tables` or
    /// `engine claim.sql`. Changes nothing. A database that a newer release has migrated since lacks
    /// nothing.
    ///
    /// # Errors
    /// When the database cannot be read, or a numbered file that was applied has changed since.
    pub async fn pending(&self, pool: &PgPool) -> Result<Vec<String>, MigrateError> {
        let mut db = pool.acquire().await?;
        self.pending_in(&mut db).await
    }

    async fn apply_in_turn(&self, db: &mut PgConnection) -> Result<Vec<String>, MigrateError> {
        sqlx::raw_sql(FOR_THE_TURN).execute(&mut *db).await?;
        must_hold_every_text(db).await?;
        db.lock().await?;
        sqlx::raw_sql(FOR_EACH_STEP).execute(&mut *db).await?;
        let pending = self.pending_in(db).await?;
        if !pending.is_empty() {
            self.apply_pending(db).await?;
        }
        db.unlock().await?;
        Ok(pending)
    }

    async fn apply_pending(&self, db: &mut PgConnection) -> Result<(), MigrateError> {
        if let Some(why) = refuses_writes(&mut *db).await? {
            return Err(MigrateError::ReadOnly { why });
        }
        if let Some(lacks) = rights::lacking(db).await? {
            return Err(MigrateError::Rights { lacks });
        }
        let applied = Applied::read(db, self.name).await?;
        let first = self.new_of(&self.first, &applied)?;
        let functions = self.new_of(&self.functions, &applied)?;
        // To make it needs a right even where it is there.
        if !rights::has_schema(db).await? {
            db.create_schema_if_not_exists("leadrail").await?;
        }
        let mut change = db.begin().await?;
        self.run(&mut change, &first).await?;
        change.commit().await?;
        self.numbered.run_direct(None, db, false).await?;
        let mut change = db.begin().await?;
        self.run(&mut change, &functions).await?;
        // Only now, for the table where they are kept is of a numbered file.
        files::keep(&mut change, self.name, &first).await?;
        files::keep(&mut change, self.name, &functions).await?;
        change.commit().await?;
        Ok(())
    }

    /// What a newer release has applied to the database, as [`pending`](Self::pending) lists it: numbered
    /// files that we do not have, and texts that have taken the place of ours. Migrations only add, so
    /// this release may run there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn newer(&self, pool: &PgPool) -> Result<Vec<String>, MigrateError> {
        let mut db = pool.acquire().await?;
        let ours = |version| self.numbered.iter().any(|ours| ours.version == version);
        let numbered = self.applied_numbered(&mut db).await?.into_iter();
        let mut newer: Vec<_> = numbered
            .filter(|done| !ours(done.version))
            .map(|done| self.call(format!("{:04}", done.version)))
            .collect();
        let applied = Applied::read(&mut db, self.name).await?;
        let replaced = self.functions();
        let replaced = replaced.filter(|file| applied.standing(file) == Standing::Replaced);
        newer.extend(replaced.map(|file| self.call(file.name())));
        Ok(newer)
    }

    async fn pending_in(&self, db: &mut PgConnection) -> Result<Vec<String>, MigrateError> {
        let applied = Applied::read(db, self.name).await?;
        let mut pending = self.names_of_new(&self.first, &applied);
        pending.extend(self.pending_numbered(db).await?);
        pending.extend(self.names_of_new(&self.functions, &applied));
        Ok(pending)
    }

    async fn applied_numbered(
        &self,
        db: &mut PgConnection,
    ) -> Result<Vec<AppliedMigration>, MigrateError> {
        let table = &self.numbered.table_name;
        let listed = sqlx::query_scalar!(
            r#"select to_regclass($1) is not null as "listed!""#,
            table.as_ref()
        );
        Ok(match listed.fetch_one(&mut *db).await? {
            true => db.list_applied_migrations(table).await?,
            false => Vec::new(),
        })
    }

    async fn pending_numbered(&self, db: &mut PgConnection) -> Result<Vec<String>, MigrateError> {
        let applied = self.applied_numbered(db).await?;
        let mut pending = Vec::new();
        for ours in self.numbered.iter() {
            match applied.iter().find(|done| done.version == ours.version) {
                None => pending.push(format!("{:04} {}", ours.version, ours.description)),
                Some(done) if done.checksum == ours.checksum => {}
                Some(_) => {
                    return Err(sqlx::migrate::MigrateError::VersionMismatch(ours.version).into());
                }
            }
        }
        Ok(pending.into_iter().map(|name| self.call(name)).collect())
    }

    fn names_of_new(&self, files: &[SqlFile], applied: &Applied) -> Vec<String> {
        let new = files.iter();
        let new = new.filter(|file| applied.standing(file) == Standing::New);
        new.map(|file| self.call(file.name())).collect()
    }

    fn new_of<'a>(
        &self,
        files: &'a [SqlFile],
        applied: &Applied,
    ) -> Result<Vec<&'a SqlFile>, MigrateError> {
        let mut new = Vec::new();
        for file in files {
            match applied.standing(file) {
                Standing::New => new.push(file),
                Standing::Current => {}
                Standing::Replaced => {
                    let file = self.call(file.name());
                    return Err(MigrateError::Replaced { file });
                }
            }
        }
        Ok(new)
    }

    /// Runs files in the caller's transaction.
    async fn run(&self, db: &mut PgConnection, files: &[&SqlFile]) -> Result<(), MigrateError> {
        // On an empty database some texts name tables and functions that only come later.
        sqlx::query!("set local check_function_bodies = off")
            .execute(&mut *db)
            .await?;
        for file in files {
            files::run(db, file).await.map_err(|source| {
                let file = self.call(file.name());
                MigrateError::File { file, source }
            })?;
        }
        Ok(())
    }

    /// How something of this set is listed.
    fn call(&self, name: impl fmt::Display) -> String {
        format!("{} {name}", self.name)
    }
}
