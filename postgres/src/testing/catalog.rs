//! What a schema consists of, so that two databases can be compared, and how to make one look old.

use sqlx::{AssertSqlSafe, PgPool};

/// Everything in a schema, a line each and in order: relations with their columns, defaults,
/// constraints, indexes, triggers and policies, types, functions with their whole definition, comments.
///
/// Leaves out partitions of single days (`..._20260131`): they depend on when they were made.
pub async fn catalog(pool: &PgPool, schema: &str) -> Vec<String> {
    sqlx::query_scalar(CATALOG)
        .bind(schema)
        .fetch_all(pool)
        .await
        .expect("a readable catalog")
}

/// Statements that put another body in the place of each function in a schema, with the same
/// arguments and none of its settings: they stand for the functions of an older release.
pub async fn stubs(pool: &PgPool, schema: &str) -> Vec<String> {
    sqlx::query_scalar(STUBS)
        .bind(schema)
        .fetch_all(pool)
        .await
        .expect("a readable catalog")
}

/// Runs statements that the test made itself.
pub async fn run_all(pool: &PgPool, statements: &[String]) {
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement.clone()))
            .execute(pool)
            .await
            .unwrap_or_else(|error| panic!("{error}: {statement}"));
    }
}

const CATALOG: &str = r"
with space as (
    select oid from pg_namespace where nspname = $1
), relation as (
    select c.oid, c.relname, c.relkind, c.reloptions, c.relispartition, c.relpartbound, c.reltype,
           c.relrowsecurity, c.relforcerowsecurity
    from pg_class c
    where c.relnamespace = (select oid from space) and c.relname !~ '_[0-9]{8}(_|$)'
), line as (
    select concat_ws(' ', 'relation', r.relname, r.relkind::text, r.reloptions::text,
                     pg_get_expr(r.relpartbound, r.oid), obj_description(r.oid, 'pg_class'),
                     case when r.relrowsecurity then 'walled' end, case when r.relforcerowsecurity then 'for all' end,
                     case when r.relkind = 'v' then pg_get_viewdef(r.oid) end,
                     case when r.relkind = 'p' then pg_get_partkeydef(r.oid) end) as line
    from relation r
    union all
    select concat_ws(' ', 'column', r.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
                     'not null ' || a.attnotnull, 'identity ' || nullif(a.attidentity::text, ''),
                     pg_get_expr(d.adbin, d.adrelid), col_description(r.oid, a.attnum))
    from relation r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    union all
    select concat_ws(' ', 'constraint', r.relname, c.conname, 'valid ' || c.convalidated, pg_get_constraintdef(c.oid))
    from relation r join pg_constraint c on c.conrelid = r.oid
    union all
    select concat_ws(' ', 'index', pg_get_indexdef(r.oid)) from relation r where r.relkind in ('i', 'I')
    union all
    select concat_ws(' ', 'trigger', t.tgenabled::text, pg_get_triggerdef(t.oid))
    from relation r join pg_trigger t on t.tgrelid = r.oid and not t.tgisinternal
    union all
    select concat_ws(' ', 'policy', r.relname, p.polname, p.polpermissive, p.polcmd, p.polroles,
                     pg_get_expr(p.polqual, r.oid), pg_get_expr(p.polwithcheck, r.oid))
    from relation r join pg_policy p on p.polrelid = r.oid
    union all
    select concat_ws(' ', 'type', t.typname, t.typtype::text, obj_description(t.oid, 'pg_type'),
                     (select string_agg(e.enumlabel, ',' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid))
    from pg_type t
    where t.typnamespace = (select oid from space) and t.typtype <> 'b' and t.typname !~ '_[0-9]{8}$'
    union all
    select concat_ws(' ', 'function', pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc'))
    from pg_proc p where p.pronamespace = (select oid from space)
)
select line.line from line order by line.line";

const STUBS: &str = r"
select format(
    'create or replace function %I.%I(%s) returns %s language plpgsql as $stub$ begin raise exception ''an old body''; end $stub$',
    $1, p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)
)
from pg_proc p
where p.pronamespace = $1::regnamespace
order by p.proname";
