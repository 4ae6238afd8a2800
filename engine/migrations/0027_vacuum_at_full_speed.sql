-- The hot table is vacuumed without pauses.
--
-- PostgreSQL lets a vacuum rest after every few pages so that it does not disturb others. At half of what
-- two cores can do, 8,500 workflows a second, one vacuum of this table took more than three minutes, and
-- twice as many rows were dead by then as it had found: the table grew to 3.3 GB in ten minutes. Without
-- rests it stays below half of that, and level.
-- Safe beside the previous release. Undo with reset (autovacuum_vacuum_cost_delay).
alter table leadrail.workflow_run set (autovacuum_vacuum_cost_delay = 0);
