//! The part of the graph's query language that is understood: a table, then `where`, `project` and `limit`.
//!
//! `Resources | where type =~ 'a' and name == 'b' | where tags.x contains 'y' | project id, name | limit 10`.
//! Anything else is refused in words that say so; nothing is guessed.

use providers::Rejection;
use serde_json::{Map, Value};

/// Longest query, in bytes.
const MOST_BYTES: usize = 4096;
/// Most conditions, and most columns.
const MOST_PARTS: usize = 32;

const UNDERSTOOD: &str = "Understood is: Resources or communitygalleryresources, then any of '| where FIELD == 'text'' (also =~, != and contains, joined by and), '| project FIELD, FIELD' and '| limit N'.";

/// What is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// Resources of subscriptions.
    Resources,
    /// Galleries that are open to everybody.
    CommunityGalleries,
}

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) table: Table,
    conditions: Vec<Condition>,
    columns: Option<Vec<String>>,
    /// Rows at most, when said.
    pub(super) limit: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    path: String,
    relation: Relation,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Is,
    IsWithoutCase,
    IsNot,
    Contains,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// 400 `InvalidQuery` that names what was not understood.
    pub(super) fn parse(text: &str) -> Result<Self, Rejection> {
        if text.len() > MOST_BYTES {
            return Err(refuse("The query is too long."));
        }
        let tokens = tokens(text)?;
        let mut stages = tokens.split(|token| *token == Token::Sign("|"));
        let table = match stages.next() {
            Some([Token::Word(word)]) if word.eq_ignore_ascii_case("resources") => Table::Resources,
            Some([Token::Word(word)]) if word.eq_ignore_ascii_case("communitygalleryresources") => {
                Table::CommunityGalleries
            }
            _ => return Err(refuse("The query does not begin with a table that is known.")),
        };
        let mut query = Self { table, conditions: Vec::new(), columns: None, limit: None };
        for stage in stages {
            query.stage(stage)?;
        }
        Ok(query)
    }

    fn stage(&mut self, stage: &[Token]) -> Result<(), Rejection> {
        let Some((Token::Word(verb), rest)) = stage.split_first() else {
            return Err(refuse("A step between bars does not begin with a verb."));
        };
        // What comes after a projection, or after a limit, would see other rows than what comes before.
        let is_late = self.columns.is_some() || self.limit.is_some();
        match verb.to_ascii_lowercase().as_str() {
            "where" if !is_late => self.conditions.extend(conditions(rest)?),
            "project" if self.columns.is_none() => self.columns = Some(columns(rest)?),
            "limit" | "take" if self.limit.is_none() => self.limit = Some(number(rest)?),
            other => {
                return Err(refuse(&format!("The step '{}' is not understood there.", shown(other))));
            }
        }
        if self.conditions.len() > MOST_PARTS {
            return Err(refuse("There are too many conditions."));
        }
        Ok(())
    }

    /// The type all rows must be of, in lower case, when the query says so.
    pub(super) fn type_name(&self) -> Option<String> {
        let is_it = |condition: &&Condition| {
            condition.path.eq_ignore_ascii_case("type")
                && matches!(condition.relation, Relation::Is | Relation::IsWithoutCase)
        };
        self.conditions.iter().find(is_it).map(|condition| condition.text.to_ascii_lowercase())
    }

    /// Whether a row is asked for.
    pub(super) fn passes(&self, row: &Value) -> bool {
        self.conditions.iter().all(|condition| {
            let found = at(row, &condition.path).and_then(Value::as_str).unwrap_or_default();
            let wanted = condition.text.as_str();
            match condition.relation {
                Relation::Is => found == wanted,
                Relation::IsWithoutCase => found.to_lowercase() == wanted.to_lowercase(),
                Relation::IsNot => found != wanted,
                Relation::Contains => found.to_lowercase().contains(&wanted.to_lowercase()),
            }
        })
    }

    /// A row with the columns that are asked for.
    pub(super) fn projected(&self, row: Value) -> Value {
        let Some(columns) = &self.columns else { return row };
        let cells = columns
            .iter()
            .map(|column| (column.replace('.', "_"), at(&row, column).cloned().unwrap_or(Value::Null)));
        Value::Object(cells.collect::<Map<_, _>>())
    }
}

fn conditions(tokens: &[Token]) -> Result<Vec<Condition>, Rejection> {
    let is_and = |token: &Token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case("and"));
    tokens.split(is_and).map(condition).collect()
}

fn condition(tokens: &[Token]) -> Result<Condition, Rejection> {
    let [Token::Word(path), relation, Token::Text(text)] = tokens else {
        return Err(refuse("A condition is not of the form FIELD == 'text'."));
    };
    let relation = match relation {
        Token::Sign("==") => Relation::Is,
        Token::Sign("=~") => Relation::IsWithoutCase,
        Token::Sign("!=") => Relation::IsNot,
        Token::Word(word) if word.eq_ignore_ascii_case("contains") => Relation::Contains,
        _ => return Err(refuse(&format!("The comparison of '{}' is not understood.", shown(path)))),
    };
    Ok(Condition { path: path.clone(), relation, text: text.clone() })
}

fn columns(tokens: &[Token]) -> Result<Vec<String>, Rejection> {
    let column = |tokens: &[Token]| match tokens {
        [Token::Word(word)] => Ok(word.clone()),
        _ => Err(refuse("A column of project is not the name of a field.")),
    };
    let columns: Vec<String> =
        tokens.split(|token| *token == Token::Sign(",")).map(column).collect::<Result<_, _>>()?;
    if columns.len() > MOST_PARTS { Err(refuse("There are too many columns.")) } else { Ok(columns) }
}

fn number(tokens: &[Token]) -> Result<usize, Rejection> {
    match tokens {
        [Token::Word(word)] => word.parse().map_err(|_error| refuse("A limit is no whole number.")),
        _ => Err(refuse("A limit is no whole number.")),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Rejection> {
    let (mut tokens, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '\'' | '"' => {
                let (inner, after) = rest[1..]
                    .split_once(first)
                    .ok_or_else(|| refuse("A text has no closing quotation mark."))?;
                if inner.contains('\\') {
                    return Err(refuse("A text holds a backslash."));
                }
                (Token::Text(inner.to_owned()), after)
            }
            _ => match ["==", "=~", "!=", "|", ","].into_iter().find(|sign| rest.starts_with(sign)) {
                Some(sign) => (Token::Sign(sign), &rest[sign.len()..]),
                None => {
                    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
                    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                    if end == 0 {
                        return Err(refuse(&format!(
                            "The sign '{}' is not understood.",
                            shown(&first.to_string())
                        )));
                    }
                    (Token::Word(rest[..end].to_owned()), &rest[end..])
                }
            },
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// The value at a dotted path; names compare without case.
fn at<'a>(row: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(row, |value, name| {
        let members = value.as_object()?;
        members.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

fn refuse(what: &str) -> Rejection {
    Rejection::new(400, "InvalidQuery", format!("{what} {UNDERSTOOD}")).at("query")
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Query, Table};

    fn row() -> Value {
        json!({"name": "Web", "type": "microsoft.compute/galleries", "location": "eastus", "tags": {"Env": "prod"}})
    }

    fn passes(query: &str) -> bool {
        Query::parse(query).unwrap().passes(&row())
    }

    #[test]
    fn what_az_sends_is_understood() {
        let text = "communitygalleryresources| where type == 'microsoft.compute/locations/communitygalleries' | where location == 'eastus' ";
        let query = Query::parse(text).unwrap();
        assert_eq!((query.table, query.limit), (Table::CommunityGalleries, None));
        assert_eq!(query.type_name().as_deref(), Some("microsoft.compute/locations/communitygalleries"));
    }

    #[test]
    fn rows_pass_when_every_condition_holds() {
        for (query, wanted) in [
            ("resources", true),
            ("Resources | where name == 'Web'", true),
            ("Resources | where name == 'web'", false),
            ("Resources | where NAME =~ 'wEB' and location == \"eastus\"", true),
            ("Resources | where name =~ 'web' | where location == 'westus'", false),
            ("Resources | where name != 'web'", true),
            ("Resources | where tags.env contains 'RO'", true),
            ("Resources | where tags.none == ''", true),
            ("Resources | where tags.none contains 'x'", false),
        ] {
            assert_eq!(passes(query), wanted, "{query}");
        }
    }

    #[test]
    fn columns_are_picked_and_missing_ones_are_null() {
        let query =
            Query::parse("Resources | where name == 'Web' | project name, tags.env, kind | take 3").unwrap();
        assert_eq!(query.limit, Some(3));
        assert_eq!(query.projected(row()), json!({"name": "Web", "tags_env": "prod", "kind": null}));
        assert_eq!(Query::parse("Resources").unwrap().projected(row()), row());
    }

    #[test]
    fn anything_else_is_refused_with_what_is_understood() {
        let long = format!("Resources | where name == '{}'", "x".repeat(5000));
        let many = format!("Resources{}", " | where a == 'b'".repeat(40));
        let wide = format!("Resources | project {}", vec!["a"; 40].join(", "));
        for query in [
            "",
            "   ",
            "policyresources",
            "Resources |",
            "Resources | summarize count()",
            "Resources | where name",
            "Resources | where name == Web",
            "Resources | where name == 'Web",
            "Resources | where name == 'a\\'b'",
            "Resources | where name < 'a'",
            "Resources | where name == 'a' or name == 'b'",
            "Resources | where and",
            "Resources | project",
            "Resources | project name,",
            "Resources | project name | where name == 'a'",
            "Resources | limit 1 | where name == 'a'",
            "Resources | limit many",
            "Resources | limit 1 2",
            "Resources where name == 'a'",
            "Resources ; drop",
            &long,
            &many,
            &wide,
        ] {
            let refusal = Query::parse(query).unwrap_err();
            assert_eq!((refusal.status, refusal.detail.code.as_str()), (400, "InvalidQuery"), "{query}");
            assert!(refusal.detail.message.contains("Understood is"), "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}", tail in "[a-z |='\",.~!]{0,60}") {
            if let Ok(query) = Query::parse(&text) {
                query.passes(&row());
            }
            if let Ok(query) = Query::parse(&format!("Resources {tail}")) {
                let shown = query.projected(row());
                prop_assert!(shown.is_object());
            }
        }
    }
}
