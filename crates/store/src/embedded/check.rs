//! `firekeep store check`: every table against the others.

use std::collections::BTreeMap;

use base::Fault;

use super::Shared;
use super::dictionaries::Dictionaries;
use super::engine::View;
use super::packages;
use super::postings::{self, Postings};
use super::read::{Head, broken, latest, read_rid, row};
use super::tables::{
    BY_TYPE, COMMITS, COMPARTMENT, CURRENT, FORWARD, HISTORY, LIVE, SUPERSEDED, VERSION,
};
use super::tail;
use super::versions;
use crate::forward::Values;
use crate::key::{self, Rid, TypeId};
use crate::rows::Rows;
use crate::version::{Kind, Row, VersionHead};

/// Contradictions told one by one; of more, the number.
const TOLD_MOST: usize = 100;

pub(super) fn check(shared: &Shared) -> Vec<String> {
    let mut check = Check { dictionaries: &shared.dictionaries, found: Vec::new(), untold: 0 };
    if let Err(fault) = check.all(shared) {
        check.say(|| fault.to_string());
    }
    if check.untold > 0 {
        check.found.push(format!("and {} more", check.untold));
    }
    check.found
}

struct Check<'s> {
    dictionaries: &'s Dictionaries,
    found: Vec<String>,
    untold: u64,
}

/// How many versions have a row of theirs in the tables that need not have one of each.
#[derive(Default)]
struct Named {
    current: u64,
    history: u64,
}

impl Check<'_> {
    fn say(&mut self, what: impl FnOnce() -> String) {
        if self.found.len() < TOLD_MOST {
            self.found.push(what());
        } else {
            self.untold += 1;
        }
    }

    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.say(what);
        }
    }

    fn all(&mut self, shared: &Shared) -> Result<(), Fault> {
        let reader = shared.engine.read()?;
        let view = reader.view();
        let commits = self.commits(view)?;
        let named = self.versions(view, &commits)?;
        self.histories(view, shared)?;
        self.entries(view, &named)?;
        self.references(view)?;
        // Its rows lead nowhere: they need only be readable.
        packages::rows(view).map(drop)
    }

    /// Commits are numbered without gaps; rids never fall, times rise.
    fn commits(&mut self, view: View<'_>) -> Result<Vec<Head>, Fault> {
        let mut commits = Vec::<Head>::new();
        let mut before = Head::START;
        for entry in view.all(COMMITS)? {
            let (number, row) = entry?;
            let number = key::read_u64(number).ok_or_else(|| broken("commits"))?;
            let head = Head::read(number, row)?;
            let follows = number == before.number + 1
                && head.rid >= before.rid
                && head.last_updated > before.last_updated;
            self.expect(follows, || format!("commit {number} does not follow {before:?}"));
            commits.push(head);
            before = head;
        }
        let newest = latest(view)?;
        self.expect(newest == before, || format!("the newest commit is {newest:?}"));
        Ok(commits)
    }

    /// Every version's body is whole, belongs to a commit and stands in the tables that lead to it.
    fn versions(&mut self, view: View<'_>, commits: &[Head]) -> Result<Named, Fault> {
        let (mut live, mut found) = (BTreeMap::<TypeId, u64>::new(), Named::default());
        let mut remaining = commits.iter().peekable();
        for entry in view.all(VERSION)? {
            let (rid, bytes) = entry?;
            let rid = read_rid(rid, "version")?;
            let row = Row::read(rid, bytes)?;
            let head = row.head;
            while remaining.next_if(|commit| commit.rid < rid).is_some() {}
            let time = remaining.peek().map(|commit| commit.last_updated);
            self.expect(time == Some(head.last_updated), || {
                format!("version {} has another time than its commit", rid.0)
            });
            if let Err(fault) = row.body(self.dictionaries) {
                self.say(|| format!("version {}: {fault}", rid.0));
            }
            let (itself, key) = (key::of_rid(rid), &head.key);
            let is_current = view.get(CURRENT, &key::of_current(key))? == Some(&itself);
            let named = view.get(HISTORY, &key::of_history(key, head.number))?;
            // Older stores have a row of the newest as well.
            self.expect(named.map_or(is_current, |named| *named == itself), || {
                format!("version {} is not in its resource's history", rid.0)
            });
            found.current += u64::from(is_current);
            found.history += u64::from(named == Some(&itself));
            let listed = view.get(BY_TYPE, &key::of_by_type(key.resource_type, rid))?;
            self.expect(listed == Some(&[head.kind as u8]), || {
                format!("version {} is not listed under its type", rid.0)
            });
            let is_live = head.kind != Kind::Delete && is_current;
            *live.entry(key.resource_type).or_default() += u64::from(is_live);
        }
        self.live(view, live)?;
        Ok(found)
    }

    fn live(&mut self, view: View<'_>, mut counted: BTreeMap<TypeId, u64>) -> Result<(), Fault> {
        for entry in view.all(LIVE)? {
            let (resource_type, row) = entry?;
            let resource_type = key::read_type(resource_type).ok_or_else(|| broken("live"))?;
            let kept = key::read_u64(row).ok_or_else(|| broken("live"))?;
            let found = counted.remove(&resource_type).unwrap_or(0);
            self.expect(kept == found, || {
                format!("type {} has {found} resources, its count says {kept}", resource_type.0)
            });
        }
        for resource_type in counted.keys() {
            self.say(|| format!("type {} has no count", resource_type.0));
        }
        Ok(())
    }

    /// Of each resource numbers and rids rise; each version is superseded by the next, the last one
    /// is current.
    fn histories(&mut self, view: View<'_>, shared: &Shared) -> Result<(), Fault> {
        for entry in view.all(CURRENT)? {
            let key = key::read_current(entry?.0).ok_or_else(|| broken("current"))?;
            let mut before = None::<VersionHead>;
            for rid in versions::of(view, &key, true)? {
                let rid = rid?;
                let Some(Row { head, .. }) = row(view, rid)? else {
                    self.say(|| format!("{key:?} names version {}, which is gone", rid.0));
                    continue;
                };
                if let Some(earlier) = before.replace(head) {
                    let follows = earlier.rid < rid && earlier.number < head.number;
                    self.expect(follows, || format!("{key:?}: {} is out of order", head.number));
                    self.superseded(view, shared, earlier.rid, Some(rid))?;
                }
            }
            if let Some(last) = before {
                self.superseded(view, shared, last.rid, None)?;
            }
        }
        Ok(())
    }

    fn superseded(
        &mut self,
        view: View<'_>,
        shared: &Shared,
        old: Rid,
        by: Option<Rid>,
    ) -> Result<(), Fault> {
        let row = view.get(SUPERSEDED, &key::of_rid(old))?;
        let found = row.map(|row| read_rid(row, "superseded")).transpose()?;
        // A purged version goes on hiding one that a vacuum took the values of.
        let is_purged = match found.filter(|rid| old < *rid && Some(*rid) < by) {
            Some(rid) => view.get(VERSION, &key::of_rid(rid))?.is_none(),
            None => false,
        };
        self.expect(found == by || is_purged, || {
            format!("version {} should be superseded by {by:?}, is by {found:?}", old.0)
        });
        let has_bit = shared.superseded.read().contains(old.0);
        self.expect(by.is_none() || has_bit, || format!("version {} lacks its bit", old.0));
        Ok(())
    }

    /// No table has rows beyond those that the others led to.
    fn entries(&mut self, view: View<'_>, named: &Named) -> Result<(), Fault> {
        let versions = view.entries(VERSION)?;
        let superseded = versions.checked_sub(named.current);
        for (table, name, expected) in [
            (HISTORY, "history", Some(named.history)),
            (BY_TYPE, "by_type", Some(versions)),
            (CURRENT, "current", Some(named.current)),
            (SUPERSEDED, "superseded", superseded),
        ] {
            let found = view.entries(table)?;
            self.expect(Some(found) == expected, || {
                format!("the table '{name}' has {found} rows, expected are {expected:?}")
            });
        }
        Ok(())
    }

    /// Rows of compartments and search values belong to versions.
    fn references(&mut self, view: View<'_>) -> Result<(), Fault> {
        for (table, name) in [(COMPARTMENT, "compartment"), (FORWARD, "forward")] {
            for entry in view.all(table)? {
                let rid = key::read_compartment_rid(entry?.0).ok_or_else(|| broken(name))?;
                let exists = view.get(VERSION, &key::of_rid(rid))?.is_some();
                self.expect(exists, || format!("'{name}' names version {}, which is gone", rid.0));
            }
        }
        self.search(view)
    }

    /// The index has the rows of all packed values that it is to have, maybe some that it is about
    /// to have, and no others.
    fn search(&mut self, view: View<'_>) -> Result<(), Fault> {
        let mut expected = 0;
        let indexed = tail::indexed(view)?;
        for entry in view.all(FORWARD)? {
            let (rid, forward) = entry?;
            let rid = read_rid(rid, "forward")?;
            for row in Rows::of(Values(forward)).iter() {
                let exists = postings::has(view, row, rid)?;
                expected += usize::from(exists);
                self.expect(exists || rid > indexed, || {
                    format!("a value of version {} is not in the index", rid.0)
                });
            }
        }
        let mut rows = Postings::all(view)?;
        let found = rows.try_fold(0, |count, row| row.map(|_| count + 1))?;
        self.expect(found == expected, || {
            format!("the index has {found} rows, expected are {expected}")
        });
        Ok(())
    }
}
