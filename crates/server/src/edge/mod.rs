//! Where HTTP ends: listeners, TLS, limits, routes, ids, CORS, compression, the access log and the
//! figures.
//!
//! An area's `answer` gets a [`Request`](crate::exchange::Request) whose host is known and gives
//! back an answer that this module dresses and sends.

pub(crate) mod bearer;
pub(crate) mod blocking;
pub(crate) mod body;
mod compress;
pub(crate) mod config;
pub(crate) mod connection;
mod cors;
pub(crate) mod decompress;
pub(crate) mod development_ca;
mod handle;
pub(crate) mod listen;
pub(crate) mod metrics;
pub(crate) mod metrics_page;
mod portal;
mod progress;
pub(crate) mod route;
mod send;
pub(crate) mod tls;
mod trace;
