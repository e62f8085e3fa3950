//! Expressions as they stand between `[` and `]`: parsed once, printed as they were meant.

mod parse;

use std::fmt;

/// One expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// `'text'`
    Text(String),
    /// `42`
    Integer(i64),
    /// `name(…)` or `namespace.name(…)`
    Call {
        /// As written.
        name: String,
        /// The arguments.
        arguments: Vec<Self>,
    },
    /// `of.name` and `of[index]`; with `?` absent things are null.
    Member {
        /// What is looked into.
        of: Box<Self>,
        /// Which member or element.
        at: Box<Self>,
        /// Whether absence is null rather than an error.
        is_safe: bool,
    },
}

/// What a string of a template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Literal(String),
    Expression(Expression),
}

impl Text {
    /// Tells expressions from literals: `[…]` is one, `[[…` is not.
    pub(crate) fn of(text: &str) -> Result<Self, crate::Error> {
        match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            Some(inner) if inner.starts_with('[') => Ok(Self::Literal(text[1..].to_owned())),
            Some(inner) => Expression::parse(inner).map(Self::Expression),
            None => Ok(Self::Literal(text.to_owned())),
        }
    }
}

impl Expression {
    /// Calls `visit` with every call in it, the outer ones first.
    pub(crate) fn visit<'a>(&'a self, visit: &mut impl FnMut(&'a str, &'a [Self])) {
        match self {
            Self::Text(_) | Self::Integer(_) => {}
            Self::Call { name, arguments } => {
                visit(name, arguments);
                arguments.iter().for_each(|argument| argument.visit(visit));
            }
            Self::Member { of, at, .. } => {
                of.visit(visit);
                at.visit(visit);
            }
        }
    }

    /// Whether only a running deployment can evaluate it.
    pub(crate) fn is_deferred(&self) -> bool {
        let mut found = false;
        self.visit(&mut |name, _| found |= is_deferred(name));
        found
    }
}

/// Whether the function asks the running deployment.
pub(crate) fn is_deferred(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "reference" || name == "references" || (name.starts_with("list") && name.len() > 4)
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Call { name, arguments } => {
                write!(f, "{name}(")?;
                for (at, argument) in arguments.iter().enumerate() {
                    write!(f, "{}{argument}", if at == 0 { "" } else { ", " })?;
                }
                write!(f, ")")
            }
            Self::Member { of, at, is_safe } => {
                let safe = if *is_safe { "?" } else { "" };
                match at.as_ref() {
                    Self::Text(name) if parse::is_name(name) => write!(f, "{of}.{safe}{name}"),
                    at => write!(f, "{of}[{safe}{at}]"),
                }
            }
        }
    }
}
