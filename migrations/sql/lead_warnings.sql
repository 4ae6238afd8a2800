-- What is wrong with a lead that is taken all the same. HTTP and the command line answer the same
-- (lead/src/warnings.rs): a lead is never refused for a bad detail.

-- The sentence for each code.
create or replace function leadrail.warning_sentence(code text) returns text
language sql immutable strict parallel safe
return case code
    when 'missing' then 'is missing; the lead is filed without it'
    when 'type' then 'is not of the type that belongs here; what can be used of it is, the note has the rest'
    when 'too_long' then 'is too long; its beginning is used, the note has more of it'
    when 'id' then 'is not an id of at most 256 printable characters; the note has it as it was given'
    when 'timestamp' then 'is not an RFC 3339 time with an offset; where one is needed it is the time of receipt'
    when 'future' then 'is more than a day ahead; the time of receipt stands in for it'
    when 'phone' then 'is not certainly a telephone number; the note has it as it was given'
    when 'withheld' then 'is withheld; the note has what was given instead of a number'
    when 'partly_read' then 'holds more than one value; the first is used, the note has all of it'
    when 'email' then 'is not an e-mail address; the note has it as it was given'
    when 'url' then 'is not an absolute http or https URL; the note has it as it was given'
    when 'range' then 'is outside its range; the note has it as it was given'
    when 'unknown_word' then 'is a word that this version does not know; it is kept as it is'
    when 'crm' then 'is not the name of a CRM; an unqualified lead goes to none'
end;

-- What is wrong with a value that is there, as a code; null when nothing is.
create or replace function leadrail.value_warning(kind text, value jsonb) returns text
language plpgsql stable strict parallel safe
as $$
declare
    v_type text := jsonb_typeof(value);
    v_text text := value #>> '{}';
    v_number numeric;
    v_phone record;
    v_email record;
begin
    if kind = 'object' then
        return case when v_type <> 'object' then 'type' end;
    elsif kind = 'flag' then
        return case when v_type <> 'boolean' then 'type' end;
    elsif v_type in ('object', 'array') then
        return 'type';
    elsif kind in ('seconds', 'score') then
        if v_type = 'number' or v_type = 'string' and btrim(leadrail.spaced(v_text)) ~ '^(?=.{1,20}$)[0-9]+(\.[0-9]+)?$' then
            v_number := v_text::numeric;
            return case
                when v_number < 0 or v_number > case kind when 'seconds' then 4294967295 else 1 end then 'range'
                when v_type = 'string' then 'type'
            end;
        end if;
        return 'type';
    elsif kind = 'phone' then
        if v_type = 'boolean' or v_type = 'number' and v_text !~ '^-?[0-9]{1,20}$' then
            return 'type';
        end if;
        v_phone := leadrail.read_phone(v_text);
        return case
            when v_phone.withheld then 'withheld'
            when v_phone.phone is null then 'phone'
            when not v_phone.whole then 'partly_read'
            when v_type = 'number' then 'type'
        end;
    elsif kind in ('emergency same_day same_week flexible', 'inbound outbound', 'positive neutral negative', 'qualified unqualified') then
        return case when leadrail.plain_word(v_text) <> all (string_to_array(kind, ' ')) then 'unknown_word' end;
    elsif v_type <> 'string' then
        return 'type';
    elsif kind = 'email' then
        v_email := leadrail.read_email(v_text);
        return case when v_email.address is null then 'email' when not v_email.whole then 'partly_read' end;
    end if;
    return case
        when kind = 'line' and char_length(v_text) > 1000 or kind = 'text' and char_length(v_text) > 100000 then 'too_long'
        when kind = 'id' and not leadrail.is_id(v_text, 256) then 'id'
        when kind = 'time' and leadrail.read_time(v_text) is null then 'timestamp'
        when kind = 'crm' and v_text <> all (leadrail.known_crms()) then 'crm'
        when kind = 'link' and (
            char_length(v_text) > 8192
            or v_text !~* '^https?://([^/?#@:\[\]\\]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?([/?#]|$)'
            or leadrail.spaced(v_text) ~ ' '
        ) then 'url'
    end;
end
$$;

-- The details of a lead that cannot be taken as they are given, in the order of the payload's fields;
-- nothing for a payload that is refused.
create or replace function leadrail.lead_warnings(payload jsonb) returns table (code text, field text, sentence text)
language plpgsql stable strict security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if leadrail.lead_faults(payload) is not null then
        return;
    end if;
    return query
    select w.code, '/' || array_to_string(w.path, '/'), leadrail.warning_sentence(w.code)
    from (
        select f.place, f.path, case
                when not leadrail.is_blank(v.value) then coalesce(
                    leadrail.value_warning(f.kind, v.value),
                    case
                        when f.path = '{timestamp_utc}'
                            and leadrail.read_time(v.value #>> '{}') > leadrail.now() + interval '1 day' then 'future'
                    end
                )
                when f.expected then 'missing'
            end as code
        from leadrail.lead_fields() f
        cross join lateral (
            select payload #> f.path as value, payload #> f.path[:cardinality(f.path) - 1] as holder
        ) v
        where jsonb_typeof(v.holder) = 'object'
    ) w
    where w.code is not null
    order by w.place;
end
$$;

revoke execute on function leadrail.lead_warnings(jsonb) from public;

comment on function leadrail.warning_sentence(text) is 'The sentence for each code of a warning.';
comment on function leadrail.value_warning(text, jsonb) is
    'What is wrong with a value of a kind that is there, as a code; null when nothing is.';
comment on function leadrail.lead_warnings(jsonb) is
    'The details of a lead that cannot be taken as they are given: code, field and a sentence.';
