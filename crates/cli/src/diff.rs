//! `gallerist diff`: what changed between two images, each a disk image or the JSON report of one.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use disks::InputFormat;
use inspect::contract::{Contract, Policy};
use inspect::report::{Difference, Report};

use crate::inspect::report;
use crate::terminal::{Output, say};

/// The longest report that is read.
const MOST_REPORT_BYTES: u64 = 256 << 20;

/// Tell what changed between two disk images.
#[derive(Args, Clone, Debug)]
pub(crate) struct Diff {
    /// The older image, or its report (.json).
    old: PathBuf,
    /// The newer image, or its report (.json).
    new: PathBuf,
    /// The format of the images: raw, vhd, vhdx, qcow2 or vmdk; not needed for reports.
    #[arg(long, value_name = "FORMAT")]
    format: Option<InputFormat>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

pub(crate) fn run(args: &Diff) -> anyhow::Result<ExitCode> {
    let old = open(&args.old, args.format)?;
    let new = open(&args.new, args.format)?;
    let difference = Difference::between(&old, &new);
    match args.output {
        Output::Json => say(&serde_json::to_string_pretty(&difference)?)?,
        Output::Table => say(difference.table().trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn open(path: &Path, format: Option<InputFormat>) -> anyhow::Result<Report> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut text = String::new();
        file.take(MOST_REPORT_BYTES).read_to_string(&mut text).context("the report cannot be read")?;
        return serde_json::from_str(&text)
            .with_context(|| format!("{} is no report of an inspection", path.display()));
    }
    let Some(format) = format else {
        bail!("say what format the images have: --format raw, vhd, vhdx, qcow2 or vmdk")
    };
    let report = report(path, format, Contract::default(), Policy::off(), &Arc::default())?;
    match report.reasons.first().filter(|_| report.checks.is_empty()) {
        Some(reason) => bail!("{} was refused ({}): {}", path.display(), reason.code, reason.message),
        None => Ok(report),
    }
}
