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
    /// The file to write.
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
    /// Which data disk to write, by its LUN; the OS disk unless given.
    #[arg(long, value_name = "LUN")]
    lun: Option<u32>,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(args: &Export) -> anyhow::Result<()> {
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
    let image = runtime.block_on(RemoteImage::open(client, &id, args.region.as_deref(), args.lun))?;
    let output = if args.json { Output::Json } else { Output::Table };
    let bar = terminal::bar(image.data_bytes(), "exporting", output);
    let watched = Watched { image: &image, bar: &bar };
    let file_bytes = write_file(&args.output, args.force, |file| {
        disks::write(args.format, &watched, image.identity(), file)
    })?;
    bar.finish_and_clear();
    let seconds = begun.elapsed().as_secs_f64();
    if args.json {
        return say(&json!({
            "id": image.version_id(), "lun": args.lun, "region": image.region(), "digest": image.digest().to_string(), "sizeBytes": image.size_bytes(),
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

/// Writes beside the target, under a name of its own, and moves it there when it is whole and durable.
fn write_file(
    target: &Path,
    replace: bool,
    write: impl FnOnce(&mut File) -> Result<u64, disks::Error>,
) -> anyhow::Result<u64> {
    let mut name = target.file_name().context("the output has no file name")?.to_os_string();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = target.with_file_name(name);
    // A file that stands there already, or a link, is not ours to follow.
    let opened = File::options().read(true).write(true).create_new(true).open(&partial);
    let mut file = opened.with_context(|| format!("cannot write {}", partial.display()))?;
    let ended = write(&mut file).map_err(anyhow::Error::from).and_then(|written| {
        file.sync_all()?;
        settle(&partial, target, replace)?;
        Ok(written)
    });
    if ended.is_err() {
        // The first error is the one to tell.
        let _left_behind = std::fs::remove_file(&partial);
    }
    ended.context("the export was not written")
}

/// Gives the whole file its name, durably; without `replace` never over another.
fn settle(partial: &Path, target: &Path, replace: bool) -> anyhow::Result<()> {
    if replace {
        std::fs::rename(partial, target)?;
    } else {
        std::fs::hard_link(partial, target)
            .with_context(|| format!("cannot give the file the name {}", target.display()))?;
        std::fs::remove_file(partial)?;
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(())
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
