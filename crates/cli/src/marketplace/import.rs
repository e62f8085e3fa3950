//! `gallerist marketplace import`: a file, or the definitions of a gallery, listed piece by piece.
//!
//! Each piece is one request and one commit; an import that was interrupted is begun again with the same command.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};
use server::marketplace::{Catalogue, Offer, Publisher, Sku};

use super::{Common, MARKETPLACE, disks, file, with_version};
use crate::client::{COMPUTE, Client};
use crate::terminal::{Output, facts, say};

/// Entries of one request.
const ENTRIES_AT_ONCE: usize = 1_000;

#[derive(Args, Clone, Debug)]
pub(super) struct Import {
    /// The catalogue, JSON. Disks that it names are published first, into the gallery it names.
    #[arg(value_name = "FILE", required_unless_present = "from_gallery", conflicts_with = "from_gallery")]
    file: Option<PathBuf>,
    /// List the definitions of this gallery, each under its own publisher, offer and SKU, with all their versions:
    /// new ones appear and deleted ones vanish by themselves.
    #[arg(long, value_name = "GROUP/GALLERY")]
    from_gallery: Option<String>,
    /// Only this definition of the gallery.
    #[arg(long, value_name = "NAME", requires = "from_gallery")]
    definition: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// What an import came to.
#[derive(Default)]
struct Counts {
    created: u64,
    updated: u64,
    unchanged: u64,
}

pub(super) async fn run(args: &Import) -> anyhow::Result<()> {
    let client = args.common.client()?;
    let catalogue = match (&args.file, &args.from_gallery) {
        (Some(path), _) => {
            let mut catalogue = file::read(path)?;
            disks::publish(&mut catalogue, path, &args.common).await?;
            catalogue
        }
        (None, Some(place)) => of_gallery(&client, place, args.definition.as_deref()).await?,
        (None, None) => bail!("give a catalogue file, or --from-gallery GROUP/GALLERY"),
    };
    let counts = send(&client, catalogue).await?;
    let Counts { created, updated, unchanged } = counts;
    match args.common.output {
        Output::Json => {
            say(&json!({"created": created, "updated": updated, "unchanged": unchanged}).to_string())
        }
        Output::Table => facts(&[
            ("new", created.to_string()),
            ("changed", updated.to_string()),
            ("as before", unchanged.to_string()),
        ]),
    }
}

/// Sends piece after piece. What has something below it in several pieces is counted once.
async fn send(client: &Client, catalogue: Catalogue) -> anyhow::Result<Counts> {
    let url = with_version(&format!("{MARKETPLACE}/import"));
    let entries = catalogue.entries()?.len();
    let (mut counts, mut sent) = (Counts::default(), 0);
    for piece in catalogue.batches(ENTRIES_AT_ONCE) {
        sent += piece.entries()?.len();
        let body = serde_json::to_value(&piece)?;
        let reply = client.json(Method::POST, &url, Some(&body)).await;
        let (reply, _) = reply
            .context("the catalogue is listed in part at most; correct what is said here and import again")?;
        let count = |name: &str| reply[name].as_u64().unwrap_or(0);
        counts.created += count("created");
        counts.updated += count("updated");
        counts.unchanged += count("unchanged");
    }
    counts.unchanged = counts.unchanged.saturating_sub(u64::try_from(sent - entries)?);
    Ok(counts)
}

/// Each definition as a SKU that follows it.
async fn of_gallery(client: &Client, place: &str, only: Option<&str>) -> anyhow::Result<Catalogue> {
    let Some((group, gallery)) = place.split_once('/').filter(|(_, gallery)| !gallery.contains('/')) else {
        bail!("'{place}' is no gallery; write GROUP/GALLERY");
    };
    let gallery_id = format!(
        "{}/resourceGroups/{group}/providers/Microsoft.Compute/galleries/{gallery}",
        client.subscription()
    );
    let mut url = Some(format!("{gallery_id}/images?api-version={COMPUTE}"));
    let mut catalogue = Catalogue::default();
    while let Some(page) = url {
        let body = client.get_json(&page).await?;
        for definition in body["value"].as_array().into_iter().flatten() {
            let name = definition["name"].as_str().unwrap_or_default();
            if only.is_none_or(|only| only.eq_ignore_ascii_case(name)) {
                add(&mut catalogue, definition)
                    .with_context(|| format!("the definition '{name}' cannot be listed"))?;
            }
        }
        url = body["nextLink"].as_str().map(str::to_owned);
    }
    match only {
        Some(only) if catalogue.publishers.is_empty() => {
            bail!("the gallery '{place}' has no definition '{only}'")
        }
        _ => Ok(catalogue),
    }
}

fn add(catalogue: &mut Catalogue, definition: &Value) -> anyhow::Result<()> {
    let identifier = &definition["properties"]["identifier"];
    let sku: Sku =
        serde_json::from_value(json!({"name": identifier["sku"], "definition": definition["id"]}))?;
    let publisher: Publisher = serde_json::from_value(json!({"name": identifier["publisher"]}))?;
    let offer: Offer = serde_json::from_value(json!({"name": identifier["offer"]}))?;
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    let publishers = &mut catalogue.publishers;
    let known = publishers.iter().position(|known| same(known.name.as_str(), publisher.name.as_str()));
    let at = known.unwrap_or_else(|| {
        publishers.push(publisher);
        publishers.len() - 1
    });
    let offers = &mut publishers[at].offers;
    let known = offers.iter().position(|known| same(known.name.as_str(), offer.name.as_str()));
    let at = known.unwrap_or_else(|| {
        offers.push(offer);
        offers.len() - 1
    });
    offers[at].skus.push(sku);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use server::marketplace::Catalogue;

    use super::add;

    #[test]
    fn definitions_meet_under_one_publisher_whatever_the_case() {
        let mut catalogue = Catalogue::default();
        for (publisher, offer, sku) in [("Acme", "box", "a"), ("ACME", "Box", "b"), ("acme", "other", "a")] {
            let id = format!(
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/g/images/{sku}"
            );
            let identifier = json!({"publisher": publisher, "offer": offer, "sku": sku});
            add(&mut catalogue, &json!({"id": id, "properties": {"identifier": identifier}})).unwrap();
        }
        let publishers = &catalogue.publishers;
        let skus: Vec<usize> = publishers[0].offers.iter().map(|offer| offer.skus.len()).collect();
        assert_eq!((publishers.len(), skus), (1, vec![2, 1]));
        assert!(add(&mut catalogue, &json!({"id": "/x", "properties": {}})).is_err());
    }
}
