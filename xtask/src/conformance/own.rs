//! A server of our own for one run: built by cargo, on a folder that goes with it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use anyhow::{Context, bail};
use tempfile::TempDir;

use super::CONFIG;

/// The server; it ends with this.
#[derive(Debug)]
pub struct OwnServer {
    child: Child,
    folder: TempDir,
}

impl OwnServer {
    /// Builds and starts one, and waits until it is ready.
    ///
    /// # Errors
    /// When it cannot be built or ends before it is ready.
    pub fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("config.toml");
        fs::write(&config, CONFIG)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["run", "--quiet", "--package", "cli", "--bin", "gallerist", "--", "serve"]);
        command.args(["--listen", &format!("127.0.0.1:{port}"), "--config"]).arg(config);
        command.env("GALLERIST_DATA", folder.path().join("data"));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("could not start cargo")?;
        let lines = child.stdout.take().map(BufReader::new).map(BufRead::lines);
        let mut lines = lines.into_iter().flatten().map_while(Result::ok);
        if !lines.any(|line| line.starts_with("gallerist is ready at ")) {
            let status = child.wait()?;
            bail!("the server ended before it was ready ({status})");
        }
        // A full or closed pipe would disturb it.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, folder })
    }

    /// What it left for clients on this machine.
    #[must_use]
    pub fn connection(&self) -> PathBuf {
        self.folder.path().join("data/connection.json")
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
