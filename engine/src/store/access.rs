//! For whom the database is used: the second wall between tenants, `engine/sql/wall.sql`.
//!
//! Whoever answers tenants says before each statement for which of them: the database then shows nobody
//! else's rows, whatever the statement forgot to ask. Who works for all says that too; who says nothing
//! sees what its role may, which for a role behind the wall is nothing.

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use sqlx::postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{AssertSqlSafe, Either, Execute, Executor, PgPool, Postgres, SqlStr, Transaction};
use std::sync::Arc;

/// Whose rows are seen and may be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sees {
    /// Everybody's.
    All,
    /// Those of this tenant.
    Scope(String),
}

impl Sees {
    /// Whether what is this tenant's is seen.
    #[must_use]
    pub fn admits(&self, scope: &str) -> bool {
        match self {
            Self::All => true,
            Self::Scope(own) => own == scope,
        }
    }

    /// As `leadrail.sees` has it: `all`, or `scope:` and the tenant.
    #[must_use]
    pub fn setting(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Scope(scope) => format!("scope:{scope}"),
        }
    }

    /// Begins a transaction that says so, in one message. No text ends a literal of ours: its quotes are
    /// doubled, and every session of ours takes backslashes as they are.
    fn begin(&self) -> String {
        let setting = self.setting().replace('\'', "''");
        format!("begin; set local leadrail.sees = '{setting}'")
    }
}

/// A pool, and for whom it is used. Cheap to clone. Statements go to it as to a pool; where it says for
/// whom, each has a transaction of its own.
#[derive(Clone, Debug)]
pub struct Access {
    pool: PgPool,
    sees: Option<Arc<Sees>>,
}

impl From<PgPool> for Access {
    fn from(pool: PgPool) -> Self {
        Self { pool, sees: None }
    }
}

impl Access {
    /// The same pool, used for these.
    #[must_use]
    pub fn seeing(&self, sees: Sees) -> Self {
        Self {
            pool: self.pool.clone(),
            sees: Some(Arc::new(sees)),
        }
    }

    /// For whom it is used; none where nobody said.
    #[must_use]
    pub fn sees(&self) -> Option<&Sees> {
        self.sees.as_deref()
    }

    /// Whether what is this tenant's is seen: the wall for what is remembered and not asked for again.
    #[must_use]
    pub fn admits(&self, scope: &str) -> bool {
        self.sees().is_none_or(|sees| sees.admits(scope))
    }

    /// The pool below, for which nothing was said.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A transaction for these.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        match self.sees() {
            Some(sees) => self.pool.begin_with(AssertSqlSafe(sees.begin())).await,
            None => self.pool.begin().await,
        }
    }
}

/// What a statement gives, in order.
type Given = Either<PgQueryResult, PgRow>;

impl<'p> Executor<'p> for &'p Access {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Given>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if self.sees.is_none() {
            return self.pool.fetch_many(query);
        }
        let given = async move {
            let mut transaction = self.begin().await?;
            let given: Vec<Given> = (&mut *transaction).fetch_many(query).try_collect().await?;
            transaction.commit().await?;
            Ok::<_, sqlx::Error>(stream::iter(given.into_iter().map(Ok)))
        };
        stream::once(given).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if self.sees.is_none() {
            return self.pool.fetch_optional(query);
        }
        async move {
            let mut transaction = self.begin().await?;
            let row = (&mut *transaction).fetch_optional(query).await?;
            transaction.commit().await?;
            Ok(row)
        }
        .boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'p: 'e,
    {
        self.pool.prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<sqlx::Describe<Postgres>>>
    where
        'p: 'e,
    {
        self.pool.describe(sql)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;
    use leadrail_postgres::testing::TestDatabase;

    async fn said(access: &Access) -> Option<String> {
        let setting = sqlx::query_scalar::<_, Option<String>>(
            "select nullif(current_setting('leadrail.sees', true), '')",
        );
        setting.fetch_one(access).await.expect("asked")
    }

    #[tokio::test]
    async fn each_statement_says_for_whom_and_nothing_of_it_is_left() {
        let database = TestDatabase::fresh().await;
        let engine = Engine::connect(database.url()).await.expect("connect");
        let plain = engine.access();
        assert_eq!(said(plain).await, None);
        for scope in ["acme", "o'neill", "'; drop schema leadrail; --", "\\'", ""] {
            let access = plain.seeing(Sees::Scope(scope.to_owned()));
            assert_eq!(said(&access).await, Some(format!("scope:{scope}")));
            let mut transaction = access.begin().await.expect("begun");
            let setting: String = sqlx::query_scalar("select current_setting('leadrail.sees')")
                .fetch_one(&mut *transaction)
                .await
                .expect("asked");
            assert_eq!(setting, format!("scope:{scope}"));
        }
        assert_eq!(said(&plain.seeing(Sees::All)).await, Some("all".to_owned()));
        for _ in 0..16 {
            assert_eq!(said(plain).await, None, "a session is nobody's afterwards");
        }
    }

    #[test]
    fn a_tenant_is_admitted_by_its_whole_name() {
        let own = Sees::Scope("acme".to_owned());
        assert!(own.admits("acme") && !own.admits("acme2") && !own.admits(""));
        assert!(Sees::All.admits("acme"));
    }
}
