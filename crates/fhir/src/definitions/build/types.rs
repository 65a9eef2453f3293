//! From the structures of types: what may stand in what.

use std::collections::HashMap;

use super::structures::StructureBuilder;
use crate::definitions::TypeId;
use crate::definitions::rows::{Span, length};
use crate::definitions::structures::{Derivation, ElementRow, StructureKind, StructureRow};
use crate::definitions::texts::{Interner, Text, order_by};
use crate::definitions::types::{ChildRow, Primitive, TypeKind, TypeRow, TypeTables, Types};

/// The types, numbered: first those with a structure of their own, then backbone elements.
pub(super) fn types(structures: StructureBuilder) -> Types {
    let mut builder = TypeBuilder { structures, ..TypeBuilder::default() };
    builder.name_all();
    for number in 0..builder.tables.types.len() {
        builder.children(number);
    }
    builder.finish()
}

#[derive(Default)]
struct TypeBuilder {
    structures: StructureBuilder,
    tables: TypeTables,
    texts: Interner,
    names: HashMap<String, TypeId>,
    /// The name of the type that each structure defines, by URL.
    urls: HashMap<Text, Text>,
}

impl TypeBuilder {
    fn name_all(&mut self) {
        let own: Vec<StructureRow> = self.structures.tables.structures.clone();
        self.urls = own.iter().map(|row| (row.url, row.ty)).collect();
        for (place, row) in own.iter().enumerate() {
            if row.derivation == Derivation::Specialization {
                let name = self.structures.texts.get(row.ty).to_owned();
                self.name(&name, TypeKind::of(row.kind), place, row.elements.start);
            }
        }
        for (place, row) in own.iter().enumerate() {
            for element in row.elements.range().skip(1) {
                let Some(known) = self.element(element) else { continue };
                if known.end as usize > element + 1 {
                    let name = self.structures.texts.get(known.path).to_owned();
                    self.name(&name, TypeKind::Backbone, place, length(element));
                }
            }
        }
        for number in 0..self.tables.types.len() {
            self.describe(number);
        }
    }

    fn element(&self, place: usize) -> Option<ElementRow> {
        self.structures.tables.elements.get(place).copied()
    }

    fn name(&mut self, name: &str, kind: TypeKind, structure: usize, element: u32) {
        let Ok(number) = u16::try_from(self.tables.types.len()) else { return };
        if self.names.insert(name.to_owned(), TypeId(number)).is_none() {
            let name = self.texts.text(name);
            let structure = length(structure);
            self.tables.types.push(TypeRow { name, kind, structure, element, ..<_>::default() });
        }
    }

    /// Base, primitive and pattern of a type, now that all have names.
    fn describe(&mut self, number: usize) {
        let Some(mut row) = self.tables.types.get(number).copied() else { return };
        let texts = &self.structures.texts;
        let structure = self.structures.tables.structures.get(row.structure as usize);
        let Some(structure) = structure.copied() else { return };
        if row.kind == TypeKind::Backbone {
            let element = self.element(row.element as usize).unwrap_or_default();
            let ty = element.types.of(&self.structures.tables.types).first();
            row.base = ty.and_then(|ty| self.names.get(texts.get(ty.code))).copied();
        } else {
            let base = self.urls.get(&structure.base);
            row.base = base.and_then(|name| self.names.get(texts.get(*name))).copied();
            row.is_abstract = structure.is_abstract;
        }
        if row.kind == TypeKind::Primitive {
            row.primitive = Primitive::from_code(texts.get(structure.ty));
            let values = structure.elements.of(&self.structures.tables.elements).iter();
            let mut values = values.filter(|row| texts.get(row.name) == "value");
            let ty = values.next().map(|value| value.types);
            let ty = ty.and_then(|ty| ty.of(&self.structures.tables.types).first());
            row.pattern = match ty {
                Some(ty) => self.texts.text(texts.get(ty.pattern)),
                None => Text::default(),
            };
        }
        if let Some(known) = self.tables.types.get_mut(number) {
            *known = row;
        }
    }

    fn children(&mut self, number: usize) {
        let start = self.tables.children.len();
        let Some(row) = self.tables.types.get(number).copied() else { return };
        let end = self.element(row.element as usize).unwrap_or_default().end;
        let mut place = row.element + 1;
        while place < end {
            let Some(element) = self.element(place as usize) else { break };
            let is_slice = !element.slice_name.is_none();
            let is_own_value = row.kind == TypeKind::Primitive
                && self.structures.texts.get(element.name) == "value";
            if !is_slice && !is_own_value {
                self.names_of(place, &element);
            }
            place = element.end.max(place + 1);
        }
        if let Some(row) = self.tables.types.get_mut(number) {
            row.children = Span::since(start, &self.tables.children);
        }
    }

    /// The names under which an element may stand in an object.
    fn names_of(&mut self, place: u32, element: &ElementRow) {
        let name = self.structures.texts.get(element.name).to_owned();
        let codes: Vec<String> = {
            let types = element.types.of(&self.structures.tables.types).iter();
            types.map(|ty| self.structures.texts.get(ty.code).to_owned()).collect()
        };
        let any = self.names.get("Element").copied().unwrap_or_default();
        let Some(stem) = name.strip_suffix("[x]") else {
            let path = self.structures.texts.get(element.path);
            let referred = self.structures.texts.get(element.content_reference);
            let backbone = if referred.is_empty() { path } else { referred };
            let own = self.names.get(backbone);
            let ty = own.or_else(|| self.names.get(codes.first()?)).copied().unwrap_or(any);
            self.child(place, &name, ty, element);
            return;
        };
        self.child(place, stem, any, element);
        if let Some(bare) = self.tables.children.last_mut() {
            (bare.named_type, bare.primitive_sibling) = (false, false);
        }
        for code in codes {
            let ty = self.names.get(&code).copied().unwrap_or(any);
            let mut letters = code.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            let name: String = stem.chars().chain(first).chain(letters).collect();
            self.child(place, &name, ty, element);
        }
        for row in self.tables.children.iter_mut().rev().take_while(|row| row.element == place) {
            row.choice = true;
        }
    }

    fn child(&mut self, place: u32, name: &str, ty: TypeId, element: &ElementRow) {
        let kind = self.tables.types.get(ty.index()).map(|row| (row.kind, row.primitive));
        let is_primitive = matches!(kind, Some((TypeKind::Primitive, primitive))
            if primitive != Some(Primitive::Xhtml));
        self.tables.children.push(ChildRow {
            name: self.texts.text(name),
            element: place,
            ty,
            many: element.repeats,
            choice: false,
            named_type: true,
            primitive_sibling: is_primitive && !element.is_xml_attribute,
        });
    }

    fn finish(self) -> Types {
        let names = self.names;
        let structures = self.structures.finish(|name| names.get(name).copied());
        let mut tables = self.tables;
        tables.texts = self.texts.finish();
        tables.by_name = order_by(&tables.types, |row| tables.texts.get(row.name));
        Types::new(tables, structures)
    }
}

impl TypeKind {
    fn of(kind: StructureKind) -> Self {
        match kind {
            StructureKind::Primitive => Self::Primitive,
            StructureKind::Complex => Self::Complex,
            StructureKind::Resource => Self::Resource,
            StructureKind::Logical => Self::Logical,
        }
    }
}
