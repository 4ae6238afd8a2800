-- Erasing a caller: what his leads were given is gone, and nobody finds them by his number any more.

-- Erases these leads, and what else these runs were given, as far as they have ended; which of the leads are
-- erased. A lead that still is on its way is left as it is, to be cancelled first.
--
-- Their keys stay, so that the same event is no new lead, and know no more what it said.
create or replace function leadrail.erase_leads(p_leads uuid[], p_besides uuid[]) returns uuid[] language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_erased uuid[];
begin
    perform leadrail.forget_runs(p_besides, true);
    v_erased := leadrail.forget_runs(p_leads, true);
    -- Rows outlive their runs by some days.
    v_erased := v_erased || array(
        select lead.id
        from unnest(p_leads) as lead (id)
        where not exists (select from leadrail.run r where r.id = lead.id)
    );
    update leadrail.lead l set phone_hash = null where l.run_id = any (v_erased);
    return v_erased;
end
$$;

comment on function leadrail.erase_leads(uuid[], uuid[]) is
    'Erases leads that have ended, and the other runs that know of them; the leads that are erased.';
