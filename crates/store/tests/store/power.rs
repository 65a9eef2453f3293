//! Power loss: the file as it may be found after any moment of writing, rebuilt from a record of
//! all writes and syncs. What was synced is there; of what was not, any 512-byte sectors may be.
//!
//! The record is made by strace. Where there is none the story is skipped, unless
//! `FIREKEEP_REQUIRE_SHARED` asks for everything.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::process::Command;

use base::{Random, SystemRandom};
use store::*;

use crate::child;
use crate::crash::{base_clock, is_whole, operations};
use crate::world::*;

/// Commits that the child makes, one after the other.
const COMMITS: u32 = 12;
/// What of a write a disk may keep without the rest.
const SECTOR: usize = 512;

#[derive(Debug)]
enum Event {
    /// A folder was synced, the new store's as the last: from there on it must open.
    Made,
    /// A write at an offset of the data file; durable when the file was opened so.
    Write(usize, Vec<u8>, bool),
    Synced,
    /// A commit was acknowledged.
    Stored,
}

/// Only the child runs this.
#[test]
fn child_commits_a_few_times() {
    let Some(folder) = child::folder() else { return };
    let store = Store::open(&folder, options(&base_clock())).unwrap();
    for number in 0..COMMITS {
        let operations = operations("c", number);
        RUNTIME.block_on(store.commit(Commit { operations, ..Commit::default() })).unwrap();
        child::tell("stored");
    }
}

#[test]
fn acknowledged_commits_survive_power_loss_at_every_write_and_sync() {
    if Command::new("strace").arg("-V").output().is_err() {
        assert_eq!(child::setting("FIREKEEP_REQUIRE_SHARED"), None, "strace is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let events = recorded(folder.path());
    let count = |is: fn(&Event) -> bool| events.iter().filter(|event| is(event)).count();
    assert_eq!(count(|event| matches!(event, Event::Stored)), COMMITS as usize);
    assert!(count(|event| matches!(event, Event::Synced)) >= COMMITS as usize);
    let made = events.iter().rposition(|event| matches!(event, Event::Made)).unwrap();
    assert!(count(|event| matches!(event, Event::Write(..))) > 2, "a new file is several writes");
    for end in 0..=made {
        begins_or_is_refused(&events[..end]);
    }
    for end in made + 1..=events.len() {
        for _ in 0..2 {
            survives(&events[..end]);
        }
    }
}

/// Rebuilds the file as it may be found after `events`, which are not all that make a new store. Of
/// a process that was killed every write is there, and the store begins. Power that was lost may
/// have taken writes along: then it begins or is refused by name, with the file left as it is.
fn begins_or_is_refused(events: &[Event]) {
    let open = |bytes: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data.mdb");
        fs::write(&file, bytes).unwrap();
        match Store::open(folder.path(), options(&base_clock())) {
            Ok(store) => {
                assert_eq!((store.check(), store.snapshot().number().0), (Vec::new(), 0));
                true
            }
            Err(error) => {
                let named =
                    matches!(error.why, OpenFailure::NotAStore(_) | OpenFailure::Unreadable(_));
                assert!(named, "{error}");
                assert_eq!(fs::read(&file).unwrap(), bytes, "it is left as it was");
                false
            }
        }
    };
    assert!(open(&left_behind(events, || true)), "killed after {} writes", events.len());
    for _ in 0..8 {
        open(&left_behind(events, tossed));
    }
}

/// Rebuilds the file as the power may have left it after `events`, and opens it.
fn survives(events: &[Event]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data.mdb"), left_behind(events, tossed)).unwrap();
    let store = Store::open(folder.path(), options(&base_clock())).unwrap();
    assert_eq!(store.check(), Vec::<String>::new());
    let stored = events.iter().filter(|event| matches!(event, Event::Stored)).count() as u64;
    let now = store.snapshot();
    let found = now.number().0;
    assert!(found == stored || found == stored + 1, "{found} commits of {stored} acknowledged");
    for number in 0..found {
        is_whole(&now, "c", u32::try_from(number).unwrap());
    }
    found_by_their_words(&now);
}

/// Whether a sector that was written and not synced is there; as good as any.
fn tossed() -> bool {
    let mut coin = [0; 1];
    SystemRandom.fill(&mut coin);
    coin[0] % 2 == 0
}

/// The file with what was synced, and of the rest the sectors that `kept` keeps.
fn left_behind(events: &[Event], kept: impl Fn() -> bool) -> Vec<u8> {
    let last_sync = events.iter().rposition(|event| matches!(event, Event::Synced)).unwrap_or(0);
    let mut file = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let Event::Write(offset, bytes, durable) = event else { continue };
        for (sector, part) in bytes.chunks(SECTOR).enumerate() {
            if *durable || index < last_sync || kept() {
                let start = offset + sector * SECTOR;
                file.resize(file.len().max(start + part.len()), 0);
                file[start..start + part.len()].copy_from_slice(part);
            }
        }
    }
    file
}

/// Runs the child under strace and reads the record.
fn recorded(folder: &std::path::Path) -> Vec<Event> {
    let (store, log) = (folder.join("fhir"), folder.join("log"));
    let calls = "trace=openat,lseek,pwrite64,pwritev,writev,fdatasync,fsync,write";
    let path = log.to_str().unwrap();
    let strace = ["strace", "-f", "-v", "-xx", "-s", "100000000", "-e", calls, "-o", path];
    let mut child = child::of_test("power::child_commits_a_few_times", &store, &strace);
    child.stdout.take().unwrap().read_to_end(&mut Vec::new()).unwrap();
    assert!(child.wait().unwrap().success());
    let mut record = Record::default();
    fs::read_to_string(log).unwrap().lines().filter_map(|line| record.event(line)).collect()
}

#[derive(Default)]
struct Record {
    /// The data file's descriptors, and whether each write to them is durable by itself.
    data: HashMap<usize, bool>,
    /// Where `writev` writes.
    at: usize,
}

impl Record {
    /// A line is `PID call(fd, …) = result`; where threads overlap, the end of a call may come
    /// later as `PID <... call resumed>) = result`.
    fn event(&mut self, line: &str) -> Option<Event> {
        let (_, call) = line.split_once(' ')?;
        let call = call.trim_start();
        if call.starts_with("<... fdatasync resumed") {
            return Some(Event::Synced);
        }
        let (name, arguments) = call.split_once('(')?;
        let strings = arguments.split('"').skip(1).step_by(2).flat_map(bytes).collect::<Vec<_>>();
        let numbers = arguments.split('"').next_back()?;
        let number = |text: &str| text.trim_matches(|it: char| !it.is_ascii_digit()).parse().ok();
        let first = arguments.split([',', ')', ' ']).next().and_then(number);
        let durable = first.and_then(|file: usize| self.data.get(&file).copied());
        match name {
            "openat" if strings.ends_with(b"/data.mdb") => {
                let file = call.rsplit_once("= ").and_then(|(_, file)| number(file))?;
                self.data.insert(file, call.contains("O_DSYNC"));
                None
            }
            "lseek" => {
                self.at = number(arguments.split(',').nth(1)?)?;
                None
            }
            "pwrite64" => {
                let offset = number(numbers.split(',').nth(2)?.split([')', ' ']).nth(1)?)?;
                Some(Event::Write(offset, strings, durable?))
            }
            "writev" => {
                let offset = self.at;
                self.at += strings.len();
                Some(Event::Write(offset, strings, durable?))
            }
            "fdatasync" => (!call.contains("unfinished")).then_some(Event::Synced),
            "fsync" => Some(Event::Made),
            "write" => strings.ends_with(b"stored\n").then_some(Event::Stored),
            "pwritev" => unreachable!("LMDB writes by pwrite and writev: {line}"),
            _ => None,
        }
    }
}

/// What strace means by `\x2f\x00`.
fn bytes(text: &str) -> Vec<u8> {
    let parts = text.split("\\x").skip(1);
    parts.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect()
}
