//! `GET …/locations/L/vmSizes`: the sizes of machines, in the older of Azure's two lists.

use async_trait::async_trait;
use providers::compute::size::size_of;
use serde_json::{Value, json};

use super::{View, Viewed};
use crate::engine::only;
use crate::{Engine, Error, Method, Reply, refusals};

pub(super) struct VmSizes;

#[async_trait]
impl View for VmSizes {
    fn types(&self) -> &'static [&'static str] {
        &["Microsoft.Compute/locations/vmSizes"]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        only(viewed.asked.request, &[Method::Get])?;
        if !viewed.is_list {
            return Err(refusals::path_not_found().into());
        }
        let sizes: Vec<Value> = engine.sizes.iter().map(|(_, size)| size_of(size)).collect();
        Ok(Reply::json(200, json!({ "value": sizes })))
    }
}
