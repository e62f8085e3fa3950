//! The group, gallery and definition that a version stands in, made where missing with --create.

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use super::{Publish, is_status};
use crate::client::{COMPUTE, Client, GROUPS};

/// What to create when it is missing.
#[derive(Args, Clone, Debug)]
pub(crate) struct Shelf {
    /// Make the group, the gallery and the definition where they are missing.
    #[arg(long)]
    create: bool,
    /// Linux or Windows.
    #[arg(long, value_name = "TYPE", default_value = "Linux")]
    os_type: String,
    /// Generalized or Specialized.
    #[arg(long, value_name = "STATE", default_value = "Generalized")]
    os_state: String,
    /// V1 (BIOS) or V2 (UEFI).
    #[arg(long, value_name = "GENERATION", default_value = "V2")]
    hyper_v_generation: String,
    /// x64 or Arm64.
    #[arg(long, value_name = "ARCHITECTURE", default_value = "x64")]
    architecture: String,
    /// The definition's publisher; needed to create one.
    #[arg(long, value_name = "NAME")]
    publisher: Option<String>,
    /// The definition's offer; needed to create one.
    #[arg(long, value_name = "NAME")]
    offer: Option<String>,
    /// The definition's SKU; needed to create one.
    #[arg(long, value_name = "NAME")]
    sku: Option<String>,
}

/// A definition as it is made when it is missing.
#[derive(Debug)]
pub(crate) struct NewDefinition {
    pub(crate) os_type: String,
    pub(crate) hyper_v_generation: String,
    pub(crate) architecture: String,
    /// Publisher, offer and SKU.
    pub(crate) identifier: [String; 3],
}

impl From<NewDefinition> for Shelf {
    fn from(definition: NewDefinition) -> Self {
        let [publisher, offer, sku] = definition.identifier.map(Some);
        Self {
            create: true,
            os_type: definition.os_type,
            os_state: "Generalized".to_owned(),
            hyper_v_generation: definition.hyper_v_generation,
            architecture: definition.architecture,
            publisher,
            offer,
            sku,
        }
    }
}

/// Sees to it that the definition exists; answers the version's home region.
pub(crate) async fn prepare(client: &Client, args: &Publish) -> anyhow::Result<String> {
    let definition_url = format!("{}?api-version={COMPUTE}", args.place.definition_id(client));
    let standing = client.find(&definition_url).await?;
    let location = |resource: &Value| resource["location"].as_str().map(str::to_owned);
    if let Some(definition) = standing {
        return args
            .location
            .clone()
            .or_else(|| location(&definition))
            .context("the definition has no location");
    }
    if !args.shelf.create {
        bail!(
            "the image definition '{}' does not exist; add --create to make it (with --publisher, --offer and --sku)",
            args.place.definition
        );
    }
    let identifier = args.shelf.identifier()?;
    let home = match (&args.location, args.target_regions.first()) {
        (Some(location), _) => location.clone(),
        (None, Some(first)) => first.split('=').next().unwrap_or_default().to_owned(),
        (None, None) => first_region(client).await?,
    };
    ensure(
        client,
        &format!("{}?api-version={GROUPS}", args.place.group(client)),
        &json!({ "location": home }),
    )
    .await?;
    ensure(
        client,
        &format!("{}?api-version={COMPUTE}", args.place.gallery_id(client)),
        &json!({ "location": home }),
    )
    .await?;
    let definition = json!({
        "location": home,
        "properties": {
            "osType": args.shelf.os_type, "osState": args.shelf.os_state,
            "hyperVGeneration": args.shelf.hyper_v_generation, "architecture": args.shelf.architecture,
            "identifier": identifier,
        },
    });
    ensure(client, &definition_url, &definition).await?;
    Ok(home)
}

impl Shelf {
    fn identifier(&self) -> anyhow::Result<Value> {
        let (Some(publisher), Some(offer), Some(sku)) = (&self.publisher, &self.offer, &self.sku) else {
            bail!("the image definition does not exist; to create it give --publisher, --offer and --sku");
        };
        Ok(json!({"publisher": publisher, "offer": offer, "sku": sku}))
    }
}

async fn ensure(client: &Client, url: &str, body: &Value) -> anyhow::Result<()> {
    if client.find(url).await?.is_some() {
        return Ok(());
    }
    match client.put(url, body).await {
        Ok((_, Some(operation))) => client.wait(&operation, async || {}).await,
        Ok((_, None)) => Ok(()),
        // Somebody else has just made it.
        Err(error)
            if is_status(&error, reqwest::StatusCode::CONFLICT) && client.find(url).await?.is_some() =>
        {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn first_region(client: &Client) -> anyhow::Result<String> {
    let body =
        client.get_json(&format!("{}/locations?api-version=2022-12-01", client.subscription())).await?;
    let names =
        body["value"].as_array().into_iter().flatten().filter_map(|location| location["name"].as_str());
    let names: Vec<&str> = names.collect();
    let preferred = names.iter().find(|name| **name == "westeurope").or_else(|| names.first());
    preferred.map(|name| (*name).to_owned()).context("the server has no regions")
}
