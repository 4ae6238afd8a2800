//! The API over real sockets, on a database of each test's own.

mod attack;
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
mod spec;
mod submit;
mod support;
mod tls;
mod wall;
