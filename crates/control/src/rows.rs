//! Between rows and resources.

use metadata::Row;
use providers::{Document, Stored};

use crate::Error;

/// The resource a row holds.
///
/// # Errors
/// When the document cannot be read, or is of a layout newer than this release knows.
pub fn stored_of(row: &Row) -> Result<Stored, Error> {
    let document: Document =
        serde_json::from_value(row.document.clone()).map_err(|error| Error::Internal(Box::new(error)))?;
    if document.schema > Document::SCHEMA {
        return Err(Error::Internal(
            format!("row layout {} is newer than this release", document.schema).into(),
        ));
    }
    Ok(Stored { id: row.id.clone(), document })
}

/// `row` with another document in it.
///
/// # Errors
/// When the document cannot be written as JSON.
pub fn row_of(row: &Row, document: &Document) -> Result<Row, Error> {
    let document = serde_json::to_value(document).map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(Row { document, ..row.clone() })
}
