//! Leads from the door to a simulated CRM's books.

mod audit;
mod conformance;
mod connections;
mod doors;
mod gohighlevel;
mod golden;
mod kit;
mod probes;
mod push_lead;
mod sql_door;
mod sql_rights;
mod submit;
mod workiz;
