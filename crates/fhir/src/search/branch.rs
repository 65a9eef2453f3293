//! The common shapes of search expressions as paths of JSON keys: what can be walked without
//! evaluating anything.
//!
//! `Patient.name.family`, `as` and `ofType`, `where(resolve() is Patient)`,
//! `where(system='phone')`, `extension('…')`, `[0]` of the resource's own lists, and unions of
//! these. The rest is evaluated.

use crate::path::ast::{Ast, Expr, ExprId, Operator, TypeOperator};
use crate::path::{Kind, Schema, TypeId};

/// A path from an object to the elements of one type that an expression gives.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) steps: Vec<Step>,
    /// The type of what is there.
    pub(crate) type_id: TypeId,
    /// The type that has the last step's key.
    pub(crate) owner: Option<TypeId>,
}

/// A member of an object, and which of its values count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) key: Box<str>,
    pub(crate) filter: Filter,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    All,
    /// The one at this place of its list.
    At(usize),
    /// Those with a member of this text.
    With {
        key: Box<str>,
        text: Box<str>,
    },
    /// The references to resources of this type.
    To(Box<str>),
}

/// Why an expression is no set of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It has to be evaluated.
    Evaluate,
    /// None of the types that stand there has such an element.
    Unknown { of: Box<str>, element: Box<str> },
}

/// The branches of an expression on objects of a type; those that begin with another type are
/// left out.
pub(crate) fn branches(ast: &Ast, schema: &Schema, input: TypeId) -> Result<Vec<Branch>, Stop> {
    Reader { ast, schema, input }.read(ast.root)
}

struct Reader<'a> {
    ast: &'a Ast,
    schema: &'a Schema,
    input: TypeId,
}

impl Reader<'_> {
    fn read(&self, id: ExprId) -> Result<Vec<Branch>, Stop> {
        match self.ast.get(id) {
            Expr::This => Ok(vec![self.start()]),
            Expr::Member { of: None, name } => {
                let named = self.schema.type_named(name).filter(|_| !name.contains('.'));
                let is_element = self.schema.element(self.input, name).is_some();
                match named {
                    Some(named) if self.schema.is_a(self.input, named) => Ok(vec![self.start()]),
                    // `code` is a type too.
                    Some(_) if !is_element => Ok(Vec::new()),
                    _ => self.step(&[self.start()], name),
                }
            }
            Expr::Member { of: Some(of), name } => self.step(&self.read(*of)?, name),
            Expr::Type { op: TypeOperator::As, of, name } => {
                Ok(self.only(self.read(*of)?, &name.name))
            }
            Expr::Call { of: Some(of), name, args } => self.call(*of, name, args),
            Expr::Indexer { of, index } => self.indexed(self.read(*of)?, *index),
            Expr::Binary { op: Operator::Union, left, right } => {
                let mut all = self.read(*left)?;
                all.extend(self.read(*right)?);
                Ok(all)
            }
            _ => Err(Stop::Evaluate),
        }
    }

    fn start(&self) -> Branch {
        Branch { steps: Vec::new(), type_id: self.input, owner: None }
    }

    /// Each branch with each form of the element.
    fn step(&self, of: &[Branch], name: &str) -> Result<Vec<Branch>, Stop> {
        let mut found = Vec::new();
        for branch in of {
            if self.schema.kind(branch.type_id) == Kind::AbstractResource {
                return Err(Stop::Evaluate);
            }
            let Some(element) = self.schema.element(branch.type_id, name) else { continue };
            for form in self.schema.forms(element) {
                let mut steps = branch.steps.clone();
                steps.push(Step { key: form.key.clone(), filter: Filter::All });
                let owner = Some(branch.type_id);
                found.push(Branch { steps, type_id: form.type_id, owner });
            }
        }
        match of.first() {
            Some(first) if found.is_empty() => Err(Stop::Unknown {
                of: self.schema.type_name(first.type_id).into(),
                element: name.into(),
            }),
            _ => Ok(found),
        }
    }

    /// The branches that `as` and `ofType` let pass. R4 names a System type where it means the
    /// primitive: `as(DateTime)`.
    fn only(&self, mut branches: Vec<Branch>, name: &str) -> Vec<Branch> {
        let mut small = name.to_owned();
        if let Some(first) = small.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        let wanted = self.schema.type_named(name).or_else(|| self.schema.type_named(&small));
        branches.retain(|branch| match (wanted, self.schema.kind(branch.type_id)) {
            (Some(wanted), Kind::Primitive(_)) => branch.type_id == wanted,
            (Some(wanted), _) => self.schema.is_a(branch.type_id, wanted),
            (None, _) => false,
        });
        branches
    }

    fn call(&self, of: ExprId, name: &str, args: &[ExprId]) -> Result<Vec<Branch>, Stop> {
        let [arg] = args else { return Err(Stop::Evaluate) };
        match (name, self.ast.get(*arg)) {
            ("as" | "ofType", Expr::Member { name, .. }) => Ok(self.only(self.read(of)?, name)),
            ("extension", Expr::Text(url)) => {
                let with = Filter::With { key: "url".into(), text: url.as_str().into() };
                self.filtered(self.step(&self.read(of)?, "extension")?, |_| Some(with.clone()))
            }
            ("where", condition) => {
                let branches = self.read(of)?;
                self.filtered(branches, |branch| self.condition(condition, branch))
            }
            _ => Err(Stop::Evaluate),
        }
    }

    /// Each branch with a filter on its last step.
    fn filtered(
        &self,
        mut branches: Vec<Branch>,
        filter: impl Fn(&Branch) -> Option<Filter>,
    ) -> Result<Vec<Branch>, Stop> {
        for branch in &mut branches {
            let filter = filter(branch).ok_or(Stop::Evaluate)?;
            match branch.steps.last_mut() {
                Some(last) if last.filter == Filter::All => last.filter = filter,
                _ => return Err(Stop::Evaluate),
            }
        }
        Ok(branches)
    }

    /// `resolve() is Patient` and `system='phone'`.
    fn condition(&self, condition: &Expr, branch: &Branch) -> Option<Filter> {
        match condition {
            Expr::Type { op: TypeOperator::Is, of, name } => {
                let is_resolve = matches!(self.ast.get(*of),
                    Expr::Call { of: None, name, .. } if name == "resolve");
                let is_reference = self.schema.type_name(branch.type_id) == "Reference";
                let named = self.schema.type_named(&name.name)?;
                let is_resource = self.schema.kind(named) == Kind::Resource;
                (is_resolve && is_reference && is_resource)
                    .then(|| Filter::To(name.name.as_str().into()))
            }
            Expr::Binary { op: Operator::Equal, left, right } => {
                let Expr::Member { of: None, name } = self.ast.get(*left) else { return None };
                let Expr::Text(text) = self.ast.get(*right) else { return None };
                let element = self.schema.element(branch.type_id, name)?;
                let [form] = self.schema.forms(element) else { return None };
                let is_text = matches!(self.schema.kind(form.type_id), Kind::Primitive(_));
                (is_text && !self.schema.is_list(element))
                    .then(|| Filter::With { key: form.key.clone(), text: text.as_str().into() })
            }
            _ => None,
        }
    }

    /// An index counts the whole collection: only of a list of the resource itself that is the
    /// same as counting in the list.
    fn indexed(&self, branches: Vec<Branch>, index: ExprId) -> Result<Vec<Branch>, Stop> {
        let Expr::Integer(index) = self.ast.get(index) else { return Err(Stop::Evaluate) };
        let at = usize::try_from(*index).map_err(|_| Stop::Evaluate)?;
        match branches.as_slice() {
            [only] if only.steps.len() == 1 => self.filtered(branches, |_| Some(Filter::At(at))),
            _ => Err(Stop::Evaluate),
        }
    }
}
