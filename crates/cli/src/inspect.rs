//! `gallerist inspect`: a disk image is looked into, without a server.
//!
//! The image is foreign: it is read by a thread of its own whose stack and time are bounded, and a fault in there is a
//! refusal, not a crash. Exit codes: 0 accepted, 3 refused, 2 a wrong command line, 1 anything else.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use ::inspect::contract::{Contract, Policy};
use ::inspect::memory::Memory;
use ::inspect::report::{Inspection, Report, Verdict};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use disks::{Disk, InputFormat};

use crate::publish::open_image;
use crate::terminal::say;

/// Exit code of a refused image.
const REFUSED: u8 = 3;
/// The stack of the thread that reads the image.
const STACK_BYTES: usize = 16 << 20;
/// The longest memory that is read.
const MOST_MEMORY_BYTES: u64 = 64 << 20;
/// The longest an inspection may take.
const MOST_TIME: Duration = Duration::from_mins(10);

/// Look into a disk image: what it is, what is wrong with it, whether it is what it is declared to be.
#[derive(Args, Clone, Debug)]
pub(crate) struct Inspect {
    /// The image file.
    file: PathBuf,
    /// The image's format: raw, vhd, vhdx, qcow2 or vmdk. It is believed and then proven.
    #[arg(long, value_name = "FORMAT")]
    format: InputFormat,
    /// What it is declared to be: os-type=Linux,os-state=Generalized,generation=V2,architecture=x64,security-type=TrustedLaunch,disk-controllers=SCSI+NVMe.
    #[arg(long, value_name = "MEMBERS", default_value = "")]
    contract: Contract,
    /// What follows from findings: default, off, or RULE=refuse|warn|ignore for single rules.
    #[arg(long, value_name = "POLICY", default_value = "default")]
    policy: Policy,
    /// A file that remembers what the last inspection came to: what has not changed since is not unpacked and searched again.
    #[arg(long, value_name = "FILE")]
    memory: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Form,
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Table,
    /// Everything, as one JSON document.
    Json,
    /// The software bill of materials in CycloneDX 1.6.
    Sbom,
    /// The software bill of materials in SPDX 2.3.
    Spdx,
    /// The findings in SARIF 2.1.0.
    Sarif,
}

pub(crate) fn run(args: &Inspect) -> anyhow::Result<ExitCode> {
    let memory = Arc::new(args.memory.as_deref().map(remembered).transpose()?.unwrap_or_default());
    let report = report(&args.file, args.format, args.contract.clone(), args.policy.clone(), &memory)?;
    if let Some(file) = &args.memory {
        keep(&memory, file)?;
    }
    print(&report, args.output)?;
    Ok(match report.verdict {
        Verdict::Accepted => ExitCode::SUCCESS,
        Verdict::Refused => ExitCode::from(REFUSED),
    })
}

fn print(report: &Report, form: Form) -> anyhow::Result<()> {
    let document = match form {
        Form::Table => return say(report.table().trim_end()),
        // As it stands, the verdict comes before what it rests on.
        Form::Json => return say(&serde_json::to_string_pretty(report)?),
        Form::Sbom => report.cyclonedx(),
        Form::Spdx => report.spdx(),
        Form::Sarif => report.sarif(),
    };
    say(&serde_json::to_string_pretty(&document)?)
}

/// The memory in `file`; an empty one when there is no such file yet.
fn remembered(file: &Path) -> anyhow::Result<Memory> {
    let said = || format!("cannot read the memory in {}", file.display());
    let opened = match File::open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Memory::default()),
        opened => opened.with_context(said)?,
    };
    let mut text = String::new();
    opened.take(MOST_MEMORY_BYTES).read_to_string(&mut text).with_context(said)?;
    let document = serde_json::from_str(&text).with_context(|| {
        format!("{} is no memory of an inspection; name another file, or remove it", file.display())
    })?;
    Ok(Memory::of(&document))
}

/// Writes the memory beside `file` and moves it there when it is whole.
fn keep(memory: &Memory, file: &Path) -> anyhow::Result<()> {
    let mut name = file.file_name().context("the memory's file has no name")?.to_os_string();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = file.with_file_name(name);
    let said = || format!("cannot write the memory to {}", file.display());
    std::fs::write(&partial, memory.document().to_string()).with_context(said)?;
    std::fs::rename(&partial, file).with_context(said)
}

/// The report on an image file; a container that is refused gives a report that says so.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn report(
    file: &Path,
    format: InputFormat,
    contract: Contract,
    policy: Policy,
    memory: &Arc<Memory>,
) -> anyhow::Result<Report> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let today = server::today();
    let (path, memory) = (file.to_owned(), Arc::clone(memory));
    let (tell, told) = mpsc::sync_channel(1);
    let looking =
        thread::Builder::new().name("inspect".to_owned()).stack_size(STACK_BYTES).spawn(move || {
            let memory = Some(&*memory);
            let inspection =
                Inspection { name: &name, today: &today, contract, policy, memory, ..Inspection::default() };
            let report = look(&path, format, &inspection);
            // Nobody listens any more once the time is up.
            let _late = tell.send(report);
        });
    let looking = looking.context("cannot start a thread")?;
    match told.recv_timeout(MOST_TIME) {
        Ok(report) => {
            drop(looking.join());
            report
        }
        Err(mpsc::RecvTimeoutError::Timeout) => {
            bail!("the inspection was given up after {} minutes", MOST_TIME.as_secs() / 60)
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            bail!("the inspection ended early; this is a fault of the inspector, please report it")
        }
    }
}

fn look(file: &Path, format: InputFormat, inspection: &Inspection<'_>) -> anyhow::Result<Report> {
    // An inspection reads few of the bytes; what would be refused when all are read is refused here as well.
    let proven = open_image(file, format)?.and_then(|disk| disk.blocks.prove().map(|()| disk));
    match proven {
        Ok(Disk { blocks, .. }) => Ok(inspection.of(&*blocks)),
        Err(disks::Error::Refused { reason, message }) => Ok(inspection.refused(reason.as_str(), &message)),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}
