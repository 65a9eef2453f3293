//! Loading files into a service: which files in which order, reading them piece by piece, sending,
//! telling.

pub(crate) mod files;
pub(crate) mod progress;
pub(crate) mod read;
pub(crate) mod reply;
pub(crate) mod send;
