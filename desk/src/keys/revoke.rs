//! Takes a key back.

use super::KeyId;
use crate::actor::{Action, Actor};
use crate::audit::Change;
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use serde_json::json;

impl Desk {
    /// Takes a key back: this process refuses it at once, every other within five seconds. Whether it
    /// had not been taken back before.
    ///
    /// # Errors
    /// [`DeskError::NoSuchKey`], or when the database cannot be written.
    pub async fn revoke_key(&self, who: &Actor, id: KeyId) -> DeskResult<bool> {
        let revoked = sqlx::query!(
            r#"
            update leadrail.api_key k
            set revoked_at = coalesce(k.revoked_at, leadrail.now())
            from (select o.id, o.revoked_at from leadrail.api_key o where o.id = $1 for update) was
            where k.id = was.id
            returning was.revoked_at is null as "news!", was.revoked_at as was_revoked_at, k.revoked_at,
                      k.purpose, k.role, k.account
            "#,
            id.0
        );
        let key = revoked.fetch_optional(self.engine().access()).await?;
        let key = key.ok_or(DeskError::NoSuchKey { id })?;
        self.recognized().forget();
        let at = |revoked_at| json!({"purpose": key.purpose, "role": key.role, "account": key.account, "revoked_at": revoked_at});
        let change = Change::between(at(key.was_revoked_at), at(key.revoked_at));
        let outcome = if key.news {
            "revoked"
        } else {
            "revoked before"
        };
        self.note_change(who, Action::KeyRevoke, (&id, &outcome), change)
            .await;
        Ok(key.news)
    }
}
