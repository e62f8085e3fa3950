//! `gallerist serve`.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use server::ServeOptions;
use server::config::Config;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::terminal::say;

/// Run a server on a data folder.
#[derive(Args, Clone, Debug)]
pub(crate) struct Serve {
    /// The data folder; made at the first start.
    #[arg(long, value_name = "FOLDER", env = "GALLERIST_DATA")]
    data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// A TOML file with settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) fn run(args: &Serve) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_from_env("GALLERIST_LOG").unwrap_or_else(|_unset| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    let config = Config::read(args.config.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let options = ServeOptions { data: args.data.clone(), listen: args.listen, config };
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        let stopper = stop.clone();
        let mut server = std::pin::pin!(server::serve(options, stop.clone(), |endpoint| {
            let ready = format!(
                "gallerist is ready at {endpoint}\nconnect with: gallerist az-login --data {}",
                args.data.display()
            );
            if let Err(error) = say(&ready) {
                tracing::warn!(error = error.as_ref() as &dyn std::error::Error, "standard output is closed");
            }
        }));
        tokio::select! {
            ended = &mut server => return ended,
            _ = terminate.recv() => {}
            pressed = tokio::signal::ctrl_c() => pressed.context("cannot listen for Ctrl-C")?,
        }
        tracing::info!("stopping: no new requests, those under way end");
        stopper.cancel();
        server.await
    })?;
    // Blocking work that has not seen the flag yet must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    Ok(ExitCode::SUCCESS)
}
