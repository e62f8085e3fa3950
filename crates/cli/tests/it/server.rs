//! A real `gallerist serve` on a folder and a port of its own, and what a test does with it.
//!
//! A server ends with its [`Server`]; what it wrote to standard error is kept for the test to read.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;
use server::home::Connection;
use tempfile::TempDir;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gallerist");

/// What a server is started with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    /// The content of its configuration file, TOML. Where it does not speak of inspection, that is off: most disks of
    /// tests are random bytes, which no contract would let pass.
    pub(crate) config: String,
    /// Which log lines it writes to standard error (`GALLERIST_LOG`); `info` when empty.
    pub(crate) log: String,
}

/// A server that runs, or was killed and can be started again at the same address.
pub(crate) struct Server {
    start: Start,
    folder: TempDir,
    /// Stays the same over restarts, so that clients under way find it again.
    port: u16,
    running: Option<Running>,
    log: Arc<Mutex<Vec<u8>>>,
}

struct Running {
    child: Child,
    readers: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts a server and waits until it says that it is ready.
    pub(crate) fn start(mut start: Start) -> Self {
        if !start.config.contains("[inspection]") {
            start.config.push_str("\n[inspection]\ncontracts = \"off\"\n");
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), &start.config).unwrap();
        let port = free_port();
        let mut server = Self { start, folder, port, running: None, log: Arc::default() };
        server.restart();
        server
    }

    /// A server with the defaults.
    pub(crate) fn with_defaults() -> Self {
        Self::start(Start::default())
    }

    /// Starts it again where it was; kills it first when it still runs.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let mut command = self.command(&["serve", "--listen", &format!("127.0.0.1:{}", self.port)]);
        command.arg("--config").arg(self.config());
        if !self.start.log.is_empty() {
            command.env("GALLERIST_LOG", &self.start.log);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (log, mut errors) = (self.log.clone(), child.stderr.take().unwrap());
        let keep = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = errors.read(&mut buffer) {
                log.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready =
            lines.by_ref().map_while(Result::ok).any(|line| line.starts_with("gallerist is ready at "));
        if !ready {
            let status = child.wait().unwrap();
            keep.join().unwrap();
            panic!("the server ended before it was ready ({status}):\n{}", self.log());
        }
        // A full pipe would hold the server.
        let drain = std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        self.running = Some(Running { child, readers: vec![keep, drain] });
    }

    /// `kill -9`; nothing happens when it does not run.
    pub(crate) fn kill(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        running.readers.into_iter().for_each(|reader| reader.join().unwrap());
    }

    /// SIGTERM; answers how it ended.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let mut running = self.running.take().expect("it runs");
        let process = rustix::process::Pid::from_child(&running.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        let status = running.child.wait().unwrap();
        running.readers.into_iter().for_each(|reader| reader.join().unwrap());
        status
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A path for the test's own files, gone with the server.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// Where it is and how its owner signs in.
    pub(crate) fn connection(&self) -> Connection {
        Connection::read(&self.data()).unwrap()
    }

    /// Everything it has written to standard error, over all its lives.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    /// The program with these arguments, bound to this data folder and to no other environment of ours.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        let foreign = std::env::vars_os().map(|(name, _)| name);
        for name in foreign.filter(|name| name.to_string_lossy().starts_with("GALLERIST_")) {
            command.env_remove(name);
        }
        command.args(arguments).env("GALLERIST_DATA", self.data()).env("HOME", self.folder.path());
        command.stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs the program, which must succeed, and answers the JSON it printed.
    pub(crate) fn run_json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}\n{said}\n{}", output.status, self.log());
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// `gallerist publish` of `file` as `version` into one definition, everything created on the way.
    pub(crate) fn publish(&self, file: &Path, format: &str, version: &str, further: &[&str]) -> Command {
        let mut command = self.command(&["publish"]);
        command
            .arg(file)
            .args(["--format", format, "-e", version, "--output", "json"])
            .args(PLACE)
            .args(SHELF);
        command.args(further);
        command
    }
}

/// The definition that tests publish to.
pub(crate) const PLACE: [&str; 6] = ["-g", "images", "-r", "shelf", "-i", "linux"];
const SHELF: [&str; 7] = ["--create", "--publisher", "example", "--offer", "linux", "--sku", "plain"];

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
