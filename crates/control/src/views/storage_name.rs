//! `POST …/Microsoft.Storage/checkNameAvailability`: whether a storage account may still be called so.

use async_trait::async_trait;
use metadata::Claim;
use providers::storage::account;
use serde_json::{Value, json};

use super::{View, Viewed};
use crate::engine::only;
use crate::{Engine, Error, Method, Reply, body, refusals};

pub(super) struct StorageName;

#[async_trait]
impl View for StorageName {
    fn types(&self) -> &'static [&'static str] {
        &["Microsoft.Storage/checkNameAvailability"]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        let request = viewed.asked.request;
        only(request, &[Method::Post])?;
        if !viewed.is_list {
            return Err(refusals::path_not_found().into());
        }
        let sent = body::object(&request.body, request.content_type.as_deref())?;
        let name = sent.iter().find(|(name, _)| name.eq_ignore_ascii_case("name"));
        let name = name.and_then(|(_, name)| name.as_str()).unwrap_or_default();
        if let Err(refusal) = account::check_name(name) {
            return Ok(taken("AccountNameInvalid", &refusal.detail.message));
        }
        if engine.metadata.holder(&Claim(account::claim(name))).await?.is_some() {
            let message = format!("The storage account named {name} is already taken.");
            return Ok(taken("AlreadyExists", &message));
        }
        Ok(Reply::json(200, json!({"nameAvailable": true})))
    }
}

fn taken(reason: &str, message: &str) -> Reply {
    let answer: Value = json!({"nameAvailable": false, "reason": reason, "message": message});
    Reply::json(200, answer)
}
