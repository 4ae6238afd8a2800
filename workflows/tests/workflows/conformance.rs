//! What every CRM keeps: each adapter in each of its plans, against its simulator, by the engine
//! itself.
//!
//! A promise is a function over a [`Subject`](subject::Subject), which is a row of data
//! (`conformance/subjects.rs`). A new CRM adds its row, one for each plan, and has all these tests:
//! `cargo test -p leadrail-workflows conformance::acme`. What is particular to a CRM, such as its
//! mapping and its answers, is tested beside its adapter.

mod arriving;
mod checking;
mod complete;
mod keeping;
mod linking;
mod losing;
mod previewing;
mod refusing;
mod stopping;
mod subject;
mod subjects;
mod vanishing;
