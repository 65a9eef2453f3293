//! The tree of an expression, in one array: children stand before their parents.

use crate::value::{CalendarUnit, Moment, Time};

/// A place in an [`Ast`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExprId(pub(crate) u32);

/// A parsed expression. Two are equal if they mean the same by the grammar: spaces, comments and
/// needless parentheses do not count.
#[derive(Clone, Debug)]
pub struct Ast {
    pub(crate) text: Box<str>,
    pub(crate) nodes: Vec<Expr>,
    /// Where each begins in the text.
    pub(crate) at: Vec<u32>,
    pub(crate) root: ExprId,
}

impl PartialEq for Ast {
    fn eq(&self, other: &Self) -> bool {
        self.nodes == other.nodes && self.root == other.root
    }
}

impl Ast {
    /// The text it was parsed from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn get(&self, id: ExprId) -> &Expr {
        self.nodes.get(id.0 as usize).unwrap_or(&Expr::Empty)
    }

    pub(crate) fn offset(&self, id: ExprId) -> usize {
        self.at.get(id.0 as usize).map_or(0, |at| *at as usize)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// `{}`
    Empty,
    Boolean(bool),
    Integer(i64),
    /// Digits as written.
    Decimal(String),
    Text(String),
    Date(Moment),
    DateTime(Moment),
    Time(Time),
    /// Digits as written and the unit.
    Quantity(String, LiteralUnit),
    Variable(String),
    This,
    Index,
    Total,
    Member {
        of: Option<ExprId>,
        name: String,
    },
    Call {
        of: Option<ExprId>,
        name: String,
        args: Vec<ExprId>,
    },
    Indexer {
        of: ExprId,
        index: ExprId,
    },
    Negate(ExprId),
    Plus(ExprId),
    Binary {
        op: Operator,
        left: ExprId,
        right: ExprId,
    },
    Type {
        op: TypeOperator,
        of: ExprId,
        name: TypeName,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LiteralUnit {
    Calendar { unit: CalendarUnit, plural: bool },
    Ucum(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeOperator {
    Is,
    As,
}

/// `System.Integer`, `FHIR.Patient`, or either without its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypeName {
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Implies,
    Or,
    Xor,
    And,
    In,
    Contains,
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Union,
    Add,
    Subtract,
    Concatenate,
    Multiply,
    Divide,
    Div,
    Mod,
}

impl Operator {
    /// As written, and how tightly it binds.
    pub(crate) const TABLE: [(&'static str, Operator, u8); 22] = [
        ("implies", Operator::Implies, 1),
        ("or", Operator::Or, 2),
        ("xor", Operator::Xor, 2),
        ("and", Operator::And, 3),
        ("in", Operator::In, 4),
        ("contains", Operator::Contains, 4),
        ("=", Operator::Equal, 5),
        ("!=", Operator::NotEqual, 5),
        ("~", Operator::Equivalent, 5),
        ("!~", Operator::NotEquivalent, 5),
        ("<", Operator::Less, 6),
        (">", Operator::Greater, 6),
        ("<=", Operator::LessOrEqual, 6),
        (">=", Operator::GreaterOrEqual, 6),
        ("|", Operator::Union, 7),
        ("+", Operator::Add, 9),
        ("-", Operator::Subtract, 9),
        ("&", Operator::Concatenate, 9),
        ("*", Operator::Multiply, 10),
        ("/", Operator::Divide, 10),
        ("div", Operator::Div, 10),
        ("mod", Operator::Mod, 10),
    ];

    pub(crate) fn row(self) -> (&'static str, Operator, u8) {
        Self::TABLE.into_iter().find(|row| row.1 == self).unwrap_or(Self::TABLE[0])
    }
}

/// How tightly `is` and `as` bind.
pub(crate) const TYPE_BINDING: u8 = 8;
/// How tightly a sign binds.
pub(crate) const SIGN_BINDING: u8 = 11;
