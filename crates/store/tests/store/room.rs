//! Running out of room, in the map and on the disk: refused, nothing lost, and on it goes.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Command;

use store::*;

use crate::child;
use crate::world::*;

/// A body of `kilobytes` that does not compress.
fn noise(seed: u64, kilobytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let letter = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    (0..kilobytes * 1024).map(letter).collect()
}

fn fill(world: &World) -> u64 {
    for number in 0.. {
        match world.commit(vec![put(patient(&format!("p{number}")), &noise(number, 100))]) {
            Ok(_) => {}
            Err(Rejected::NoRoom(fault)) => {
                assert!(fault.is_no_room());
                return number;
            }
            Err(other) => panic!("{other}"),
        }
    }
    unreachable!()
}

#[test]
fn a_full_map_refuses_and_goes_on_when_there_is_room() {
    let world = World::with_map(4 << 20, 4 << 20);
    let stored = fill(&world);
    assert!((20..48).contains(&stored), "{stored}");
    let now = world.store.snapshot();
    assert_eq!((now.number().0, now.count(&all_of(both())).unwrap()), (stored, stored));
    drop(now);
    world.sound();

    // Small writes may still fit, and a hard delete makes room for large ones.
    for number in 0..8 {
        world.run(Operation::HardDelete { key: patient(&format!("p{number}")) });
    }
    world.run(put(patient("again"), &noise(999, 100)));
    world.sound();

    let world = world.reopened();
    world.run(put(patient("more"), &noise(1_000, 2_000)));
    world.sound();
    found_by_their_words(&world.store.snapshot());
}

#[test]
fn a_map_grows_by_doubling_while_readers_read() {
    let world = World::with_map(1 << 20, 64 << 20);
    let pinned = world.store.snapshot();
    let store = world.store.clone();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let reader = std::thread::spawn(move || {
        let mut reads = 0_u64;
        while stopped.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected) {
            let now = store.snapshot();
            let count = now.count(&all_of(both())).unwrap();
            assert_eq!(found(&now, &all_of(both())).len() as u64, count);
            reads += 1;
        }
        reads
    });
    for number in 0..200 {
        world.run(put(patient(&format!("p{number}")), &noise(number, 50)));
    }
    drop(stop);
    assert!(reader.join().unwrap() > 0);
    let statistics = world.store.statistics().unwrap();
    assert!(statistics.map_bytes > 8 << 20, "{statistics:?}");
    assert!(statistics.bytes_used <= statistics.map_bytes);
    assert_eq!(pinned.count(&all_of(both())).unwrap(), 0);
    world.sound();
}

#[test]
fn only_the_commit_that_does_not_fit_is_refused() {
    let world = World::with_map(4 << 20, 4 << 20);
    RUNTIME.block_on(async {
        let writes = (0..24).map(|number| {
            let store = world.store.clone();
            let large = number % 8 == 7;
            tokio::spawn(async move {
                let body = noise(number, if large { 8_000 } else { 4 });
                let commit = Commit::of(put(patient(&format!("p{number}")), &body));
                (large, store.commit(commit).await)
            })
        });
        for write in writes.collect::<Vec<_>>() {
            let (large, answer) = write.await.unwrap();
            assert_eq!(large, matches!(answer, Err(Rejected::NoRoom(_))), "{answer:?}");
        }
    });
    assert_eq!(world.store.snapshot().count(&all_of(both())).unwrap(), 21);
    world.sound();
}

/// Only the child runs this: it fills the file to its limit, waits for a line, and goes on.
#[test]
fn child_writes_up_to_the_file_size_limit() {
    let Some(folder) = child::folder() else { return };
    let clock = base::TestClock::at(base::Timestamp::from_unix_seconds(1_800_000_000));
    let store = Store::open(&folder, options(&clock)).unwrap();
    let write = |number: u64| {
        let put = put(patient(&format!("p{number}")), &noise(number, 100));
        RUNTIME.block_on(store.commit(Commit::of(put)))
    };
    let mut stored = 0;
    let refused = loop {
        match write(stored) {
            Ok(_) => stored += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Rejected::NoRoom(_)), "{refused}");
    assert!(matches!(write(stored), Err(Rejected::NoRoom(_))));
    assert_eq!(store.snapshot().count(&all_of(both())).unwrap(), stored);
    child::tell(&format!("full {stored}"));
    std::io::stdin().read_line(&mut String::new()).unwrap();
    for more in 0..20 {
        write(stored + more).unwrap();
    }
    assert_eq!(store.check(), Vec::<String>::new());
    child::tell(&format!("done {}", stored + 20));
}

/// Only the child runs this.
#[test]
fn child_begins_a_store() {
    let Some(folder) = child::folder() else { return };
    match Store::open(&folder, StoreOptions::default()) {
        Ok(_) => child::tell("begun"),
        Err(error) if error.is_no_room() => child::tell("no room"),
        Err(error) => child::tell(&format!("refused: {error}")),
    }
}

#[test]
fn nothing_is_left_of_a_new_store_for_which_there_is_no_room() {
    // In blocks of 512 bytes: half of the data file's first two pages, less than the table of
    // readers, and enough.
    for (blocks, expected) in [(8, "no room"), (100, "no room"), (900, "begun")] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data.mdb");
        if blocks == 8 {
            // The table of readers is there, so that the first to be written is the data file.
            drop(Store::open(folder.path(), StoreOptions::default()).unwrap());
            std::fs::remove_file(&data).unwrap();
        }
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let name = "room::child_begins_a_store";
        let mut child = child::of_test(name, folder.path(), &["sh", "-c", &limited]);
        let mut told = String::new();
        child.stdout.take().unwrap().read_to_string(&mut told).unwrap();
        assert!(child.wait().unwrap().success(), "{blocks} blocks: {told}");
        assert!(told.contains(expected), "{blocks} blocks: {told}");
        assert_eq!(data.exists(), expected == "begun", "{blocks} blocks");
        let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
        assert_eq!(store.check(), Vec::<String>::new());
    }
}

#[test]
fn a_file_size_limit_refuses_and_the_same_process_goes_on_when_it_is_raised() {
    let folder = tempfile::tempdir().unwrap();
    // The signal that a limit sends by default ends the process; a server ignores it, as this does.
    let limited = "trap '' XFSZ; ulimit -S -f 4096; exec \"$0\" \"$@\"";
    let name = "room::child_writes_up_to_the_file_size_limit";
    let mut child = child::of_test(name, folder.path(), &["sh", "-c", limited]);
    let pid = child.id().to_string();
    let mut told = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("full ") {
            let arguments = ["--pid", &pid, "--fsize=unlimited"];
            let raised = Command::new("prlimit").args(arguments).status();
            assert!(raised.unwrap().success());
            writeln!(child.stdin.as_mut().unwrap()).unwrap();
        }
        told.extend(
            line.split_once("full ")
                .or(line.split_once("done "))
                .map(|(_, count)| count.parse::<u64>().unwrap()),
        );
    }
    assert!(child.wait().unwrap().success());
    let [full, done] = told[..] else { panic!("{told:?}") };
    assert!(full > 5 && done == full + 20, "{told:?}");
    let clock = base::TestClock::at(base::Timestamp::from_unix_seconds(1_800_000_000));
    let store = Store::open(folder.path(), options(&clock)).unwrap();
    assert_eq!(store.snapshot().count(&all_of(both())).unwrap(), done);
    assert_eq!(store.check(), Vec::<String>::new());
}
