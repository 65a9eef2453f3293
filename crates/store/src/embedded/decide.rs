//! Deciding what commits come to, before anything is written: a refused commit leaves no trace.

use std::collections::{HashMap, HashSet};

use base::{Fault, TICKS_PER_SECOND, Timestamp};

use super::engine::View;
use super::guard::is_stale;
use super::read::{Head, named_row, newest};
use crate::commit::{Commit, Operation, Outcome, Purged, PutCondition, Refused, Rejected};
use crate::content::Content;
use crate::key::{Key, Rid};
use crate::version::{Kind, VersionHead};

/// Ticks of one microsecond, by which the times of commits differ at least.
const MICROSECOND: i64 = TICKS_PER_SECOND / 1_000_000;

/// Decides the commits of one group, each on top of the ones before it.
pub(super) struct Decider<'t, 'c> {
    view: View<'t>,
    /// The newest commit that the tables hold.
    on_disk: Head,
    /// The newest commit, those of this group included.
    head: Head,
    /// What this group's commits write.
    written: Vec<Effect<'c>>,
    /// What this group's commits left of the resources they touched; `None` is no version at all.
    changed: HashMap<Key, Option<Standing>>,
}

/// The newest version of a resource, and what its content hashes to.
#[derive(Clone, Copy)]
struct Standing {
    version: VersionHead,
    hash: [u8; 16],
}

impl Standing {
    fn is_live(&self) -> bool {
        self.version.kind != Kind::Delete
    }
}

/// A commit that will happen.
pub(super) struct Decided<'c> {
    /// The newest commit once it happened: its own, or the one before when it changes nothing.
    pub(super) head: Head,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) effects: Vec<Effect<'c>>,
}

/// What is to be written for one operation.
#[derive(Clone, Copy)]
pub(super) enum Effect<'c> {
    /// A new version.
    Append {
        version: VersionHead,
        /// `None` for a deletion.
        content: Option<&'c Content>,
        supersedes: Option<VersionHead>,
        /// By how much the number of existing resources changes.
        live: i64,
    },
    /// The end of all versions of a resource.
    Purge { key: Key, live: i64 },
    /// The end of past versions of a resource.
    PurgeHistory { key: Key, which: Purged },
}

impl<'t, 'c> Decider<'t, 'c> {
    pub(super) fn new(view: View<'t>, head: Head) -> Self {
        Self { view, on_disk: head, head, written: Vec::new(), changed: HashMap::new() }
    }

    /// Decides `commit`; the next one sees what it does. A rejected commit is as if it never was.
    pub(super) fn decide(
        &mut self,
        commit: &'c Commit,
        now: Timestamp,
    ) -> Result<Decided<'c>, Rejected> {
        self.guards(commit)?;
        let tick_after = Timestamp::from_ticks(self.head.last_updated.ticks() + MICROSECOND);
        let mut deciding = Deciding {
            group: self,
            last_updated: now.whole_microseconds().max(tick_after),
            rid: self.head.rid,
            changed: HashMap::new(),
            written: HashSet::new(),
            effects: Vec::new(),
        };
        let mut outcomes = Vec::with_capacity(commit.operations.len());
        for (index, operation) in commit.operations.iter().enumerate() {
            outcomes.push(deciding.operation(operation).map_err(|no| no.at(index))?);
        }
        let Deciding { last_updated, rid, changed, effects, .. } = deciding;
        if !effects.is_empty() {
            self.head = Head { number: self.head.number + 1, rid, last_updated };
            self.changed.extend(changed);
            self.written.extend_from_slice(&effects);
        }
        Ok(Decided { head: self.head, outcomes, effects })
    }

    fn guards(&self, commit: &Commit) -> Result<(), Rejected> {
        if commit.guards.is_empty() {
            return Ok(());
        }
        let is_live = |standing: &Option<Standing>| standing.is_some_and(|it| it.is_live());
        let changed = self.changed.iter().map(|(key, standing)| (*key, is_live(standing)));
        let changed = changed.collect::<HashMap<_, _>>();
        for (index, guard) in commit.guards.iter().enumerate() {
            let stored = (self.view, &self.on_disk);
            match is_stale(guard, stored, &self.written, &changed) {
                Ok(false) => {}
                Ok(true) => return Err(Rejected::Stale { guard: index }),
                Err(fault) => return Err(Rejected::Fault(fault)),
            }
        }
        Ok(())
    }
}

/// Why an operation is not possible.
enum No {
    Refused(Refused),
    Fault(Fault),
}

impl No {
    fn at(self, operation: usize) -> Rejected {
        match self {
            Self::Refused(why) => Rejected::At { operation, why },
            Self::Fault(fault) => Rejected::Fault(fault),
        }
    }
}

impl From<Refused> for No {
    fn from(why: Refused) -> Self {
        Self::Refused(why)
    }
}

impl From<Fault> for No {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// One commit on its way.
struct Deciding<'d, 't, 'c> {
    group: &'d Decider<'t, 'c>,
    last_updated: Timestamp,
    rid: Rid,
    changed: HashMap<Key, Option<Standing>>,
    written: HashSet<Key>,
    effects: Vec<Effect<'c>>,
}

impl<'c> Deciding<'_, '_, 'c> {
    fn operation(&mut self, operation: &'c Operation) -> Result<Outcome, No> {
        match operation {
            Operation::Put { key, condition, content } => self.put(key, *condition, content),
            Operation::Delete { key, condition } => self.delete(key, *condition),
            Operation::HardDelete { key } => self.hard_delete(key),
            Operation::PurgeHistory { key, which } => Ok(self.purge_history(key, *which)?),
            Operation::Expect { key } => match self.standing(key)? {
                None => Err(Refused::NotFound.into()),
                Some(it) if it.is_live() => Ok(Outcome::Expected(it.version)),
                Some(it) => Err(Refused::Gone { number: it.version.number }.into()),
            },
        }
    }

    fn put(
        &mut self,
        key: &Key,
        condition: PutCondition,
        content: &'c Content,
    ) -> Result<Outcome, No> {
        self.claim(key)?;
        let before = self.standing(key)?;
        may_put(condition, before.as_ref())?;
        match before {
            Some(it) if it.is_live() && it.hash == content.hash => {
                Ok(Outcome::Unchanged(it.version))
            }
            Some(it) if it.is_live() => {
                let kind = match condition {
                    PutCondition::Patched(_) => Kind::Patch,
                    _ => Kind::Update,
                };
                Ok(Outcome::Updated(self.append(key, kind, before, Some(content))))
            }
            Some(_) | None => {
                let kind = match condition {
                    PutCondition::Absent => Kind::Assign,
                    _ => Kind::Create,
                };
                Ok(Outcome::Created(self.append(key, kind, before, Some(content))))
            }
        }
    }

    fn delete(&mut self, key: &Key, condition: Option<u64>) -> Result<Outcome, No> {
        self.claim(key)?;
        let Some(before) = self.standing(key)? else { return Ok(Outcome::Absent) };
        if !before.is_live() {
            return Ok(Outcome::AlreadyDeleted(before.version));
        }
        let current = before.version.number;
        if condition.is_some_and(|wanted| wanted != current) {
            return Err(Refused::VersionMismatch { current }.into());
        }
        Ok(Outcome::Deleted(self.append(key, Kind::Delete, Some(before), None)))
    }

    fn hard_delete(&mut self, key: &Key) -> Result<Outcome, No> {
        self.claim(key)?;
        if let Some(before) = self.standing(key)? {
            self.changed.insert(*key, None);
            self.effects.push(Effect::Purge { key: *key, live: -i64::from(before.is_live()) });
        }
        Ok(Outcome::HardDeleted)
    }

    fn purge_history(&mut self, key: &Key, which: Purged) -> Result<Outcome, Fault> {
        let Some(Standing { version, .. }) = self.standing(key)? else {
            return Ok(Outcome::Absent);
        };
        let is_due = match which {
            Purged::AllButCurrent => version.number > 1,
            Purged::Replaced => version.number > 1 && self.changed.contains_key(key),
            Purged::ReplacedNumber(number) => {
                version.number == number + 1 && self.changed.contains_key(key)
            }
        };
        if is_due {
            self.effects.push(Effect::PurgeHistory { key: *key, which });
        }
        Ok(Outcome::Expected(version))
    }

    fn append(
        &mut self,
        key: &Key,
        kind: Kind,
        before: Option<Standing>,
        content: Option<&'c Content>,
    ) -> VersionHead {
        self.rid = Rid(self.rid.0 + 1);
        let version = VersionHead {
            rid: self.rid,
            key: *key,
            number: before.map_or(1, |it| it.version.number + 1),
            last_updated: self.last_updated,
            kind,
        };
        let hash = content.map_or([0; 16], |content| content.hash);
        self.changed.insert(*key, Some(Standing { version, hash }));
        let was_live = before.is_some_and(|it| it.is_live());
        let live = i64::from(kind != Kind::Delete) - i64::from(was_live);
        let supersedes = before.map(|it| it.version);
        self.effects.push(Effect::Append { version, content, supersedes, live });
        version
    }

    fn claim(&mut self, key: &Key) -> Result<(), Refused> {
        if self.written.insert(*key) { Ok(()) } else { Err(Refused::SameKeyTwice) }
    }

    fn standing(&self, key: &Key) -> Result<Option<Standing>, Fault> {
        if let Some(standing) = self.changed.get(key).or_else(|| self.group.changed.get(key)) {
            return Ok(*standing);
        }
        let view = self.group.view;
        let Some(rid) = newest(view, key, Rid(u64::MAX))? else { return Ok(None) };
        let row = named_row(view, rid)?;
        Ok(Some(Standing { version: row.head, hash: row.hash }))
    }
}

fn may_put(condition: PutCondition, before: Option<&Standing>) -> Result<(), Refused> {
    let number = before.map_or(0, |it| it.version.number);
    let is_live = before.is_some_and(Standing::is_live);
    match condition {
        PutCondition::Any => Ok(()),
        PutCondition::Absent if before.is_none() => Ok(()),
        PutCondition::NotExists if !is_live => Ok(()),
        PutCondition::Absent | PutCondition::NotExists => Err(Refused::Exists { number }),
        PutCondition::Version(wanted) | PutCondition::Patched(wanted) => match before {
            None => Err(Refused::NotFound),
            Some(_) if !is_live => Err(Refused::Gone { number }),
            Some(_) if wanted == number => Ok(()),
            Some(_) => Err(Refused::VersionMismatch { current: number }),
        },
    }
}
