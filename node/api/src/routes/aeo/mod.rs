//! Authorized Economic Operators: what officers do and ask.

pub(super) mod aliases;
mod answers;
pub(super) mod batch;
pub(super) mod benefit;
pub(super) mod commands;
mod fields;
mod forms;
pub(super) mod history;
pub(super) mod list;
pub(super) mod mras;
mod nearest;
pub(super) mod pending;
pub(super) mod queries;
mod times;

pub(super) use answers::AeoPayload;
