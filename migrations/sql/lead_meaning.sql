-- Whether two payloads mean the same lead: the same values in another spelling.
--
-- The fingerprint tells quickly that a lead comes again as it was written before. Where it differs, and
-- only there, what the two mean is compared, once for all doors.

-- What a value of a kind means; null where it says nothing.
create or replace function leadrail.value_meaning(kind text, value jsonb) returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
    v_text text := value #>> '{}';
    v_phone record;
    v_email record;
begin
    if leadrail.is_blank(value) or jsonb_typeof(value) in ('object', 'array') then
        return case when value <> '{}' and not leadrail.is_blank(value) then value end;
    elsif kind = 'phone' then
        v_phone := leadrail.read_phone(v_text);
        return to_jsonb(case when v_phone.whole and v_phone.phone is not null
            then v_phone.phone || coalesce(';ext=' || v_phone.extension, '') else btrim(v_text) end);
    elsif kind = 'email' then
        v_email := leadrail.read_email(v_text);
        return to_jsonb(case when v_email.whole then v_email.address else btrim(v_text) end);
    elsif kind = 'time' then
        return to_jsonb(coalesce(extract(epoch from leadrail.read_time(v_text))::text, v_text));
    elsif kind = 'link' then
        return to_jsonb(regexp_replace(v_text, '[?#].*', ''));
    elsif kind in ('seconds', 'score') and btrim(v_text) ~ '^[0-9]{1,18}(\.[0-9]{1,18})?$' then
        return to_jsonb(case kind when 'seconds' then trunc(btrim(v_text)::numeric) else trim_scale(btrim(v_text)::numeric) end);
    elsif kind = 'flag' then
        return to_jsonb(case lower(btrim(v_text)) when 'yes' then 'true' when 'no' then 'false' else lower(btrim(v_text)) end);
    elsif kind in ('line', 'text', 'id') then
        return to_jsonb(btrim(leadrail.spaced(v_text)));
    end if;
    return to_jsonb(leadrail.plain_word(v_text));
end
$$;

-- A payload as what it means: known fields in one spelling, nothing that says nothing.
create or replace function leadrail.lead_meaning(payload jsonb) returns jsonb
language plpgsql immutable strict parallel safe
as $$
declare
    v_meaning jsonb := jsonb_strip_nulls(payload) - 'event_id';
    v_field record;
    v_value jsonb;
begin
    -- What an object holds comes before the object.
    for v_field in select f.path, f.kind from leadrail.lead_fields() f order by f.place desc loop
        if v_meaning #> v_field.path is not null then
            v_value := leadrail.value_meaning(v_field.kind, v_meaning #> v_field.path);
            v_meaning := case
                when v_value is null then v_meaning #- v_field.path
                else jsonb_set(v_meaning, v_field.path, v_value)
            end;
        end if;
    end loop;
    return v_meaning;
end
$$;

-- Whether a payload means what a run was made from. Volatile: it sees runs of this very statement.
create or replace function leadrail.means_the_same(run_id uuid, payload text) returns boolean
language plpgsql
as $$
declare
    v_stored jsonb := (select r.input::jsonb from leadrail.run r where r.id = means_the_same.run_id);
begin
    return coalesce(leadrail.lead_meaning(v_stored) = leadrail.lead_meaning(payload::jsonb), false);
end
$$;

comment on function leadrail.value_meaning(text, jsonb) is 'What a value of a kind means; null where it says nothing.';
comment on function leadrail.lead_meaning(jsonb) is 'A payload as what it means: known fields in one spelling.';
comment on function leadrail.means_the_same(uuid, text) is 'Whether a payload means what a run was made from.';
