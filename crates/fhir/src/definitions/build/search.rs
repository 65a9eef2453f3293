//! SearchParameter, CompartmentDefinition and OperationDefinition to rows.

use json::Value;

use super::read::{any_string, boolean, items, string, url};
use crate::definitions::compartments::{CompartmentRow, CompartmentTables, MemberRow};
use crate::definitions::operations::{OperationRow, OperationTables};
use crate::definitions::rows::{Span, length};
use crate::definitions::search::{CodeRow, ComponentRow, ParameterRow, SearchKind, SearchTables};
use crate::definitions::texts::{Interner, Text, order_by};

/// The strings at `key`, as a list.
fn list(texts: &mut Interner, lists: &mut Vec<Text>, of: Value<'_>, key: &str) -> Span<Text> {
    let start = lists.len();
    lists.extend(items(of, key).filter_map(url).map(|text| texts.text(&text)));
    Span::since(start, lists)
}

#[derive(Default)]
pub(super) struct SearchBuilder {
    tables: SearchTables,
    texts: Interner,
}

impl SearchBuilder {
    pub(super) fn add(&mut self, of: Value<'_>) {
        let Self { tables, texts } = self;
        let start = tables.components.len();
        for component in items(of, "component") {
            tables.components.push(ComponentRow {
                definition: texts.text(&any_string(component, &["definition"])),
                expression: texts.at(component, "expression"),
            });
        }
        let mut list = |key| list(texts, &mut tables.lists, of, key);
        let (bases, targets) = (list("base"), list("target"));
        let (comparators, modifiers, chains) =
            (list("comparator"), list("modifier"), list("chain"));
        tables.parameters.push(ParameterRow {
            url: texts.at(of, "url"),
            version: texts.at(of, "version"),
            name: texts.at(of, "name"),
            code: texts.at(of, "code"),
            kind: SearchKind::from_code(&string(of, "type")).unwrap_or(SearchKind::Special),
            bases,
            expression: texts.at(of, "expression"),
            xpath: texts.at(of, "xpath"),
            xpath_usage: texts.at(of, "xpathUsage"),
            targets,
            components: Span::since(start, &tables.components),
            comparators,
            modifiers,
            chains,
            multiple_or: boolean(of, "multipleOr"),
            multiple_and: boolean(of, "multipleAnd"),
            derived_from: texts.text(&any_string(of, &["derivedFrom"])),
            is_experimental: boolean(of, "experimental").unwrap_or_default(),
        });
    }

    pub(super) fn finish(self) -> SearchTables {
        let Self { mut tables, texts } = self;
        let texts = texts.finish();
        let mut codes = Vec::new();
        for (place, row) in tables.parameters.iter().enumerate() {
            for base in row.bases.of(&tables.lists) {
                let code = CodeRow { base: *base, code: row.code, parameter: length(place) };
                codes.push((!row.is_experimental, code));
            }
        }
        // Of several with one code the last is found, so what is experimental comes first.
        codes.sort_by_key(|(rank, row)| (texts.get(row.base), texts.get(row.code), *rank));
        tables.codes = codes.into_iter().map(|(_, row)| row).collect();
        tables.by_url =
            order_by(&tables.parameters, |row| (texts.get(row.url), texts.get(row.version)));
        tables.texts = texts;
        tables
    }
}

#[derive(Default)]
pub(super) struct CompartmentBuilder {
    tables: CompartmentTables,
    texts: Interner,
}

impl CompartmentBuilder {
    pub(super) fn add(&mut self, of: Value<'_>) {
        let Self { tables, texts } = self;
        let start = tables.members.len();
        for resource in items(of, "resource") {
            let ty = texts.at(resource, "code");
            let parameters = list(texts, &mut tables.lists, resource, "param");
            tables.members.push(MemberRow { ty, parameters });
        }
        tables.compartments.push(CompartmentRow {
            url: texts.at(of, "url"),
            code: texts.at(of, "code"),
            name: texts.at(of, "name"),
            is_example: string(of, "url").ends_with("/example"),
            members: Span::since(start, &tables.members),
        });
    }

    pub(super) fn finish(self) -> CompartmentTables {
        CompartmentTables { texts: self.texts.finish(), ..self.tables }
    }
}

#[derive(Default)]
pub(super) struct OperationBuilder {
    tables: OperationTables,
    texts: Interner,
}

impl OperationBuilder {
    pub(super) fn add(&mut self, of: Value<'_>) {
        let Self { tables, texts } = self;
        let resources = list(texts, &mut tables.lists, of, "resource");
        let can = |key| boolean(of, key).unwrap_or_default();
        tables.operations.push(OperationRow {
            url: texts.at(of, "url"),
            version: texts.at(of, "version"),
            name: texts.at(of, "name"),
            code: texts.at(of, "code"),
            is_query: string(of, "kind") == "query",
            affects_state: boolean(of, "affectsState"),
            resources,
            system: can("system"),
            ty: can("type"),
            instance: can("instance"),
        });
    }

    pub(super) fn finish(self) -> OperationTables {
        OperationTables { texts: self.texts.finish(), ..self.tables }
    }
}
