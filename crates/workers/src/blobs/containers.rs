//! Containers as their clients make, read and delete them.

use std::collections::BTreeMap;

use arm::ResourceId;
use control::{row_of, stored_of};
use jiff::Timestamp;
use metadata::{Change, Cursor, Expect, Listing, Row};
use providers::storage::container;
use providers::{Document, State};
use serde_json::{Map, Value, json};

use super::blob::fresh_row;
use super::{Account, Blobs, Page, refusals};
use crate::Error;

/// A container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Without quotes.
    pub etag: String,
    /// When it was last changed.
    pub last_modified: Timestamp,
    /// `None`, `Blob` or `Container`.
    pub public_access: String,
    /// The client's own words.
    pub metadata: BTreeMap<String, String>,
}

impl Container {
    fn of(row: &Row) -> Result<Self, Error> {
        let properties = stored_of(row)?.document.properties;
        let word = properties.get("publicAccess").and_then(Value::as_str).unwrap_or("None");
        let pairs = properties.get("metadata").and_then(Value::as_object).into_iter().flatten();
        Ok(Self {
            name: row.id.name().to_owned(),
            etag: row.etag.clone(),
            last_modified: row.changed_at,
            public_access: word.to_owned(),
            metadata: pairs
                .filter_map(|(name, word)| Some((name.clone(), word.as_str()?.to_owned())))
                .collect(),
        })
    }
}

impl Blobs {
    /// A container.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn container(&self, id: &ResourceId) -> Result<Container, Error> {
        let row = self.engine.metadata().row(id).await?.ok_or_else(refusals::container_not_found)?;
        Container::of(&row)
    }

    /// Makes a container.
    ///
    /// # Errors
    /// 409 when it is there, 404 when its account is not.
    pub async fn create_container(
        &self,
        id: &ResourceId,
        public_access: &str,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Container, Error> {
        let now = self.clock.now();
        let mut document = Document {
            schema: Document::SCHEMA,
            location: None,
            tags: None,
            envelope: Map::new(),
            properties: Map::new(),
            internal: Map::new(),
            state: State::Succeeded,
            created_by: String::new(),
        };
        document.properties.insert("publicAccess".to_owned(), public_access.into());
        document.properties.insert("metadata".to_owned(), json!(metadata));
        let row = Row {
            sort_key: id.name().to_owned(),
            etag: self.ids.uuid().to_string(),
            ..row_of(&fresh_row(id, now), &document)?
        };
        let made = Container::of(&row)?;
        let expect = std::iter::once(Expect::NoRow(id.clone())).chain(id.parent().map(Expect::Exists));
        let change = Change { expect: expect.collect(), put: vec![row], ..Change::default() };
        match self.engine.metadata().commit(change).await {
            Ok(()) => Ok(made),
            Err(metadata::Error::Stale(_)) => Err(refusals::container_exists().into()),
            Err(metadata::Error::Absent(_)) => Err(refusals::account_not_found().into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes a container and the blobs in it.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_container(&self, id: &ResourceId) -> Result<(), Error> {
        let change = Change {
            expect: vec![Expect::Exists(id.clone())],
            delete_within: vec![id.clone()],
            ..Change::default()
        };
        match self.engine.metadata().commit(change).await {
            Ok(()) => {
                self.engine.bytes_released().notify_one();
                Ok(())
            }
            Err(metadata::Error::Absent(_)) => Err(refusals::container_not_found().into()),
            Err(error) => Err(error.into()),
        }
    }

    /// A page of an account's containers whose names begin with `prefix`, from the name `from` on.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn containers(
        &self,
        account: &Account,
        prefix: &str,
        from: Option<&str>,
        limit: usize,
    ) -> Result<Page<Container>, Error> {
        let parent = account.id.child("blobServices", "default");
        let parent = parent.map_err(|error| Error::Document(error.to_string()))?;
        let listing = Listing::Children { parent, type_name: container::TYPE.to_owned() };
        let first = from.unwrap_or_default().max(prefix).to_owned();
        let mut cursor = Cursor { sort_key: first, id_key: String::new() };
        let mut page = Page { items: Vec::new(), next: None };
        loop {
            let rows = self.engine.metadata().list(&listing, Some(&cursor), 200).await?;
            if rows.is_empty() {
                return Ok(page);
            }
            for row in rows {
                if !row.sort_key.starts_with(prefix) {
                    return Ok(page);
                }
                if page.items.len() >= limit {
                    page.next = Some(row.sort_key);
                    return Ok(page);
                }
                cursor = listing.cursor_after(&row);
                page.items.push(Container::of(&row)?);
            }
        }
    }
}
