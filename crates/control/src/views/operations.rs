//! `GET /providers/NS/operations`: what can be done to the types of a namespace, as roles name it.

use async_trait::async_trait;
use providers::ResourceType;
use serde_json::{Value, json};

use super::{View, Viewed};
use crate::engine::only;
use crate::{Engine, Error, Method, Reply, refusals};

pub(super) struct Operations;

#[async_trait]
impl View for Operations {
    fn types(&self) -> &'static [&'static str] {
        &[
            "Gallerist.Images/operations",
            "Microsoft.Compute/operations",
            "Microsoft.Resources/operations",
            "Microsoft.Storage/operations",
        ]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        only(viewed.asked.request, &[Method::Get])?;
        if !viewed.is_list {
            return Err(refusals::path_not_found().into());
        }
        let namespaces = engine.registry.namespaces();
        let found = namespaces.get(&viewed.type_name.namespace().to_ascii_lowercase());
        let kinds = found.map(|(_, kinds)| kinds.as_slice()).unwrap_or_default();
        let operations: Vec<Value> = kinds.iter().flat_map(|kind| of(*kind)).collect();
        Ok(Reply::json(200, json!({ "value": operations })))
    }
}

fn of(kind: &'static dyn ResourceType) -> Vec<Value> {
    let name = kind.name();
    let verbs = ["read", "write", "delete"].into_iter().map(str::to_owned);
    let verbs = verbs.chain(kind.actions().iter().map(|action| format!("{}/action", action.name)));
    let entry = |verb: String| {
        json!({
            "name": format!("{name}/{verb}"),
            "display": {"provider": name.namespace(), "resource": name.path(), "operation": verb},
        })
    };
    verbs.map(entry).collect()
}
