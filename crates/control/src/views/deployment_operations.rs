//! The operations of a deployment: one for each resource it has come to, from the notes beside its row.

use async_trait::async_trait;
use providers::resources::deployment::OPERATIONS;
use serde_json::{Value, json};

use super::{View, Viewed};
use crate::engine::only;
use crate::{Engine, Error, Method, Reply, refusals};

pub(super) struct DeploymentOperations;

#[async_trait]
impl View for DeploymentOperations {
    fn types(&self) -> &'static [&'static str] {
        &["Microsoft.Resources/deployments/operations"]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        only(viewed.asked.request, &[Method::Get])?;
        let id = viewed.id.as_ref().ok_or_else(refusals::path_not_found)?;
        let deployment = if viewed.is_list { Some(id.clone()) } else { id.parent() };
        let deployment = deployment.ok_or_else(refusals::path_not_found)?;
        let Some(row) = engine.metadata.row(&deployment).await? else {
            engine.group_exists(&deployment).await?;
            return Err(refusals::not_found(&deployment).into());
        };
        let facets = engine.metadata.facets(&row.id, OPERATIONS).await?;
        let shown = facets.into_iter().map(|(name, properties)| {
            let number = name.strip_prefix(OPERATIONS).unwrap_or_default().to_owned();
            json!({"id": format!("{}/operations/{number}", row.id), "operationId": number, "properties": properties})
        });
        if viewed.is_list {
            return Ok(Reply::json(200, json!({ "value": shown.collect::<Vec<Value>>() })));
        }
        let mut shown = shown;
        let found = shown.find(|shown| {
            shown["operationId"].as_str().is_some_and(|number| number.eq_ignore_ascii_case(id.name()))
        });
        found.map(|found| Reply::json(200, found)).ok_or_else(|| refusals::not_found(id).into())
    }
}
