//! Forward-only numbered migrations. Each runs in one transaction with the new format number, so a
//! crash leaves the store at one format or the next.
//!
//! To change a layout: raise `format` in `tables.rs`, add the migration that makes it here, and a
//! section to `docs/store.md`.

use super::engine::{Engine, Writer};
use super::read::latest;
use super::tables::{Layout, META, META_FORMAT};
use super::tail;
use super::trouble::Trouble;

/// A step from the format before `to` to `to`.
#[derive(Clone, Copy)]
pub(super) struct Migration {
    pub(super) to: u32,
    pub(super) run: fn(&mut Writer<'_>) -> Result<(), Trouble>,
}

/// Format 1 is the first; 2 has the table `package`, 3 the tables `search` and `parameter`, all
/// empty: no parameter is indexed until the server has done it. In 4 the newest versions may lack
/// their rows in `search`; before it none did. In 5 a version may say that a patch made it. In 6 a
/// row of `search` may be of several versions. Those of one each are read as before; what had been
/// written in part would overlap with what is to be written. In 7 the newest version of a resource
/// needs no row in `history`. In 8 versions may name a row of the table `dictionary`, empty at
/// first.
pub(super) const SERVICE_MIGRATIONS: &[Migration] = &[
    Migration { to: 2, run: |_| Ok(()) },
    Migration { to: 3, run: |_| Ok(()) },
    Migration {
        to: 4,
        run: |writer| {
            let newest = latest(writer.view())?.rid;
            tail::set_indexed(writer, newest)
        },
    },
    Migration { to: 5, run: |_| Ok(()) },
    Migration { to: 6, run: tail::take_back },
    Migration { to: 7, run: |_| Ok(()) },
    Migration { to: 8, run: |_| Ok(()) },
];
/// Format 1 is the first.
pub(super) const CONTROL_MIGRATIONS: &[Migration] = &[];

/// Runs what the environment lacks, in order. An error names the format that was not reached.
pub(super) fn run(engine: &Engine, layout: Layout) -> Result<(), (u32, Trouble)> {
    let found = format(engine).map_err(|trouble| (layout.format, trouble))?;
    for migration in layout.migrations.iter().filter(|migration| migration.to > found) {
        let step = engine.write_growing(|writer| {
            (migration.run)(writer)?;
            writer.put(META, META_FORMAT, &migration.to.to_be_bytes())
        });
        step.map_err(|fault| (migration.to, fault.into()))?;
        tracing::info!(format = migration.to, "the store was brought to a newer format");
    }
    Ok(())
}

fn format(engine: &Engine) -> Result<u32, Trouble> {
    let reader = engine.read()?;
    let bytes = reader.view().get(META, META_FORMAT)?;
    Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes))
}

#[cfg(test)]
mod tests {
    use base::Fault;
    use fhir::search::Value;

    use super::*;
    use crate::embedded::tables::{FORWARD, SEARCH, SERVICE, Table};
    use crate::key::{self, ParameterId, Rid};
    use crate::open::OpenFailure;
    use crate::rows::Rows;
    use crate::{Forward, Store};
    use crate::{OpenError, StoreOptions};

    const OLD: Layout =
        Layout { kind: "test", format: 1, tables: &["meta", "notes"], migrations: &[] };
    const NOTES: Table = Table(1);
    const COUNTS: Table = Table(2);
    const NEW: Layout = Layout {
        kind: "test",
        format: 3,
        tables: &["meta", "notes", "counts"],
        migrations: &[
            Migration { to: 2, run: |writer| writer.put(NOTES, b"a", b"upper A") },
            Migration { to: 3, run: |writer| writer.put(COUNTS, b"notes", b"1") },
        ],
    };
    const FAILING: Layout = Layout {
        migrations: &[
            Migration { to: 2, run: |writer| writer.put(NOTES, b"a", b"upper A") },
            Migration {
                to: 3,
                run: |writer| {
                    writer.put(COUNTS, b"notes", b"half done")?;
                    Err(Fault::because("the artificial one").into())
                },
            },
        ],
        ..NEW
    };

    fn open(folder: &tempfile::TempDir, layout: Layout) -> Result<Engine, OpenError> {
        let options = StoreOptions { map_bytes: 1 << 20, ..StoreOptions::default() };
        Engine::open(folder.path(), layout, &options)
    }

    fn value(engine: &Engine, table: Table, key: &[u8]) -> Option<Vec<u8>> {
        engine.read().unwrap().view().get(table, key).unwrap().map(<[u8]>::to_vec)
    }

    fn old_folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let engine = open(&folder, OLD).unwrap();
        engine.write(|writer| writer.put(NOTES, b"a", b"a")).unwrap();
        folder
    }

    #[test]
    fn an_older_store_is_brought_forward_step_by_step_and_only_once() {
        let folder = old_folder();
        for _ in 0..2 {
            let engine = open(&folder, NEW).unwrap();
            assert_eq!(value(&engine, META, META_FORMAT), Some(vec![0, 0, 0, 3]));
            assert_eq!(value(&engine, NOTES, b"a"), Some(b"upper A".to_vec()));
            assert_eq!(value(&engine, COUNTS, b"notes"), Some(b"1".to_vec()));
        }
        let why = open(&folder, OLD).err().unwrap().why;
        assert!(matches!(why, OpenFailure::Newer { found: 3, known: 1 }));
    }

    #[test]
    fn a_service_of_format_1_gets_the_table_of_packages() {
        let tables =
            SERVICE.tables.strip_suffix(&["package", "search", "parameter", "dictionary"]).unwrap();
        let old = Layout { format: 1, tables, migrations: &[], ..SERVICE };
        let folder = tempfile::tempdir().unwrap();
        drop(open(&folder, old).unwrap());
        let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
        assert_eq!(store.packages().unwrap(), []);
        assert_eq!(value(&store.shared.engine, META, META_FORMAT), Some(vec![0, 0, 0, 8]));
    }

    #[test]
    fn of_format_5_the_rows_that_are_written_again_are_taken_back() {
        let old = Layout { format: 5, migrations: &[], ..SERVICE };
        let folder = tempfile::tempdir().unwrap();
        let forward = Forward::pack(&[(ParameterId(1), Value::String("a".into()))], &|_| None);
        let row = |rid| {
            let rows = Rows::of(forward.view());
            [rows.iter().next().unwrap(), &key::of_rid(Rid(rid))].concat()
        };
        let engine = open(&folder, old).unwrap();
        engine
            .write(|writer| {
                for rid in 1..5 {
                    writer.put(FORWARD, &key::of_rid(Rid(rid)), forward.as_bytes())?;
                }
                (1..4).try_for_each(|rid| writer.put(SEARCH, &row(rid), &[]))?;
                tail::set_indexed(writer, Rid(2))
            })
            .unwrap();
        drop(engine);
        let engine = open(&folder, SERVICE).unwrap();
        let left = [1, 2, 3, 4].map(|rid| value(&engine, SEARCH, &row(rid)).is_some());
        assert_eq!(left, [true, true, false, false]);
    }

    #[test]
    fn a_failed_step_leaves_the_format_before_it_and_can_be_run_again() {
        let folder = old_folder();
        let why = open(&folder, FAILING).err().unwrap().why;
        assert!(matches!(why, OpenFailure::Migration { to: 3, .. }));
        let engine = open(&folder, NEW).unwrap();
        assert_eq!(value(&engine, COUNTS, b"notes"), Some(b"1".to_vec()));
    }
}
