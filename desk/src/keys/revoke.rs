//! Takes a key back.

use super::KeyId;
use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};

impl Desk {
    /// Takes a key back: this process refuses it at once, every other within five seconds. Whether it
    /// had not been taken back before.
    ///
    /// # Errors
    /// [`DeskError::NoSuchKey`], or when the database cannot be written.
    pub async fn revoke_key(&self, who: &Actor, id: KeyId) -> DeskResult<bool> {
        let revoked = sqlx::query_scalar!(
            r#"
            update leadrail.api_key k
            set revoked_at = coalesce(k.revoked_at, leadrail.now())
            from (select o.id, o.revoked_at from leadrail.api_key o where o.id = $1 for update) was
            where k.id = was.id
            returning was.revoked_at is null as "news!"
            "#,
            id.0
        );
        let news = revoked.fetch_optional(self.engine().pool()).await?;
        let news = news.ok_or(DeskError::NoSuchKey { id })?;
        self.recognized().forget();
        self.note(
            who,
            Action::KeyRevoke,
            &id,
            if news { &"revoked" } else { &"revoked before" },
        )
        .await;
        Ok(news)
    }
}
