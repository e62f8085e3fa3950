//! Pages of rows.
//!
//! Each listing walks one index in its order from the cursor on: the cost is that of the page.

use sqlx::{AssertSqlSafe, SqlitePool};

use super::columns::below;
use super::rows;
use crate::{Cursor, Error, Listing, Row};

/// Which way a page goes from its cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Ascending, after the cursor.
    Forward,
    /// Descending, before the cursor.
    Back,
}

/// One page as a statement: text of ours, the caller's words as parameters. The limit is the last parameter.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) sql: String,
    words: Vec<String>,
}

pub(super) async fn read(
    pool: &SqlitePool,
    listing: &Listing,
    direction: Direction,
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<Vec<Row>, Error> {
    let page = Page::of(listing, direction, cursor);
    // The text is put together from the constants below only.
    let mut query = sqlx::query(AssertSqlSafe(page.sql));
    for word in page.words {
        query = query.bind(word);
    }
    let found = query.bind(i64::from(limit)).fetch_all(pool).await?;
    found.iter().map(rows::decode).collect()
}

impl Page {
    pub(super) fn of(listing: &Listing, direction: Direction, cursor: Option<&Cursor>) -> Self {
        match listing {
            Listing::Within { scope } => {
                // The cursor replaces a bound: of two bounds on one side only one would be searched for.
                let (mut after, mut before) = below(&scope.key());
                if let Some(cursor) = cursor {
                    match direction {
                        Direction::Forward => after = after.max(cursor.id_key.clone()),
                        Direction::Back => before = before.min(cursor.id_key.clone()),
                    }
                }
                Self::new("key > ? AND key < ?", "key", direction, vec![after, before])
            }
            Listing::Children { parent, type_name } => {
                let words = vec![parent.key(), type_name.to_ascii_lowercase()];
                Self::of_type("parent_key = ? AND type_key = ?", words, direction, cursor)
            }
            Listing::OfType { scope, type_name } => {
                let type_key = type_name.to_ascii_lowercase();
                let subscription = scope.subscription().unwrap_or_default().to_ascii_lowercase();
                match (scope.pairs().len(), scope.group()) {
                    (1, _) => {
                        let words = vec![subscription, type_key];
                        Self::of_type("subscription_key = ? AND type_key = ?", words, direction, cursor)
                    }
                    (2, Some(_)) => {
                        let words = vec![scope.key(), type_key];
                        Self::of_type("group_key = ? AND type_key = ?", words, direction, cursor)
                    }
                    _ => {
                        let prefix = below(&scope.key()).0;
                        let words = vec![subscription, type_key, prefix.clone(), prefix];
                        Self::of_type(DEEP, words, direction, cursor)
                    }
                }
            }
        }
    }

    fn of_type(
        condition: &str,
        mut words: Vec<String>,
        direction: Direction,
        cursor: Option<&Cursor>,
    ) -> Self {
        let Some(cursor) = cursor else {
            return Self::new(condition, "sort_key, key", direction, words);
        };
        words.extend([cursor.sort_key.clone(), cursor.id_key.clone()]);
        let past = match direction {
            Direction::Forward => "(sort_key, key) > (?, ?)",
            Direction::Back => "(sort_key, key) < (?, ?)",
        };
        Self::new(&format!("{condition} AND {past}"), "sort_key, key", direction, words)
    }

    fn new(condition: &str, order: &str, direction: Direction, words: Vec<String>) -> Self {
        let order = match direction {
            Direction::Forward => order.to_owned(),
            Direction::Back => order.replace(',', " DESC,") + " DESC",
        };
        let columns = rows::COLUMNS;
        let sql = format!("SELECT {columns} FROM resources WHERE {condition} ORDER BY {order} LIMIT ?");
        Self { sql, words }
    }
}

/// Scopes that are neither subscription nor group have no index of their own: the subscription's rows of the
/// type are filtered, in order.
const DEEP: &str = "subscription_key = ? AND type_key = ? AND substr(key || '/', 1, length(?)) = ?";
