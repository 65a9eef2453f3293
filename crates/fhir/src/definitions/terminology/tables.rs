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
        declared: DeclaredRow,
        sets: ValueSetRow,
        sets_by_url: u32,
        includes: IncludeRow,
        included: IncludedConceptRow,
        /// As `concepts_by_code`, of the concepts that an include lists.
        included_by_code: u32,
        filters: FilterRow,
        lists: Text,
        parameters: ParameterRow,
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
        declared: Span<DeclaredRow>,
        language: Text,
        experimental: Option<bool>,
        standards_status: Text,
    }
}

row! {
    /// A property that a code system declares.
    struct DeclaredRow { code: Text, uri: Text, kind: Text, }
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
        language: Text,
        experimental: Option<bool>,
        standards_status: Text,
        supplements: Span<Text>,
        parameters: Span<ParameterRow>,
        is_expanded: bool,
        contained: Span<ContainedRow>,
    }
}

row! {
    /// A parameter that the author wants an expansion to be made with.
    struct ParameterRow { name: Text, value: Text, }
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
