//! Real nodes on loopback: what the lanes promise, who is let in, and what happens when links,
//! peers or bytes are bad. Every wait is for an event or a condition and has a bound.

mod admission;
mod failures;
mod lanes;
mod requests;
mod support;
