//! `gallerist export`: an image version becomes a file, in any format.
//!
//! Every chunk is verified by its digest, and the list of chunks by the image's digest, before a byte is written.
//! The file appears under its name only when it is whole.

mod remote;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Args;
use disks::{Blocks, Extent, OutputFormat};
use indicatif::ProgressBar;
use serde_json::json;

use self::remote::RemoteImage;
use crate::client::Client;
use crate::connect::Connect;
use crate::publish::Place;
use crate::terminal::{self, Output, bytes, facts, say};

/// Write an image version to a file, in any format.
#[derive(Args, Clone, Debug)]
pub(crate) struct Export {
    #[command(flatten)]
    place: Place,
    /// raw, vhd, vhd-dynamic, vhdx, qcow2 or vmdk.
    #[arg(long, value_name = "FORMAT")]
    format: OutputFormat,
    /// The file to write, or how to print the result when it says json or table.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
    /// The region to read from; the home region unless given.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(args: Export) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let begun = Instant::now();
    if args.output.exists() && !args.force {
        bail!("{} exists already; add --force to replace it", args.output.display());
    }
    let client = Arc::new(Client::new(args.connect.peer()?)?);
    let id = format!("{}/versions/{}", args.place.definition_id(&client), args.place.version);
    let image = runtime.block_on(RemoteImage::open(client, &id, args.region.as_deref()))?;
    let output = if args.json { Output::Json } else { Output::Table };
    let bar = terminal::bar(image.data_bytes(), "exporting", output);
    let file_bytes =
        write_file(&args.output, args.format, &Watched { image: &image, bar: &bar }, image.identity())?;
    bar.finish_and_clear();
    let seconds = begun.elapsed().as_secs_f64();
    if args.json {
        return say(&json!({
            "id": image.version_id(), "region": image.region(), "digest": image.digest().to_string(), "sizeBytes": image.size_bytes(),
            "dataBytes": image.data_bytes(), "fileBytes": file_bytes, "format": args.format.to_string(), "seconds": seconds,
        })
        .to_string());
    }
    facts(&[
        ("exported", image.version_id().to_owned()),
        ("from", image.region().to_owned()),
        ("digest", format!("{} (verified)", image.digest())),
        ("disk", bytes(image.size_bytes())),
        ("file", format!("{}, {}", args.output.display(), bytes(file_bytes))),
        ("time", format!("{seconds:.1} s")),
    ])
}

/// Writes beside the target and renames: a half-written file never stands under its name.
fn write_file(
    target: &Path,
    format: OutputFormat,
    blocks: &dyn Blocks,
    identity: [u8; 16],
) -> anyhow::Result<u64> {
    let mut name = target.file_name().context("the output has no file name")?.to_os_string();
    name.push(".partial");
    let partial = target.with_file_name(name);
    let open = || File::options().read(true).write(true).create(true).truncate(true).open(&partial);
    let mut file = open().with_context(|| format!("cannot write {}", partial.display()))?;
    let written = disks::write(format, blocks, identity, &mut file).map_err(anyhow::Error::from);
    let ended = written.and_then(|written| {
        file.sync_all()?;
        std::fs::rename(&partial, target)?;
        Ok(written)
    });
    if ended.is_err() {
        // The first error is the one to tell.
        let _left_behind = std::fs::remove_file(&partial);
    }
    ended.context("the export was not written")
}

/// Counts what is read.
struct Watched<'a> {
    image: &'a RemoteImage,
    bar: &'a ProgressBar,
}

impl Blocks for Watched<'_> {
    fn size_bytes(&self) -> u64 {
        self.image.size_bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), disks::Error> {
        self.image.read_at(offset, buffer)?;
        self.bar.inc(u64::try_from(buffer.len()).unwrap_or(0));
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, disks::Error> {
        self.image.extent_at(offset)
    }
}
