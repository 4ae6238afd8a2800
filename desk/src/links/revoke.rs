//! Takes links back.

use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_connections::links::LinkKind;
use leadrail_lead::EventId;

impl Desk {
    /// Takes a lead's links back, both or the one of this kind: whoever follows one is told that it was,
    /// from now on and for good. How many had not been taken back before.
    ///
    /// # Errors
    /// As [`Desk::lead`], or when the database cannot be written.
    pub async fn revoke_links(
        &self,
        who: &Actor,
        event_id: EventId,
        account: Option<&str>,
        kind: Option<LinkKind>,
    ) -> DeskResult<u64> {
        let run = self.lead(event_id, account).await?.id;
        let kinds = kind.map_or(LinkKind::ALL.to_vec(), |kind| vec![kind]);
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
        let revoked = sqlx::query!(
            "
            insert into leadrail.link as k (run_id, kind, revoked_at, revoked_by)
            select $1, kind, leadrail.now(), $3
            from unnest($2::text[]) as kind
            on conflict (run_id, kind) do update
            set revoked_at = excluded.revoked_at, revoked_by = excluded.revoked_by
            where k.revoked_at is null
            ",
            run.0,
            &kinds,
            who.to_string()
        );
        let revoked = revoked.execute(self.engine().access()).await?;
        let revoked = revoked.rows_affected();
        let outcome = format!("{revoked} revoked");
        self.note(who, Action::LinkRevoke, &event_id, &outcome)
            .await;
        Ok(revoked)
    }
}
