//! `gallerist az-login`: signs the Azure CLI in to the server of a data folder.
//!
//! The client secret reaches `az` through a pipe, never through a command line, where other users of
//! the machine and the shell's history could see it.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;
use server::home::Connection;

#[cfg(test)]
mod tests;

/// The name under which the server is registered with the Azure CLI.
const CLOUD: &str = "Gallerist";
/// Where the Azure CLI looks for certificates to trust; it takes the place of the public ones.
const TRUST: &str = "REQUESTS_CA_BUNDLE";

/// Sign the Azure CLI in to a server on this machine.
#[derive(Args, Clone, Debug)]
pub(crate) struct AzLogin {
    /// The data folder of the server.
    #[arg(long, value_name = "FOLDER", env = "GALLERIST_DATA")]
    data: PathBuf,
    /// Print the commands instead of running them.
    #[arg(long)]
    print: bool,
    /// The Azure CLI, when it is not in PATH.
    #[arg(long, value_name = "FILE")]
    az: Option<PathBuf>,
}

/// Runs `gallerist az-login`.
///
/// # Errors
/// When the server was never started, when `az` is not there, or when one of its commands fails; each
/// says what to do next.
pub(crate) fn run(args: &AzLogin) -> anyhow::Result<()> {
    let data = std::path::absolute(&args.data).context("cannot find the data folder")?;
    let connection = Connection::read(&data)?;
    if args.print {
        return say(&script(&data, &connection));
    }
    let az = Az { program: find(args.az.as_deref())?, trust: connection.ca_file.clone() };
    az.register(&connection)?;
    az.run(&["cloud", "set", "--name", CLOUD], None)?;
    az.login(&connection)?;
    // Only this goes to standard output, so that a shell can evaluate it.
    writeln!(
        io::stderr(),
        "The Azure CLI is signed in to {}. For the commands that follow:",
        connection.arm_endpoint
    )?;
    say(&format!("export {TRUST}={}\n", quoted(&connection.ca_file.to_string_lossy())))
}

/// The Azure CLI, set up to trust the server.
struct Az {
    program: PathBuf,
    trust: PathBuf,
}

impl Az {
    /// Makes the cloud known, or corrects its address when the server has moved.
    fn register(&self, connection: &Connection) -> anyhow::Result<()> {
        let endpoint = connection.arm_endpoint.as_str();
        let known = self.output(&["cloud", "list", "--output", "json"], None)?;
        let clouds: Value =
            serde_json::from_slice(&known).context("az cloud list did not answer with JSON")?;
        let verb = match registered(&clouds) {
            Some(address) if address.trim_end_matches('/') == endpoint => return Ok(()),
            Some(_) => "update",
            None => "register",
        };
        self.run(&["cloud", verb, "--name", CLOUD, "--endpoint-resource-manager", endpoint], None)
    }

    fn login(&self, connection: &Connection) -> anyhow::Result<()> {
        let (client, tenant) = (connection.client_id.to_string(), connection.tenant_id.to_string());
        let arguments =
            ["login", "--service-principal", "--username", &client, "--password", "@-", "--tenant", &tenant];
        let quietly = [arguments.as_slice(), &["--output", "none"]].concat();
        self.run(&quietly, Some(connection.client_secret.expose()))
    }

    fn run(&self, arguments: &[&str], input: Option<&str>) -> anyhow::Result<()> {
        self.output(arguments, input).map(drop)
    }

    /// What one az command printed; `input` is all that it can read.
    fn output(&self, arguments: &[&str], input: Option<&str>) -> anyhow::Result<Vec<u8>> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env(TRUST, &self.trust).stdout(Stdio::piped()).stderr(Stdio::piped());
        let outcome = match input {
            None => command.stdin(Stdio::null()).output(),
            Some(input) => feed(&mut command, input),
        };
        let Output { status, stdout, stderr } =
            outcome.with_context(|| format!("cannot run {}", self.program.display()))?;
        if !status.success() {
            let verb: Vec<_> = arguments.iter().take_while(|word| !word.starts_with('-')).copied().collect();
            bail!(
                "az {} failed: {}\nIs the server running? It was last started at the address in connection.json \
                 of the data folder.",
                verb.join(" "),
                String::from_utf8_lossy(&stderr).trim()
            );
        }
        Ok(stdout)
    }
}

fn feed(command: &mut Command, input: &str) -> io::Result<Output> {
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that ends without reading says why by itself.
        match pipe.write_all(input.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => {}
        }
    }
    child.wait_with_output()
}

/// The address under which the cloud is registered now.
fn registered(clouds: &Value) -> Option<&str> {
    let ours = clouds.as_array()?.iter().find(|cloud| cloud["name"] == CLOUD)?;
    Some(ours["endpoints"]["resourceManager"].as_str().unwrap_or_default())
}

fn find(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(given) = given {
        if !given.is_file() {
            bail!("there is no file {}; give --az the path of the Azure CLI", given.display());
        }
        return Ok(given.to_path_buf());
    }
    in_path(env::var_os("PATH").as_deref()).context(
        "the Azure CLI (az) is not installed. Install it in a Python environment with: \
         python3 -m venv az && az/bin/pip install azure-cli, then run this again with --az az/bin/az. \
         Or see the commands without running them: add --print",
    )
}

fn in_path(path: Option<&OsStr>) -> Option<PathBuf> {
    env::split_paths(path?).map(|folder| folder.join("az")).find(|file| file.is_file())
}

/// The same as a shell script; the secret is read from its file when the script runs.
fn script(data: &Path, connection: &Connection) -> String {
    let Connection { arm_endpoint, client_id, tenant_id, .. } = connection;
    let trust = quoted(&connection.ca_file.to_string_lossy());
    let file = quoted(&data.join("connection.json").to_string_lossy());
    let mut script = format!("export {TRUST}={trust}\n");
    let mut line = |text: String| {
        // Writing to a String cannot fail.
        writeln!(script, "{text}").unwrap_or_default();
    };
    line(format!(
        "az cloud register --name {CLOUD} --endpoint-resource-manager {arm_endpoint} 2>/dev/null \\\n  \
         || az cloud update --name {CLOUD} --endpoint-resource-manager {arm_endpoint}"
    ));
    line(format!("az cloud set --name {CLOUD}"));
    line(format!(
        "sed -n 's/.*\"clientSecret\": *\"\\([^\"]*\\)\".*/\\1/p' {file} \\\n  \
         | az login --service-principal --username {client_id} --password @- --tenant {tenant_id}"
    ));
    script
}

/// A text as one word of a shell command.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn say(text: &str) -> anyhow::Result<()> {
    io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}
