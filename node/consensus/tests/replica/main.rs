//! Replicas together: scenarios, random schedules, bad peers, damaged disks.

mod bad_peers;
mod cluster;
mod pressure;
mod random;
mod scenarios;
mod start;
