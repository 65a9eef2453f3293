//! An expression bound to functions and types: what is evaluated.

use std::sync::Arc;

use json::Value;
use smallvec::SmallVec;

use super::ast::Operator;
use super::environment::Environment;
use super::error::{Error, Flaw};
use super::functions::Function;
use super::item::{Item, Items, Node};
use super::run::Run;
use super::schema::{ElementId, Schema, TypeId};
use super::types::TypeTest;

/// A place in a [`Program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpId(pub(crate) u32);

/// A compiled expression; shared between threads, evaluated any number of times.
#[derive(Debug)]
pub struct Program {
    pub(crate) text: Box<str>,
    pub(crate) schema: Arc<Schema>,
    pub(crate) ops: Vec<(Op, u32)>,
    pub(crate) root: OpId,
    /// The type of the input, where it was known.
    pub(crate) input: Option<TypeId>,
}

#[derive(Debug)]
pub(crate) enum Op {
    Empty,
    Literal(Item<'static>),
    Variable(Variable),
    This,
    Index,
    Total,
    /// Steps from `of`, or from `$this`.
    Path {
        of: Option<OpId>,
        steps: Vec<Step>,
    },
    Call {
        of: Option<OpId>,
        function: &'static Function,
        args: Box<[OpId]>,
    },
    Type(TypeOp),
    Indexer {
        of: OpId,
        index: OpId,
    },
    Negate(OpId),
    Plus(OpId),
    Binary(Binary),
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binary {
    pub(crate) op: Operator,
    pub(crate) left: OpId,
    pub(crate) right: OpId,
}

/// A question about types: of `of`, or of `$this`.
#[derive(Debug)]
pub(crate) struct TypeOp {
    pub(crate) of: Option<OpId>,
    pub(crate) test: TypeTest,
    pub(crate) how: TypeUse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeUse {
    Is,
    /// Of at most one item.
    As,
    /// Of any number.
    OfType,
}

#[derive(Debug)]
pub(crate) enum Variable {
    Context,
    Resource,
    RootResource,
    Named(Box<str>),
}

/// A member name.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: Box<str>,
    /// The type that a name at the beginning may be instead of an element.
    pub(crate) type_id: Option<TypeId>,
    /// The elements of the types that were known when the expression was compiled.
    pub(crate) known: SmallVec<[(TypeId, ElementId); 1]>,
}

impl Program {
    pub(crate) fn op(&self, id: OpId) -> &Op {
        self.ops.get(id.0 as usize).map_or(&Op::Empty, |(op, _)| op)
    }

    pub(crate) fn offset(&self, id: OpId) -> usize {
        self.ops.get(id.0 as usize).map_or(0, |(_, at)| *at as usize)
    }

    /// The text it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The types it was compiled for.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Evaluates it on a resource.
    ///
    /// # Errors
    /// Where the expression asks what the data cannot answer, or a limit.
    pub fn evaluate<'d>(
        &self,
        environment: &Environment<'_, 'd>,
        resource: Value<'d>,
    ) -> Result<Items<'d>, Error> {
        let Some(node) = self.node(resource) else {
            let flaw = Flaw::execution(0, "the input is not a resource of a known type");
            return Err(flaw.in_text(&self.text));
        };
        self.evaluate_on(environment, Some(Item::Node(node)))
    }

    /// The resource with its type, which is mostly the one that it was compiled for.
    fn node<'d>(&self, resource: Value<'d>) -> Option<Node<'d>> {
        let name = resource.get("resourceType")?;
        match self.input {
            Some(input) if name.is_str(self.schema.type_name(input)) => {
                Some(Node::new(resource, input))
            }
            _ => Node::resource(resource, &self.schema),
        }
    }

    /// Evaluates it on an item, or on nothing.
    ///
    /// # Errors
    /// Where the expression asks what the data cannot answer, or a limit.
    pub fn evaluate_on<'d>(
        &self,
        environment: &Environment<'_, 'd>,
        input: Option<Item<'d>>,
    ) -> Result<Items<'d>, Error> {
        let mut out = Items::new();
        let mut run = Run::new(self, environment, input);
        run.eval(self.root, &mut out).map_err(|flaw| flaw.in_text(&self.text))?;
        Ok(out)
    }

    /// Whether it holds for an item, as an invariant must: empty is not false.
    ///
    /// # Errors
    /// Where the expression asks what the data cannot answer, or a limit.
    pub fn holds<'d>(
        &self,
        environment: &Environment<'_, 'd>,
        input: Option<Item<'d>>,
    ) -> Result<Option<bool>, Error> {
        let mut run = Run::new(self, environment, input);
        run.truth(self.root).map_err(|flaw| flaw.in_text(&self.text))
    }
}
