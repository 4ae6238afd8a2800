-- One fingerprint for every lead, so that a resend is told from another lead under the same id.
--
-- Both doors compute it: SQL here, HTTP in the crate `lead` (canonical.rs). They must agree on
-- every byte; lead/testdata/canonical.json holds both to it. The hash leaves out the query and
-- fragment of the two pre-signed links, because an honest resend carries fresh signatures.
--
-- The form is the one in which jsonb writes itself, so that nothing is taken apart here but odd numbers.

-- A number as canonical JSON: a plain decimal without trailing zeros.
--
-- Other readers of JSON hold a number as a 64-bit integer or as a double, so that is what counts:
-- whole numbers of 64 bits are exact, others have the 15 significant digits that the cast from a
-- double gives. Numbers beyond a double, which only SQL can hold, stay as they are.
create or replace function leadrail.canonical_number(value numeric) returns numeric
language sql immutable strict parallel safe
return case
    when value = trunc(value) and value between -9223372036854775808 and 18446744073709551615
        then trim_scale(value)
    when abs(value) < 1e-320 then 0
    when abs(value) > 1.7976931348623158e308 then trim_scale(value)
    when abs(value::float8) < 1e-300::float8 then 0
    else trim_scale(value::float8::numeric)
end;

-- A JSON value with each number in it as canonical JSON has it.
create or replace function leadrail.with_canonical_numbers(value jsonb) returns jsonb
language plpgsql immutable strict parallel safe
as $$
begin
    return case jsonb_typeof(value)
        when 'object' then (
            select coalesce(jsonb_object_agg(field.key, leadrail.with_canonical_numbers(field.value)), '{}')
            from jsonb_each(value) field
        )
        when 'array' then (
            select coalesce(jsonb_agg(leadrail.with_canonical_numbers(item.value) order by item.place), '[]')
            from jsonb_array_elements(value) with ordinality item (value, place)
        )
        when 'number' then to_jsonb(leadrail.canonical_number(value::numeric))
        else value
    end;
end
$$;

-- Whether a JSON value, as its text, may hold a number that is not canonical: one with a nought at the
-- end of a fraction, or of more than 15 places. A text within it may look like one.
create or replace function leadrail.may_hold_odd_number(written text) returns boolean
language sql immutable parallel safe
return written ~ '(?:^|[:,] |\[)-?(?:[0-9.]{16}|[0-9]+\.[0-9]*0(?:[],}]|$))';

-- A JSON value as canonical JSON: as jsonb writes it, shorter keys first, numbers by their value.
create or replace function leadrail.canonical_json(value jsonb) returns text
language plpgsql immutable strict parallel safe
as $$
declare
    v_written text := value::text;
begin
    if leadrail.may_hold_odd_number(v_written) then
        return leadrail.with_canonical_numbers(value)::text;
    end if;
    return v_written;
end
$$;

-- A lead payload whose links to recording and transcript end before their query or fragment.
create or replace function leadrail.without_link_signatures(payload jsonb) returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
    v_path text[];
begin
    foreach v_path slice 1 in array array[array['call', 'recording_url'], array['call', 'transcript_url']] loop
        if jsonb_typeof(payload #> v_path) = 'string' then
            payload := jsonb_set(payload, v_path, to_jsonb(regexp_replace(payload #>> v_path, '[?#].*', '')));
        end if;
    end loop;
    return payload;
end
$$;

-- The SHA-256 of a lead payload's canonical form, as 64 lower-case hex digits.
create or replace function leadrail.lead_fingerprint(payload jsonb) returns text
language plpgsql immutable strict parallel safe
as $$
begin
    return encode(
        sha256(convert_to(leadrail.canonical_json(leadrail.without_link_signatures(payload)), 'UTF8')),
        'hex'
    );
end
$$;

comment on function leadrail.canonical_number(numeric) is
    'A number as canonical JSON: a plain decimal without trailing zeros.';
comment on function leadrail.with_canonical_numbers(jsonb) is
    'A JSON value with each number in it as canonical JSON has it.';
comment on function leadrail.may_hold_odd_number(text) is
    'Whether a JSON value, as its text, may hold a number that is not canonical.';
comment on function leadrail.canonical_json(jsonb) is
    'A JSON value as canonical JSON: as jsonb writes it, shorter keys first, numbers by their value.';
comment on function leadrail.without_link_signatures(jsonb) is
    'A lead payload whose recording and transcript links end before their query or fragment.';
comment on function leadrail.lead_fingerprint(jsonb) is
    'SHA-256 of a lead payload''s canonical form, in hex: what tells a resend from another lead.';
