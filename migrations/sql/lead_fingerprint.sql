-- One fingerprint for every lead, so that a resend is told from another lead under the same id.
--
-- Both doors compute it: SQL here, HTTP in the crate `lead` (canonical.rs). They must agree on
-- every byte; lead/testdata/canonical.json holds both to it. The hash leaves out the query and
-- fragment of the two pre-signed links, because an honest resend carries fresh signatures.

-- A number as canonical JSON: a plain decimal without trailing zeros.
--
-- Other readers of JSON hold a number as a 64-bit integer or as a double, so that is what counts:
-- whole numbers of 64 bits are exact, others have the 15 significant digits that the cast from a
-- double gives. Numbers beyond a double, which only SQL can hold, stay as they are.
create or replace function leadrail.canonical_number(value numeric) returns text
language sql immutable strict parallel safe
return case
    when value = trunc(value) and value between -9223372036854775808 and 18446744073709551615
        then trim_scale(value)::text
    when abs(value) < 1e-320 then '0'
    when abs(value) > 1.7976931348623158e308 then trim_scale(value)::text
    when abs(value::float8) < 1e-300::float8 then '0'
    else trim_scale(value::float8::numeric)::text
end;

-- A JSON value as canonical JSON: keys in the order of their bytes, no white space.
--
-- PL/pgSQL, because a function in SQL with a parsed body cannot call itself.
create or replace function leadrail.canonical_json(value jsonb) returns text
language plpgsql immutable strict parallel safe
as $$
begin
    return case jsonb_typeof(value)
        when 'object' then (
            select '{' || coalesce(
                string_agg(
                    to_json(field.key)::text || ':' || case jsonb_typeof(field.value)
                        when 'string' then field.value::text
                        else leadrail.canonical_json(field.value)
                    end,
                    ',' order by field.key collate "C"
                ), '') || '}'
            from jsonb_each(value) field
        )
        when 'array' then (
            select '[' || coalesce(
                string_agg(
                    case jsonb_typeof(item.value)
                        when 'number' then leadrail.canonical_number(item.value::numeric)
                        else leadrail.canonical_json(item.value)
                    end,
                    ',' order by item.place
                ), '') || ']'
            from jsonb_array_elements(value) with ordinality item (value, place)
        )
        when 'number' then leadrail.canonical_number(value::numeric)
        else value::text
    end;
end
$$;

-- A lead payload whose links to recording and transcript end before their query or fragment.
create or replace function leadrail.without_link_signatures(payload jsonb) returns jsonb
language sql immutable strict parallel safe
return case
    when jsonb_typeof(payload) = 'object' and jsonb_typeof(payload -> 'call') = 'object'
        then payload || jsonb_build_object('call', (payload -> 'call') || coalesce(
            (
                select jsonb_object_agg(link.key, regexp_replace(link.value #>> '{}', '[?#].*', ''))
                from jsonb_each(payload -> 'call') link
                where link.key in ('recording_url', 'transcript_url')
                and jsonb_typeof(link.value) = 'string'
            ), '{}'))
    else payload
end;

-- The SHA-256 of a lead payload's canonical form, as 64 lower-case hex digits.
create or replace function leadrail.lead_fingerprint(payload jsonb) returns text
language sql immutable strict parallel safe
return encode(
    sha256(convert_to(leadrail.canonical_json(leadrail.without_link_signatures(payload)), 'UTF8')),
    'hex'
);

comment on function leadrail.canonical_number(numeric) is
    'A number as canonical JSON: a plain decimal without trailing zeros.';
comment on function leadrail.canonical_json(jsonb) is
    'A JSON value as canonical JSON: keys in the order of their bytes, no white space.';
comment on function leadrail.without_link_signatures(jsonb) is
    'A lead payload whose recording and transcript links end before their query or fragment.';
comment on function leadrail.lead_fingerprint(jsonb) is
    'SHA-256 of a lead payload''s canonical form, in hex: what tells a resend from another lead.';
