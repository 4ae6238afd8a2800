//! What our role must be allowed for a migration, and is not.

use sqlx::PgConnection;

/// The right that our role lacks, as a sentence with the way to it; `None` where it has all.
///
/// Where the schema is there and ours, nothing is needed of the database.
pub(super) async fn lacking(db: &mut PgConnection) -> sqlx::Result<Option<String>> {
    let has = sqlx::query!(
        r#"
        select format('%I', current_user) as "role!",
               format('%I', current_database()) as "database!",
               has_database_privilege(current_database(), 'create') as "may_make_it!",
               n.oid is not null as "is_there!",
               coalesce(
                   has_schema_privilege(n.oid, 'create') and has_schema_privilege(n.oid, 'usage'), false
               ) as "may_create!",
               coalesce(
                   (
                       select min(pg_get_userbyid(p.proowner))
                       from pg_proc p
                       where p.pronamespace = n.oid and not pg_has_role(p.proowner, 'usage')
                   ),
                   (
                       select min(pg_get_userbyid(c.relowner))
                       from pg_class c
                       where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v')
                         and not pg_has_role(c.relowner, 'usage')
                   )
               )::text as other
        from (select to_regnamespace('leadrail')::oid as oid) n
        "#
    )
    .fetch_one(db)
    .await?;
    let (role, database) = (has.role, has.database);
    Ok(match (has.is_there, has.other) {
        (false, _) if !has.may_make_it => Some(format!(
            "the schema leadrail is not there, and the role {role} may not make it: `grant create on \
             database {database} to {role}`, or make it as another: `create schema leadrail \
             authorization {role}`"
        )),
        (true, _) if !has.may_create => Some(format!(
            "the role {role} may make nothing in the schema leadrail: \
             `grant usage, create on schema leadrail to {role}`"
        )),
        (_, Some(other)) => Some(format!(
            "the role {role} does not own what is in the schema leadrail: migrate as {other}, or \
             `grant {other} to {role}`"
        )),
        _ => None,
    })
}

/// Whether our schema is there.
pub(super) async fn has_schema(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select to_regnamespace('leadrail') is not null as "is!""#)
        .fetch_one(db)
        .await
}
