//! <https://hl7.org/fhirpath/N1/#grammar>

use base::limits::{FHIRPATH_BYTES, FHIRPATH_DEPTH};

use super::ast::{
    Ast, Expr, ExprId, LiteralUnit, Operator, SIGN_BINDING, TYPE_BINDING, TypeName, TypeOperator,
};
use super::error::{Error, Flaw};
use super::lexer::{Token, tokens};
use crate::value::{CalendarUnit, Moment, Precision, Time};

/// Reads an expression.
///
/// # Errors
/// The first place at which the text is not FHIRPath and what was expected there, or a limit.
pub fn parse(text: &str) -> Result<Ast, Error> {
    read(text).map_err(|flaw| flaw.in_text(text))
}

fn read(text: &str) -> Result<Ast, Flaw> {
    if text.len() > FHIRPATH_BYTES {
        let message = format!("an expression has at most {FHIRPATH_BYTES} bytes");
        return Err(Flaw::limit(0, message));
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        nodes: Vec::new(),
        at: Vec::new(),
        depths: Vec::new(),
        depth: 0,
    };
    let root = parser.expression(0)?;
    if *parser.peek() != Token::End {
        return Err(parser.unexpected("an operator or the end"));
    }
    Ok(Ast { text: text.into(), nodes: parser.nodes, at: parser.at, root })
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    nodes: Vec<Expr>,
    at: Vec<u32>,
    /// How deep the tree under each node is.
    depths: Vec<usize>,
    /// How deep the parser is.
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(token, _)| token)
    }

    fn here(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |(_, at)| *at)
    }

    fn advance(&mut self) {
        self.next += 1;
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(here) if *here == symbol);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), Flaw> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("'{symbol}'"))) }
    }

    fn unexpected(&self, expected: &str) -> Flaw {
        let found = match self.peek() {
            Token::End => "the end".to_owned(),
            Token::Name(name) | Token::Quoted(name) => format!("'{name}'"),
            Token::Text(_) => "a string".to_owned(),
            Token::Number(digits) => format!("the number {digits}"),
            Token::Moment(text) => format!("'@{text}'"),
            Token::Variable(name) => format!("'%{name}'"),
            Token::Special(name) => format!("'${name}'"),
            Token::Symbol(symbol) => format!("'{symbol}'"),
        };
        Flaw::syntax(self.here(), format!("expected {expected}, found {found}"))
    }

    fn push(&mut self, at: usize, expr: Expr) -> Result<ExprId, Flaw> {
        let depth = 1 + children(&expr).map(|id| self.depth_of(id)).max().unwrap_or(0);
        if depth > FHIRPATH_DEPTH {
            return Err(too_deep(at));
        }
        let id = u32::try_from(self.nodes.len()).map_err(|_| too_deep(at))?;
        self.nodes.push(expr);
        self.at.push(u32::try_from(at).unwrap_or(u32::MAX));
        self.depths.push(depth);
        Ok(ExprId(id))
    }

    fn depth_of(&self, id: ExprId) -> usize {
        self.depths.get(id.0 as usize).copied().unwrap_or(0)
    }

    /// An expression whose operators bind tighter than `floor`.
    fn expression(&mut self, floor: u8) -> Result<ExprId, Flaw> {
        self.depth += 1;
        if self.depth > FHIRPATH_DEPTH {
            return Err(too_deep(self.here()));
        }
        let mut left = self.signed()?;
        while let Some(next) = self.operator(floor) {
            let at = self.here();
            self.advance();
            left = match next {
                Infix::Binary(op, binding) => {
                    let right = self.expression(binding)?;
                    self.push(at, Expr::Binary { op, left, right })?
                }
                Infix::Type(op) => {
                    let name = self.type_name()?;
                    self.push(at, Expr::Type { op, of: left, name })?
                }
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operator(&self, floor: u8) -> Option<Infix> {
        let written = match self.peek() {
            Token::Symbol(symbol) => symbol,
            Token::Name(name) if name == "is" && TYPE_BINDING > floor => {
                return Some(Infix::Type(TypeOperator::Is));
            }
            Token::Name(name) if name == "as" && TYPE_BINDING > floor => {
                return Some(Infix::Type(TypeOperator::As));
            }
            Token::Name(name) => name.as_str(),
            _ => return None,
        };
        let row = Operator::TABLE.into_iter().find(|row| row.0 == written && row.2 > floor)?;
        Some(Infix::Binary(row.1, row.2))
    }

    fn signed(&mut self) -> Result<ExprId, Flaw> {
        let at = self.here();
        if self.take("-") {
            let of = self.expression(SIGN_BINDING - 1)?;
            return self.push(at, Expr::Negate(of));
        }
        if self.take("+") {
            let of = self.expression(SIGN_BINDING - 1)?;
            return self.push(at, Expr::Plus(of));
        }
        let term = self.term()?;
        self.invocations(term)
    }

    fn invocations(&mut self, mut of: ExprId) -> Result<ExprId, Flaw> {
        loop {
            let at = self.here();
            if self.take(".") {
                of = self.invocation(Some(of))?;
            } else if self.take("[") {
                let index = self.expression(0)?;
                self.expect("]")?;
                of = self.push(at, Expr::Indexer { of, index })?;
            } else {
                return Ok(of);
            }
        }
    }

    fn term(&mut self) -> Result<ExprId, Flaw> {
        let at = self.here();
        match self.peek().clone() {
            Token::Symbol("(") => {
                self.advance();
                let inner = self.expression(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Symbol("{") => {
                self.advance();
                self.expect("}")?;
                self.push(at, Expr::Empty)
            }
            Token::Text(text) => {
                self.advance();
                self.push(at, Expr::Text(text))
            }
            Token::Number(digits) => {
                self.advance();
                self.number(at, digits)
            }
            Token::Moment(text) => {
                self.advance();
                self.push(at, moment(&text, at)?)
            }
            Token::Variable(name) => {
                self.advance();
                self.push(at, Expr::Variable(name))
            }
            Token::Name(name) if name == "true" || name == "false" => {
                self.advance();
                self.push(at, Expr::Boolean(name == "true"))
            }
            _ => self.invocation(None),
        }
    }

    fn number(&mut self, at: usize, digits: String) -> Result<ExprId, Flaw> {
        let unit = match self.peek() {
            Token::Text(code) => Some(LiteralUnit::Ucum(code.clone())),
            Token::Name(word) => CalendarUnit::named(word)
                .map(|unit| LiteralUnit::Calendar { unit, plural: word.ends_with('s') }),
            _ => None,
        };
        if let Some(unit) = unit {
            self.advance();
            return self.push(at, Expr::Quantity(digits, unit));
        }
        if digits.contains('.') {
            return self.push(at, Expr::Decimal(digits));
        }
        match digits.parse() {
            Ok(integer) => self.push(at, Expr::Integer(integer)),
            Err(_) => Err(Flaw::syntax(at, "the integer is too large")),
        }
    }

    fn invocation(&mut self, of: Option<ExprId>) -> Result<ExprId, Flaw> {
        let at = self.here();
        let name = match self.peek().clone() {
            Token::Name(name) if !(of.is_none() && is_infix(&name)) => name,
            Token::Quoted(name) => name,
            Token::Special(name) => {
                self.advance();
                return self.special(at, of, &name);
            }
            _ => return Err(self.unexpected("a term")),
        };
        self.advance();
        if self.take("(") {
            let args = self.arguments()?;
            return self.push(at, Expr::Call { of, name, args });
        }
        self.push(at, Expr::Member { of, name })
    }

    fn special(&mut self, at: usize, of: Option<ExprId>, name: &str) -> Result<ExprId, Flaw> {
        let expr = match (name, of) {
            ("this", None) => Expr::This,
            ("index", None) => Expr::Index,
            ("total", None) => Expr::Total,
            ("this" | "index" | "total", Some(_)) => {
                return Err(Flaw::syntax(at, format!("${name} begins a term, it follows none")));
            }
            _ => return Err(Flaw::syntax(at, "expected $this, $index or $total")),
        };
        self.push(at, expr)
    }

    fn arguments(&mut self) -> Result<Vec<ExprId>, Flaw> {
        let mut arguments = Vec::new();
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(0)?);
            if self.take(")") {
                return Ok(arguments);
            }
            if !self.take(",") {
                return Err(self.unexpected("',' or ')'"));
            }
        }
    }

    fn type_name(&mut self) -> Result<TypeName, Flaw> {
        let first = self.identifier()?;
        if !self.take(".") {
            return Ok(TypeName { namespace: None, name: first });
        }
        Ok(TypeName { namespace: Some(first), name: self.identifier()? })
    }

    fn identifier(&mut self) -> Result<String, Flaw> {
        match self.peek().clone() {
            Token::Name(name) | Token::Quoted(name) => {
                self.advance();
                Ok(name)
            }
            _ => Err(self.unexpected("the name of a type")),
        }
    }
}

enum Infix {
    Binary(Operator, u8),
    Type(TypeOperator),
}

/// Whether a word stands between terms; `is`, `as`, `in` and `contains` may be names too.
fn is_infix(word: &str) -> bool {
    matches!(word, "and" | "or" | "xor" | "implies" | "div" | "mod")
}

fn too_deep(at: usize) -> Flaw {
    Flaw::limit(at, format!("an expression nests at most {FHIRPATH_DEPTH} levels"))
}

fn children(expr: &Expr) -> impl Iterator<Item = ExprId> + '_ {
    let (first, second, args): (Option<ExprId>, Option<ExprId>, &[ExprId]) = match expr {
        Expr::Member { of, .. } => (*of, None, &[]),
        Expr::Call { of, args, .. } => (*of, None, args),
        Expr::Indexer { of, index } => (Some(*of), Some(*index), &[]),
        Expr::Negate(of) | Expr::Plus(of) | Expr::Type { of, .. } => (Some(*of), None, &[]),
        Expr::Binary { left, right, .. } => (Some(*left), Some(*right), &[]),
        _ => (None, None, &[]),
    };
    first.into_iter().chain(second).chain(args.iter().copied())
}

fn moment(text: &str, at: usize) -> Result<Expr, Flaw> {
    let flaw = |fault: crate::value::Malformed, skipped: usize| {
        Flaw::syntax(at + skipped + fault.at, fault.reason)
    };
    if let Some(time) = text.strip_prefix('T') {
        return Time::parse_partial(time).map(Expr::Time).map_err(|fault| flaw(fault, 2));
    }
    let moment = Moment::parse_partial(text).map_err(|fault| flaw(fault, 1))?;
    if moment.precision() <= Precision::Day && !text.ends_with('T') {
        return Ok(Expr::Date(moment));
    }
    Ok(Expr::DateTime(moment))
}
