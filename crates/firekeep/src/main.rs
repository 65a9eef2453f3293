//! `firekeep`: the one binary: the server, and the command line that administers it, signs in and
//! loads data.
//!
//! To add a command: one file in `commands/`, one variant of `cli::Command`. To add an output
//! format: `output/`.
//!
//! Never here: logic that a library could hold. Commands read their arguments, call a route, print
//! the answer.

mod account;
mod cli;
mod client;
mod commands;
mod environment;
mod load;
mod log;
mod output;

use std::process::ExitCode;

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
