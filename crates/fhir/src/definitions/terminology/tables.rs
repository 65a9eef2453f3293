//! The tables of code systems and value sets.

use crate::definitions::rows::{Span, codes, row, section};
use crate::definitions::texts::Text;

section! {
    /// Code systems and value sets share their texts: an expansion is mostly codes and displays
    /// of code systems.
    struct TerminologyTables {
        systems: CodeSystemRow,
        systems_by_url: u32,
        /// The concepts of a system in pre-order.
        concepts: ConceptRow,
        /// Beside each concept, the place of the one that is there by order of codes.
        concepts_by_code: u32,
        designations: DesignationRow,
        properties: PropertyRow,
        declared: Text,
        sets: ValueSetRow,
        sets_by_url: u32,
        includes: IncludeRow,
        included: IncludedConceptRow,
        filters: FilterRow,
        lists: Text,
        contained: ContainedRow,
        /// As `concepts_by_code`, by (system, code).
        contained_by_code: u32,
    }
}

row! {
    struct CodeSystemRow {
        url: Text,
        version: Text,
        name: Text,
        title: Text,
        status: Text,
        content: Text,
        case_sensitive: Option<bool>,
        hierarchy_meaning: Text,
        compositional: Option<bool>,
        supplements: Text,
        value_set: Text,
        concepts: Span<ConceptRow>,
        declared: Span<Text>,
    }
}

row! {
    /// A concept; those below it follow it, up to `end`.
    struct ConceptRow {
        code: Text,
        display: Text,
        definition: Text,
        parent: Option<u32>,
        end: u32,
        designations: Span<DesignationRow>,
        properties: Span<PropertyRow>,
    }
}

row! {
    struct DesignationRow { language: Text, use_system: Text, use_code: Text, value: Text, }
}

row! {
    struct PropertyRow {
        code: Text,
        kind: PropertyKind,
        value: Text,
        system: Text,
        display: Text,
    }
}

codes! {
    /// The type of a property's value.
    pub enum PropertyKind {
        /// A code of the same system.
        #[default]
        Code = "code",
        /// A code of another system.
        Coding = "Coding",
        /// Text.
        String = "string",
        /// A number.
        Integer = "integer",
        /// `true` or `false`.
        Boolean = "boolean",
        /// A date.
        DateTime = "dateTime",
        /// A decimal.
        Decimal = "decimal",
    }
}

row! {
    struct ValueSetRow {
        url: Text,
        version: Text,
        name: Text,
        title: Text,
        status: Text,
        includes: Span<IncludeRow>,
        excludes: Span<IncludeRow>,
        inactive: Option<bool>,
        locked_date: Text,
        is_expanded: bool,
        contained: Span<ContainedRow>,
    }
}

row! {
    struct IncludeRow {
        system: Text,
        version: Text,
        value_sets: Span<Text>,
        concepts: Span<IncludedConceptRow>,
        filters: Span<FilterRow>,
    }
}

row! {
    struct IncludedConceptRow { code: Text, display: Text, designations: Span<DesignationRow>, }
}

row! {
    struct FilterRow { property: Text, op: Text, value: Text, }
}

row! {
    /// A line of an expansion, in pre-order.
    struct ContainedRow {
        system: Text,
        version: Text,
        code: Text,
        display: Text,
        depth: u32,
        is_abstract: bool,
        is_inactive: bool,
        designations: Span<DesignationRow>,
    }
}
