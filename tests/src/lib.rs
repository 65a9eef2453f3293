//! The actors of the black-box stories: a real `firekeep` process on loopback, and people and
//! programs that talk HTTP to it.
//!
//! To add a story: one module in `tests/stories/`, named for the URL or the subject; it begins with
//! `Firekeep::start()` and speaks as somebody (`as_reader`, `as_contributor`, `as_anonymous`).
//!
//! Never here: the insides of the product's crates. What a story needs, it asks over HTTP or the
//! command line.

mod actor;
mod data;
mod process;
mod reply;
mod tls;

pub use actor::Actor;
pub use data::{TarFiles, patient, patients, random, shared};
pub use process::{Firekeep, Setup, firekeep};
pub use reply::Reply;
