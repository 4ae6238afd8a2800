//! The keys there are.

use super::{ApiKey, KeyRow};
use crate::desk::Desk;
use crate::error::DeskResult;

impl Desk {
    /// The keys, of one account or all, those that work first, the newest first. Never the keys
    /// themselves: nobody has them but their holders.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn keys(&self, account: Option<&str>) -> DeskResult<Vec<ApiKey>> {
        let rows = sqlx::query_as!(
            KeyRow,
            r#"
            select id, shown, purpose, role, account, mode, created_at, expires_at, last_used_at, revoked_at,
                   revoked_at is null and (expires_at is null or expires_at > leadrail.now()) as "works!"
            from leadrail.api_key
            where $1::text is null or account = $1
            order by 10 desc, created_at desc, id
            "#,
            account
        );
        let rows = rows.fetch_all(self.engine().access()).await?;
        Ok(rows.into_iter().map(ApiKey::from).collect())
    }
}
