//! Authorized Economic Operators: what officers do and ask.

pub(super) mod batch;
pub(super) mod commands;
mod forms;
pub(super) mod queries;
