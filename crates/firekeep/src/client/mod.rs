//! Talking to a server over HTTP: the data folder's connection file, the HTTP client and its trust,
//! tokens, and the control plane's routes. Commands never see whether the server runs in another
//! process or in this one.

pub(crate) mod connection;
pub(crate) mod control;
pub(crate) mod data_folder;
pub(crate) mod grant;
pub(crate) mod http;
pub(crate) mod tokens;
