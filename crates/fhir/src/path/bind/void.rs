//! Branches that can give nothing: a path that begins with a type which the input is not.

use super::{Shape, Static};
use crate::path::ast::{Ast, Expr, ExprId, Operator, TypeOperator};
use crate::path::schema::{Schema, TypeId};

/// Functions that make nothing of nothing.
const KEEP_NOTHING: [&str; 5] = ["as", "extension", "ofType", "resolve", "where"];

/// What is known where a branch begins.
pub(super) struct Void<'a> {
    pub(super) ast: &'a Ast,
    pub(super) schema: &'a Schema,
    pub(super) this: &'a Shape,
}

impl Void<'_> {
    /// Whether an expression gives nothing on every input of the known types.
    pub(super) fn is(&self, id: ExprId) -> bool {
        match self.ast.get(id) {
            Expr::Member { of: Some(of), .. } | Expr::Type { op: TypeOperator::As, of, .. } => {
                self.is(*of)
            }
            Expr::Call { of: Some(of), name, .. } => {
                KEEP_NOTHING.contains(&name.as_str()) && self.is(*of)
            }
            Expr::Binary { op: Operator::Union, left, right } => self.is(*left) && self.is(*right),
            Expr::Member { of: None, name } => self.is_another_type(name),
            _ => false,
        }
    }

    /// Whether a name at the beginning is that of a type, and nothing of the input.
    fn is_another_type(&self, name: &str) -> bool {
        let Some(types) = self.this.types.as_ref().filter(|types| !types.is_empty()) else {
            return false;
        };
        let Some(named) = self.schema.type_named(name) else { return false };
        let differs = |known: TypeId| {
            let schema = self.schema;
            !schema.is_a(known, named)
                && !schema.is_a(named, known)
                && schema.element(known, name).is_none()
        };
        types.iter().all(|known| match known {
            Static::Fhir(known) => differs(*known),
            Static::System(_) => false,
        })
    }
}
