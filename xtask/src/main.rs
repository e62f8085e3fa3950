//! `cargo xtask`: our automation from the command line.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use xtask::conformance::{self, OwnServer, Target};
use xtask::{hostile, tidy, wire_coverage};

const USAGE: &str = "\
cargo xtask COMMAND

  tidy   who may import whom, and the rules of the source tree
  wire-coverage [--spec DIR] [--check]
         writes docs/wire-coverage.md: which operations of Azure's documents are built;
         without --spec for the operations that it lists already
  conformance --spec DIR [--only TEXT] [--server URL --ca FILE --token-file FILE]
         replays the examples of Azure's documents against a server, or one of its own;
         a server must have the regions of the examples and may read links on this machine
  corpus --out DIR [--only TEXT]
         writes the hostile images, and a list of what must be said of them
  hostile [--binary FILE] [--only TEXT]
         has the program inspect every hostile image; FILE is the one of this build if it is not said
  help   this page
";

fn main() -> anyhow::Result<ExitCode> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => {
            let report = tidy::run()?;
            write!(io::stdout(), "{report}")?;
            Ok(ended(report.is_clean()))
        }
        ["wire-coverage", options @ ..] => cover(&Options::read(options)?),
        ["conformance", options @ ..] => conform(&Options::read(options)?),
        ["corpus", options @ ..] => corpus(&Options::read(options)?),
        ["hostile", options @ ..] => hunt(&Options::read(options)?),
        [] | ["help" | "-h" | "--help"] => {
            io::stdout().write_all(USAGE.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            writeln!(io::stderr(), "error: there is no such command: {}\n\n{USAGE}", words.join(" "))?;
            Ok(ExitCode::from(2))
        }
    }
}

fn ended(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Options {
    spec: Option<PathBuf>,
    only: String,
    check: bool,
    server: Option<String>,
    ca: Option<PathBuf>,
    token_file: Option<PathBuf>,
    out: Option<PathBuf>,
    binary: Option<PathBuf>,
}

impl Options {
    fn read(words: &[&str]) -> anyhow::Result<Self> {
        let (mut options, mut words) = (Self::default(), words.iter());
        while let Some(word) = words.next() {
            if *word == "--check" {
                options.check = true;
                continue;
            }
            let value = words.next().with_context(|| format!("{word} needs a value"))?;
            match *word {
                "--spec" => options.spec = Some(value.into()),
                "--only" => options.only = (*value).to_owned(),
                "--server" => options.server = Some(value.trim_end_matches('/').to_owned()),
                "--out" => options.out = Some(value.into()),
                "--binary" => options.binary = Some(value.into()),
                "--ca" => options.ca = Some(value.into()),
                "--token-file" => options.token_file = Some(value.into()),
                _ => bail!("there is no such option: {word}\n\n{USAGE}"),
            }
        }
        Ok(options)
    }
}

fn cover(options: &Options) -> anyhow::Result<ExitCode> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no repository")?;
    let file = file.join(wire_coverage::FILE);
    let table = wire_coverage::table(options.spec.as_deref(), &file)?;
    if !options.check {
        fs::write(&file, table)?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_fresh = fs::read_to_string(&file)? == table;
    if !is_fresh {
        writeln!(io::stderr(), "{} is stale: run `cargo xtask wire-coverage`", wire_coverage::FILE)?;
    }
    Ok(ended(is_fresh))
}

fn corpus(options: &Options) -> anyhow::Result<ExitCode> {
    let folder = options.out.as_deref().context("corpus needs --out DIR")?;
    let count = hostile::write_corpus(folder, &options.only)?;
    writeln!(io::stdout(), "{count} images")?;
    Ok(ExitCode::SUCCESS)
}

fn hunt(options: &Options) -> anyhow::Result<ExitCode> {
    let beside = env::current_exe()?.with_file_name("gallerist");
    let report = hostile::run(options.binary.as_deref().unwrap_or(&beside), &options.only)?;
    write!(io::stdout(), "{report}")?;
    Ok(ended(report.is_clean()))
}

fn conform(options: &Options) -> anyhow::Result<ExitCode> {
    let spec = options.spec.as_deref().context("conformance needs --spec DIR")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = match &options.server {
        None => {
            let server = OwnServer::start()?;
            runtime.block_on(async {
                let target = Target::sign_in(&server.connection()).await?;
                conformance::run(spec, &target, &options.only).await
            })?
        }
        Some(endpoint) => {
            let read = |file: &Option<PathBuf>, name: &str| {
                let file = file.as_deref().with_context(|| format!("--server needs {name}"))?;
                fs::read(file).with_context(|| format!("could not read {}", file.display()))
            };
            let certificate = read(&options.ca, "--ca FILE")?;
            let token = String::from_utf8(read(&options.token_file, "--token-file FILE")?)?;
            let target = Target { endpoint: endpoint.clone(), certificate, token };
            runtime.block_on(conformance::run(spec, &target, &options.only))?
        }
    };
    write!(io::stdout(), "{report}")?;
    Ok(ended(report.is_clean()))
}
