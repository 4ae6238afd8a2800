//! The command line as people and scripts use it: real processes, their output and exit codes.

mod bench;
mod configuration;
mod connections;
mod database;
mod demo;
mod handing_over;
mod help;
mod kit;
mod leads;
mod pooler;
mod preview;
mod probing;
mod runs;
mod services;
mod serving;
mod settings;
mod signing_in;
mod standing;
mod verbs;
