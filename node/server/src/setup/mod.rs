//! Making a network: genesis, keys, accounts and directories from one network file.

pub mod backup;
pub mod genesis;
pub mod init;
mod manifest;
pub mod network_config;
pub mod run;
pub mod successor;
