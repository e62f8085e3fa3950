//! What is not offered any more goes with all that stands below it.

use arm::ResourceId;
use metadata::{Change, Expect};
use providers::images::marketplace::{ALIASES, root};
use serde_json::Value;

use crate::engine::Asked;
use crate::write::RACES;
use crate::{Engine, Error, Reply, precondition, refusals};

impl Engine {
    /// `DELETE …/marketplaces/default/publishers/P[/offers/O[/skus/S[/versions/V]]]`.
    pub(crate) async fn delist(&self, asked: &Asked<'_>, id: &ResourceId) -> Result<Reply, Error> {
        for _ in 0..RACES {
            let row = self.metadata.row(id).await?;
            precondition::check(asked.request, row.as_ref().map(|row| row.etag.as_str()))?;
            let Some(row) = row else { return Ok(Reply::empty(204)) };
            let change = Change {
                expect: vec![Expect::Unchanged(row.id.clone(), row.etag.clone())],
                delete: self.aliases_within(&row.id).await?,
                delete_within: vec![row.id.clone()],
                activity: vec![self.noted(asked, &row.id, "delete", &Value::Null)],
                ..Change::default()
            };
            match self.metadata.commit(change).await {
                Ok(()) => return Ok(Reply::empty(200)),
                Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(refusals::busy(id).into())
    }

    /// The aliases of SKUs at or below `id`.
    async fn aliases_within(&self, id: &ResourceId) -> Result<Vec<ResourceId>, Error> {
        let names: Vec<&str> = id.names().into_iter().skip(1).collect();
        // A version takes no alias with it.
        if names.len() > 3 {
            return Ok(Vec::new());
        }
        let is_within = |said: &Value| {
            let whose =
                ["publisher", "offer", "sku"].map(|name| said[name].as_str().unwrap_or_default().to_owned());
            names.iter().zip(&whose).all(|(wanted, found)| wanted.eq_ignore_ascii_case(found))
        };
        let aliases = self.all_below(root(), ALIASES).await?;
        Ok(aliases
            .into_iter()
            .filter(|row| is_within(&row.document["properties"]))
            .map(|row| row.id)
            .collect())
    }
}
