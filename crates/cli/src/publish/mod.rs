//! `gallerist publish`: a disk image becomes an image version.
//!
//! The image is cut and hashed here; only chunks the server lacks are sent. A publish that was interrupted is begun
//! again with the same command: what arrived is not sent twice.

mod shelf;
mod source;
mod upload;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use arm::VersionName;
use clap::Args;
use disks::InputFormat;
use indicatif::ProgressBar;
use serde_json::{Value, json};

pub(crate) use self::shelf::NewDefinition;
pub(crate) use self::source::open_image;
use crate::client::{COMPUTE, Client, IMAGES, Refused};
use crate::connect::Connect;
use crate::terminal::{self, Output, bytes, facts, note, say};

/// Publish a disk image as an image version.
#[derive(Args, Clone, Debug)]
pub(crate) struct Publish {
    /// The image file; of a monolithicFlat VMDK the descriptor, with its extent beside it.
    file: PathBuf,
    /// The image's format: raw, vhd, vhdx, qcow2 or vmdk. It is believed and then proven.
    #[arg(long, value_name = "FORMAT")]
    format: InputFormat,
    #[command(flatten)]
    place: Place,
    /// Regions to bring it to, with replica counts: westeurope=2,eastus. The home region is always among them.
    #[arg(long, value_name = "REGIONS", value_delimiter = ',')]
    target_regions: Vec<String>,
    /// Do not let it become the latest version.
    #[arg(long)]
    exclude_from_latest: bool,
    /// The home region; the gallery's unless given.
    #[arg(long, value_name = "REGION")]
    location: Option<String>,
    #[command(flatten)]
    shelf: shelf::Shelf,
    #[command(flatten)]
    connect: Connect,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Where the version goes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// The resource group.
    #[arg(long, short = 'g', value_name = "NAME")]
    pub(crate) resource_group: String,
    /// The gallery.
    #[arg(long, short = 'r', value_name = "NAME")]
    pub(crate) gallery: String,
    /// The image definition.
    #[arg(long, short = 'i', value_name = "NAME")]
    pub(crate) definition: String,
    /// The version, X.Y.Z; `next` adds one to the highest patch number.
    #[arg(long, short = 'e', value_name = "VERSION")]
    pub(crate) version: String,
}

impl Place {
    pub(crate) fn group(&self, client: &Client) -> String {
        format!("{}/resourceGroups/{}", client.subscription(), self.resource_group)
    }

    pub(crate) fn gallery_id(&self, client: &Client) -> String {
        format!("{}/providers/Microsoft.Compute/galleries/{}", self.group(client), self.gallery)
    }

    pub(crate) fn definition_id(&self, client: &Client) -> String {
        format!("{}/images/{}", self.gallery_id(client), self.definition)
    }
}

/// A disk to be published as a version of a definition that is made where it is missing.
#[derive(Debug)]
pub(crate) struct NewImage {
    pub(crate) file: PathBuf,
    pub(crate) format: InputFormat,
    pub(crate) place: Place,
    pub(crate) target_regions: Vec<String>,
    pub(crate) definition: NewDefinition,
}

impl Publish {
    /// As if it had been said on the command line.
    pub(crate) fn of(image: NewImage, connect: Connect, output: Output) -> Self {
        let NewImage { file, format, place, target_regions, definition } = image;
        let (location, shelf) = (None, definition.into());
        Self {
            file,
            format,
            place,
            target_regions,
            exclude_from_latest: false,
            location,
            shelf,
            connect,
            output,
        }
    }
}

pub(crate) fn run(args: &Publish) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let done = runtime.block_on(publish(args))?;
    // An interrupted reader thread must not hold the process.
    runtime.shutdown_background();
    match args.output {
        Output::Json => say(&done.json().to_string()),
        Output::Table => done.print(),
    }
}

/// What a publish came to.
pub(crate) struct Published {
    pub(crate) id: String,
    digest: String,
    size_bytes: u64,
    logical_bytes: u64,
    new_bytes: u64,
    stored_bytes: u64,
    sent_bytes: u64,
    seconds: f64,
    upload_seconds: f64,
}

pub(crate) async fn publish(args: &Publish) -> anyhow::Result<Published> {
    let begun = Instant::now();
    let disk = source::open(&args.file, args.format)?;
    for warning in &disk.warnings {
        note(&format!("warning: {warning}"));
    }
    let client = Client::new(args.connect.peer()?)?;
    let home = shelf::prepare(&client, args).await?;
    let version = version_name(&client, &args.place).await?;
    let id = format!("{}/versions/{version}", args.place.definition_id(&client));
    let standing = client.find(&format!("{id}?api-version={COMPUTE}")).await?;

    let size_bytes = disk.blocks.size_bytes();
    let upload_id = upload_id(&client, args, &version, size_bytes)?;
    let properties = json!({"format": args.format.to_string(), "sizeBytes": size_bytes, "fileName": file_name(&args.file)});
    client
        .put(
            &format!("{upload_id}?api-version={IMAGES}"),
            &json!({"location": home, "properties": properties}),
        )
        .await
        .context("the upload could not be begun")?;
    let bar = terminal::bar(size_bytes, "publishing", args.output);
    let sent = upload::send(&client, &upload_id, disk.blocks, &bar).await?;
    bar.finish_and_clear();
    let upload_seconds = begun.elapsed().as_secs_f64();

    let done = |seconds| Published {
        id: id.clone(),
        digest: sent.digest.clone(),
        size_bytes,
        logical_bytes: sent.logical_bytes,
        new_bytes: sent.new_bytes,
        stored_bytes: sent.stored_bytes,
        sent_bytes: sent.sent_bytes,
        seconds,
        upload_seconds,
    };
    if standing.is_some() {
        // An earlier try may have got this far without learning of it.
        let settled = settle(&client, args, &id, &sent.digest).await;
        // Either way the upload has served; it may be gone already.
        client.json(reqwest::Method::DELETE, &format!("{upload_id}?api-version={IMAGES}"), None).await?;
        settled?;
        return Ok(done(begun.elapsed().as_secs_f64()));
    }
    create_version(&client, args, &id, &home, &upload_id).await?;
    Ok(done(begun.elapsed().as_secs_f64()))
}

/// The version exists already: fine when it is this very image; what is missing of it is then brought about.
async fn settle(client: &Client, args: &Publish, id: &str, digest: &str) -> anyhow::Result<()> {
    let url = format!("{id}?api-version={COMPUTE}");
    let mut standing = client.get_json(&url).await?;
    while matches!(state_of(&standing), "Creating" | "Updating") {
        tokio::time::sleep(Duration::from_millis(500)).await;
        standing = client.get_json(&url).await?;
    }
    if digest_of(client, id).await?.is_some_and(|stands| stands != digest) {
        bail!(
            "the version {id} exists already, with another image; versions never change. Publish under another number, or --version next"
        );
    }
    let home = standing["location"].as_str().unwrap_or_default();
    let regions = together(&standing, target_regions(&args.target_regions, home)?);
    let lacking = regions.len() > standing_regions(&standing).len();
    if state_of(&standing) != "Succeeded" || lacking {
        note("The version exists already; what it lacks is brought about now.");
        let mut profile = json!({"targetRegions": regions});
        profile["excludeFromLatest"] =
            standing["properties"]["publishingProfile"]["excludeFromLatest"].clone();
        let body =
            json!({"location": home, "tags": standing["tags"], "properties": {"publishingProfile": profile}});
        put_and_wait(client, args, id, &body).await?;
    }
    if digest_of(client, id).await?.as_deref() != Some(digest) {
        bail!(
            "the version {id} exists already, and is not this image; publish under another number, or --version next"
        );
    }
    note("The version exists already, with this very image.");
    Ok(())
}

fn state_of(version: &Value) -> &str {
    version["properties"]["provisioningState"].as_str().unwrap_or_default()
}

fn standing_regions(version: &Value) -> Vec<Value> {
    version["properties"]["publishingProfile"]["targetRegions"].as_array().cloned().unwrap_or_default()
}

/// The regions a version has, and those asked for that it lacks.
fn together(version: &Value, asked: Vec<Value>) -> Vec<Value> {
    let region = |value: &Value| value["name"].as_str().and_then(|name| name.parse::<arm::Region>().ok());
    let mut regions = standing_regions(version);
    for wanted in asked {
        if !regions.iter().any(|standing| region(standing) == region(&wanted)) {
            regions.push(wanted);
        }
    }
    regions
}

/// The digest of a version that is complete somewhere.
async fn digest_of(client: &Client, id: &str) -> anyhow::Result<Option<String>> {
    match client.get_bytes(&format!("/gallerist/entries{id}")).await {
        Ok((headers, _)) => {
            Ok(headers.get("x-gallerist-digest").and_then(|digest| digest.to_str().ok()).map(str::to_owned))
        }
        Err(error) if is_status(&error, reqwest::StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn create_version(
    client: &Client,
    args: &Publish,
    id: &str,
    home: &str,
    upload_id: &str,
) -> anyhow::Result<()> {
    let regions = target_regions(&args.target_regions, home)?;
    let body = json!({
        "location": home,
        "properties": {
            "publishingProfile": {"targetRegions": regions, "excludeFromLatest": args.exclude_from_latest},
            "storageProfile": {"osDiskImage": {"source": {"id": upload_id}}},
        },
    });
    put_and_wait(client, args, id, &body).await
}

async fn put_and_wait(client: &Client, args: &Publish, id: &str, body: &Value) -> anyhow::Result<()> {
    let put = client.put(&format!("{id}?api-version={COMPUTE}"), body).await;
    let (_, operation) = put.context("the version could not be created or changed")?;
    let Some(operation) = operation else { return Ok(()) };
    let bar = terminal::bar(0, "replicating", args.output);
    let ended = client.wait(&operation, async || show_replication(client, id, &bar).await).await;
    bar.finish_and_clear();
    ended.context("the image arrived, but could not be brought to every region")
}

/// Sums up what the regions report.
async fn show_replication(client: &Client, id: &str, bar: &ProgressBar) {
    if bar.is_hidden() {
        return;
    }
    let url = format!("{id}?api-version={COMPUTE}&$expand=ReplicationStatus");
    let Ok(version) = client.get_json(&url).await else { return };
    let regions =
        version["properties"]["replicationStatus"]["summary"].as_array().cloned().unwrap_or_default();
    let sum = |name: &str| regions.iter().filter_map(|region| region[name].as_u64()).sum::<u64>();
    bar.set_length(sum("bytesTotal"));
    bar.set_position(sum("bytesDone"));
    let complete = regions.iter().filter(|region| region["state"] == "Completed").count();
    bar.set_message(format!("{complete} of {} regions complete", regions.len()));
}

async fn version_name(client: &Client, place: &Place) -> anyhow::Result<VersionName> {
    if place.version != "next" {
        return Ok(place.version.parse()?);
    }
    let mut url = Some(format!("{}/versions?api-version={COMPUTE}", place.definition_id(client)));
    let mut highest: Option<VersionName> = None;
    while let Some(page) = url {
        let body = client.get_json(&page).await?;
        let names = body["value"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|version| version["name"].as_str()?.parse().ok());
        highest = names.chain(highest).max();
        url = body["nextLink"].as_str().map(str::to_owned);
    }
    match highest {
        None => Ok(VersionName::FIRST),
        Some(highest) => highest.next_patch().context("the patch numbers are used up; name the version"),
    }
}

/// The upload's name follows from what is published where, so that the same command finds it again.
fn upload_id(
    client: &Client,
    args: &Publish,
    version: &VersionName,
    size_bytes: u64,
) -> anyhow::Result<String> {
    let meta = std::fs::metadata(&args.file)?;
    let written = meta
        .modified()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .unwrap_or_default();
    let what = format!("{version}|{}|{size_bytes}|{}|{}", args.format, meta.len(), written.as_nanos());
    let name = format!("{version}-{}", &blake3::hash(what.as_bytes()).to_hex()[..16]);
    Ok(format!("{}/providers/Gallerist.Images/uploads/{name}", args.place.definition_id(client)))
}

/// The file's own name, as far as the server takes it.
fn file_name(file: &std::path::Path) -> String {
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    name.chars().filter(|c| !c.is_control()).take(255).collect()
}

/// `westeurope=2` → a target region; the home region is added when it is missing.
fn target_regions(texts: &[String], home: &str) -> anyhow::Result<Vec<Value>> {
    let home: arm::Region = home.parse()?;
    let mut regions = Vec::new();
    let mut has_home = false;
    for text in texts {
        let (name, count) = match text.split_once('=') {
            None => (text.as_str(), 1),
            Some((name, count)) => (
                name,
                count.parse::<u32>().with_context(|| format!("'{text}': the replica count is no number"))?,
            ),
        };
        let region: arm::Region = name.trim().parse()?;
        has_home |= region == home;
        regions.push(json!({"name": region.to_string(), "regionalReplicaCount": count}));
    }
    if !has_home {
        regions.insert(0, json!({"name": home.to_string(), "regionalReplicaCount": 1}));
    }
    Ok(regions)
}

impl Published {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "digest": self.digest, "sizeBytes": self.size_bytes, "logicalBytes": self.logical_bytes,
            "newBytes": self.new_bytes, "storedBytes": self.stored_bytes, "sentBytes": self.sent_bytes,
            "seconds": self.seconds, "uploadSeconds": self.upload_seconds,
        })
    }

    fn print(&self) -> anyhow::Result<()> {
        let known = self.logical_bytes.saturating_sub(self.new_bytes);
        let share = (known * 100).checked_div(self.logical_bytes).unwrap_or(0);
        facts(&[
            ("published", self.id.clone()),
            ("digest", self.digest.clone()),
            ("disk", bytes(self.size_bytes)),
            ("data", bytes(self.logical_bytes)),
            ("new", format!("{} ({share} % was known)", bytes(self.new_bytes))),
            ("stored", bytes(self.stored_bytes)),
            ("sent", bytes(self.sent_bytes)),
            ("time", format!("{:.1} s", self.seconds)),
        ])
    }
}

/// Whether the server answered with `status`.
pub(crate) fn is_status(error: &anyhow::Error, status: reqwest::StatusCode) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == status)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::target_regions;

    #[test]
    fn the_home_region_is_always_a_target() {
        let check = |texts: &[&str], wanted: serde_json::Value| {
            let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
            assert_eq!(json!(target_regions(&texts, "westeurope").unwrap()), wanted);
        };
        check(&[], json!([{"name": "westeurope", "regionalReplicaCount": 1}]));
        check(
            &["eastus=3"],
            json!([{"name": "westeurope", "regionalReplicaCount": 1}, {"name": "eastus", "regionalReplicaCount": 3}]),
        );
        check(&["West Europe=2"], json!([{"name": "westeurope", "regionalReplicaCount": 2}]));
        assert!(target_regions(&["eastus=many".to_owned()], "westeurope").is_err());
    }
}
