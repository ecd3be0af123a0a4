//! The `precinto` binary: composition of a node, and the command line.
//!
//! # Mental model
//! Every other crate is a part that knows nothing of the others; this one knows them all and adds
//! no rules of its own. [`node`] wires one node: threads, queues, storage behind the ports of
//! consensus and execution, the HTTP interface. [`setup`] makes networks and runs them on one
//! machine. [`fsck`] checks a stopped node. [`cli`] is what people and scripts type; it talks
//! to running nodes through `precinto-client` alone.
//!
//! # What this crate must never do
//! Decide: what a transaction means is execution's, what is durable storage's, what is ordered
//! consensus'.
#![forbid(unsafe_code)]

pub mod cli;
pub mod fields;
pub mod fsck;
pub mod keyfile;
pub mod logging;
pub mod node;
pub mod node_config;
pub mod settings;
pub mod setup;
