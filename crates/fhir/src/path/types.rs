//! <https://hl7.org/fhirpath/N1/#types>: what `is`, `as` and `ofType` ask.

use super::ast::TypeName;
use super::item::Item;
use super::schema::{Kind, Schema, TypeId};

const SYSTEM: [&str; 9] =
    ["Boolean", "Integer", "Decimal", "String", "Date", "DateTime", "Time", "Quantity", "Any"];

/// A type specifier, resolved: a name without namespace may mean a type of either.
#[derive(Clone, Debug)]
pub(crate) struct TypeTest {
    pub(crate) fhir: Option<TypeId>,
    system: Option<&'static str>,
}

impl TypeTest {
    /// None if neither namespace that the name may mean has such a type.
    pub(crate) fn resolve(name: &TypeName, schema: &Schema) -> Option<TypeTest> {
        let system = SYSTEM.into_iter().find(|known| *known == name.name);
        let fhir = schema.type_named(&name.name).filter(|_| !name.name.contains('.'));
        match name.namespace.as_deref() {
            // An unknown System type is a type without instances.
            Some("System") => Some(TypeTest { fhir: None, system }),
            Some("FHIR") => fhir.map(|_| TypeTest { fhir, system: None }),
            Some(_) => None,
            None => (fhir.is_some() || system.is_some()).then_some(TypeTest { fhir, system }),
        }
    }

    /// Whether an item is of the type or of one made from it.
    pub(crate) fn is(&self, item: &Item<'_>, schema: &Schema) -> bool {
        match item {
            Item::Node(node) => self.fhir.is_some_and(|fhir| schema.is_a(node.type_id, fhir)),
            computed => {
                let name = computed.type_name(schema).1;
                self.system.is_some_and(|system| system == name || system == "Any")
            }
        }
    }

    /// Whether `as` and `ofType` let an item pass. A primitive passes only as exactly its type:
    /// `ofType(uri)` is not a way to canonicals, which search parameters tell apart.
    pub(crate) fn passes(&self, item: &Item<'_>, schema: &Schema) -> bool {
        match item {
            Item::Node(node) if matches!(schema.kind(node.type_id), Kind::Primitive(_)) => {
                self.fhir == Some(node.type_id)
            }
            _ => self.is(item, schema),
        }
    }
}
