//! What every crate stands on: the clock, the random source, ids, limits and the one fault type.
//!
//! To add a limit: one constant in [`limits`], one row in `docs/limits.md`, one test at the limit
//! and one past it. To add a kind of id: a function in [`ids`] that takes its randomness as an
//! argument.
//!
//! Never here: I/O other than reading the system's clock and entropy behind [`Clock`] and
//! [`Random`].

mod clock;
mod fault;
pub mod ids;
pub mod limits;
mod random;

pub use clock::{Clock, SystemClock, TICKS_PER_SECOND, TestClock, Timestamp};
pub use fault::Fault;
pub use random::{Random, SystemRandom};
