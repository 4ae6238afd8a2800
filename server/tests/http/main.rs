//! The API over real sockets, on a database of each test's own.

mod audit;
mod bad_input;
mod batches;
mod connecting;
mod connections;
mod connections_changed;
mod doors;
mod erasures;
mod floods;
mod guard;
mod heads;
mod idle;
mod keys;
mod links;
mod operation;
mod outage;
mod proxies;
mod rates;
mod reading;
mod runs;
mod sign_ins;
mod spec;
mod submit;
mod support;
mod tls;
