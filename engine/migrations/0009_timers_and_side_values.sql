-- Timers, and values that a workflow must see again as they were.
--
-- Both are lines of history: `timer_started` says until when, `side_value` says what.
-- Safe beside the previous release: its workers write neither. A worker of the previous release that
-- claims a run with such lines cannot read them, so replace all workers before using them.
-- Values of an enum cannot be dropped: undo by not using them.
alter type leadrail.history_kind add value 'timer_started';
alter type leadrail.history_kind add value 'side_value';
