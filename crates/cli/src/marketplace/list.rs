//! `gallerist marketplace list` and `remove`.

use anyhow::Context;
use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{Common, MARKETPLACE, Names, escaped, with_version};
use crate::terminal::{Output, say};

#[derive(Args, Clone, Debug)]
pub(super) struct List {
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Remove {
    #[command(flatten)]
    names: Names,
    /// The version.
    #[arg(long, value_name = "NUMBER", requires = "sku")]
    version: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// Prints what stands directly below the last name that is given.
pub(super) async fn run(args: &List) -> anyhow::Result<()> {
    let client = args.common.client()?;
    let path = args.names.path();
    let below = match (&args.names.publisher, &args.names.offer, &args.names.sku) {
        (None, ..) => "publishers",
        (_, None, _) => "offers",
        (_, _, None) => "skus",
        _ => "versions",
    };
    if path != MARKETPLACE {
        client.get_json(&with_version(&path)).await.context("what is to be listed does not stand")?;
    }
    let mut url = Some(with_version(&format!("{path}/{below}")));
    let mut all = Vec::new();
    while let Some(page) = url {
        let body = client.get_json(&page).await?;
        all.extend(body["value"].as_array().into_iter().flatten().cloned());
        url = body["nextLink"].as_str().map(str::to_owned);
    }
    match args.common.output {
        Output::Json => say(&Value::Array(all).to_string()),
        Output::Table => all.iter().try_for_each(|entry| say(&line(entry))),
    }
}

/// A name, and of a SKU or version what it is made of.
fn line(entry: &Value) -> String {
    let name = entry["name"].as_str().unwrap_or_default();
    let properties = &entry["properties"];
    let details = ["alias", "osType", "definition", "imageVersion"];
    let details = details.iter().filter_map(|member| properties[*member].as_str());
    let details: Vec<&str> = details.collect();
    if details.is_empty() { name.to_owned() } else { format!("{name}  {}", details.join("  ")) }
}

/// Takes what is named, and all below it.
pub(super) async fn remove(args: &Remove) -> anyhow::Result<()> {
    anyhow::ensure!(args.names.publisher.is_some(), "say what is to be removed: --publisher NAME at least");
    let client = args.common.client()?;
    let mut path = args.names.path();
    if let Some(version) = &args.version {
        path = format!("{path}/versions/{}", escaped(version));
    }
    client.json(Method::DELETE, &with_version(&path), None).await?;
    Ok(())
}
