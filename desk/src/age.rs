//! What keeps PostgreSQL from cleaning up: the age of its oldest transactions.

use crate::desk::Desk;
use crate::error::DeskResult;

/// PostgreSQL refuses to write at two billion; autovacuum begins to force itself at 200 million.
const OLD_XIDS: i64 = 1_000_000_000;
/// A transaction that is open for so many seconds keeps every dead row since.
const LONG_TRANSACTION: f64 = 3_600.0;

/// How old the oldest transactions are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransactionAge {
    /// How many transactions ago the oldest unfrozen row may have been written.
    pub xids: i64,
    /// For how many seconds the oldest transaction that we can see is open.
    pub oldest_seconds: f64,
}

impl Desk {
    /// How old this database's oldest transactions are. Of other roles' sessions only those that our
    /// role may look at count.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn transaction_age(&self) -> DeskResult<TransactionAge> {
        let age = sqlx::query_as!(
            TransactionAge,
            r#"
            select (
                       select age(d.datfrozenxid)::bigint from pg_database d
                       where d.datname = current_database()
                   ) as "xids!",
                   (
                       select greatest(coalesce(max(
                           extract(epoch from clock_timestamp() - a.xact_start)
                       ), 0), 0)::float8
                       from pg_stat_activity a
                       where a.datname = current_database() and a.backend_type = 'client backend'
                         and a.pid <> pg_backend_pid()
                   ) as "oldest_seconds!"
            "#
        );
        Ok(age.fetch_one(self.engine().pool()).await?)
    }
}

impl TransactionAge {
    /// A good word, or what is wrong and what to do.
    pub(crate) fn judge(&self) -> Result<String, String> {
        let seconds = self.oldest_seconds;
        if self.xids > OLD_XIDS {
            return Err(format!(
                "{} transactions were not frozen, and PostgreSQL stops at 2,000,000,000: find what keeps \
                 autovacuum from it (a long transaction, a replication slot), then run `vacuum freeze`",
                self.xids
            ));
        }
        if seconds > LONG_TRANSACTION {
            return Err(format!(
                "a transaction is open for {seconds:.0} s, so no dead row since then can go: look for it in \
                 pg_stat_activity and end it"
            ));
        }
        Ok(format!(
            "the oldest transaction is open for {seconds:.0} s, {} are not frozen",
            self.xids
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_is_told_with_what_to_do() {
        let judged = |xids, oldest_seconds| {
            let age = TransactionAge {
                xids,
                oldest_seconds,
            };
            age.judge()
        };
        assert!(judged(300_000_000, 5.0).is_ok());
        assert!(judged(1_500_000_000, 5.0).is_err_and(|said| said.contains("vacuum freeze")));
        assert!(judged(1, 7_200.0).is_err_and(|said| said.contains("7200 s")));
    }
}
