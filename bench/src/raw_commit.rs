//! The physical limit of a durable create: LMDB with group commit and nothing round it.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context;
use hdrhistogram::Histogram;
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, EnvOpenOptions};
use tempfile::TempDir;

use crate::driver::{Measured, Requests};

/// What a client waits for.
type Waiting = mpsc::SyncSender<()>;

/// `clients` threads that each have a body put and wait for the sync, for `time`.
pub fn run(bodies: &Requests, clients: usize, time: Duration) -> anyhow::Result<Measured> {
    let folder = TempDir::new()?;
    let (send, queue) = mpsc::sync_channel::<Waiting>(clients);
    let writer = {
        let (path, bodies) = (folder.path().to_owned(), bodies.clone());
        std::thread::spawn(move || write(&path, &bodies, &queue))
    };
    let begin = Instant::now();
    let end = begin + time;
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let send = send.clone();
            std::thread::spawn(move || client(&send, end))
        })
        .collect();
    drop(send);
    let mut all = Histogram::new(3)?;
    for thread in threads {
        all.add(thread.join().ok().context("a client ended early")??)?;
    }
    let time = begin.elapsed();
    writer.join().ok().context("the writer ended early")??;
    Ok(Measured::new(all, time))
}

fn client(queue: &mpsc::SyncSender<Waiting>, end: Instant) -> anyhow::Result<Histogram<u64>> {
    let mut latencies = Histogram::new(3)?;
    let (send, receive) = mpsc::sync_channel(1);
    loop {
        let begin = Instant::now();
        if begin >= end {
            return Ok(latencies);
        }
        queue.send(send.clone())?;
        receive.recv()?;
        latencies.record(u64::try_from(begin.elapsed().as_micros())?.max(1))?;
    }
}

/// Takes what queued up during the last sync, puts the next bodies, syncs, answers.
#[expect(unsafe_code, reason = "opening a memory map: the folder is new and ours alone")]
fn write(
    path: &std::path::Path,
    bodies: &Requests,
    queue: &mpsc::Receiver<Waiting>,
) -> anyhow::Result<()> {
    let mut options = EnvOpenOptions::new();
    options.map_size(16 << 30).max_dbs(1);
    // SAFETY: nothing else opens or changes the files of this temporary folder.
    let environment = unsafe { options.open(path) }?;
    let transaction = environment.write_txn()?;
    let table: Database<Bytes, Bytes> = environment
        .create_databases_and_commit(transaction, |opener, transaction| {
            let table = opener.create_database(transaction, Some("bodies"))?;
            Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit(table))
        })?
        .unwrap_commit();
    let mut next = (0_u64..).zip(bodies.iter().cycle());
    while let Ok(first) = queue.recv() {
        let group: Vec<Waiting> = std::iter::once(first).chain(queue.try_iter()).collect();
        let mut transaction = environment.write_txn()?;
        for (number, body) in next.by_ref().take(group.len()) {
            table.put(&mut transaction, &number.to_be_bytes(), body)?;
        }
        transaction.commit()?;
        for waiting in group {
            let _ = waiting.send(());
        }
    }
    Ok(())
}
