//! `gallerist verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;
use server::config::Config;
use server::home::Connection;

use crate::client::Client;
use crate::connect::Peer;
use crate::terminal::{self, Output, bytes, say};

/// Check that everything a data folder claims to hold is there and right.
///
/// Without a running server the folder is read directly; a running server is asked to do it.
#[derive(Args, Clone, Debug)]
pub(crate) struct Verify {
    /// The data folder.
    #[arg(long, value_name = "FOLDER", env = "GALLERIST_DATA")]
    data: PathBuf,
    /// The settings the server runs with, when it has some.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON; the same as --output json.
    #[arg(long)]
    json: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

pub(crate) fn run(args: &Verify) -> anyhow::Result<ExitCode> {
    let output = if args.json { Output::Json } else { args.output };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let found = runtime.block_on(verify(args, output))?;
    let violations = found["violations"].as_array().cloned().unwrap_or_default();
    match output {
        Output::Json => say(&serde_json::to_string_pretty(&found)?)?,
        Output::Table => print(&found, &violations)?,
    }
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

async fn verify(args: &Verify, output: Output) -> anyhow::Result<Value> {
    let config = Config::read(args.config.as_deref())?;
    if !args.data.is_dir() {
        bail!("there is no data folder at {}", args.data.display());
    }
    let bar = terminal::bar(0, "verify", output);
    let progress = |region: &arm::Region, done, total| {
        bar.set_length(total);
        bar.set_position(done);
        bar.set_message(region.to_string());
    };
    match server::verify_offline(&args.data, &config, &progress).await {
        Ok(found) => Ok(serde_json::to_value(found)?),
        Err(error) if matches!(error.downcast_ref(), Some(server::home::Error::Busy { .. })) => {
            let client = Client::new(Peer::from(Connection::read(&args.data)?))?;
            client
                .get_json("/gallerist/verify")
                .await
                .context("the server that holds the folder could not verify it")
        }
        Err(error) => Err(error),
    }
}

fn print(found: &Value, violations: &[Value]) -> anyhow::Result<()> {
    let number = |name: &str| found[name].as_u64().unwrap_or(0);
    for violation in violations {
        let text = |name: &str| violation[name].as_str().unwrap_or_default().to_owned();
        say(&format!("{} {}: {}", text("invariant"), text("place"), text("finding")))?;
    }
    say(&format!(
        "{}: {} resources, {} versions, {} replicas, {} chunks in {} of packs, {} open operations",
        if violations.is_empty() { "clean".to_owned() } else { format!("{} violations", violations.len()) },
        number("resourceCount"),
        number("versionCount"),
        number("replicaCount"),
        number("chunkCount"),
        bytes(number("storedBytes")),
        number("openOperationCount"),
    ))
}
