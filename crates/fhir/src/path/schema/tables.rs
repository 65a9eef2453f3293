//! The schema of a version of FHIR, from its definitions.

use std::sync::{Arc, LazyLock};

use crate::definitions::{self, Definitions, Type, TypeKind};

use super::{Form, Kind, Primitive, Schema, TypeId};

impl Schema {
    /// The types of R4, shared by all of the process.
    #[must_use]
    pub fn r4() -> Arc<Schema> {
        static SCHEMA: LazyLock<Arc<Schema>> =
            LazyLock::new(|| Arc::new(Schema::of(Definitions::r4())));
        Arc::clone(&SCHEMA)
    }

    /// The types of definitions.
    #[must_use]
    pub fn of(definitions: &Definitions) -> Schema {
        let mut schema = Schema::default();
        let quantity = definitions.type_named("Quantity");
        // Types get their numbers in the order of the definitions.
        for ty in definitions.types() {
            let name = match (ty.kind(), ty.base()) {
                (TypeKind::Backbone, Some(base)) => base.name(),
                _ => ty.name(),
            };
            schema.add_type(ty.name(), name, kind(ty, quantity));
        }
        for ty in definitions.types() {
            let id = TypeId::from(ty.id());
            if let Some(base) = ty.base() {
                schema.set_base(id, base.id().into());
            }
            add_elements(&mut schema, definitions, id, ty);
        }
        schema
    }
}

/// Both number the types in the order of the definitions.
impl From<definitions::TypeId> for TypeId {
    fn from(id: definitions::TypeId) -> TypeId {
        TypeId(u32::try_from(id.index()).unwrap_or(u32::MAX))
    }
}

/// Both number the types in the order of the definitions.
impl From<TypeId> for definitions::TypeId {
    fn from(id: TypeId) -> definitions::TypeId {
        definitions::TypeId(u16::try_from(id.0).unwrap_or(u16::MAX))
    }
}

fn kind(ty: Type<'_>, quantity: Option<definitions::TypeId>) -> Kind {
    match ty.kind() {
        TypeKind::Primitive => Kind::Primitive(Primitive::of(ty.name())),
        TypeKind::Resource if ty.is_abstract() => Kind::AbstractResource,
        TypeKind::Resource => Kind::Resource,
        TypeKind::Complex if quantity.is_some_and(|quantity| ty.is_a(quantity)) => Kind::Quantity,
        TypeKind::Complex | TypeKind::Backbone | TypeKind::Logical => Kind::Complex,
    }
}

/// Adds the elements of a type: the names of a choice follow each other and are one element.
fn add_elements(schema: &mut Schema, definitions: &Definitions, id: TypeId, ty: Type<'_>) {
    let mut open: Option<(&str, Vec<Form>, bool)> = None;
    for key in ty.json_names() {
        let Some(child) = ty.child(key) else { continue };
        let name = child.element.name();
        let name = name.strip_suffix("[x]").unwrap_or(name);
        // The definitions call the id of a resource a string, the specification's text an id.
        let type_id = match (ty.kind(), key) {
            (TypeKind::Resource, "id") => definitions.type_named("id").unwrap_or(child.ty),
            _ => child.ty,
        };
        let form = Form::new(key, type_id.into());
        match &mut open {
            Some((last, forms, _)) if child.choice && *last == name => forms.push(form),
            _ => {
                if let Some((name, forms, list)) = open.replace((name, vec![form], child.many)) {
                    schema.add_element(id, name, forms, list);
                }
            }
        }
    }
    if let Some((name, forms, list)) = open {
        schema.add_element(id, name, forms, list);
    }
}
