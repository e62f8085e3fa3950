//! From a specification to a running process, and back to one from its notes.
//!
//! The process is noted before its guest executes anything: whoever dies in between leaves a paused machine that is found
//! again, never a second one.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::arguments::{VARIABLES, arguments};
use super::control::{Control, Refused};
use super::folder::{CONTROL, ENDING, Folder, RUN};
use super::process::{self, Identity, Process};
use super::slot::Slot;
use super::watch::Watch;
use super::{Settings, accelerator};
use crate::{Architecture, Disk, Error, Forwarded, Generation, Machine, Security, State, What};

/// How long QEMU may take until it answers.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
/// How often its socket is tried.
const TRY_EVERY: Duration = Duration::from_millis(20);
/// How many commands may wait for the process.
const ASKS: usize = 32;
/// How often another free port is tried when somebody else was quicker.
const PORT_TRIES: usize = 8;

/// A process that runs a machine, as noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    identity: Identity,
    forwards: Vec<Noted>,
}

/// A forward that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    nic: usize,
    guest_port: u16,
    host_port: u16,
}

/// Starts a machine that does not run. The caller has the slot's turn.
pub(super) async fn start(settings: &Settings, slot: &Arc<Slot>) -> Result<(), Error> {
    let machine = slot.seen().machine.clone();
    let accelerator = accelerator::usable(settings).await?;
    prepare(settings, &slot.folder, &machine).await?;
    let program = program(machine.architecture)?;
    let mut command =
        process::command(program, slot.folder.path(), machine.memory_mib, settings.user(), "qemu.log")
            .map_err(Error::host("open the log of a machine"))?;
    command.args(arguments(&machine, &settings.firmware, accelerator));
    slot.folder.forget(CONTROL);
    let mut child = command.spawn().map_err(Error::host("start QEMU"))?;
    let identity = child.id().map(Identity::of).transpose().map_err(Error::host("look at QEMU's process"))?;
    let failed = || Error::Failed {
        machine: slot.id,
        detail: "its process ended at once; what it said is in the host's folder of the machine".to_owned(),
    };
    let identity = identity.ok_or_else(failed)?;
    slot.folder.write(RUN, &Run { identity, forwards: Vec::new() }).map_err(Error::host("note a process"))?;
    let process = identity.open().map_err(Error::host("hold QEMU's process"))?;
    // Whoever started a process must also bury it.
    tokio::spawn(async move { child.wait().await });
    match begin(slot, &machine, identity, &process).await {
        Ok((control, forwards)) => watch(slot, control, process, forwards, false),
        Err(error) => {
            process.kill();
            slot.folder.forget(RUN);
            Err(error)
        }
    }?;
    slot.folder.forget(ENDING);
    slot.tell(What::Started);
    Ok(())
}

/// Connects to a fresh process, adds its forwards and lets the guest go.
async fn begin(
    slot: &Slot,
    machine: &Machine,
    identity: Identity,
    process: &Process,
) -> Result<(Control, Vec<Forwarded>), Error> {
    let failed = |detail: String| Error::Failed { machine: slot.id, detail };
    let mut control = connect(slot, process).await?;
    let mut forwards = Vec::new();
    for (nic, interface) in machine.nics.iter().enumerate() {
        for forward in &interface.forwards {
            forwards.push(add_forward(&mut control, nic, forward.guest_port, forward.host_port).await?);
        }
    }
    slot.folder.write(RUN, &Run::new(identity, &forwards)).map_err(Error::host("note a process"))?;
    control.ask("cont", &Value::Null).await.map_err(|refused| failed(words(refused)))?;
    Ok((control, forwards))
}

/// Waits for the socket: QEMU makes it when all devices stand.
async fn connect(slot: &Slot, process: &Process) -> Result<Control, Error> {
    let path = slot.folder.file(CONTROL);
    let begun = Instant::now();
    loop {
        if let Ok(Ok(control)) = timeout(ANSWERS_WITHIN, Control::connect(&path)).await {
            return Ok(control);
        }
        let failed = |detail: &str| Err(Error::Failed { machine: slot.id, detail: detail.to_owned() });
        tokio::select! {
            () = process.ended() => {
                return failed("its process ended before it ran; the host keeps what it said beside the machine");
            }
            () = sleep(TRY_EVERY) => {}
        }
        if begun.elapsed() > ANSWERS_WITHIN {
            return failed("its process does not answer");
        }
    }
}

async fn add_forward(
    control: &mut Control,
    nic: usize,
    guest_port: u16,
    wanted: Option<u16>,
) -> Result<Forwarded, Error> {
    for _ in 0..PORT_TRIES {
        let host_port = choose_port(wanted)?;
        let line = forward_line(nic, guest_port, host_port);
        let answer = control.ask("human-monitor-command", &line).await;
        match answer.map(|value| value.as_str().map(str::trim).map(str::is_empty)) {
            Ok(Some(true)) => return Ok(Forwarded { nic, guest_port, host_port }),
            _ if wanted.is_some() => return Err(Error::PortTaken(host_port)),
            _ => {}
        }
    }
    Err(Error::Invalid("no port of the host is free".to_owned()))
}

/// The port asked for, or one that is free now.
pub(super) fn choose_port(wanted: Option<u16>) -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted.unwrap_or(0)));
    match (listener.and_then(|listener| listener.local_addr()), wanted) {
        (Ok(address), _) => Ok(address.port()),
        (Err(_), Some(port)) => Err(Error::PortTaken(port)),
        (Err(source), None) => Err(Error::Host { doing: "find a free port", source }),
    }
}

/// QEMU has no command of its control protocol for this: empty words mean that it was done.
pub(super) fn forward_line(nic: usize, guest_port: u16, host_port: u16) -> Value {
    json!({"command-line": format!("hostfwd_add net{nic} tcp:127.0.0.1:{host_port}-:{guest_port}")})
}

fn words(refused: Refused) -> String {
    match refused {
        Refused::Answer(text) => text,
        Refused::Broken(_) => "its process ended".to_owned(),
    }
}

/// Hands the process to a task of its own.
fn watch(
    slot: &Arc<Slot>,
    control: Control,
    process: Process,
    forwards: Vec<Forwarded>,
    shut_down: bool,
) -> Result<(), Error> {
    let limit = slot.seen().machine.serial_bytes;
    let (log, serial) =
        slot.folder.open_serial(limit).map_err(Error::host("open the log of a serial port"))?;
    let (asks, asked) = mpsc::channel(ASKS);
    let mut seen = slot.seen();
    seen.log = log;
    seen.state = State::Running;
    seen.forwards = forwards;
    seen.asks = Some(asks);
    seen.powering_off = false;
    drop(seen);
    slot.changed.send_replace(());
    tokio::spawn(Watch::new(Arc::clone(slot), control, process, serial, asked, shut_down).run());
    Ok(())
}

/// Takes over the process that is noted, if it still runs this machine.
pub(super) async fn attach(slot: &Arc<Slot>) -> Result<bool, Error> {
    let limit = slot.seen().machine.serial_bytes;
    if let Some(ending) = slot.folder.read(ENDING) {
        slot.seen().state = State::Stopped(ending);
    }
    slot.seen().log = slot.folder.open_serial(limit).map_err(Error::host("open the log of a serial port"))?.0;
    let Some(run) = slot.folder.read::<Run>(RUN) else { return Ok(false) };
    let Ok(process) = run.identity.open() else {
        slot.ended(None);
        return Ok(false);
    };
    let mut control = connect(slot, &process).await?;
    let failed = |refused| Error::Failed { machine: slot.id, detail: words(refused) };
    let who = control.ask("query-uuid", &Value::Null).await.map_err(failed)?;
    if who["UUID"] != slot.id.to_string() {
        return Err(Error::Failed {
            machine: slot.id,
            detail: "its process runs another machine".to_owned(),
        });
    }
    let status = control.ask("query-status", &Value::Null).await.map_err(failed)?;
    if status["status"] == "prelaunch" {
        control.ask("cont", &Value::Null).await.map_err(failed)?;
    }
    let forwards = run.forwards.iter().map(|noted| Forwarded {
        nic: noted.nic,
        guest_port: noted.guest_port,
        host_port: noted.host_port,
    });
    watch(slot, control, process, forwards.collect(), status["status"] == "shutdown")?;
    Ok(true)
}

impl Run {
    fn new(identity: Identity, forwards: &[Forwarded]) -> Self {
        let forwards = forwards.iter().map(|one| Noted {
            nic: one.nic,
            guest_port: one.guest_port,
            host_port: one.host_port,
        });
        Self { identity, forwards: forwards.collect() }
    }
}

/// Writes down which forwards a running machine has now.
pub(super) fn note_forwards(slot: &Slot) -> Result<(), Error> {
    let forwards = slot.seen().forwards.clone();
    let Some(run) = slot.folder.read::<Run>(RUN) else { return Ok(()) };
    slot.folder.write(RUN, &Run::new(run.identity, &forwards)).map_err(Error::host("note a forward"))
}

/// Ends the process that is noted, for when it does not listen.
pub(super) fn kill(slot: &Slot) {
    if let Some(process) = slot.folder.read::<Run>(RUN).and_then(|run| run.identity.open().ok()) {
        process.kill();
    }
}

/// Makes what the process will open: overlays, variables of the firmware, the TPM.
async fn prepare(settings: &Settings, folder: &Folder, machine: &Machine) -> Result<(), Error> {
    folder.make().map_err(Error::host("make the folder of a machine"))?;
    for disk in machine.data_disks.iter().map(|data| &data.disk).chain([&machine.os_disk]) {
        prepare_disk(folder, disk).await?;
    }
    if machine.generation == Generation::V2 {
        let variables = folder.file(VARIABLES);
        if !variables.exists() {
            let secure = matches!(machine.security, Security::TrustedLaunch { secure_boot: true, .. });
            let firmware = &settings.firmware;
            let from = if secure { &firmware.secure_variables } else { &firmware.variables };
            let why = || format!("UEFI firmware is missing: install the package ovmf ({})", file_name(from));
            fs::copy(from, &variables)
                .map_err(|_source| Error::Unsupported { what: "machines of generation 2", why: why() })?;
        }
        folder.give(&variables).map_err(Error::host("hand the firmware's variables to a machine"))?;
    }
    if matches!(machine.security, Security::TrustedLaunch { vtpm: true, .. }) {
        start_tpm(settings, folder).await?;
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

async fn prepare_disk(folder: &Folder, disk: &Disk) -> Result<(), Error> {
    let path = match disk {
        Disk::File { path, .. } => path,
        Disk::Overlay { path, bytes, .. } => {
            if !path.exists() {
                let mut tool = Command::new("qemu-img");
                tool.args(["create", "-q", "-f", "qcow2"]).arg(path).arg(bytes.to_string());
                run(tool, "make the disk of a machine").await?;
            }
            path
        }
    };
    folder.give(path).map_err(Error::host("hand a disk to a machine"))
}

/// The TPM of a machine ends when its QEMU does; its state stays.
async fn start_tpm(settings: &Settings, folder: &Folder) -> Result<(), Error> {
    let state = folder.file("tpm");
    fs::create_dir_all(&state).map_err(Error::host("make the folder of a TPM"))?;
    folder.give(&state).map_err(Error::host("hand the state of a TPM to a machine"))?;
    folder.forget("tpm.sock");
    let mut command = process::command(Path::new("swtpm"), folder.path(), 0, settings.user(), "tpm.log")
        .map_err(Error::host("open the log of a TPM"))?;
    // Absolute, because it leaves its folder when it goes into the background; the operator's path, and a UUID.
    let tpm_state = format!("dir={}", state.display());
    command.args(["socket", "--tpm2", "--tpmstate", &tpm_state, "--ctrl", "type=unixio,path=tpm.sock"]);
    command.args(["--terminate", "--daemon"]);
    run(command, "start the TPM of a machine (is the package swtpm installed?)").await
}

async fn run(mut command: Command, doing: &'static str) -> Result<(), Error> {
    let status = command.stdin(Stdio::null()).kill_on_drop(true).status();
    let status = timeout(ANSWERS_WITHIN, status).await.map_err(|_late| std::io::ErrorKind::TimedOut.into());
    let status = status.and_then(|status| status).map_err(Error::host(doing))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Host { doing, source: std::io::Error::other(format!("the tool ended with {status}")) })
}

/// The emulator of an architecture, if this host has it.
pub(super) fn program(architecture: Architecture) -> Result<&'static Path, Error> {
    match architecture {
        Architecture::X64 => Ok(Path::new("qemu-system-x86_64")),
        Architecture::Arm64 => Err(Error::Unsupported {
            what: "Arm64 machines",
            why: "running them is not implemented; choose an image and a size of architecture x64".to_owned(),
        }),
    }
}
