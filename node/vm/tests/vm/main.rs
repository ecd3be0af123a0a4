//! Tests of the engine with modules written as text.

mod admission;
mod cache;
mod calls;
mod fuel;
mod hostile;
mod mutations;
mod support;
