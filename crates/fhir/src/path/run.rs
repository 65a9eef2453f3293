//! Evaluation: one pass over the program, collections on the stack where they are small.

use json::Value;

use super::ast::Operator;
use super::environment::Environment;
use super::error::Flaw;
use super::functions::Call;
use super::item::{Item, Items, Node};
use super::program::{Binary, Op, OpId, Program, Step, TypeOp, TypeUse, Variable};
use super::schema::Schema;
use super::{compare, equality, math, navigate};

/// The state of an evaluation.
pub(crate) struct Run<'p, 'd> {
    pub(crate) program: &'p Program,
    pub(crate) environment: &'p Environment<'p, 'd>,
    /// What the whole expression is evaluated on.
    input: Option<Item<'d>>,
    /// `$this` and `$index`.
    this: Option<Item<'d>>,
    index: usize,
    /// `$total` of each aggregate that is under way.
    pub(crate) totals: Vec<Items<'d>>,
    steps_left: usize,
}

impl<'p, 'd> Run<'p, 'd> {
    pub(crate) fn new(
        program: &'p Program,
        environment: &'p Environment<'p, 'd>,
        input: Option<Item<'d>>,
    ) -> Self {
        let this = input.clone();
        let (totals, steps_left) = (Vec::new(), environment.steps);
        Run { program, environment, input, this, index: 0, totals, steps_left }
    }

    pub(crate) fn schema(&self) -> &'p Schema {
        &self.program.schema
    }

    /// Counts work; what is too much for one evaluation ends it.
    pub(crate) fn charge(&mut self, at: usize, steps: usize) -> Result<(), Flaw> {
        match self.steps_left.checked_sub(steps) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => {
                let message =
                    format!("the evaluation takes more than {} steps", self.environment.steps);
                Err(Flaw::limit(at, message))
            }
        }
    }

    pub(crate) fn eval(&mut self, id: OpId, out: &mut Items<'d>) -> Result<(), Flaw> {
        let program = self.program;
        let at = program.offset(id);
        match program.op(id) {
            Op::Empty => {}
            Op::Literal(item) => out.push(item.clone()),
            Op::This => out.extend(self.this.clone()),
            Op::Index => out.push(Item::integer(self.index)),
            Op::Total => out.extend(self.totals.last().into_iter().flatten().cloned()),
            Op::Variable(variable) => self.variable(at, variable, out)?,
            Op::Path { of, steps } => self.path(at, *of, steps, out)?,
            Op::Call { of, function, args } => {
                let mut input = self.focus(*of)?;
                let call = Call { args, at, name: function.name };
                (function.body)(self, call, &mut input, out)?;
            }
            Op::Type(question) => self.type_use(at, question, out)?,
            Op::Indexer { of, index } => {
                let items = self.collect(*of)?;
                let index = self.one_integer(*index)?.and_then(|index| usize::try_from(index).ok());
                out.extend(index.and_then(|index| items.into_iter().nth(index)));
            }
            Op::Negate(of) => {
                let items = self.collect(*of)?;
                out.extend(math::negate(at, self.schema(), &items)?);
            }
            Op::Plus(of) => {
                let items = self.collect(*of)?;
                math::negate(at, self.schema(), &items)?;
                out.extend(items);
            }
            Op::Binary(binary) => self.binary(at, *binary, out)?,
        }
        self.charge(at, 1 + out.len())
    }

    /// The items of an operation.
    pub(crate) fn collect(&mut self, id: OpId) -> Result<Items<'d>, Flaw> {
        let mut items = Items::new();
        self.eval(id, &mut items)?;
        Ok(items)
    }

    /// What a call is on: `of`, or `$this`.
    fn focus(&mut self, of: Option<OpId>) -> Result<Items<'d>, Flaw> {
        match of {
            Some(of) => self.collect(of),
            None => Ok(self.this.clone().into_iter().collect()),
        }
    }

    /// Runs `with` where `$this` is `item` and `$index` is `index`; gives the item back.
    pub(crate) fn with_this<T>(
        &mut self,
        item: Option<Item<'d>>,
        index: usize,
        with: impl FnOnce(&mut Self) -> Result<T, Flaw>,
    ) -> Result<(Option<Item<'d>>, T), Flaw> {
        let saved = std::mem::replace(&mut self.this, item);
        let saved_index = std::mem::replace(&mut self.index, index);
        let result = with(self);
        let item = std::mem::replace(&mut self.this, saved);
        self.index = saved_index;
        Ok((item, result?))
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    fn variable(&self, at: usize, variable: &Variable, out: &mut Items<'d>) -> Result<(), Flaw> {
        match variable {
            Variable::Context => out.extend(self.input.clone()),
            Variable::Resource => out.extend(self.around(self.environment.resource)),
            Variable::RootResource => out.extend(self.root()),
            Variable::Named(name) => {
                let variables = self.environment.variables;
                let found = variables.iter().find(|(known, _)| **known == **name);
                let (_, items) = found
                    .ok_or_else(|| Flaw::execution(at, format!("there is no variable %{name}")))?;
                out.extend(items.iter().cloned());
            }
        }
        Ok(())
    }

    fn around(&self, resource: Option<Value<'d>>) -> Option<Item<'d>> {
        match resource {
            Some(value) => Node::resource(value, self.schema()).map(Item::Node),
            None => self.input.clone(),
        }
    }

    /// `%rootResource`
    pub(crate) fn root(&self) -> Option<Item<'d>> {
        self.around(self.environment.root_resource.or(self.environment.resource))
    }

    fn path(
        &mut self,
        at: usize,
        of: Option<OpId>,
        steps: &[Step],
        out: &mut Items<'d>,
    ) -> Result<(), Flaw> {
        match of {
            None => match self.this.clone() {
                Some(item) => self.walk(at, &item, steps, out),
                None => Ok(()),
            },
            Some(of) => {
                let items = self.collect(of)?;
                items.iter().try_for_each(|item| self.walk(at, item, steps, out))
            }
        }
    }

    /// Follows the steps depth first, which gives the order of going one step at a time.
    fn walk(
        &mut self,
        at: usize,
        item: &Item<'d>,
        steps: &[Step],
        out: &mut Items<'d>,
    ) -> Result<(), Flaw> {
        match (item, steps) {
            (item, []) => out.push(item.clone()),
            (Item::Node(node), steps) => return self.step(at, *node, steps, out),
            (Item::Type(info), [step]) => match &*step.name {
                "namespace" => out.push(Item::text(info.namespace)),
                "name" => out.push(Item::text(info.name.to_string())),
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn step(
        &mut self,
        at: usize,
        node: Node<'d>,
        steps: &[Step],
        out: &mut Items<'d>,
    ) -> Result<(), Flaw> {
        let Some((step, rest)) = steps.split_first() else { return Ok(()) };
        self.charge(at, 1)?;
        let schema = self.schema();
        if step.type_id.is_some_and(|named| schema.is_a(node.type_id, named)) {
            return self.walk(at, &Item::Node(node), rest, out);
        }
        let known = step.known.iter().find(|(type_id, _)| *type_id == node.type_id);
        let element = match known {
            Some((_, element)) => Some(*element),
            None => schema.element(node.type_id, &step.name),
        };
        let Some(element) = element else { return Ok(()) };
        // A primitive's children stand in its `_` sibling.
        let object = if node.around.is_some() { node.element() } else { Some(node.value) };
        let Some(object) = object else { return Ok(()) };
        let Some(found) = navigate::find(schema, object, element) else { return Ok(()) };
        found.for_each(schema, |child| {
            if rest.is_empty() {
                out.push(Item::Node(child));
                Ok(())
            } else {
                self.walk(at, &Item::Node(child), rest, out)
            }
        })
    }

    fn type_use(&mut self, at: usize, question: &TypeOp, out: &mut Items<'d>) -> Result<(), Flaw> {
        let TypeOp { of, test, how } = question;
        let items = self.focus(*of)?;
        let schema = self.schema();
        if *how == TypeUse::OfType {
            out.extend(items.into_iter().filter(|item| test.passes(item, schema)));
            return Ok(());
        }
        let name = if *how == TypeUse::Is { "is" } else { "as" };
        let Some(item) = at_most_one(at, name, items)? else { return Ok(()) };
        if *how == TypeUse::Is {
            out.push(Item::Boolean(test.is(&item, schema)));
        } else if test.passes(&item, schema) {
            out.push(item);
        }
        Ok(())
    }

    fn binary(&mut self, at: usize, binary: Binary, out: &mut Items<'d>) -> Result<(), Flaw> {
        let Binary { op, left, right } = binary;
        match op {
            Operator::Union => {
                let mut items = self.collect(left)?;
                self.eval(right, &mut items)?;
                self.distinct(at, items, out)
            }
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Div
            | Operator::Mod
            | Operator::Concatenate => {
                let left = self.collect(left)?;
                let right = self.collect(right)?;
                let result = math::calculate(at, self.schema(), op, left, right)?;
                if let Some(Item::String(text)) = &result {
                    self.charge(at, text.len() / 8)?;
                }
                out.extend(result);
                Ok(())
            }
            _ => {
                out.extend(self.decide(at, binary)?.map(Item::Boolean));
                Ok(())
            }
        }
    }

    /// An operator that gives a Boolean or nothing.
    fn decide(&mut self, at: usize, binary: Binary) -> Result<Option<bool>, Flaw> {
        let Binary { op, left, right } = binary;
        if let Operator::And | Operator::Or | Operator::Xor | Operator::Implies = op {
            return self.logic(op, left, right);
        }
        let left = self.collect(left)?;
        let right = self.collect(right)?;
        self.charge(at, left.len().min(right.len()))?;
        let schema = self.schema();
        match op {
            Operator::Equal => Ok(equality::equal(schema, &left, &right)),
            Operator::NotEqual => Ok(equality::equal(schema, &left, &right).map(|same| !same)),
            Operator::Equivalent => Ok(Some(equality::equivalent(schema, &left, &right))),
            Operator::NotEquivalent => Ok(Some(!equality::equivalent(schema, &left, &right))),
            Operator::In => equality::member(at, schema, left, &right),
            Operator::Contains => equality::member(at, schema, right, &left),
            _ => compare::holds(at, schema, op, left, right),
        }
    }

    /// <https://hl7.org/fhirpath/N1/#boolean-logic>
    fn logic(&mut self, op: Operator, left: OpId, right: OpId) -> Result<Option<bool>, Flaw> {
        let left = self.truth(left)?;
        match (op, left) {
            (Operator::And, Some(false)) => return Ok(Some(false)),
            (Operator::Or, Some(true)) | (Operator::Implies, Some(false)) => return Ok(Some(true)),
            _ => {}
        }
        let right = self.truth(right)?;
        Ok(match (op, left, right) {
            (Operator::And, _, Some(false)) => Some(false),
            (Operator::And, Some(true), right) => right,
            (Operator::Or | Operator::Implies, _, Some(true)) => Some(true),
            (Operator::Or, Some(false), right) | (Operator::Implies, Some(true), right) => right,
            (Operator::Xor, Some(left), Some(right)) => Some(left != right),
            _ => None,
        })
    }

    /// The Boolean that an operation gives:
    /// <https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections>
    pub(crate) fn truth(&mut self, id: OpId) -> Result<Option<bool>, Flaw> {
        if let Op::Binary(binary) = self.program.op(id)
            && binary.op.row().2 <= 6
        {
            let at = self.program.offset(id);
            self.charge(at, 1)?;
            return self.decide(at, *binary);
        }
        let items = self.collect(id)?;
        self.truth_of(self.program.offset(id), items)
    }

    pub(crate) fn truth_of(&self, at: usize, items: Items<'d>) -> Result<Option<bool>, Flaw> {
        let Some(item) = at_most_one(at, "a condition", items)? else { return Ok(None) };
        match item.system(self.schema()) {
            Some(Item::Boolean(truth)) => Ok(Some(truth)),
            // One thing where a Boolean is expected is true: it is there.
            _ => Ok(Some(true)),
        }
    }

    /// At most one integer.
    pub(crate) fn one_integer(&mut self, id: OpId) -> Result<Option<i64>, Flaw> {
        let at = self.program.offset(id);
        let items = self.collect(id)?;
        let Some(item) = at_most_one(at, "an integer", items)? else { return Ok(None) };
        match item.system(self.schema()) {
            Some(Item::Integer(integer)) => Ok(Some(integer)),
            _ => Err(Flaw::execution(at, "expected an integer")),
        }
    }

    /// Appends the items, without those that equal an earlier one.
    pub(crate) fn distinct(
        &mut self,
        at: usize,
        items: Items<'d>,
        out: &mut Items<'d>,
    ) -> Result<(), Flaw> {
        let start = out.len();
        for item in items {
            let earlier = out.get(start..).unwrap_or_default();
            self.charge(at, 1 + earlier.len())?;
            if !equality::holds_item(self.schema(), earlier, &item) {
                out.push(item);
            }
        }
        Ok(())
    }
}

/// The item of a collection of at most one.
pub(crate) fn at_most_one<'d>(
    at: usize,
    what: &str,
    items: Items<'d>,
) -> Result<Option<Item<'d>>, Flaw> {
    if items.len() > 1 {
        let message = format!("{what} takes at most one item, not {}", items.len());
        return Err(Flaw::execution(at, message));
    }
    Ok(items.into_iter().next())
}
