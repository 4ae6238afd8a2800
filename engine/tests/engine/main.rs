//! The engine on a real PostgreSQL, a promise a file.

mod kit;

mod again;
mod cancel;
mod children;
mod code_change;
mod cron;
mod deadlines;
mod doctor;
mod enqueue;
mod failover;
mod forget;
#[cfg(target_os = "linux")]
mod full_disk;
mod join;
mod journal;
mod label;
mod lanes;
mod letters;
mod letters_model;
mod lock;
mod migrations;
mod once;
mod plans;
mod quiet;
mod replay;
mod restored;
mod retention;
mod retry;
mod rights;
mod roles;
mod rooms;
mod run_model;
mod session;
mod signal;
mod size;
mod states;
mod takeover;
mod timer;
mod writers;
