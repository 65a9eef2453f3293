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
    let strict = strict(text);
    match jmespath::compile(&strict) {
        Ok(_compiles) => Ok(JmesPath(strict)),
        Err(_syntax) => Err(format!("invalid jmespath_type value: '{text}'")),
    }
}

/// The query with strings for the literals that are no JSON: `az` reads [?state==`Enabled`] as it
/// is meant, and its users write it so.
fn strict(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['\'', '"', '`']) {
        let (before, quoted) = rest.split_at(start);
        out.push_str(before);
        let (inside, after) = quotation(quoted);
        match inside {
            Some(literal) if quoted.starts_with('`') => push_literal(&mut out, literal),
            _ => out.push_str(quoted.strip_suffix(after).unwrap_or(quoted)),
        }
        rest = after;
    }
    out + rest
}

/// What stands between the quotation mark that begins `text` and the next of its kind, and what
/// follows that one.
fn quotation(text: &str) -> (Option<&str>, &str) {
    let mut letters = text.char_indices();
    let mark = letters.next().map(|(_, mark)| mark);
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' {
            letters.next();
        } else if Some(letter) == mark {
            let (until, after) = text.split_at(at);
            return (until.get(1..), after.get(1..).unwrap_or_default());
        }
    }
    (None, "")
}

fn push_literal(out: &mut String, literal: &str) {
    let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let plain = literal.replace("\\`", "`");
    let quoted = format!("\"{}\"", plain.trim_start()).replace('`', "\\`");
    let as_it_is = is_json(&plain) || !is_json(&quoted.replace("\\`", "`"));
    out.push('`');
    out.push_str(if as_it_is { literal } else { &quoted });
    out.push('`');
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_that_is_no_json_is_a_string() {
        let check = |text: &str, expected: &str| assert_eq!(strict(text), expected);
        check("[?state==`Enabled`].id", "[?state==`\"Enabled\"`].id");
        check("[?a==` VM running`]", "[?a==`\"VM running\"`]");
        check("[?a==`true` || b==`1` || c==`\"x\"`]", "[?a==`true` || b==`1` || c==`\"x\"`]");
        check("[?a==`x` && b=='`y`']", "[?a==`\"x\"` && b=='`y`']");
        check("\"a`b\".c", "\"a`b\".c");
        check("[?a==`x\\`y`]", "[?a==`\"x\\`y\"`]");
        check("[?a=='it\\'s `b`']", "[?a=='it\\'s `b`']");
        check("a.b[0]", "a.b[0]");
        check("[?a==`x", "[?a==`x");
        check("[?a==`\"x`]", "[?a==`\"x`]");
        check("[?ä==`ü`]", "[?ä==`\"ü\"`]");
    }
}
