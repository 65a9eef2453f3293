//! `--query`: <https://jmespath.org/specification.html>, and what `az` remembers of the order in
//! which it was written.

use anyhow::{Result, anyhow};
use jmespath::ast::Ast;
use jmespath::{Expression, JmespathError, Variable};
use serde_json::Value;

/// The text of an expression that compiles. The compiled form cannot cross threads, as an argument
/// must.
#[derive(Clone, Debug)]
pub(crate) struct JmesPath(String);

/// Which objects a query made, and in which order it wrote their keys: tables and TSV keep that
/// order.
#[derive(Debug, Default)]
pub(super) struct Shape {
    hashes: Vec<Vec<String>>,
}

/// For clap: the refusal is the sentence of `az`.
pub(crate) fn parse(text: &str) -> Result<JmesPath, String> {
    let compiled = jmespath::compile(text).map(|_compiles| JmesPath(text.to_owned()));
    compiled.map_err(|_syntax| format!("invalid jmespath_type value: '{text}'"))
}

impl JmesPath {
    pub(super) fn search(&self, value: &Value) -> Result<Value> {
        let invalid =
            |what: String| anyhow!("Invalid jmespath query supplied for `--query`: {what}");
        let input =
            Variable::try_from(value.clone()).map_err(|error| invalid(error.to_string()))?;
        let compiled = self.compiled().map_err(|error| invalid(error.reason.to_string()))?;
        let found = compiled.search(input).map_err(|error| invalid(error.reason.to_string()))?;
        serde_json::to_value(&*found).map(whole_numbers).map_err(|error| invalid(error.to_string()))
    }

    pub(super) fn shape(&self) -> Shape {
        let mut hashes = Vec::new();
        if let Ok(compiled) = self.compiled() {
            collect(compiled.as_ast(), &mut hashes);
        }
        Shape { hashes }
    }

    fn compiled(&self) -> Result<Expression<'static>, JmespathError> {
        jmespath::compile(&self.0)
    }
}

impl Shape {
    /// The members of an object as they are to be shown: as the query wrote them, else sorted.
    pub(super) fn ordered<'v>(
        &self,
        object: &'v serde_json::Map<String, Value>,
    ) -> Vec<(&'v String, &'v Value)> {
        let same = |keys: &&Vec<String>| {
            keys.len() == object.len() && keys.iter().all(|key| object.contains_key(key))
        };
        match self.hashes.iter().find(same) {
            Some(keys) => keys.iter().filter_map(|key| object.get_key_value(key)).collect(),
            None => object.iter().collect(),
        }
    }
}

/// JMESPath counts in floating point; what is whole is shown whole.
fn whole_numbers(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(whole_numbers).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(key, value)| (key, whole_numbers(value))).collect()
        }
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                #[expect(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
                let whole = float as i64;
                Value::from(whole)
            }
            _ => Value::Number(number),
        },
        other => other,
    }
}

fn collect(ast: &Ast, hashes: &mut Vec<Vec<String>>) {
    match ast {
        Ast::MultiHash { elements, .. } => {
            hashes.push(elements.iter().map(|pair| pair.key.clone()).collect());
            elements.iter().for_each(|pair| collect(&pair.value, hashes));
        }
        Ast::MultiList { elements, .. } => elements.iter().for_each(|it| collect(it, hashes)),
        Ast::Function { args, .. } => args.iter().for_each(|it| collect(it, hashes)),
        Ast::Comparison { lhs, rhs, .. }
        | Ast::Projection { lhs, rhs, .. }
        | Ast::And { lhs, rhs, .. }
        | Ast::Or { lhs, rhs, .. }
        | Ast::Subexpr { lhs, rhs, .. } => {
            collect(lhs, hashes);
            collect(rhs, hashes);
        }
        Ast::Condition { predicate, then, .. } => {
            collect(predicate, hashes);
            collect(then, hashes);
        }
        Ast::Expref { ast, .. } => collect(ast, hashes),
        Ast::Flatten { node, .. } | Ast::Not { node, .. } | Ast::ObjectValues { node, .. } => {
            collect(node, hashes);
        }
        Ast::Identity { .. }
        | Ast::Field { .. }
        | Ast::Index { .. }
        | Ast::Slice { .. }
        | Ast::Literal { .. } => {}
    }
}
