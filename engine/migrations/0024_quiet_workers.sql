-- Workers that ask for work rarely say so, and make sure that they can be told.
--
-- Whoever enqueues inside a transaction of its own sends no notification, for that takes a lock of the
-- whole server at commit. While all workers are quiet nobody would ask for a while, and nobody
-- competes for that lock either: then it may be sent.
-- Safe beside the previous release: it renews by the old function and never says that it is quiet.
-- Undo by dropping both functions and the column.
alter table leadrail.worker add column quiet boolean not null default false;
comment on column leadrail.worker.quiet is 'It had nothing to do for a while and asks for work rarely, relying on notifications.';

-- Renews the lease; false when the worker was taken over. A quiet one is sent a notification on a
-- channel of its own, by which it knows that others would arrive too.
create function leadrail.renew_worker(p_worker uuid, p_quiet boolean) returns boolean language plpgsql
as $$
begin
    update leadrail.worker w
    set seen_at = leadrail.now(), backend_pid = a.pid, backend_start = a.backend_start, quiet = p_quiet
    from pg_stat_activity a
    where a.pid = pg_backend_pid() and w.id = p_worker;
    if not found then
        return false;
    end if;
    if p_quiet then
        perform pg_notify('leadrail_' || p_worker, '');
    end if;
    return true;
end
$$;

-- Tells the workers at the commit of this transaction that there may be work, if none of them would
-- ask by itself soon.
create function leadrail.hint_if_quiet() returns void language plpgsql
as $$
begin
    if (select bool_and(w.quiet) from leadrail.worker w) then
        perform pg_notify('leadrail_run', '');
    end if;
end
$$;
