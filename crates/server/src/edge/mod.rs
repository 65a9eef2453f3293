//! Where HTTP ends: listeners, TLS, limits, routes, ids, CORS, compression, the access log and the figures.
//!
//! An area's `answer` gets a [`Request`](crate::exchange::Request) whose host is known and gives back an answer
//! that this module dresses and sends.

pub(crate) mod bearer;
pub(crate) mod blocking;
pub(crate) mod body;
pub(crate) mod config;
pub(crate) mod metrics;
