//! From the tree to a program: names become elements, functions and types, and what cannot be is
//! told in strict mode.

mod void;

use std::sync::Arc;

use smallvec::SmallVec;

use super::ast::{Ast, Expr, ExprId, LiteralUnit, Operator, TypeName, TypeOperator};
use super::error::{Error, Flaw};
use super::functions::{self, Arguments, Function, Gives};
use super::item::Item;
use super::parser::parse;
use super::program::{Binary, Op, OpId, Program, Step, TypeOp, TypeUse, Variable};
use super::schema::{Schema, TypeId};
use super::types::TypeTest;
use crate::value::{Quantity, Unit, decimal};

/// How to compile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'o> {
    /// The type of the input, where it is known: `Patient`, or `Patient.contact`. Branches of a
    /// union that can give nothing on it are left out.
    pub input: Option<&'o str>,
    /// Refuse elements that the known types do not have, and order where there is none.
    pub strict: bool,
    /// `as` is of any number of items, as R4's search parameters and invariants use it.
    pub as_filters: bool,
}

/// Parses and binds an expression.
///
/// # Errors
/// What is not FHIRPath, a function or type that does not exist, in strict mode what can never
/// give anything, and limits.
pub fn compile(text: &str, schema: &Arc<Schema>, options: Options<'_>) -> Result<Program, Error> {
    let ast = parse(text)?;
    bind(&ast, schema, options).map_err(|flaw| flaw.in_text(text))
}

fn bind(ast: &Ast, schema: &Arc<Schema>, options: Options<'_>) -> Result<Program, Flaw> {
    let input = match options.input {
        Some(name) => match schema.type_named(name) {
            Some(type_id) => Shape::of([Static::Fhir(type_id)]),
            None => return Err(Flaw::semantic(0, format!("there is no type {name}"))),
        },
        None => Shape::ANY,
    };
    let mut binder = Binder { ast, schema, options, ops: Vec::with_capacity(ast.nodes.len()) };
    let (root, _) = binder.bind(ast.root, &input)?;
    let ops = binder.ops;
    let input = options.input.and_then(|name| schema.type_named(name));
    Ok(Program { text: ast.text.clone(), schema: Arc::clone(schema), ops, root, input })
}

/// A type that an item may have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Static {
    Fhir(TypeId),
    System(&'static str),
}

/// What is known of a collection before it is there.
#[derive(Clone, Debug)]
struct Shape {
    /// The types its items can have; None if that is not known.
    types: Option<SmallVec<[Static; 2]>>,
    ordered: bool,
}

impl Shape {
    const ANY: Shape = Shape { types: None, ordered: true };

    fn of(types: impl IntoIterator<Item = Static>) -> Shape {
        Shape { types: Some(types.into_iter().collect()), ordered: true }
    }

    fn system(name: &'static str) -> Shape {
        Shape::of([Static::System(name)])
    }

    fn or(mut self, other: Shape) -> Shape {
        self.types = match (self.types, other.types) {
            (Some(mut types), Some(more)) => {
                types.extend(more);
                Some(types)
            }
            _ => None,
        };
        self.ordered &= other.ordered;
        self
    }
}

struct Binder<'a> {
    ast: &'a Ast,
    schema: &'a Arc<Schema>,
    options: Options<'a>,
    ops: Vec<(Op, u32)>,
}

impl Binder<'_> {
    fn push(&mut self, at: usize, op: Op) -> OpId {
        let id = OpId(u32::try_from(self.ops.len()).unwrap_or(u32::MAX));
        self.ops.push((op, u32::try_from(at).unwrap_or(u32::MAX)));
        id
    }

    fn bind(&mut self, id: ExprId, this: &Shape) -> Result<(OpId, Shape), Flaw> {
        let at = self.ast.offset(id);
        let (op, shape) = match self.ast.get(id) {
            Expr::Member { .. } => return self.member(id, this),
            Expr::Call { .. } => return self.call(id, this),
            Expr::Variable(name) => self.variable(at, name)?,
            Expr::This => (Op::This, this.clone()),
            Expr::Index => (Op::Index, Shape::system("Integer")),
            Expr::Total => (Op::Total, Shape::ANY),
            Expr::Indexer { of, index } => {
                let (of, shape) = self.bind(*of, this)?;
                self.check_order(at, &shape)?;
                let (index, _) = self.bind(*index, this)?;
                (Op::Indexer { of, index }, shape)
            }
            Expr::Negate(of) => {
                let (of, shape) = self.bind(*of, this)?;
                (Op::Negate(of), shape)
            }
            Expr::Plus(of) => {
                let (of, shape) = self.bind(*of, this)?;
                (Op::Plus(of), shape)
            }
            Expr::Binary { op: Operator::Union, left, right } if !self.options.strict => {
                return self.union(at, (*left, *right), this);
            }
            Expr::Binary { op, left, right } => {
                let (left, left_shape) = self.bind(*left, this)?;
                let (right, right_shape) = self.bind(*right, this)?;
                (Op::Binary(Binary { op: *op, left, right }), gives(*op, left_shape, right_shape))
            }
            Expr::Type { op, of, name } => {
                let of = self.bind(*of, this)?;
                let how = match op {
                    TypeOperator::Is => TypeUse::Is,
                    TypeOperator::As => TypeUse::As,
                };
                self.type_use(at, Some(of), name, how)?
            }
            literal => (self.literal(at, literal)?, shape_of(literal)),
        };
        Ok((self.push(at, op), shape))
    }

    /// A union; of an operand that can give nothing only what it leaves of the union is kept.
    /// Search parameters of many types are unions of a branch for each.
    fn union(
        &mut self,
        at: usize,
        (left, right): (ExprId, ExprId),
        this: &Shape,
    ) -> Result<(OpId, Shape), Flaw> {
        let void = void::Void { ast: self.ast, schema: self.schema, this };
        let is_union = |id| matches!(self.ast.get(id), Expr::Binary { op: Operator::Union, .. });
        let empty = (void.is(left), void.is(right));
        match empty {
            (true, true) => return Ok((self.push(at, Op::Empty), Shape::of([]))),
            // A union is without duplicates already.
            (true, false) if is_union(right) => return self.bind(right, this),
            (false, true) if is_union(left) => return self.bind(left, this),
            _ => {}
        }
        let mut operand = |id, is_empty: bool| match is_empty {
            true => Ok((self.push(at, Op::Empty), Shape::of([]))),
            false => self.bind(id, this),
        };
        let (left, left_shape) = operand(left, empty.0)?;
        let (right, right_shape) = operand(right, empty.1)?;
        let op = Op::Binary(Binary { op: Operator::Union, left, right });
        Ok((self.push(at, op), gives(Operator::Union, left_shape, right_shape)))
    }

    fn literal(&self, at: usize, expr: &Expr) -> Result<Op, Flaw> {
        let number = |digits: &str| {
            decimal(digits).ok_or_else(|| Flaw::semantic(at, "a decimal has at most 28 digits"))
        };
        Ok(Op::Literal(match expr {
            Expr::Boolean(truth) => Item::Boolean(*truth),
            Expr::Integer(integer) => Item::Integer(*integer),
            Expr::Decimal(digits) => Item::Decimal(number(digits)?),
            Expr::Text(text) => Item::text(text.clone()),
            Expr::Date(moment) => Item::Date(*moment),
            Expr::DateTime(moment) => Item::DateTime(*moment),
            Expr::Time(time) => Item::Time(*time),
            Expr::Quantity(digits, unit) => {
                let unit = match unit {
                    LiteralUnit::Calendar { unit, .. } => Unit::Calendar(*unit),
                    LiteralUnit::Ucum(code) => Unit::Ucum(code.as_str().into()),
                };
                Item::Quantity(Box::new(Quantity { value: number(digits)?, unit }))
            }
            _ => return Ok(Op::Empty),
        }))
    }

    fn variable(&self, at: usize, name: &str) -> Result<(Op, Shape), Flaw> {
        let constant = |text: String| (Op::Literal(Item::text(text)), Shape::system("String"));
        Ok(match name {
            "context" => (Op::Variable(Variable::Context), Shape::ANY),
            "resource" => (Op::Variable(Variable::Resource), Shape::ANY),
            "rootResource" => (Op::Variable(Variable::RootResource), Shape::ANY),
            "ucum" => constant("http://unitsofmeasure.org".into()),
            "sct" => constant("http://snomed.info/sct".into()),
            "loinc" => constant("http://loinc.org".into()),
            "" => return Err(Flaw::semantic(at, "a variable has a name")),
            name => match (name.strip_prefix("vs-"), name.strip_prefix("ext-")) {
                (Some(set), _) => constant(format!("http://hl7.org/fhir/ValueSet/{set}")),
                (_, Some(extension)) => {
                    constant(format!("http://hl7.org/fhir/StructureDefinition/{extension}"))
                }
                _ => (Op::Variable(Variable::Named(name.into())), Shape::ANY),
            },
        })
    }

    fn member(&mut self, id: ExprId, this: &Shape) -> Result<(OpId, Shape), Flaw> {
        let (ast, at) = (self.ast, self.ast.offset(id));
        let Expr::Member { of, name } = ast.get(id) else {
            return Ok((self.push(at, Op::Empty), Shape::ANY));
        };
        let (of, input) = match of {
            Some(of) => {
                let (of, shape) = self.bind(*of, this)?;
                (Some(of), shape)
            }
            None => (None, this.clone()),
        };
        let type_id = match of {
            None => self.schema.type_named(name).filter(|_| !name.contains('.')),
            Some(_) => None,
        };
        let (step, shape) = self.step(at, name, type_id, &input)?;
        if let Some(id) = of
            && let Some((Op::Path { steps, .. }, _)) = self.ops.get_mut(id.0 as usize)
        {
            steps.push(step);
            return Ok((id, shape));
        }
        Ok((self.push(at, Op::Path { of, steps: vec![step] }), shape))
    }

    fn step(
        &self,
        at: usize,
        name: &str,
        type_id: Option<TypeId>,
        input: &Shape,
    ) -> Result<(Step, Shape), Flaw> {
        let mut step = Step { name: name.into(), type_id, known: SmallVec::new() };
        let Some(types) = &input.types else {
            return Ok((step, Shape { types: None, ordered: input.ordered }));
        };
        let mut found: SmallVec<[Static; 2]> = SmallVec::new();
        for known in types {
            let Static::Fhir(known) = *known else { continue };
            if type_id.is_some_and(|named| self.schema.is_a(known, named)) {
                found.push(Static::Fhir(known));
            } else if let Some(element) = self.schema.element(known, name) {
                step.known.push((known, element));
                found.extend(self.schema.forms(element).iter().map(|f| Static::Fhir(f.type_id)));
            }
        }
        if found.is_empty() && self.options.strict && !types.is_empty() {
            let types = types.iter().map(|known| self.type_name(*known)).collect::<Vec<_>>();
            let message = format!("{} has no element {name}", types.join(" or "));
            return Err(Flaw::semantic(at, message));
        }
        let types = (!found.is_empty()).then_some(found).filter(|found| !self.is_open(found));
        Ok((step, Shape { types, ordered: input.ordered }))
    }

    /// Whether a type says nothing of what an instance is: Resource stands for any of them.
    fn is_open(&self, types: &[Static]) -> bool {
        types.iter().any(|known| match known {
            Static::Fhir(id) => self.schema.kind(*id) == super::schema::Kind::AbstractResource,
            Static::System(_) => false,
        })
    }

    fn type_name(&self, known: Static) -> String {
        match known {
            Static::Fhir(type_id) => self.schema.type_name(type_id).to_owned(),
            Static::System(name) => format!("System.{name}"),
        }
    }

    fn call(&mut self, id: ExprId, this: &Shape) -> Result<(OpId, Shape), Flaw> {
        let (ast, at) = (self.ast, self.ast.offset(id));
        let Expr::Call { of, name, args } = ast.get(id) else {
            return Ok((self.push(at, Op::Empty), Shape::ANY));
        };
        let input = match of {
            Some(of) => Some(self.bind(*of, this)?),
            None => None,
        };
        let how = match name.as_str() {
            "is" => Some(TypeUse::Is),
            "as" => Some(TypeUse::As),
            "ofType" => Some(TypeUse::OfType),
            _ => None,
        };
        if let Some(how) = how {
            let type_name = self.type_argument(at, name, args)?;
            let input = input.unwrap_or_else(|| (self.push(at, Op::This), this.clone()));
            let (op, shape) = self.type_use(at, Some(input), &type_name, how)?;
            return Ok((self.push(at, op), shape));
        }
        let function = functions::named(name).ok_or_else(|| unknown_function(at, name))?;
        check_count(at, function, args.len())?;
        let (of, shape) = match input {
            Some((of, shape)) => (Some(of), shape),
            None => (None, this.clone()),
        };
        let (args, shapes) = self.arguments(function, args, &shape, this)?;
        if self.options.strict {
            self.check_call(at, function, &shape, &shapes)?;
        }
        let shape = result(function, shape, shapes);
        Ok((self.push(at, Op::Call { of, function, args: args.into() }), shape))
    }

    fn arguments(
        &mut self,
        function: &Function,
        args: &[ExprId],
        input: &Shape,
        this: &Shape,
    ) -> Result<(Vec<OpId>, Vec<Shape>), Flaw> {
        let (mut ids, mut shapes) = (Vec::new(), Vec::new());
        let focus = match function.arguments {
            Arguments::Around => this,
            Arguments::Each => input,
            Arguments::Results => &Shape::ANY,
        };
        for arg in args {
            let (id, shape) = self.bind(*arg, focus)?;
            ids.push(id);
            shapes.push(shape);
        }
        Ok((ids, shapes))
    }

    fn check_call(
        &self,
        at: usize,
        function: &Function,
        input: &Shape,
        args: &[Shape],
    ) -> Result<(), Flaw> {
        if function.needs_order {
            self.check_order(at, input)?;
        }
        let criterion = args.first().and_then(|shape| shape.types.as_deref());
        if function.name == "iif"
            && let Some([Static::System(name)]) = criterion
            && *name != "Boolean"
        {
            let message = format!("the criterion of iif() is a Boolean, not a {name}");
            return Err(Flaw::semantic(at, message));
        }
        Ok(())
    }

    fn check_order(&self, at: usize, input: &Shape) -> Result<(), Flaw> {
        if self.options.strict && !input.ordered {
            return Err(Flaw::semantic(at, "the collection has no order to go by"));
        }
        Ok(())
    }

    /// The type that `is(…)`, `as(…)` and `ofType(…)` name.
    fn type_argument(&self, at: usize, name: &str, args: &[ExprId]) -> Result<TypeName, Flaw> {
        let wrong = || Flaw::semantic(at, format!("{name}() takes the name of a type"));
        let [arg] = args else { return Err(wrong()) };
        let Expr::Member { of, name } = self.ast.get(*arg) else { return Err(wrong()) };
        let namespace = match of {
            None => None,
            Some(of) => match self.ast.get(*of) {
                Expr::Member { of: None, name } => Some(name.clone()),
                _ => return Err(wrong()),
            },
        };
        Ok(TypeName { namespace, name: name.clone() })
    }

    fn type_use(
        &self,
        at: usize,
        of: Option<(OpId, Shape)>,
        name: &TypeName,
        how: TypeUse,
    ) -> Result<(Op, Shape), Flaw> {
        let Some(test) = TypeTest::resolve(name, self.schema) else {
            return Err(Flaw::semantic(at, format!("there is no type {}", name.name)));
        };
        let how = if how == TypeUse::As && self.options.as_filters { TypeUse::OfType } else { how };
        let (of, input) = of.map_or((None, Shape::ANY), |(of, shape)| (Some(of), shape));
        let shape = match (how, test.fhir) {
            (TypeUse::Is, _) => Shape::system("Boolean"),
            (_, Some(fhir)) if !self.is_open(&[Static::Fhir(fhir)]) => {
                Shape { ordered: input.ordered, ..Shape::of([Static::Fhir(fhir)]) }
            }
            _ => Shape { types: None, ordered: input.ordered },
        };
        Ok((Op::Type(TypeOp { of, test, how }), shape))
    }
}

fn unknown_function(at: usize, name: &str) -> Flaw {
    let lower = name.to_lowercase();
    match functions::all().find(|known| known.name.to_lowercase() == lower) {
        Some(known) => {
            let message = format!("there is no function {name}(); did you mean {}()?", known.name);
            Flaw::semantic(at, message)
        }
        None => Flaw::semantic(at, format!("there is no function {name}()")),
    }
}

fn check_count(at: usize, function: &Function, count: usize) -> Result<(), Flaw> {
    if function.count.contains(&count) {
        return Ok(());
    }
    let (least, most) = (function.count.start(), function.count.end());
    let expected = if least == most { least.to_string() } else { format!("{least} to {most}") };
    let message = format!("{}() takes {expected} arguments, not {count}", function.name);
    Err(Flaw::semantic(at, message))
}

fn shape_of(literal: &Expr) -> Shape {
    match literal {
        Expr::Boolean(_) => Shape::system("Boolean"),
        Expr::Integer(_) => Shape::system("Integer"),
        Expr::Decimal(_) => Shape::system("Decimal"),
        Expr::Text(_) => Shape::system("String"),
        Expr::Date(_) => Shape::system("Date"),
        Expr::DateTime(_) => Shape::system("DateTime"),
        Expr::Time(_) => Shape::system("Time"),
        Expr::Quantity(..) => Shape::system("Quantity"),
        _ => Shape::of([]),
    }
}

fn gives(op: Operator, left: Shape, right: Shape) -> Shape {
    match op {
        Operator::Union => left.or(right),
        Operator::Concatenate => Shape::system("String"),
        Operator::Add
        | Operator::Subtract
        | Operator::Multiply
        | Operator::Divide
        | Operator::Div
        | Operator::Mod => Shape::ANY,
        _ => Shape::system("Boolean"),
    }
}

fn result(function: &Function, input: Shape, args: Vec<Shape>) -> Shape {
    match function.gives {
        Gives::Input => input,
        Gives::System(name) => Shape::system(name),
        Gives::Argument => args.into_iter().next().unwrap_or(Shape::ANY),
        Gives::Either => args.into_iter().fold(input, Shape::or),
        Gives::Any => Shape::ANY,
        Gives::Unordered => Shape { types: None, ordered: false },
    }
}
