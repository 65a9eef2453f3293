//! Stories about the store on a real folder. One binary, one module per subject.
//!
//! The modules `crash` and `room` start this binary again as a child process, to kill it or to take
//! its disk space away.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod backup;
mod child;
mod concurrency;
mod control;
mod crash;
mod deleting;
mod dictionaries;
mod history;
mod index;
mod model;
mod opening;
mod packages;
mod paging;
mod power;
mod room;
mod searching;
mod shared;
mod sorting;
mod world;
mod writing;
