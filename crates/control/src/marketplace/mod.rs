//! The marketplace of the installation: what is offered, to whoever may ask for images, in every subscription.
//!
//! Its rows stand below no subscription. A version with bytes is one of a gallery, and is seen in a region once its
//! replica there is complete; whoever may list images needs no right to that gallery, since the one who listed it
//! had it.

mod images;
mod import;
mod remove;
mod terms;

use arm::ResourceId;
use metadata::{ActivityEntry, Listing, Row};
use providers::images::marketplace::{ALIASES, root};
use providers::{Document, State};
use serde_json::{Map, Value, json};

pub use self::images::MarketplaceImage;
pub(crate) use self::images::Versions;
use crate::engine::Asked;
use crate::{Engine, Error};

/// Rows read at once where a list is gone through.
const PAGE_ROWS: u32 = 500;

impl Engine {
    /// Every row directly below `parent`, in order.
    pub(crate) async fn all_below(&self, parent: ResourceId, type_name: &str) -> Result<Vec<Row>, Error> {
        let listing = Listing::Children { parent, type_name: type_name.to_owned() };
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let rows = self.metadata.list(&listing, cursor.as_ref(), PAGE_ROWS).await?;
            let Some(last) = rows.last() else { return Ok(all) };
            cursor = Some(listing.cursor_after(last));
            all.extend(rows);
        }
    }

    /// The short names of images, in the form of the document in which clients look them up (azure-api 11).
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub async fn image_aliases(&self) -> Result<Value, Error> {
        let (mut linux, mut windows) = (Map::new(), Map::new());
        for row in self.all_below(root(), ALIASES).await? {
            let said = &row.document["properties"];
            let image = json!({
                "publisher": said["publisher"], "offer": said["offer"], "sku": said["sku"], "version": "latest",
                "architecture": said["architecture"],
            });
            let list = if said["osType"] == "Windows" { &mut windows } else { &mut linux };
            list.insert(row.id.name().to_owned(), image);
        }
        let aliases = json!({"type": "object", "value": {"Linux": linux, "Windows": windows}});
        Ok(json!({
            "$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json",
            "contentVersion": "1.0.0.0",
            "parameters": {},
            "resources": [],
            "outputs": { "aliases": aliases },
        }))
    }

    /// A row of the marketplace in place of what stands under its id.
    fn listed(
        &self,
        asked: &Asked<'_>,
        id: ResourceId,
        properties: Map<String, Value>,
        stands: Option<&Row>,
    ) -> Result<Row, Error> {
        let document = Document {
            schema: Document::SCHEMA,
            location: None,
            tags: None,
            envelope: Map::new(),
            properties,
            internal: Map::new(),
            state: State::Succeeded,
            created_by: asked.principal.object_id.clone(),
        };
        let now = self.clock.now();
        Ok(Row {
            sort_key: id.name().to_ascii_lowercase(),
            document: serde_json::to_value(&document).map_err(|error| Error::Internal(Box::new(error)))?,
            etag: self.ids.uuid().to_string(),
            operation: None,
            claims: Vec::new(),
            holds: Vec::new(),
            counted: vec![counter(&id)],
            created_at: stands.map_or(now, |row| row.created_at),
            changed_at: now,
            id,
        })
    }

    /// What the activity log says of a change of the marketplace.
    fn noted(&self, asked: &Asked<'_>, target: &ResourceId, verb: &str, details: &Value) -> ActivityEntry {
        ActivityEntry {
            target: target.clone(),
            at: self.clock.now(),
            action: format!("{}/{verb}", target.type_name()),
            caller: asked.principal.object_id.clone(),
            correlation_id: asked.request.correlation_id.clone(),
            document: json!({
                "status": "Accepted", "subStatus": "OK", "callerName": asked.principal.name, "details": details,
            }),
        }
    }
}

/// What counts the siblings of a row.
fn counter(id: &ResourceId) -> String {
    let kind = id.pairs().last().map(|(kind, _)| kind.to_ascii_lowercase()).unwrap_or_default();
    let parent = id.parent().map(|parent| parent.key()).unwrap_or_default();
    format!("{parent}/{kind}")
}
