//! Machines for real: one QEMU process each, in a folder of its own, unprivileged and in a sandbox.
//!
//! A process has a session of its own and no pipe to the server, so it outlives it; [`Host::attach`] finds it again by its
//! start time and by the machine's UUID. A guest reaches no network; ports of it are reached from 127.0.0.1.

mod accelerator;
mod arguments;
mod control;
mod folder;
mod process;
mod slot;
mod start;
mod watch;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::{OnceCell, broadcast};
use tokio::time::timeout;

use self::arguments::Accelerator;
use self::folder::{Folder, MACHINE};
use self::process::User;
use self::slot::Slot;
use crate::{
    Capacity, Ending, Error, Event, Forward, Forwarded, Host, Machine, MachineId, Screenshot, Serial, State,
    Usage,
};

/// The most events that a listener may lag behind.
const EVENTS_KEPT: usize = 256;
/// How long a process may take to hear that it shall end, before it is killed.
const QUITS_WITHIN: Duration = Duration::from_secs(10);
/// The largest picture of a screen.
const MAX_SCREEN_BYTES: u64 = 32 << 20;
/// The file that pictures are written to.
const SCREEN: &str = "screen.png";

/// How this host runs machines.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the machines have their folders. Its parents must let the machines' user pass.
    pub folder: PathBuf,
    /// What machines may take.
    pub capacity: Capacity,
    /// Whom machines run as, user and group, when the server is root; such a server needs it.
    pub run_as: Option<(u32, u32)>,
    /// The images of the firmware.
    pub firmware: Firmware,
    accelerator: Arc<OnceCell<Accelerator>>,
}

/// The images of UEFI firmware: code, and variables to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firmware {
    /// Code that starts anything.
    pub code: PathBuf,
    /// Code that starts what is signed.
    pub secure_code: PathBuf,
    /// Empty variables.
    pub variables: PathBuf,
    /// Variables with Microsoft's keys.
    pub secure_variables: PathBuf,
}

impl Default for Firmware {
    /// Where Debian and Ubuntu have them (package ovmf).
    fn default() -> Self {
        let ovmf = |name: &str| PathBuf::from("/usr/share/OVMF").join(name);
        Self {
            code: ovmf("OVMF_CODE_4M.fd"),
            secure_code: ovmf("OVMF_CODE_4M.secboot.fd"),
            variables: ovmf("OVMF_VARS_4M.fd"),
            secure_variables: ovmf("OVMF_VARS_4M.ms.fd"),
        }
    }
}

impl Settings {
    /// Machines in this folder, as whoever the server runs as.
    pub fn new(folder: PathBuf, capacity: Capacity) -> Self {
        Self { folder, capacity, run_as: None, firmware: Firmware::default(), accelerator: Arc::default() }
    }

    fn user(&self) -> Option<User> {
        let (uid, gid) = self.run_as?;
        rustix::process::geteuid().is_root().then_some(User { uid, gid })
    }
}

/// Machines run by QEMU.
#[derive(Debug)]
pub struct Qemu {
    settings: Settings,
    events: broadcast::Sender<Event>,
    slots: Mutex<BTreeMap<MachineId, Arc<Slot>>>,
}

impl Qemu {
    /// A host that knows no machines yet: [`Host::attach`] looks for those that are there.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let root = rustix::process::geteuid().is_root();
        if root && settings.run_as.is_none_or(|(uid, gid)| uid == 0 || gid == 0) {
            return Err(Error::Unsupported {
                what: "machines as root",
                why: "name an unprivileged user and group for them, or run the server as one".to_owned(),
            });
        }
        Ok(Self { settings, events: broadcast::channel(EVENTS_KEPT).0, slots: Mutex::default() })
    }

    /// Lets go of all machines without touching them: they run on, and another value of this host can attach to them.
    pub fn release(self) {
        for slot in std::mem::take(&mut *self.slots()).into_values() {
            slot.seen().asks = None;
        }
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<MachineId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, id: MachineId) -> Result<Arc<Slot>, Error> {
        self.slots().get(&id).cloned().ok_or(Error::NotFound(id))
    }

    fn new_slot(&self, machine: Machine) -> Arc<Slot> {
        let folder = Folder::new(self.settings.folder.join(machine.id.to_string()), self.settings.user());
        Arc::new(Slot::new(machine, folder, self.events.clone()))
    }

    fn used(slots: &BTreeMap<MachineId, Arc<Slot>>) -> Usage {
        let memory_mib = slots.values().map(|slot| u64::from(slot.seen().machine.memory_mib)).sum();
        Usage { memory_mib, machines: slots.len() as u64 }
    }

    /// Takes the power of a machine whose turn the caller has.
    async fn cut_power(slot: &Slot) -> Result<(), Error> {
        {
            let mut seen = slot.seen();
            if seen.state != State::Running {
                return Ok(());
            }
            seen.powering_off = true;
        }
        // An answer would come from a process that is about to end: only its end counts, and the task sees to that.
        if timeout(QUITS_WITHIN, slot.ask("quit", Value::Null)).await.is_err() {
            start::kill(slot);
        }
        slot.stopped().await;
        Ok(())
    }
}

#[async_trait]
impl Host for Qemu {
    async fn create(&self, machine: Machine) -> Result<(), Error> {
        machine.check()?;
        start::program(machine.architecture)?;
        let slot = self.new_slot(machine.clone());
        let mut slots = self.slots();
        if let Some(standing) = slots.get(&machine.id) {
            return if standing.seen().machine == machine { Ok(()) } else { Err(Error::Exists(machine.id)) };
        }
        self.settings.capacity.take(Self::used(&slots), machine.memory_mib.into())?;
        slot.folder.make().map_err(Error::host("make the folder of a machine"))?;
        slot.folder.write(MACHINE, &machine).map_err(Error::host("note a machine"))?;
        slots.insert(machine.id, slot);
        Ok(())
    }

    async fn start(&self, id: MachineId) -> Result<(), Error> {
        let slot = self.slot(id)?;
        let _turn = slot.turn.lock().await;
        if slot.seen().state == State::Running {
            return Ok(());
        }
        start::start(&self.settings, &slot).await
    }

    async fn shutdown(&self, id: MachineId, within: Duration) -> Result<Ending, Error> {
        let slot = self.slot(id)?;
        let _turn = slot.turn.lock().await;
        if slot.seen().state == State::Running {
            let pressed = async {
                // Whether the button was heard shows in what follows.
                drop(slot.ask("system_powerdown", Value::Null).await);
                slot.stopped().await;
            };
            if timeout(within, pressed).await.is_err() {
                Self::cut_power(&slot).await?;
            }
        }
        let state = slot.seen().state.clone();
        Ok(if let State::Stopped(ending) = state { ending } else { Ending::PoweredOff })
    }

    async fn power_off(&self, id: MachineId) -> Result<(), Error> {
        let slot = self.slot(id)?;
        let _turn = slot.turn.lock().await;
        Self::cut_power(&slot).await
    }

    async fn restart(&self, id: MachineId) -> Result<(), Error> {
        let detail = |detail| Error::Failed { machine: id, detail };
        self.slot(id)?.ask("system_reset", Value::Null).await?.map(drop).map_err(detail)
    }

    async fn remove(&self, id: MachineId) -> Result<(), Error> {
        let Ok(slot) = self.slot(id) else { return Ok(()) };
        let _turn = slot.turn.lock().await;
        Self::cut_power(&slot).await?;
        slot.folder.remove().map_err(Error::host("remove the folder of a machine"))?;
        self.slots().remove(&id);
        Ok(())
    }

    async fn attach(&self) -> Result<Vec<MachineId>, Error> {
        let Ok(entries) = fs::read_dir(&self.settings.folder) else { return Ok(Vec::new()) };
        for entry in entries.flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse::<MachineId>().ok());
            let Some(id) = id.filter(|id| self.slot(*id).is_err()) else { continue };
            let machine = Folder::new(entry.path(), None).read::<Machine>(MACHINE);
            let Some(machine) = machine.filter(|machine| machine.id == id && machine.check().is_ok()) else {
                tracing::warn!(machine = %id, "a folder without a readable machine was passed over");
                continue;
            };
            let slot = self.new_slot(machine);
            start::attach(&slot).await?;
            self.slots().insert(id, slot);
        }
        Ok(self.machines().await)
    }

    async fn machines(&self) -> Vec<MachineId> {
        self.slots().keys().copied().collect()
    }

    async fn state(&self, id: MachineId) -> Result<State, Error> {
        Ok(self.slot(id)?.seen().state.clone())
    }

    async fn serial(&self, id: MachineId, from: u64) -> Result<Serial, Error> {
        Ok(self.slot(id)?.seen().log.read(from))
    }

    async fn serial_after(&self, id: MachineId, from: u64) -> Result<Serial, Error> {
        let slot = self.slot(id)?;
        let mut changed = slot.changed.subscribe();
        loop {
            let (read, running) = {
                let seen = slot.seen();
                (seen.log.read(from), seen.state == State::Running)
            };
            if !read.bytes.is_empty() || !running || changed.changed().await.is_err() {
                return Ok(read);
            }
        }
    }

    async fn screenshot(&self, id: MachineId) -> Result<Screenshot, Error> {
        let slot = self.slot(id)?;
        let _turn = slot.turn.lock().await;
        let detail = |detail| Error::Failed { machine: id, detail };
        slot.ask("screendump", json!({"filename": SCREEN, "format": "png"})).await?.map_err(detail)?;
        let path = slot.folder.file(SCREEN);
        let length = fs::metadata(&path).map_err(Error::host("read the picture of a screen"))?.len();
        if length > MAX_SCREEN_BYTES {
            return Err(detail(format!("its screen is too large to show: {length} bytes")));
        }
        let png = fs::read(&path).map_err(Error::host("read the picture of a screen"))?;
        slot.folder.forget(SCREEN);
        Ok(Screenshot { png })
    }

    async fn forwards(&self, id: MachineId) -> Result<Vec<Forwarded>, Error> {
        Ok(self.slot(id)?.seen().forwards.clone())
    }

    async fn forward(&self, id: MachineId, nic: usize, forward: Forward) -> Result<Forwarded, Error> {
        let slot = self.slot(id)?;
        let _turn = slot.turn.lock().await;
        let mut changed = slot.seen().machine.clone();
        let no_nic = || Error::Invalid(format!("the machine has no interface {nic}"));
        changed.nics.get_mut(nic).ok_or_else(no_nic)?.forwards.push(forward);
        changed.check()?;
        let host_port = start::choose_port(forward.host_port)?;
        let line = start::forward_line(nic, forward.guest_port, host_port);
        let answer = slot.ask("human-monitor-command", line).await?;
        if answer.ok().and_then(|value| value.as_str().map(|text| text.trim().is_empty())) != Some(true) {
            return Err(Error::PortTaken(host_port));
        }
        let forwarded = Forwarded { nic, guest_port: forward.guest_port, host_port };
        {
            let mut seen = slot.seen();
            seen.machine = changed.clone();
            seen.forwards.push(forwarded);
        }
        slot.folder.write(MACHINE, &changed).map_err(Error::host("note a machine"))?;
        start::note_forwards(&slot)?;
        Ok(forwarded)
    }

    async fn unforward(&self, id: MachineId, host_port: u16) -> Result<(), Error> {
        let slot = self.slot(id)?;
        let _turn = slot.turn.lock().await;
        let standing = slot.seen().forwards.iter().find(|one| one.host_port == host_port).copied();
        let Some(gone) = standing else { return Ok(()) };
        let line = format!("hostfwd_remove net{} tcp:127.0.0.1:{host_port}", gone.nic);
        let answer = slot.ask("human-monitor-command", json!({"command-line": line})).await?;
        answer.map_err(|detail| Error::Failed { machine: id, detail })?;
        let machine = {
            let mut seen = slot.seen();
            seen.forwards.retain(|one| one.host_port != host_port);
            if let Some(nic) = seen.machine.nics.get_mut(gone.nic) {
                nic.forget(gone.guest_port, host_port);
            }
            seen.machine.clone()
        };
        slot.folder.write(MACHINE, &machine).map_err(Error::host("note a machine"))?;
        start::note_forwards(&slot)
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    fn capacity(&self) -> Capacity {
        self.settings.capacity
    }

    async fn usage(&self) -> Usage {
        Self::used(&self.slots())
    }
}
