//! An expression as text again, with the parentheses it needs and no others.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{
    Ast, Expr, ExprId, LiteralUnit, SIGN_BINDING, TYPE_BINDING, TypeName, TypeOperator,
};
use crate::value::Precision;

/// Binds tighter than anything that needs parentheses.
const TERM_BINDING: u8 = 12;

impl Display for Ast {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write(f, self.root)
    }
}

impl Ast {
    /// Writes an expression, in parentheses if it binds looser than `floor`.
    fn part(&self, f: &mut Formatter<'_>, id: ExprId, floor: u8) -> fmt::Result {
        if binding(self.get(id)) >= floor {
            return self.write(f, id);
        }
        f.write_char('(')?;
        self.write(f, id)?;
        f.write_char(')')
    }

    /// What an invocation is on. A number needs parentheses before what may look like its unit.
    fn front(&self, f: &mut Formatter<'_>, of: Option<ExprId>) -> fmt::Result {
        match of {
            Some(of) => {
                self.part(f, of, TERM_BINDING)?;
                f.write_char('.')
            }
            None => Ok(()),
        }
    }

    fn write(&self, f: &mut Formatter<'_>, id: ExprId) -> fmt::Result {
        match self.get(id) {
            Expr::Empty => f.write_str("{}"),
            Expr::Boolean(truth) => write!(f, "{truth}"),
            Expr::Integer(number) => write!(f, "{number}"),
            Expr::Decimal(digits) => f.write_str(digits),
            Expr::Text(text) => quoted(f, '\'', text),
            Expr::Date(date) => write!(f, "@{date}"),
            Expr::DateTime(moment) if moment.precision() <= Precision::Day => {
                write!(f, "@{moment}T")
            }
            Expr::DateTime(moment) => write!(f, "@{moment}"),
            Expr::Time(time) => write!(f, "@T{time}"),
            Expr::Quantity(digits, unit) => {
                write!(f, "{digits} ")?;
                write_unit(f, unit)
            }
            Expr::Variable(name) => {
                f.write_char('%')?;
                quoted(f, '`', name)
            }
            Expr::This => f.write_str("$this"),
            Expr::Index => f.write_str("$index"),
            Expr::Total => f.write_str("$total"),
            Expr::Member { of, name } => {
                self.front(f, *of)?;
                quoted(f, '`', name)
            }
            Expr::Call { of, name, args } => {
                self.front(f, *of)?;
                self.call(f, name, args)
            }
            Expr::Indexer { of, index } => {
                self.part(f, *of, TERM_BINDING)?;
                f.write_char('[')?;
                self.write(f, *index)?;
                f.write_char(']')
            }
            Expr::Negate(of) => self.signed(f, '-', *of),
            Expr::Plus(of) => self.signed(f, '+', *of),
            Expr::Binary { op, left, right } => {
                let (written, _, binding) = op.row();
                self.part(f, *left, binding)?;
                write!(f, " {written} ")?;
                self.part(f, *right, binding + 1)
            }
            Expr::Type { op, of, name } => {
                self.part(f, *of, TYPE_BINDING)?;
                f.write_str(match op {
                    TypeOperator::Is => " is ",
                    TypeOperator::As => " as ",
                })?;
                type_name(f, name)
            }
        }
    }

    fn signed(&self, f: &mut Formatter<'_>, sign: char, of: ExprId) -> fmt::Result {
        f.write_char(sign)?;
        self.part(f, of, SIGN_BINDING)
    }

    fn call(&self, f: &mut Formatter<'_>, name: &str, args: &[ExprId]) -> fmt::Result {
        quoted(f, '`', name)?;
        f.write_char('(')?;
        for (index, arg) in args.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            self.write(f, *arg)?;
        }
        f.write_char(')')
    }
}

fn binding(expr: &Expr) -> u8 {
    match expr {
        Expr::Binary { op, .. } => op.row().2,
        Expr::Type { .. } => TYPE_BINDING,
        Expr::Negate(_) | Expr::Plus(_) => SIGN_BINDING,
        _ => TERM_BINDING,
    }
}

fn write_unit(f: &mut Formatter<'_>, unit: &LiteralUnit) -> fmt::Result {
    match unit {
        LiteralUnit::Calendar { unit, plural } => {
            write!(f, "{}{}", unit.word(), if *plural { "s" } else { "" })
        }
        LiteralUnit::Ucum(code) => quoted(f, '\'', code),
    }
}

fn type_name(f: &mut Formatter<'_>, name: &TypeName) -> fmt::Result {
    if let Some(namespace) = &name.namespace {
        quoted(f, '`', namespace)?;
        f.write_char('.')?;
    }
    quoted(f, '`', &name.name)
}

/// A string, or a name, which has backticks only where it needs them.
fn quoted(f: &mut Formatter<'_>, quote: char, text: &str) -> fmt::Result {
    if quote == '`' && is_plain(text) {
        return f.write_str(text);
    }
    f.write_char(quote)?;
    for c in text.chars() {
        match c {
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{c}' => f.write_str("\\f")?,
            '\\' => f.write_str("\\\\")?,
            c if c == quote => write!(f, "\\{c}")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char(quote)
}

/// Whether a name can stand without backticks wherever a name can stand.
pub(crate) fn is_plain(name: &str) -> bool {
    let keywords = [
        "and", "or", "xor", "implies", "div", "mod", "true", "false", "is", "as", "in", "contains",
    ];
    name.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
        && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
        && !keywords.contains(&name)
        && crate::value::CalendarUnit::named(name).is_none()
}
