//! StructureDefinition to rows.

use json::Value;

use super::read::{
    any_string, boolean, extension, extension_string, items, number, prefixed, string, url,
};
use super::unique::Unique;
use crate::definitions::rows::{Span, length};
use crate::definitions::structures::{
    ConstraintRow, ContextRow, Derivation, DiscriminatorKind, DiscriminatorRow, ElementRow, Role,
    Rules, Severity, SlicingRow, Strength, StructureKind, StructureRow, Structures, TypeRow,
    ValueRow,
};
use crate::definitions::texts::{Interner, Text, order_by};

const FHIR_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";
const REGEX: &str = "http://hl7.org/fhir/StructureDefinition/regex";
const MAX_VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";
const BEST_PRACTICE: &str =
    "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice";
/// How the types of values that are no FHIR elements are named: `System.String`.
const SYSTEM: &str = "http://hl7.org/fhirpath/System.";

/// Collects structures; types of elements are names until all are known.
#[derive(Default)]
pub(super) struct StructureBuilder {
    pub(super) tables: Structures,
    pub(super) texts: Interner,
    types: Unique<TypeRow>,
    constraints: Unique<ConstraintRow>,
    constraint_lists: Unique<u32>,
    values: Unique<ValueRow>,
    lists: Unique<Text>,
}

impl StructureBuilder {
    pub(super) fn add(&mut self, of: Value<'_>) {
        let start = self.tables.elements.len();
        let snapshot = of.get("snapshot").map(|snapshot| items(snapshot, "element"));
        for element in snapshot.into_iter().flatten() {
            let row = self.element(element);
            self.tables.elements.push(row);
        }
        place_elements(&mut self.tables.elements, start);
        let elements = Span::since(start, &self.tables.elements);
        let invariants = items(of, "contextInvariant").filter_map(Value::as_str);
        let invariants = invariants.map(|text| self.texts.text(&text)).collect();
        let row = StructureRow {
            url: self.texts.at(of, "url"),
            version: self.texts.at(of, "version"),
            name: self.texts.at(of, "name"),
            title: self.texts.at(of, "title"),
            kind: StructureKind::from_code(&string(of, "kind")).unwrap_or_default(),
            derivation: derivation(of),
            is_abstract: boolean(of, "abstract").unwrap_or_default(),
            ty: self.texts.at(of, "type"),
            base: self.texts.at(of, "baseDefinition"),
            elements,
            contexts: self.contexts(of),
            context_invariants: self.lists.span(&mut self.tables.lists, invariants),
        };
        self.tables.structures.push(row);
    }

    /// STU3 has one kind of context for all expressions, and the expressions as strings.
    fn contexts(&mut self, of: Value<'_>) -> Span<ContextRow> {
        let start = self.tables.contexts.len();
        for context in items(of, "context") {
            let (kind, expression) = match context.as_str() {
                Some(expression) => (string(of, "contextType"), expression),
                None => (string(context, "type"), string(context, "expression")),
            };
            let kind = self.texts.text(&kind);
            let expression = self.texts.text(&expression);
            self.tables.contexts.push(ContextRow { kind, expression });
        }
        Span::since(start, &self.tables.contexts)
    }

    fn element(&mut self, of: Value<'_>) -> ElementRow {
        let path = string(of, "path");
        let base = of.get("base");
        let base_path = base.map(|base| string(base, "path")).unwrap_or_default();
        let max = string(of, "max");
        let base_max = base.map(|base| string(base, "max")).filter(|max| !max.is_empty());
        let represented = |wanted: &str| items(of, "representation").any(|one| one.is_str(wanted));
        let binding = of.get("binding");
        let value_set = binding
            .map(|binding| any_string(binding, &["valueSet", "valueSetUri", "valueSetReference"]));
        let max_value_set = binding.map(|binding| max_value_set(binding));
        let reference = string(of, "contentReference");
        let reference = reference.rsplit_once('#').map_or(&*reference, |(_, path)| path);
        let depth = length(path.matches('.').count());
        ElementRow {
            id: self.texts.at(of, "id"),
            path: self.texts.text(&path),
            name: self.texts.text(path.rsplit('.').next().unwrap_or_default()),
            base_path: self.texts.text(&base_path),
            slice_name: self.texts.at(of, "sliceName"),
            end: 0,
            depth,
            order: 0,
            min: number(of, "min").unwrap_or_default(),
            max: max.parse().ok(),
            repeats: !matches!(base_max.as_deref().unwrap_or(&max), "0" | "1"),
            is_modifier: boolean(of, "isModifier").unwrap_or_default(),
            is_summary: boolean(of, "isSummary").unwrap_or_default(),
            must_support: boolean(of, "mustSupport").unwrap_or_default(),
            is_xml_attribute: represented("xmlAttr"),
            is_xhtml: represented("xhtml"),
            types: self.types(of, &base_path),
            content_reference: self.texts.text(reference),
            binding: binding.and_then(|of| Strength::from_code(&string(of, "strength"))),
            value_set: self.texts.text(&value_set.unwrap_or_default()),
            max_value_set: self.texts.text(&max_value_set.unwrap_or_default()),
            constraints: self.constraints(of),
            slicing: of.get("slicing").map(|slicing| self.slicing(slicing)),
            values: self.values(of),
            max_length: number(of, "maxLength"),
        }
    }

    /// STU3 repeats a type for each profile; here a type stands once.
    fn types(&mut self, of: Value<'_>, base_path: &str) -> Span<TypeRow> {
        let mut codes: Vec<(String, Value<'_>)> = Vec::new();
        let mut rows: Vec<TypeRow> = Vec::new();
        for ty in items(of, "type") {
            let code = type_code(ty, base_path);
            if !codes.iter().any(|(known, _)| *known == code) {
                codes.push((code, ty));
            }
        }
        for (code, first) in codes {
            let same = || items(of, "type").filter(|ty| type_code(*ty, base_path) == code);
            let profiles: Vec<_> =
                same().flat_map(|ty| items(ty, "profile")).filter_map(url).collect();
            let targets: Vec<_> =
                same().flat_map(|ty| items(ty, "targetProfile")).filter_map(url).collect();
            rows.push(TypeRow {
                code: self.texts.text(&code),
                ty: None,
                pattern: self.texts.text(&extension_string(first, REGEX)),
                profiles: self.list(&profiles),
                targets: self.list(&targets),
            });
        }
        self.types.span(&mut self.tables.types, rows)
    }

    fn list(&mut self, texts: &[impl AsRef<str>]) -> Span<Text> {
        let texts = texts.iter().map(|text| self.texts.text(text.as_ref())).collect();
        self.lists.span(&mut self.tables.lists, texts)
    }

    fn constraints(&mut self, of: Value<'_>) -> Span<u32> {
        let mut places = Vec::new();
        for constraint in items(of, "constraint") {
            let advice = extension(constraint, BEST_PRACTICE);
            let row = ConstraintRow {
                key: self.texts.at(constraint, "key"),
                severity: Severity::from_code(&string(constraint, "severity")).unwrap_or_default(),
                human: self.texts.at(constraint, "human"),
                expression: self.texts.at(constraint, "expression"),
                source: self.texts.at(constraint, "source"),
                best_practice: advice.and_then(|of| boolean(of, "valueBoolean")).unwrap_or(false),
            };
            places.push(self.constraints.place(&mut self.tables.constraints, row));
        }
        self.constraint_lists.span(&mut self.tables.constraint_lists, places)
    }

    fn slicing(&mut self, of: Value<'_>) -> u32 {
        let start = self.tables.discriminators.len();
        for discriminator in items(of, "discriminator") {
            let kind = DiscriminatorKind::from_code(&string(discriminator, "type"));
            let path = self.texts.at(discriminator, "path");
            let row = DiscriminatorRow { kind: kind.unwrap_or_default(), path };
            self.tables.discriminators.push(row);
        }
        let discriminators = Span::since(start, &self.tables.discriminators);
        let rules = Rules::from_code(&string(of, "rules")).unwrap_or_default();
        let ordered = boolean(of, "ordered").unwrap_or_default();
        self.tables.slicings.push(SlicingRow { discriminators, rules, ordered });
        length(self.tables.slicings.len() - 1)
    }

    fn values(&mut self, of: Value<'_>) -> Span<ValueRow> {
        let roles =
            [Role::Fixed, Role::Pattern, Role::MinValue, Role::MaxValue, Role::DefaultValue];
        let mut rows = Vec::new();
        for role in roles {
            if let Some((ty, value)) = prefixed(of, role.code()) {
                let ty = self.texts.text(&ty);
                rows.push(ValueRow { role, ty, json: self.texts.text(&compact(value)) });
            }
        }
        self.values.span(&mut self.tables.values, rows)
    }

    /// The tables, with what finds a structure by its URL. `ty` knows the types by name.
    pub(super) fn finish(
        self,
        ty: impl Fn(&str) -> Option<crate::definitions::TypeId>,
    ) -> Structures {
        let mut tables = self.tables;
        let texts = self.texts.finish();
        tables.by_url =
            order_by(&tables.structures, |row| (texts.get(row.url), texts.get(row.version)));
        tables.texts = texts;
        tables.name_types(ty);
        tables
    }
}

pub(super) fn derivation(of: Value<'_>) -> Derivation {
    Derivation::from_code(&string(of, "derivation")).unwrap_or_default()
}

/// What the elements' depths say about where each ends and which place it has among its siblings.
fn place_elements(all: &mut [ElementRow], start: usize) {
    let Some(elements) = all.get_mut(start..) else { return };
    // The elements that are still open: place and, of its children so far, path and order.
    let mut open: Vec<(usize, Text, u32)> = Vec::new();
    for place in 0..=elements.len() {
        let depth = elements.get(place).map_or(0, |row| row.depth as usize);
        while open.len() > depth {
            let Some((closed, ..)) = open.pop() else { break };
            if let Some(row) = elements.get_mut(closed) {
                row.end = length(start + place);
            }
        }
        let Some(row) = elements.get_mut(place) else { return };
        if let Some((_, path, order)) = open.last_mut() {
            // A slice has the place of what it slices.
            if *path != row.path {
                *order += 1;
                *path = row.path;
            }
            row.order = *order;
        }
        open.push((place, Text::default(), 0));
    }
}

/// The name of a type. Values that are no elements have URLs of FHIRPath as types and name the
/// FHIR type in an extension; R4 says `string` there for ids of resources, whose type is `id`.
fn type_code(ty: Value<'_>, base_path: &str) -> String {
    let code = string(ty, "code");
    let Some(system) = code.strip_prefix(SYSTEM) else { return code.into_owned() };
    let named = extension_string(ty, FHIR_TYPE);
    match (base_path, &*named) {
        ("Resource.id", "string" | "") => "id".to_owned(),
        (_, "") => system.to_lowercase(),
        (_, named) => named.to_owned(),
    }
}

fn max_value_set(binding: Value<'_>) -> String {
    let value = extension(binding, MAX_VALUE_SET).and_then(|of| prefixed(of, "value"));
    value.and_then(|(_, value)| url(value)).unwrap_or_default().into_owned()
}

/// The value without white space between its tokens.
fn compact(value: Value<'_>) -> String {
    let alone = json::Document::parse(value.raw().to_vec(), &json::Limits::default());
    let bytes = alone.map(|document| json::compact(&document));
    bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}
