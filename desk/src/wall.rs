//! The second wall between accounts, in the database: whether it stands before whoever serves the API.

use crate::actor::{Action, Actor};
use crate::audit::Change;
use crate::desk::Desk;
use crate::error::DeskResult;
use serde_json::json;

impl Desk {
    /// Lets a database role serve the API from behind the wall: it reads and changes rows of the account
    /// that it says it works for, and nothing else of the product's.
    ///
    /// # Errors
    /// When there is no such role, the wall would not stand before it, or ours may not grant it.
    pub async fn grant_api(&self, who: &Actor, role: &str) -> DeskResult<()> {
        leadrail_connections::grant_api(self.engine().pool(), role).await?;
        let granted = Change::to(json!({"serves": "the API, from behind the wall"}));
        self.note_change(who, Action::Migrate, (&role, &"granted"), granted)
            .await;
        Ok(())
    }

    /// Why the wall does not stand before our own database role, and the role's name; none if it does.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn beyond_wall(&self) -> DeskResult<Option<String>> {
        let beyond = sqlx::query!(
            r#"select current_user::text as "role!", leadrail.beyond_wall(current_user) as why"#
        );
        let beyond = beyond.fetch_one(self.engine().pool()).await?;
        let role = beyond.role;
        let why = beyond.why;
        Ok(why.map(|why| {
            format!(
                "the database role {role} does not stand behind the wall between accounts: {why}"
            )
        }))
    }

    /// For the doctor: whether the wall is whole, and who stands behind it.
    pub(crate) async fn wall(&self) -> Result<String, String> {
        let read = async {
            let gaps = sqlx::query_scalar!(
                r#"
                select c.relname::text as "name!"
                from pg_class c
                where c.oid = any (array[
                          'leadrail.lead'::regclass, 'leadrail.connection'::regclass,
                          'leadrail.api_key'::regclass, 'leadrail.audit'::regclass,
                          'leadrail.link'::regclass, 'leadrail.oauth_grant'::regclass,
                          'leadrail.sign_in'::regclass, 'leadrail.sign_in_link'::regclass,
                          'leadrail.provider_client'::regclass
                      ])
                  and not (c.relrowsecurity and c.relforcerowsecurity and exists (
                      select from pg_policy p where p.polrelid = c.oid and p.polname = 'wall'
                  ))
                order by c.relname
                "#
            );
            let roles = sqlx::query!(
                r#"select r.role as "role!", leadrail.beyond_wall(r.role) as why from leadrail.api_roles() r (role)"#
            );
            let pool = self.engine().pool();
            let roles = roles.fetch_all(pool).await?;
            let roles = roles.into_iter().map(|row| (row.role, row.why));
            Ok::<_, sqlx::Error>((gaps.fetch_all(pool).await?, roles.collect::<Vec<_>>()))
        };
        let (gaps, roles) = read.await.map_err(|error| {
            format!(
                "it could not be checked: {}",
                crate::error::sentence(&error)
            )
        })?;
        judge(&gaps, &roles)
    }
}

/// A good word, or what is wrong and what to do.
fn judge(gaps: &[String], roles: &[(String, Option<String>)]) -> Result<String, String> {
    if let Some(table) = gaps.first() {
        return Err(format!(
            "leadrail.{table} has no row-level security any more: `alter table leadrail.{table} enable row level \
             security, force row level security`"
        ));
    }
    for (role, beyond) in roles {
        if let Some(why) = beyond {
            return Err(format!(
                "the role {role} was let serve the API from behind the wall, which does not stand before it: {why}"
            ));
        }
    }
    match roles {
        [] => Ok(
            "no role serves the API from behind it; `leadrail migrate --grant-api ROLE` lets one"
                .to_owned(),
        ),
        roles => {
            let names: Vec<_> = roles.iter().map(|(role, _)| role.as_str()).collect();
            Ok(format!("it stands before {}", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_with_what_to_do() {
        let api = |why: Option<&str>| vec![("api".to_owned(), why.map(str::to_owned))];
        assert!(judge(&[], &[]).is_ok_and(|said| said.contains("--grant-api")));
        assert_eq!(
            judge(&[], &api(None)),
            Ok("it stands before api".to_owned())
        );
        let gap = judge(&["lead".to_owned()], &api(None)).expect_err("a gap");
        assert!(gap.contains("force row level security"), "{gap}");
        let beyond = judge(&[], &api(Some("it is a superuser"))).expect_err("beyond");
        assert!(
            beyond.contains("api") && beyond.contains("superuser"),
            "{beyond}"
        );
    }
}
