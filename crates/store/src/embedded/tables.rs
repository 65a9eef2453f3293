//! The tables of an environment: names, the kinds of environment, the rows of `meta`.

use super::migrate::{CONTROL_MIGRATIONS, Migration, SERVICE_MIGRATIONS};

/// A table, by its place in [`Layout::tables`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Table(pub(super) usize);

/// What kind of environment it is, which tables it has, and how older ones become it.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    pub(super) kind: &'static str,
    pub(super) format: u32,
    pub(super) tables: &'static [&'static str],
    pub(super) migrations: &'static [Migration],
}

/// Every environment's first table: its format, kind and GUID.
pub(crate) const META: Table = Table(0);
/// Rows of `meta`.
pub(super) const META_FORMAT: &[u8] = b"format";
pub(super) const META_KIND: &[u8] = b"kind";
pub(super) const META_GUID: &[u8] = b"guid";
/// Up to which rid versions have their rows in `search`.
pub(super) const META_INDEXED: &[u8] = b"indexed";

/// rid -> type, id, number, `last_updated`, kind, hash, splice, body.
pub(super) const VERSION: Table = Table(1);
/// type, id -> rid of the newest version.
pub(super) const CURRENT: Table = Table(2);
/// type, id, number -> rid, of versions that another took the place of; in older stores also of the
/// newest.
pub(super) const HISTORY: Table = Table(3);
/// type, rid -> kind.
pub(super) const BY_TYPE: Table = Table(4);
/// compartment, type, rid -> nothing.
pub(super) const COMPARTMENT: Table = Table(5);
/// rid -> rid of the version that took its place.
pub(super) const SUPERSEDED: Table = Table(6);
/// commit number -> highest rid, `last_updated`.
pub(super) const COMMITS: Table = Table(7);
/// rid -> packed search values.
pub(super) const FORWARD: Table = Table(8);
/// type -> how many of its resources exist at the latest commit.
pub(super) const LIVE: Table = Table(9);

/// name of a package -> order, what is shown, pack, archive.
pub(super) const PACKAGE: Table = Table(10);

/// parameter, form, value, first rid -> how far further rids are from the one before: the index of
/// search values (`postings.rs`).
pub(super) const SEARCH: Table = Table(11);
/// parameter -> state of its index.
pub(super) const PARAMETER: Table = Table(12);

/// number of a dictionary -> type, how many bodies of it there were, the dictionary.
pub(super) const DICTIONARY: Table = Table(13);

/// A FHIR service's environment.
pub(super) const SERVICE: Layout = Layout {
    kind: "service",
    format: 8,
    tables: &[
        "meta",
        "version",
        "current",
        "history",
        "by_type",
        "compartment",
        "superseded",
        "commits",
        "forward",
        "live",
        "package",
        "search",
        "parameter",
        "dictionary",
    ],
    migrations: SERVICE_MIGRATIONS,
};

/// collection, zero, key -> value.
pub(crate) const ENTRIES: Table = Table(1);

/// The control plane's environment.
pub(crate) const CONTROL: Layout = Layout {
    kind: "control",
    format: 1,
    tables: &["meta", "entries"],
    migrations: CONTROL_MIGRATIONS,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::open::TABLES_MOST;

    #[test]
    fn no_layout_has_more_tables_than_an_environment() {
        for layout in [SERVICE, CONTROL] {
            assert!(layout.tables.len() <= TABLES_MOST as usize);
        }
    }

    #[test]
    fn tables_stand_where_their_constants_say() {
        for (table, name) in [
            (META, "meta"),
            (VERSION, "version"),
            (CURRENT, "current"),
            (HISTORY, "history"),
            (BY_TYPE, "by_type"),
            (COMPARTMENT, "compartment"),
            (SUPERSEDED, "superseded"),
            (COMMITS, "commits"),
            (FORWARD, "forward"),
            (LIVE, "live"),
            (PACKAGE, "package"),
            (SEARCH, "search"),
            (PARAMETER, "parameter"),
            (DICTIONARY, "dictionary"),
        ] {
            assert_eq!(SERVICE.tables.get(table.0), Some(&name));
        }
        assert_eq!(CONTROL.tables.get(META.0), Some(&"meta"));
        assert_eq!(CONTROL.tables.get(ENTRIES.0), Some(&"entries"));
    }
}
