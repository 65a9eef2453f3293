//! CodeSystem, ValueSet and its expansion to rows.

use std::collections::HashMap;

use json::Value;

use super::read::{boolean, extension_string, items, prefixed, string, url};
use crate::definitions::rows::{Span, length};
use crate::definitions::terminology::{
    CodeSystemRow, ConceptRow, ContainedRow, DeclaredRow, DesignationRow, FilterRow, IncludeRow,
    IncludedConceptRow, ParameterRow, PropertyKind, PropertyRow, TerminologyTables, ValueSetRow,
};
use crate::definitions::texts::{Interner, Text, order_by};

const STANDARDS_STATUS: &str =
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status";
const SUPPLEMENT: &str = "http://hl7.org/fhir/StructureDefinition/valueset-supplement";
const EXPANSION_PARAMETER: &str =
    "http://hl7.org/fhir/StructureDefinition/valueset-expansion-parameter";

#[derive(Default)]
pub(super) struct TerminologyBuilder {
    tables: TerminologyTables,
    texts: Interner,
    /// Where each value set is, for an expansion that comes in another file.
    sets: HashMap<(Text, Text), usize>,
}

impl TerminologyBuilder {
    pub(super) fn add_code_system(&mut self, of: Value<'_>) {
        let start = self.tables.concepts.len();
        self.concepts(of, start);
        let concepts = Span::since(start, &self.tables.concepts);
        let declared_start = self.tables.declared.len();
        for property in items(of, "property") {
            let row = DeclaredRow {
                code: self.texts.at(property, "code"),
                uri: self.texts.at(property, "uri"),
                kind: self.texts.at(property, "type"),
            };
            self.tables.declared.push(row);
        }
        let row = CodeSystemRow {
            url: self.texts.at(of, "url"),
            version: self.texts.at(of, "version"),
            name: self.texts.at(of, "name"),
            title: self.texts.at(of, "title"),
            status: self.texts.at(of, "status"),
            content: self.texts.at(of, "content"),
            case_sensitive: boolean(of, "caseSensitive"),
            hierarchy_meaning: self.texts.at(of, "hierarchyMeaning"),
            compositional: boolean(of, "compositional"),
            supplements: self.texts.at(of, "supplements"),
            value_set: self.texts.at(of, "valueSet"),
            concepts,
            declared: Span::since(declared_start, &self.tables.declared),
            language: self.texts.at(of, "language"),
            experimental: boolean(of, "experimental"),
            standards_status: self.texts.text(&extension_string(of, STANDARDS_STATUS)),
        };
        self.tables.systems.push(row);
    }

    /// All concepts below `of`, each before those below it. The stack holds what is still to be
    /// read, with the place of the concept that it is below.
    fn concepts(&mut self, of: Value<'_>, start: usize) {
        let mut open: Vec<(Option<usize>, Vec<Value<'_>>)> = vec![(None, reversed(of, "concept"))];
        while let Some((parent, waiting)) = open.last_mut() {
            let parent = *parent;
            let Some(concept) = waiting.pop() else {
                open.pop();
                let end = length(self.tables.concepts.len() - start);
                let row = parent.and_then(|place| self.tables.concepts.get_mut(place));
                if let Some(row) = row {
                    row.end = end;
                }
                continue;
            };
            let row = ConceptRow {
                code: self.texts.at(concept, "code"),
                display: self.texts.at(concept, "display"),
                definition: self.texts.at(concept, "definition"),
                parent: parent.map(|place| length(place - start)),
                end: 0,
                designations: self.designations(concept),
                properties: self.properties(concept),
            };
            open.push((Some(self.tables.concepts.len()), reversed(concept, "concept")));
            self.tables.concepts.push(row);
        }
    }

    fn designations(&mut self, of: Value<'_>) -> Span<DesignationRow> {
        let start = self.tables.designations.len();
        for designation in items(of, "designation") {
            let (system, code) = designation.get("use").map_or(<_>::default(), |of| {
                (self.texts.at(of, "system"), self.texts.at(of, "code"))
            });
            let row = DesignationRow {
                language: self.texts.at(designation, "language"),
                use_system: system,
                use_code: code,
                value: self.texts.at(designation, "value"),
            };
            self.tables.designations.push(row);
        }
        Span::since(start, &self.tables.designations)
    }

    fn properties(&mut self, of: Value<'_>) -> Span<PropertyRow> {
        let start = self.tables.properties.len();
        for property in items(of, "property") {
            let Some((ty, value)) = prefixed(property, "value") else { continue };
            let mut letters = ty.chars();
            let lower = letters.next().map(|first| first.to_ascii_lowercase());
            let lower: String = lower.into_iter().chain(letters).collect();
            let kind = PropertyKind::from_code(&ty).or_else(|| PropertyKind::from_code(&lower));
            let kind = kind.unwrap_or_default();
            let (value, system, display) = if kind == PropertyKind::Coding {
                let part = |key| string(value, key).into_owned();
                (part("code"), part("system"), part("display"))
            } else {
                let text = value.as_str().unwrap_or_else(|| value.raw_str().into());
                (text.into_owned(), String::new(), String::new())
            };
            let row = PropertyRow {
                code: self.texts.at(property, "code"),
                kind,
                value: self.texts.text(&value),
                system: self.texts.text(&system),
                display: self.texts.text(&display),
            };
            self.tables.properties.push(row);
        }
        Span::since(start, &self.tables.properties)
    }

    pub(super) fn add_value_set(&mut self, of: Value<'_>) {
        let compose = of.get("compose");
        let side = |builder: &mut Self, key| {
            compose.map_or(<_>::default(), |compose| builder.includes(compose, key))
        };
        let row = ValueSetRow {
            url: self.texts.at(of, "url"),
            version: self.texts.at(of, "version"),
            name: self.texts.at(of, "name"),
            title: self.texts.at(of, "title"),
            status: self.texts.at(of, "status"),
            includes: side(self, "include"),
            excludes: side(self, "exclude"),
            inactive: compose.and_then(|compose| boolean(compose, "inactive")),
            locked_date: compose.map_or(<_>::default(), |of| self.texts.at(of, "lockedDate")),
            language: self.texts.at(of, "language"),
            experimental: boolean(of, "experimental"),
            standards_status: self.texts.text(&extension_string(of, STANDARDS_STATUS)),
            supplements: self.supplements(of),
            parameters: compose.map_or(<_>::default(), |of| self.parameters(of)),
            is_expanded: false,
            contained: Span::default(),
        };
        self.sets.insert((row.url, row.version), self.tables.sets.len());
        self.tables.sets.push(row);
        self.add_expansion(of);
    }

    /// The extension `valueset-supplement`: the author says which supplements are needed.
    fn supplements(&mut self, of: Value<'_>) -> Span<Text> {
        let start = self.tables.lists.len();
        for extension in items(of, "extension") {
            if string(extension, "url") == SUPPLEMENT
                && let Some((_, value)) = prefixed(extension, "value")
                && let Some(canonical) = value.as_str()
            {
                let canonical = self.texts.text(&canonical);
                self.tables.lists.push(canonical);
            }
        }
        Span::since(start, &self.tables.lists)
    }

    /// The extension `valueset-expansion-parameter`: how the author wants it expanded.
    fn parameters(&mut self, of: Value<'_>) -> Span<ParameterRow> {
        let start = self.tables.parameters.len();
        let wanted = |of: &Value<'_>| string(*of, "url") == EXPANSION_PARAMETER;
        for extension in items(of, "extension").filter(wanted) {
            let row = ParameterRow {
                name: self.texts.text(&extension_string(extension, "name")),
                value: self.texts.text(&extension_string(extension, "value")),
            };
            self.tables.parameters.push(row);
        }
        Span::since(start, &self.tables.parameters)
    }

    /// Takes the expansion of a value set that is known; of one that is not, all there is.
    pub(super) fn add_expansion(&mut self, of: Value<'_>) {
        let key = (self.texts.at(of, "url"), self.texts.at(of, "version"));
        let Some(known) = self.sets.get(&key).copied() else { return self.add_value_set(of) };
        let Some(expansion) = of.get("expansion") else { return };
        let start = self.tables.contained.len();
        let mut open = vec![reversed(expansion, "contains")];
        while let Some(waiting) = open.last_mut() {
            let Some(line) = waiting.pop() else {
                open.pop();
                continue;
            };
            let row = ContainedRow {
                system: self.texts.at(line, "system"),
                version: self.texts.at(line, "version"),
                code: self.texts.at(line, "code"),
                display: self.texts.at(line, "display"),
                depth: length(open.len() - 1),
                is_abstract: boolean(line, "abstract").unwrap_or_default(),
                is_inactive: boolean(line, "inactive").unwrap_or_default(),
                designations: self.designations(line),
            };
            self.tables.contained.push(row);
            open.push(reversed(line, "contains"));
        }
        let contained = Span::since(start, &self.tables.contained);
        if let Some(row) = self.tables.sets.get_mut(known) {
            (row.is_expanded, row.contained) = (true, contained);
        }
    }

    fn includes(&mut self, of: Value<'_>, key: &str) -> Span<IncludeRow> {
        let mut rows = Vec::new();
        for include in items(of, key) {
            let lists = self.tables.lists.len();
            for set in items(include, "valueSet").filter_map(url) {
                let set = self.texts.text(&set);
                self.tables.lists.push(set);
            }
            let filters = self.tables.filters.len();
            for filter in items(include, "filter") {
                let row = FilterRow {
                    property: self.texts.at(filter, "property"),
                    op: self.texts.at(filter, "op"),
                    value: self.texts.at(filter, "value"),
                };
                self.tables.filters.push(row);
            }
            rows.push(IncludeRow {
                system: self.texts.at(include, "system"),
                version: self.texts.at(include, "version"),
                value_sets: Span::since(lists, &self.tables.lists),
                concepts: self.included(include),
                filters: Span::since(filters, &self.tables.filters),
            });
        }
        let start = self.tables.includes.len();
        self.tables.includes.extend(rows);
        Span::since(start, &self.tables.includes)
    }

    fn included(&mut self, include: Value<'_>) -> Span<IncludedConceptRow> {
        let start = self.tables.included.len();
        for concept in items(include, "concept") {
            let row = IncludedConceptRow {
                code: self.texts.at(concept, "code"),
                display: self.texts.at(concept, "display"),
                designations: self.designations(concept),
            };
            self.tables.included.push(row);
        }
        Span::since(start, &self.tables.included)
    }

    pub(super) fn finish(self) -> TerminologyTables {
        let mut tables = self.tables;
        let texts = self.texts.finish();
        tables.concepts_by_code = vec![0; tables.concepts.len()];
        for system in &tables.systems {
            let rows = system.concepts.of(&tables.concepts);
            // In the order in which `CodeSystem::concept` looks.
            let places = if system.case_sensitive == Some(false) {
                order_by(rows, |row| texts.get(row.code).to_lowercase())
            } else {
                order_by(rows, |row| texts.get(row.code))
            };
            put(&mut tables.concepts_by_code, system.concepts, &places);
        }
        tables.included_by_code = vec![0; tables.included.len()];
        for include in &tables.includes {
            let rows = include.concepts.of(&tables.included);
            let places = order_by(rows, |row| texts.get(row.code));
            put(&mut tables.included_by_code, include.concepts, &places);
        }
        tables.contained_by_code = vec![0; tables.contained.len()];
        for set in &tables.sets {
            let rows = set.contained.of(&tables.contained);
            let places = order_by(rows, |row| (texts.get(row.system), texts.get(row.code)));
            put(&mut tables.contained_by_code, set.contained, &places);
        }
        let by_url = |url: Text, version: Text| (texts.get(url), texts.get(version));
        tables.systems_by_url = order_by(&tables.systems, |row| by_url(row.url, row.version));
        tables.sets_by_url = order_by(&tables.sets, |row| by_url(row.url, row.version));
        tables.texts = texts;
        tables
    }
}

fn reversed<'d>(of: Value<'d>, key: &str) -> Vec<Value<'d>> {
    let mut all: Vec<_> = items(of, key).collect();
    all.reverse();
    all
}

fn put<T>(all: &mut [u32], span: Span<T>, places: &[u32]) {
    if let Some(own) = all.get_mut(span.range()) {
        own.copy_from_slice(places);
    }
}
