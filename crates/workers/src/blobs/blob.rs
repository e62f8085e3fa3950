//! A blob as its row has it.

use std::collections::BTreeMap;

use arm::{Region, ResourceId};
use control::{row_of, stored_of};
use jiff::Timestamp;
use metadata::Row;
use providers::{Document, State};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::Error;
use crate::content::Content;
use crate::image::{Image, hold};

/// The two kinds of blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobKind {
    /// Written at any offset, 512 bytes at a time.
    Page,
    /// Made of blocks, whole.
    Block,
}

impl BlobKind {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "PageBlob",
            Self::Block => "BlockBlob",
        }
    }
}

/// A block of a block blob: its id as the client wrote it, and its length in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Base64.
    pub id: String,
    /// Bytes.
    pub length: u64,
}

/// What a client is told to send with the bytes when it reads them.
pub type Headers = BTreeMap<String, String>;

/// A blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its whole name.
    pub name: String,
    /// Page or block.
    pub kind: BlobKind,
    /// The size in bytes.
    pub size_bytes: u64,
    /// As told to clients, without quotes; changes with every write.
    pub etag: String,
    /// When it was last written.
    pub last_modified: Timestamp,
    /// When it was made.
    pub created: Timestamp,
    /// A page blob's counter, which clients set.
    pub sequence: u64,
    /// `content-type` and its like, by lower-case name.
    pub headers: Headers,
    /// The client's own words, in the spelling they came in.
    pub metadata: BTreeMap<String, String>,
    /// Where the bytes are; `None` for a block blob of which nothing was committed yet.
    pub content: Option<Content>,
    /// The blocks it is made of, in order.
    pub blocks: Vec<Block>,
    /// The file of blocks that were put and not committed.
    pub put_blocks: Option<Uuid>,
}

/// The server's notes.
const STAGED: &str = "staged";
const PUT_BLOCKS: &str = "stagedBlocks";

impl Blob {
    /// Reads a row.
    ///
    /// # Errors
    /// [`Error::Document`] when it is none of a blob.
    pub(super) fn of(row: &Row) -> Result<Self, Error> {
        let document = stored_of(row)?.document;
        let broken = |what: &str| Error::Document(format!("a blob without {what}"));
        let text = |name: &str| {
            document
                .properties
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| broken(name))
        };
        let number = |name: &str| document.properties.get(name).and_then(Value::as_u64);
        let words = |name: &str| -> BTreeMap<String, String> {
            let members = document.properties.get(name).and_then(Value::as_object);
            let pairs = members.into_iter().flatten();
            pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
        };
        let uuid = |name: &str| document.internal.get(name).and_then(|name| name.as_str()?.parse().ok());
        let block =
            |pair: &Value| Some(Block { id: pair[0].as_str()?.to_owned(), length: pair[1].as_u64()? });
        let blocks = document.internal.get("blocks").and_then(Value::as_array);
        Ok(Self {
            name: text("name")?,
            kind: if text("blobType")? == "PageBlob" { BlobKind::Page } else { BlobKind::Block },
            size_bytes: number("contentLength").unwrap_or(0),
            etag: text("etag")?,
            last_modified: text("lastModified")?.parse().map_err(|_error| broken("lastModified"))?,
            created: row.created_at,
            sequence: number("sequenceNumber").unwrap_or(0),
            headers: words("headers"),
            metadata: words("metadata"),
            content: match uuid(STAGED) {
                Some(name) => Some(Content::Staged(name)),
                None => stored(&document),
            },
            blocks: blocks.into_iter().flatten().filter_map(block).collect(),
            put_blocks: uuid(PUT_BLOCKS),
        })
    }

    /// Whether something was committed: what was not is no blob to readers yet.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        self.content.is_some()
    }

    /// The row with this in it, and what it keeps alive.
    pub(super) fn written_in(&self, row: &Row) -> Result<Row, Error> {
        let mut internal = Map::new();
        let mut holds = Vec::new();
        match &self.content {
            None => {}
            Some(Content::Staged(name)) => {
                internal.insert(STAGED.to_owned(), name.to_string().into());
            }
            Some(Content::Stored { region, image, tail }) => {
                internal.insert("region".to_owned(), region.as_str().into());
                internal.insert("tail".to_owned(), hex(tail).into());
                holds.push(hold(region, &image.root));
            }
        }
        if let Some(name) = self.put_blocks {
            internal.insert(PUT_BLOCKS.to_owned(), name.to_string().into());
        }
        let blocks = self.blocks.iter().map(|block| json!([block.id, block.length]));
        internal.insert("blocks".to_owned(), blocks.collect());
        let properties = json!({
            "name": self.name, "blobType": self.kind.as_str(), "contentLength": self.size_bytes,
            "etag": self.etag, "lastModified": self.last_modified.to_string(),
            "sequenceNumber": self.sequence, "headers": self.headers, "metadata": self.metadata,
        });
        let mut document = Document {
            schema: Document::SCHEMA,
            location: None,
            tags: None,
            envelope: Map::new(),
            properties: properties.as_object().cloned().unwrap_or_default(),
            internal,
            state: State::Succeeded,
            created_by: String::new(),
        };
        if let Some(Content::Stored { image, .. }) = &self.content {
            image.note(&mut document);
        }
        Ok(Row { holds, sort_key: self.name.clone(), ..row_of(row, &document)? })
    }

    /// The files of the staging area that it names.
    pub(super) fn files(&self) -> Vec<Uuid> {
        let staged = match &self.content {
            Some(Content::Staged(name)) => Some(*name),
            Some(Content::Stored { .. }) | None => None,
        };
        staged.into_iter().chain(self.put_blocks).collect()
    }
}

/// The row of a blob that does not stand yet.
pub(super) fn fresh_row(id: &ResourceId, now: Timestamp) -> Row {
    Row {
        id: id.clone(),
        sort_key: String::new(),
        document: Value::Null,
        etag: String::new(),
        operation: None,
        claims: Vec::new(),
        counted: Vec::new(),
        holds: Vec::new(),
        created_at: now,
        changed_at: now,
    }
}

fn stored(document: &Document) -> Option<Content> {
    let image = Image::of(document)?;
    let region: Region = document.internal.get("region")?.as_str()?.parse().ok()?;
    let tail = unhex(document.internal.get("tail")?.as_str()?)?;
    Some(Content::Stored { region, image, tail })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}
