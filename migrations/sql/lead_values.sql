-- The values of a lead's fields, read as the crate `lead` reads them (phone.rs, email.rs, shapes.rs):
-- the same patterns, so that both doors know a caller by the same number and warn of the same.
--
-- White space is written out where it matters: what a database takes for a blank hangs on its locale.

-- A text with every blank, line break and control character as a plain space.
create or replace function leadrail.spaced(given text) returns text
language sql immutable strict parallel safe
return regexp_replace(
    given, '[\u0001-\u001f\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]', ' ', 'g'
);

-- Whether a JSON value says nothing: absent, null, or a text of blanks.
create or replace function leadrail.is_blank(value jsonb) returns boolean
language sql immutable parallel safe
return case jsonb_typeof(value)
    when 'string' then value #>> '{}' !~ '[^\u0009-\u000d \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]'
    when 'null' then true
    else value is null
end;

-- Whether a text may be an identifier: no more than so many characters, all of them shown.
create or replace function leadrail.is_id(given text, most integer) returns boolean
language sql immutable parallel safe
return char_length(given) <= most
    and given !~ '[\u0001-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]';

-- Digits as they are dialed, with what people write between them, as E.164; null for what is no number.
create or replace function leadrail.dialed(written text) returns text
language plpgsql immutable strict parallel safe
as $$
declare
    v_digits text := regexp_replace(replace(written, '(0)', ''), '[^0-9]', '', 'g');
    v_code text;
begin
    v_digits := case
        when strpos(written, '+') > 0 then v_digits
        when v_digits ~ '^011' then substr(v_digits, 4)
        when v_digits ~ '^00' then substr(v_digits, 3)
        when v_digits ~ '^1[0-9]{10}$' then v_digits
        when v_digits ~ '^[0-9]{10}$' then '1' || v_digits
    end;
    v_code := coalesce(
        substring(v_digits from '^[17]'),
        substring(v_digits from '^(?:2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])'),
        left(v_digits, 3)
    );
    -- A nought that is dialed only at home; where it is a part of the number it stays.
    if v_code not in ('1', '39', '225', '241', '242', '378', '379') and substr(v_digits, length(v_code) + 1) ~ '^0' then
        v_digits := v_code || substr(v_digits, length(v_code) + 2);
        if substr(v_digits, length(v_code) + 1) ~ '^0' then
            return null;
        end if;
    end if;
    return case
        when v_digits ~ '^[1-9][0-9]{6,14}$' and v_digits !~ '^1(?![2-9][0-9]{9}$)' then '+' || v_digits
    end;
end
$$;

-- Whether letters and digits, bare of all else, are what is written where a number is withheld.
create or replace function leadrail.is_withheld(bare text) returns boolean
language sql immutable strict parallel safe
return bare ~ (
    '^(sip|tel)?((anonymous|restricted|unknown|private|unavailable|blocked|withheld|hidden|callerid)[a-z]*'
    '|nocallerid|noid|outofarea|notavailable|notprovided|notgiven|nonumber|na|none|null|nil|undefined|payphone'
    '|1?(266696687|7378742833|8656696|2562533|86282452253|7748283)'
    '|1?(2{10}|3{10}|4{10}|5{10}|6{10}|7{10}|8{10}|9{10}|0{10}|1{10}))$'
);

-- What a text tells of a telephone number: one as E.164 and its extension, whether that is all of the
-- text, and whether the number is withheld.
--
-- PL/pgSQL, because it is planned once a session and not once a lead.
create or replace function leadrail.read_phone(
    given text, out phone text, out extension text, out whole boolean, out withheld boolean
)
language plpgsql immutable strict parallel safe
as $$
declare
    c_said constant text := '([a-z]|oh|zero|one|two|three|four|five|six|seven|eight|nine|double|triple)';
    c_letter constant text := '[^\u0001-\u0040\u005b-\u0060\u007b-\u007f]';
    v_plain text;
    v_parts text[];
    v_first text;
    v_before text;
    v_after text;
begin
    withheld := false;
    whole := true;
    if given ~ '^\+[1-9][0-9]{6,14}$' and not leadrail.is_withheld(substr(given, 2))
        and (given ~ '^\+1[2-9][0-9]{9}$' or leadrail.dialed(given) = given) then
        phone := given;
        return;
    end if;
    if char_length(given) > 256 then
        return;
    end if;
    v_plain := regexp_replace(
        translate(
            leadrail.spaced(given),
            E'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
            '\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u06f0\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7\u06f8\u06f9'
            '\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff0b\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d',
            'abcdefghijklmnopqrstuvwxyz'
            '01234567890123456789'
            '0123456789+--------'
        ),
        '[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]', ' ', 'g'
    );
    if leadrail.is_withheld(regexp_replace(v_plain, '[^a-z0-9]', '', 'g')) then
        withheld := true;
        return;
    end if;
    v_plain := regexp_replace(v_plain, '^[ (]*(\+1[ -]*)+\+1', '+1');
    v_parts := regexp_match(
        v_plain, '^(.*[0-9)])([ .,;(-]*(extension|extn|ext|x)[ .:=-]*| *[#,] *)([0-9]{1,7})[ )]*$'
    );
    if v_parts is not null then
        v_plain := v_parts[1];
    end if;
    -- A letter, or a digit that was said as a word, where a digit may have been meant.
    if v_plain ~ ('[0-9]' || c_letter || '|' || c_letter || '[0-9]|[0-9][ ().-]*' || c_said
        || '([^a-z0-9]|$)|(^|[^a-z0-9''])' || c_said || '[ ().-]*[0-9]') then
        return;
    end if;
    v_first := substring(v_plain from '[+( ]*[0-9][0-9 ()./-]*');
    v_before := btrim(left(v_plain, strpos(v_plain, v_first) - 1));
    v_after := btrim(substr(v_plain, strpos(v_plain, v_first) + length(v_first)));
    phone := leadrail.dialed(v_first);
    whole := phone is not null and v_before in ('', 'tel:') and v_after = '';
    if phone is null then
        phone := leadrail.dialed(split_part(v_first, '/', 1));
        v_after := v_after || '0';
    end if;
    -- Only of an American number it is certain that it is not the beginning of a longer one.
    if phone !~ '^\+1' and v_after ~ '[0-9]' then
        phone := null;
    end if;
    withheld := coalesce(leadrail.is_withheld(substr(phone, 2)), false);
    if withheld then
        phone := null;
    end if;
    if phone is not null then
        extension := v_parts[4];
    end if;
end
$$;

-- A telephone number as E.164; null for what is none.
create or replace function leadrail.e164(number text) returns text
language plpgsql immutable strict parallel safe
as $$
begin
    return (leadrail.read_phone(number)).phone;
end
$$;

-- Whether a text has the shape of an e-mail address.
create or replace function leadrail.is_email(given text) returns boolean
language sql immutable strict parallel safe
return char_length(given) <= 254 and given ~ (
    '^[^ @,;:<>()"\[\]\\/|]{1,64}@'
    '([^ @,;:<>()"\[\]\\/|.-]([^ @,;:<>()"\[\]\\/|.]{0,61}[^ @,;:<>()"\[\]\\/|.-])?\.)+'
    '[^ @,;:<>()"\[\]\\/|.-]([^ @,;:<>()"\[\]\\/|.]{0,61}[^ @,;:<>()"\[\]\\/|.-])?$'
);

-- The first e-mail address of a text, where nothing but addresses stands there or one in angle brackets,
-- and whether it is all of the text.
create or replace function leadrail.read_email(given text, out address text, out whole boolean)
language plpgsql immutable strict parallel safe
as $$
declare
    v_text text := btrim(leadrail.spaced(given));
    v_rest text;
    v_words text[];
begin
    whole := leadrail.is_email(v_text);
    if whole then
        address := v_text;
        return;
    end if;
    if strpos(v_text, '<') > 0 then
        v_rest := substr(v_text, strpos(v_text, '<') + 1);
        if strpos(v_rest, '>') > 0 and strpos(substr(v_rest, strpos(v_rest, '>')), '@') = 0 then
            address := split_part(v_rest, '>', 1);
        end if;
    else
        v_words := array(
            select w.word
            from regexp_split_to_table(v_text, '[ ,;|/]+') with ordinality as w (word, place)
            where w.word <> '' and lower(w.word) not in ('or', 'and', '&')
            order by w.place
        );
        if (select bool_and(leadrail.is_email(w.word)) from unnest(v_words) as w (word)) then
            address := v_words[1];
        end if;
    end if;
    if not leadrail.is_email(address) then
        address := null;
    end if;
end
$$;

-- An RFC 3339 time with an offset in the years 1970 to 9999; null for anything else.
create or replace function leadrail.read_time(given text) returns timestamptz
language plpgsql immutable strict parallel safe
as $$
begin
    if given !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?([Zz]|[+-](0[0-9]|1[0-4]):[0-5][0-9])$' then
        return null;
    end if;
    return case
        when extract(year from given::timestamptz at time zone 'UTC') between 1970 and 9999 then given::timestamptz
    end;
exception when datetime_field_overflow or invalid_datetime_format then
    return null;
end
$$;

-- A word as the lists write it: `Same day` is `same_day`.
create or replace function leadrail.plain_word(given text) returns text
language sql immutable strict parallel safe
return btrim(
    regexp_replace(
        translate(given, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'),
        '[\u0009-\u000d \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000_-]+', '_', 'g'
    ),
    '_'
);

-- The fields of a lead whose faults are warnings: where they stand, what they hold, and whether their
-- absence is worth one. Objects come before what they hold.
create or replace function leadrail.lead_fields() returns table (place integer, path text[], kind text, expected boolean)
language sql immutable parallel safe rows 38
begin atomic
    select f.place::integer, f.path::text[], f.kind, f.expected
    from (values
        (1, '{timestamp_utc}', 'time', true),
        (2, '{call}', 'object', true),
        (3, '{call,call_id}', 'id', true),
        (4, '{call,direction}', 'inbound outbound', false),
        (5, '{call,duration_seconds}', 'seconds', false),
        (6, '{call,started_at}', 'time', false),
        (7, '{call,ended_at}', 'time', false),
        (8, '{call,recording_url}', 'link', false),
        (9, '{call,transcript_url}', 'link', false),
        (10, '{call,transcript_summary}', 'text', false),
        (11, '{contact}', 'object', true),
        (12, '{contact,first_name}', 'line', false),
        (13, '{contact,last_name}', 'line', false),
        (14, '{contact,phone}', 'phone', true),
        (15, '{contact,email}', 'email', false),
        (16, '{contact,address}', 'object', false),
        (17, '{contact,address,street}', 'line', false),
        (18, '{contact,address,city}', 'line', false),
        (19, '{contact,address,state}', 'line', false),
        (20, '{contact,address,zip}', 'line', false),
        (21, '{contact,address,country}', 'line', false),
        (22, '{service_request}', 'object', true),
        (23, '{service_request,service_type}', 'line', false),
        (24, '{service_request,sub_type}', 'line', false),
        (25, '{service_request,urgency}', 'emergency same_day same_week flexible', false),
        (26, '{service_request,issue_description}', 'text', false),
        (27, '{service_request,preferred_schedule}', 'line', false),
        (28, '{service_request,is_existing_customer}', 'flag', false),
        (29, '{ai_analysis}', 'object', false),
        (30, '{ai_analysis,sentiment}', 'positive neutral negative', false),
        (31, '{ai_analysis,conversion_intent_score}', 'score', false),
        (32, '{ai_analysis,qualification_status}', 'qualified unqualified', false),
        (33, '{ai_analysis,disqualification_reason}', 'text', false),
        (34, '{ai_analysis,qualifier_answers}', 'object', false),
        (35, '{routing}', 'object', false),
        (36, '{routing,destination_crm}', 'crm', false),
        (37, '{routing,crm_account_id}', 'id', false),
        (38, '{routing,assigned_to}', 'id', false)
    ) f (place, path, kind, expected);
end;

comment on function leadrail.spaced(text) is 'A text with every blank, line break and control character as a plain space.';
comment on function leadrail.is_blank(jsonb) is 'Whether a JSON value says nothing: absent, null, or a text of blanks.';
comment on function leadrail.is_id(text, integer) is 'Whether a text may be an identifier: no more than so many characters, all of them shown.';
comment on function leadrail.dialed(text) is 'Digits as they are dialed, as E.164; null for what is no number.';
comment on function leadrail.is_withheld(text) is 'Whether letters and digits are what is written where a number is withheld.';
comment on function leadrail.read_phone(text) is 'What a text tells of a telephone number.';
comment on function leadrail.e164(text) is 'A telephone number as E.164; null for what is none.';
comment on function leadrail.is_email(text) is 'Whether a text has the shape of an e-mail address.';
comment on function leadrail.read_email(text) is 'The first e-mail address of a text of nothing but addresses, and whether it is all of it.';
comment on function leadrail.read_time(text) is 'An RFC 3339 time with an offset in the years 1970 to 9999; null for anything else.';
comment on function leadrail.plain_word(text) is 'A word as the lists write it: Same day is same_day.';
comment on function leadrail.lead_fields() is 'The fields of a lead whose faults are warnings.';
