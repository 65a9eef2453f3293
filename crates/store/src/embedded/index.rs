//! The search index beside the commits: which parameters it is complete for, building it anew for
//! versions that are there, and taking out what no page link can ask for any more.

use base::{Fault, Timestamp};

use super::apply::{index, unindex};
use super::engine::{View, Writer};
use super::read::{broken, named_row, read_rid, row};
use super::tables::{COMPARTMENT, FORWARD, META, PARAMETER, VERSION};
use super::tail;
use super::trouble::Trouble;
use super::versions;
use super::{Shared, Store};
use crate::forward::Forward;
use crate::key::{self, Key, ParameterId, Rid};
use crate::rows::Rows;
use crate::version::with_compartments;

/// Row of `meta`: up to which rid the versions before have no index rows any more.
const META_VACUUMED: &[u8] = b"vacuumed";

/// Whether a search by a parameter finds everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParameterState {
    /// Resources that were there before the parameter are not in its index yet.
    Building,
    /// All are.
    Complete,
}

/// The search values of a version that is there.
#[derive(Clone, Debug)]
pub struct Indexed {
    /// The version.
    pub rid: Rid,
    /// What a search finds it by.
    pub forward: Forward,
    /// The compartments the resource is in.
    pub compartments: Vec<Key>,
}

impl Store {
    /// The parameters whose index was begun.
    ///
    /// # Errors
    /// A [`Fault`] when the file cannot be read.
    pub fn parameters(&self) -> Result<Vec<(ParameterId, ParameterState)>, Fault> {
        let reader = self.shared.engine.read()?;
        let rows = reader.view().all(PARAMETER)?.map(|entry| {
            let (parameter, state) = entry?;
            let parameter = key::read_u64(parameter).ok_or_else(|| broken("parameter"))?;
            let state = match state {
                [0] => ParameterState::Building,
                [1] => ParameterState::Complete,
                _ => return Err(broken("parameter")),
            };
            Ok((ParameterId(parameter), state))
        });
        rows.collect()
    }

    /// Keeps the states of parameters. It is on the disk when this returns. Blocking.
    ///
    /// # Errors
    /// A [`Fault`], for which [`Fault::is_no_room`] tells a full disk or map apart; nothing is then
    /// changed.
    pub fn set_parameters(&self, states: &[(ParameterId, ParameterState)]) -> Result<(), Fault> {
        self.shared.engine.write_growing(|writer| {
            states.iter().try_for_each(|(parameter, state)| {
                let state = u8::from(*state == ParameterState::Complete);
                writer.put(PARAMETER, &parameter.0.to_be_bytes(), &[state])
            })
        })
    }

    /// What was kept under a name beside the commits, for whoever makes the index.
    ///
    /// # Errors
    /// As [`Store::parameters`].
    pub fn kept(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let reader = self.shared.engine.read()?;
        Ok(reader.view().get(META, &kept_row(name))?.map(<[u8]>::to_vec))
    }

    /// Keeps a few bytes under a name beside the commits. It is on the disk when this returns.
    /// Blocking.
    ///
    /// # Errors
    /// As [`Store::set_parameters`].
    pub fn keep(&self, name: &str, value: &[u8]) -> Result<(), Fault> {
        self.shared.engine.write_growing(|writer| writer.put(META, &kept_row(name), value))
    }

    /// Replaces what a search finds some versions by; those that are gone are left out. Blocking;
    /// commits wait meanwhile, so ask for some hundreds at once.
    ///
    /// # Errors
    /// As [`Store::set_parameters`].
    pub fn reindex(&self, versions: &[Indexed]) -> Result<(), Fault> {
        self.indexing(|writer| versions.iter().try_for_each(|version| replace(writer, version)))
    }

    /// Takes the index rows of versions out that were superseded before `before`, of at most `most`
    /// versions that took a place; tells whether more are left. Those whose rows are still in
    /// memory wait until these are in their table. Blocking; commits wait meanwhile.
    ///
    /// # Errors
    /// As [`Store::set_parameters`].
    pub fn vacuum(&self, before: Timestamp, most: usize) -> Result<bool, Fault> {
        let Shared { engine, tail, .. } = &*self.shared;
        let due = |view: View<'_>| {
            let done = vacuumed(view)?.0;
            Ok::<_, Fault>((done, superseded(view, done, before, most)?))
        };
        let (done, (next, _)) = due(engine.read()?.view())?;
        if next == done {
            return Ok(false);
        }
        let _writing = tail.writing.lock();
        engine.write_growing(|writer| {
            let (done, (next, superseded)) = due(writer.view())?;
            for rid in superseded {
                unindex(writer, rid, &Rows::default())?;
                writer.delete(FORWARD, &key::of_rid(rid))?;
            }
            writer.put(META, META_VACUUMED, &next.to_be_bytes())?;
            Ok(next >= done.saturating_add(most as u64))
        })
    }

    /// Changes the index when all of it is in its table.
    fn indexing<T>(
        &self,
        work: impl Fn(&mut Writer<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Fault> {
        let Shared { engine, tail, published, .. } = &*self.shared;
        let _writing = tail.writing.lock();
        let runs = tail.runs();
        let (done, left) = engine.write_growing(|writer| {
            let runs = runs.clone().beside(tail::indexed(writer.view())?);
            // Also of those without rows, which may get some now, among older ones.
            let newest = runs.last().max(published.read().rid);
            let left = runs.write(writer, newest)?;
            Ok((work(writer)?, left))
        })?;
        tail.set(left);
        Ok(done)
    }
}

/// Up to which rid the versions that were superseded by then have no index rows any more.
pub(super) fn vacuumed(view: View<'_>) -> Result<Rid, Fault> {
    view.get(META, META_VACUUMED)?.map_or(Ok(Rid(0)), |row| read_rid(row, "meta"))
}

fn kept_row(name: &str) -> Vec<u8> {
    [b"kept:", name.as_bytes()].concat()
}

/// The versions whose place was taken by those after `done`, and the last of these. Ends before one
/// whose rows are not in the table yet.
fn superseded(
    view: View<'_>,
    done: u64,
    before: Timestamp,
    most: usize,
) -> Result<(u64, Vec<Rid>), Fault> {
    let (indexed, mut next, mut found) = (tail::indexed(view)?, done, Vec::new());
    let (from, to) = (key::of_rid(Rid(done.saturating_add(1))), key::of_rid(Rid(u64::MAX)));
    for entry in view.range(VERSION, &from, &to)?.take(most) {
        let rid = read_rid(entry?.0, "version")?;
        let head = named_row(view, rid)?.head;
        if head.last_updated >= before {
            break;
        }
        if let Some(old) = versions::before(view, &head.key, head.number)? {
            if old > indexed {
                break;
            }
            found.push(old);
        }
        next = rid.0;
    }
    Ok((next, found))
}

fn replace(writer: &mut Writer<'_>, version: &Indexed) -> Result<(), Trouble> {
    let rid_bytes = key::of_rid(version.rid);
    let Some(old) = row(writer.view(), version.rid)? else { return Ok(()) };
    let (of, before) = (old.head.key.resource_type, old.compartments().collect::<Vec<_>>());
    let rows = Rows::of(version.forward.view());
    unindex(writer, version.rid, &rows)?;
    for compartment in before {
        writer.delete(COMPARTMENT, &key::of_compartment(&compartment, of, version.rid))?;
    }
    for compartment in &version.compartments {
        writer.put(COMPARTMENT, &key::of_compartment(compartment, of, version.rid), &[])?;
    }
    let changed = writer.view().get(VERSION, &rid_bytes)?;
    let changed = changed.and_then(|row| with_compartments(row, &version.compartments));
    writer.put(VERSION, &rid_bytes, &changed.ok_or_else(|| broken("version"))?)?;
    index(writer, version.rid, &rows)?;
    match version.forward.as_bytes() {
        [] => writer.delete(FORWARD, &rid_bytes).map(drop),
        forward => writer.put(FORWARD, &rid_bytes, forward),
    }
}
