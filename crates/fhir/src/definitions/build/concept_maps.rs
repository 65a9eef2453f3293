//! ConceptMap to rows.

use json::Value;

use super::read::{any_string, items, prefixed, string};
use crate::definitions::rows::Span;
use crate::definitions::terminology::{
    ConceptMapTables, GroupRow, MapRow, MappingRow, UnmappedKind, UnmappedRow,
};
use crate::definitions::texts::{Interner, Text, order_by};

/// The value set that a map is from or to, as each version of FHIR writes it.
const SOURCE: [&str; 5] =
    ["sourceCanonical", "sourceUri", "sourceReference", "sourceScopeCanonical", "sourceScopeUri"];
const TARGET: [&str; 5] =
    ["targetCanonical", "targetUri", "targetReference", "targetScopeCanonical", "targetScopeUri"];

#[derive(Default)]
pub(super) struct ConceptMapBuilder {
    tables: ConceptMapTables,
    texts: Interner,
}

impl ConceptMapBuilder {
    pub(super) fn add(&mut self, of: Value<'_>) {
        let start = self.tables.groups.len();
        for group in items(of, "group") {
            let row = self.group(group);
            self.tables.groups.push(row);
        }
        let row = MapRow {
            url: self.texts.at(of, "url"),
            version: self.texts.at(of, "version"),
            name: self.texts.at(of, "name"),
            title: self.texts.at(of, "title"),
            status: self.texts.at(of, "status"),
            source: self.texts.text(&any_string(of, &SOURCE)),
            target: self.texts.text(&any_string(of, &TARGET)),
            groups: Span::since(start, &self.tables.groups),
        };
        self.tables.maps.push(row);
    }

    fn group(&mut self, of: Value<'_>) -> GroupRow {
        let start = self.tables.mappings.len();
        for element in items(of, "element") {
            self.mappings(element);
        }
        let mappings = Span::since(start, &self.tables.mappings);
        let start = self.tables.unmapped.len();
        if let Some(unmapped) = of.get("unmapped") {
            let row = UnmappedRow {
                // What R4 calls `provided` is `use-source-code` in R5.
                kind: UnmappedKind::from_code(&string(unmapped, "mode")).unwrap_or_default(),
                code: self.texts.at(unmapped, "code"),
                display: self.texts.at(unmapped, "display"),
                url: self.texts.text(&any_string(unmapped, &["url", "otherMap"])),
            };
            self.tables.unmapped.push(row);
        }
        GroupRow {
            source: self.texts.at(of, "source"),
            source_version: self.texts.at(of, "sourceVersion"),
            target: self.texts.at(of, "target"),
            target_version: self.texts.at(of, "targetVersion"),
            mappings,
            unmapped: Span::since(start, &self.tables.unmapped),
        }
    }

    fn mappings(&mut self, element: Value<'_>) {
        let source = MappingRow {
            code: self.texts.at(element, "code"),
            display: self.texts.at(element, "display"),
            ..<_>::default()
        };
        let start = self.tables.mappings.len();
        for target in items(element, "target") {
            let row = MappingRow {
                relationship: self
                    .texts
                    .text(&any_string(target, &["equivalence", "relationship"])),
                target: self.texts.at(target, "code"),
                target_display: self.texts.at(target, "display"),
                comment: self.texts.at(target, "comment"),
                depends_on: self.others(target, "dependsOn"),
                product: self.others(target, "product"),
                ..source
            };
            self.tables.mappings.push(row);
        }
        if self.tables.mappings.len() == start {
            self.tables.mappings.push(source);
        }
    }

    fn others(&mut self, of: Value<'_>, key: &str) -> Span<(Text, Text, Text)> {
        let start = self.tables.depends.len();
        for other in items(of, key) {
            let typed = prefixed(other, "value").and_then(|(_, value)| value.as_str());
            let value = typed.unwrap_or_else(|| string(other, "value"));
            let row = (
                self.texts.text(&any_string(other, &["property", "attribute"])),
                self.texts.at(other, "system"),
                self.texts.text(&value),
            );
            self.tables.depends.push(row);
        }
        Span::since(start, &self.tables.depends)
    }

    pub(super) fn finish(self) -> ConceptMapTables {
        let mut tables = self.tables;
        let texts = self.texts.finish();
        tables.maps_by_url =
            order_by(&tables.maps, |row| (texts.get(row.url), texts.get(row.version)));
        tables.texts = texts;
        tables
    }
}
