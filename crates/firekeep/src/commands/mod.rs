//! One file per command: its arguments with examples, and what it does with them.

pub(crate) mod account;
pub(crate) mod app;
pub(crate) mod backup;
pub(crate) mod env;
pub(crate) mod fhirpath;
pub(crate) mod first_steps;
pub(crate) mod keys;
pub(crate) mod later;
pub(crate) mod load;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod package;
pub(crate) mod restore;
pub(crate) mod role;
pub(crate) mod serve;
pub(crate) mod service;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod version;
