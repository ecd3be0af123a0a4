//! The interface over a node that is a test double: routing, accounts, problems, commands,
//! queries, events, sessions, users, the audit trail, and the Rust client against it over a real socket.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod aeo;
mod aeo_list;
mod aeo_queries;
mod aeo_tags;
mod audit;
mod auth;
mod client;
mod events;
mod fake;
mod hardening;
mod openapi;
mod problems;
mod session;
mod support;
mod transactions;
mod users;
mod webhooks;
