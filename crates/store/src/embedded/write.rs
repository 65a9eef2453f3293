//! The writer: one thread, one bounded queue, group commit without a timer.
//!
//! While one group is synced the next one queues up; a client alone pays one sync and no delay.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use base::limits::{GROUP_BYTES, GROUP_COMMITS, WRITER_QUEUE};
use base::{Clock, Fault};
use parking_lot::{Mutex, RwLock};
use tokio::sync::oneshot;

use super::Shared;
use super::apply::apply;
use super::decide::{Decided, Decider};
use super::read::{Head, latest};
use super::snapshot::Snapshot;
use super::tail::Runs;
use super::trouble::Trouble;
use crate::commit::{Commit, Committed, Rejected};

type Answer = Result<Committed, Rejected>;
type Decisions<'g> = Vec<Result<Decided<'g>, Rejected>>;

/// A commit that waits, and who waits for it.
struct Job {
    commit: Commit,
    answer: oneshot::Sender<Answer>,
}

/// The way to the writer's thread.
pub(super) struct Writing {
    queue: RwLock<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writing {
    pub(super) fn start(shared: Arc<Shared>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let (sender, queue) = sync_channel(WRITER_QUEUE);
        let writer = GroupWriter { shared, clock, queue, held: None };
        let thread =
            thread::Builder::new().name("store-writer".to_owned()).spawn(|| writer.run())?;
        Ok(Self { queue: RwLock::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) fn queue(&self, commit: Commit) -> Result<oneshot::Receiver<Answer>, Rejected> {
        let (answer, waiting) = oneshot::channel();
        let queue = self.queue.read();
        let queue = queue.as_ref().ok_or(Rejected::Closed)?;
        match queue.try_send(Job { commit, answer }) {
            Ok(()) => Ok(waiting),
            Err(TrySendError::Full(_)) => Err(Rejected::QueueFull),
            Err(TrySendError::Disconnected(_)) => Err(Rejected::Closed),
        }
    }

    /// Lets the writer finish what is queued, and waits for it.
    pub(super) fn close(&self) {
        self.queue.write().take();
        join(&self.thread, "the store's writer");
    }
}

/// Waits for a thread that has nothing more to do.
pub(super) fn join(thread: &Mutex<Option<JoinHandle<()>>>, what: &str) {
    if let Some(thread) = thread.lock().take()
        && thread.join().is_err()
    {
        tracing::error!("{what} had stopped by a panic");
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.close();
    }
}

struct GroupWriter {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    queue: Receiver<Job>,
    /// The commit that did not fit into the group before.
    held: Option<Job>,
}

impl GroupWriter {
    fn run(mut self) {
        while let Some(group) = self.next_group() {
            self.commit(group);
            self.grow_early();
        }
    }

    /// What is queued by now, up to the limits of a group; waits for the first. Clients that were
    /// just answered get the processor before the queue counts as empty: else the first of them to
    /// ask again would be synced alone, and all others after it.
    fn next_group(&mut self) -> Option<Vec<Job>> {
        let first = self.held.take().or_else(|| self.queue.recv().ok())?;
        let mut bytes = first.commit.stored_bytes();
        let mut group = vec![first];
        let mut looked_at = 0;
        while group.len() < GROUP_COMMITS {
            let Ok(job) = self.queue.try_recv() else {
                if looked_at == group.len() {
                    break;
                }
                looked_at = group.len();
                thread::yield_now();
                continue;
            };
            bytes += job.commit.stored_bytes();
            if bytes > GROUP_BYTES {
                self.held = Some(job);
                break;
            }
            group.push(job);
        }
        Some(group)
    }

    fn commit(&self, group: Vec<Job>) {
        let _span = tracing::debug_span!("store.commit", commits = group.len()).entered();
        let answers = match self.attempt(&group) {
            Ok(decisions) => self.publish(decisions),
            Err(trouble) if group.len() > 1 => {
                // One of them may be to blame: each is tried alone, and only that one fails.
                tracing::warn!(%trouble, "a group of commits failed, trying each alone");
                return group.into_iter().for_each(|job| self.commit(vec![job]));
            }
            Err(trouble) => vec![Err(rejection(trouble))],
        };
        for (job, answer) in group.into_iter().zip(answers) {
            // Whoever asked may have gone away; the commit stands.
            let _ = job.answer.send(answer);
        }
    }

    /// Decides and writes a group, removing what obstacles it can.
    fn attempt<'g>(&self, group: &'g [Job]) -> Result<Decisions<'g>, Trouble> {
        let Shared { engine, tail, .. } = &*self.shared;
        let _writing = tail.writing.lock();
        let mut was_broken = false;
        loop {
            let (mut decisions, mut left) = (Vec::with_capacity(group.len()), tail.runs());
            match self.write(group, &mut decisions, &mut left) {
                Err(Trouble::MapFull) if engine.grow()? => continue,
                Err(Trouble::Broken(_)) if !was_broken => {
                    was_broken = true;
                    continue;
                }
                // LMDB takes a failed write of its last page back; where that fails too, the engine
                // was opened again and synced, and what is there now is what happened.
                Err(trouble) if !self.is_on_disk(newest(&decisions)) => return Err(trouble),
                Ok(()) | Err(_) => {}
            }
            tail.set(left);
            return Ok(decisions);
        }
    }

    /// All decisions are made before the first row is written, in one engine transaction. The tail
    /// of the index becomes what it is after that.
    fn write<'g>(
        &self,
        group: &'g [Job],
        decisions: &mut Decisions<'g>,
        tail: &mut Runs,
    ) -> Result<(), Trouble> {
        let before = *self.shared.published.read();
        self.shared.engine.write(|writer| {
            let mut decider = Decider::new(writer.view(), before);
            let decide = |job: &'g Job| decider.decide(&job.commit, self.clock.now());
            decisions.extend(group.iter().map(decide));
            let accepted = decisions.iter().flatten().collect::<Vec<_>>();
            let before = (std::mem::take(tail), self.shared.tail.most);
            *tail = apply(writer, &accepted, &self.shared.superseded, before)?;
            Ok(())
        })
    }

    fn is_on_disk(&self, after: Option<Head>) -> bool {
        let published = self.shared.published.read().number;
        let found = self.shared.engine.read().and_then(|reader| latest(reader.view()));
        after.is_some_and(|head| head.number > published && found.is_ok_and(|it| it == head))
    }

    /// Lets readers see the group, and makes the answers.
    fn publish(&self, decisions: Decisions<'_>) -> Vec<Answer> {
        if let Some(head) = newest(&decisions) {
            self.shared.changes.note(decisions.iter().flatten());
            let mut published = self.shared.published.write();
            if head.number > published.number {
                tracing::debug!(commit = head.number, rid = head.rid.0, "published");
                *published = head;
                self.shared.groups.fetch_add(1, Ordering::Relaxed);
            }
        }
        let committed = |Decided { head, outcomes, .. }: Decided<'_>| Committed {
            snapshot: Snapshot::new(Arc::clone(&self.shared), head),
            last_updated: head.last_updated,
            outcomes,
        };
        decisions.into_iter().map(|decision| decision.map(committed)).collect()
    }

    /// Grows the map before it is full, so that no group has to be written twice.
    fn grow_early(&self) {
        let engine = &self.shared.engine;
        let grown =
            engine.is_nearly_full().and_then(|it| if it { engine.grow() } else { Ok(false) });
        if let Err(fault) = grown {
            tracing::warn!(%fault, "the map could not be grown early");
        }
    }
}

fn newest(decisions: &Decisions<'_>) -> Option<Head> {
    decisions.iter().flatten().last().map(|decided| decided.head)
}

fn rejection(trouble: Trouble) -> Rejected {
    match trouble {
        Trouble::MapFull | Trouble::DiskFull(_) => Rejected::NoRoom(trouble.into()),
        Trouble::Broken(_) | Trouble::Other(_) => {
            let fault = Fault::from(trouble);
            tracing::error!(%fault, "a commit failed");
            Rejected::Fault(fault)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::engine::Engine;
    use crate::embedded::postings::Postings;
    use crate::embedded::tables::SERVICE;
    use crate::{
        Content, Forward, Key, Operation, ParameterId, PutCondition, ResourceId, StoreOptions,
        TypeId,
    };
    use fhir::search::Value;

    /// A writer that does not run, and the way to its queue.
    fn writer() -> (tempfile::TempDir, GroupWriter, Writing) {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { tail_rows: 4, ..StoreOptions::default() };
        let engine = Engine::open(folder.path(), SERVICE, &options).unwrap();
        let shared = Arc::new(Shared::load(engine, &options).unwrap());
        let (sender, queue) = sync_channel(WRITER_QUEUE);
        let writing = Writing { queue: RwLock::new(Some(sender)), thread: Mutex::new(None) };
        (folder, GroupWriter { shared, clock: options.clock, queue, held: None }, writing)
    }

    fn commit_of(bytes: usize) -> Commit {
        let mut content = Content::compress(b"", [0; 16], [0; 12], None).unwrap();
        content.body = vec![0; bytes];
        let key = Key { resource_type: TypeId(1), id: ResourceId::new("p").unwrap() };
        Commit::of(Operation::Put { key, condition: PutCondition::Any, content })
    }

    /// Queues commits of these sizes and counts those of each group.
    fn groups(sizes: &[usize]) -> Vec<usize> {
        let (_folder, mut writer, writing) = writer();
        sizes.iter().for_each(|&bytes| drop(writing.queue(commit_of(bytes)).unwrap()));
        drop(writing);
        std::iter::from_fn(|| writer.next_group()).map(|group| group.len()).collect()
    }

    #[test]
    fn a_group_holds_its_limit_of_commits_and_the_next_one_waits() {
        assert_eq!(groups(&[]), [0; 0]);
        assert_eq!(groups(&[1; GROUP_COMMITS]), [GROUP_COMMITS]);
        assert_eq!(groups(&[1; GROUP_COMMITS + 1]), [GROUP_COMMITS, 1]);
    }

    #[test]
    fn a_group_holds_its_limit_of_bytes_and_a_larger_commit_goes_alone() {
        let half = GROUP_BYTES / 2;
        assert_eq!(groups(&[half, half]), [2]);
        assert_eq!(groups(&[half, half + 1]), [1, 1]);
        assert_eq!(groups(&[GROUP_BYTES + 1, 1, 1]), [1, 2]);
        assert_eq!(groups(&[1, GROUP_BYTES + 1, 1]), [1, 1, 1]);
    }

    #[test]
    fn index_rows_past_the_limit_go_into_their_table_twice_as_fast_as_others_come() {
        let (_folder, writer, _writing) = writer();
        let put = |id: &str, parameters: &[u64]| {
            let value = |&parameter| (ParameterId(parameter), Value::String("a".into()));
            let values = parameters.iter().map(value).collect::<Vec<_>>();
            let forward = Forward::pack(&values, &|_| None);
            let content = Content::compress(b"", [0; 16], [0; 12], None).unwrap();
            let content = content.with_values(forward, Vec::new());
            let key = Key { resource_type: TypeId(1), id: ResourceId::new(id).unwrap() };
            let put = Operation::Put { key, condition: PutCondition::Any, content };
            let (answer, mut waiting) = oneshot::channel();
            writer.commit(vec![Job { commit: Commit::of(put), answer }]);
            assert!(waiting.try_recv().unwrap().is_ok());
            let reader = writer.shared.engine.read().unwrap();
            (Postings::all(reader.view()).unwrap().count(), writer.shared.tail.runs().rows())
        };
        assert_eq!(put("a", &[1, 2, 3]), (0, 3));
        assert_eq!(put("b", &[1]), (0, 4));
        assert_eq!(put("c", &[2]), (2, 5));
        assert_eq!(put("d", &[1]), (4, 6));
        assert_eq!(put("e", &[1]), (5, 2));
        assert_eq!(put("f", &[1, 2]), (5, 4));
        // A key goes with all of its rows.
        assert_eq!(put("g", &[1]), (9, 5));
        // More at once than may wait: those before are written whole, and these as well.
        assert_eq!(put("h", &[1, 2, 3, 4, 5]), (15, 0));
        assert_eq!(put("i", &[1]), (15, 1));
    }

    #[test]
    fn a_full_queue_refuses_and_a_closed_one_too() {
        let (_folder, _writer, writing) = writer();
        let waiting = (0..WRITER_QUEUE).map(|_| writing.queue(Commit::default()).unwrap());
        let _waiting = waiting.collect::<Vec<_>>();
        let refused = writing.queue(Commit::default());
        assert!(matches!(refused, Err(Rejected::QueueFull)));
        writing.close();
        assert!(matches!(writing.queue(Commit::default()), Err(Rejected::Closed)));
    }
}
