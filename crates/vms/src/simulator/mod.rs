//! Machines in memory: nothing runs, but everything behaves as if it did, and fails where it is told to.
//!
//! A guest writes its whole start to the serial port at once. [`Simulator::crash`] and [`Simulator::proceed`] make happen
//! what in a real machine happens by itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{broadcast, watch};

use crate::serial::SerialLog;
use crate::{
    Capacity, Ending, Error, Event, Forward, Forwarded, Host, Machine, MachineId, Screenshot, Serial, State,
    Usage, What,
};

/// The most events that a listener may lag behind.
const EVENTS_KEPT: usize = 256;
/// Where the ports begin that the simulator chooses.
const FIRST_PORT: u16 = 50_000;
/// A PNG of one black pixel.
const BLACK_PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0,
    0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 0x0a, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63,
    0x60, 0, 0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60,
    0x82,
];

/// How a machine's starts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Script {
    /// The guest becomes ready at once.
    #[default]
    Ready,
    /// The kernel starts, and nothing follows.
    NeverReady,
    /// As never ready, until [`Simulator::proceed`].
    Slow,
    /// The process ends right after its start.
    CrashAtBoot,
    /// The kernel panics, and the machine stays up.
    Panic,
    /// The process cannot be started.
    RefusesToStart,
    /// The guest becomes ready, and does not hear the power button.
    IgnoresShutdown,
}

/// Machines in memory. Clones share them, as two values of a host of real machines share those.
#[derive(Debug, Clone)]
pub struct Simulator {
    capacity: Capacity,
    events: broadcast::Sender<Event>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    machines: BTreeMap<MachineId, Simulated>,
    scripts: BTreeMap<MachineId, Script>,
}

#[derive(Debug)]
struct Simulated {
    machine: Machine,
    state: State,
    log: SerialLog,
    forwards: Vec<Forwarded>,
    /// Told whenever the log or the state changes.
    changed: watch::Sender<()>,
}

impl Simulator {
    /// A host without machines.
    pub fn new(capacity: Capacity) -> Self {
        Self { capacity, events: broadcast::channel(EVENTS_KEPT).0, inner: Arc::default() }
    }

    /// Says how the next starts of a machine go; it need not exist yet.
    pub fn script(&self, id: MachineId, script: Script) {
        self.lock().scripts.insert(id, script);
    }

    /// The process of a running machine ends by itself.
    pub fn crash(&self, id: MachineId) -> Result<(), Error> {
        self.running(id, |simulated| self.stop(simulated, crashed("the process was killed")))
    }

    /// The guest of a running machine shuts itself down.
    pub fn guest_shuts_down(&self, id: MachineId) -> Result<(), Error> {
        self.running(id, |simulated| self.stop(simulated, Ending::ShutDown))
    }

    /// The guest of a slow machine becomes ready.
    pub fn proceed(&self, id: MachineId) -> Result<(), Error> {
        self.running(id, |simulated| simulated.write(LATER))
    }

    /// Whatever the guest writes to its serial port.
    pub fn write(&self, id: MachineId, bytes: &[u8]) -> Result<(), Error> {
        self.running(id, |simulated| simulated.write(bytes))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, id: MachineId, ask: impl FnOnce(&mut Simulated) -> T) -> Result<T, Error> {
        self.lock().machines.get_mut(&id).map(ask).ok_or(Error::NotFound(id))
    }

    fn running<T>(&self, id: MachineId, ask: impl FnOnce(&mut Simulated) -> T) -> Result<T, Error> {
        self.with(id, |simulated| (simulated.state == State::Running).then(|| ask(simulated)))?
            .ok_or(Error::NotRunning(id))
    }

    fn tell(&self, machine: MachineId, what: What) {
        // Nobody listening is no error.
        drop(self.events.send(Event { machine, what }));
    }

    fn stop(&self, simulated: &mut Simulated, ending: Ending) {
        simulated.state = State::Stopped(ending.clone());
        simulated.forwards.clear();
        simulated.changed.send_replace(());
        self.tell(simulated.machine.id, What::Stopped(ending));
    }

    fn boot(&self, simulated: &mut Simulated, script: Script) {
        let id = simulated.machine.id;
        simulated.write(b"[    0.000000] Linux version 6.1.0 (simulated)\r\n");
        match script {
            Script::Ready | Script::IgnoresShutdown => simulated.write(LATER),
            Script::Panic => {
                simulated.write(b"[    0.1] Kernel panic - not syncing: simulated\r\n");
                self.tell(id, What::Panicked);
            }
            Script::CrashAtBoot => self.stop(simulated, crashed("it was told to crash at its start")),
            Script::NeverReady | Script::Slow | Script::RefusesToStart => {}
        }
    }
}

/// What a guest writes after its kernel has started.
const LATER: &[u8] = b"EXT4-fs (vda1): mounted filesystem\r\nGALLERIST SEED source=none\r\n\
    GALLERIST NETWORK address=10.0.2.15\r\nGALLERIST READY version=1.0.0\r\n";

fn crashed(detail: &str) -> Ending {
    Ending::Crashed { detail: detail.to_owned() }
}

impl Simulated {
    fn write(&mut self, bytes: &[u8]) {
        self.log.push(bytes);
        self.changed.send_replace(());
    }
}

impl Inner {
    fn usage(&self) -> Usage {
        let memory_mib =
            self.machines.values().map(|simulated| u64::from(simulated.machine.memory_mib)).sum();
        Usage { memory_mib, machines: self.machines.len() as u64 }
    }

    /// The port asked for, or the first one that is free.
    fn port(&self, wanted: Option<u16>, also_taken: &[Forwarded]) -> Result<u16, Error> {
        let standing = self.machines.values().flat_map(|simulated| &simulated.forwards);
        let taken: Vec<u16> = standing.chain(also_taken).map(|forwarded| forwarded.host_port).collect();
        match wanted {
            Some(port) if taken.contains(&port) => Err(Error::PortTaken(port)),
            Some(port) => Ok(port),
            None => (FIRST_PORT..u16::MAX)
                .find(|port| !taken.contains(port))
                .ok_or_else(|| Error::Invalid("no port of the host is free".to_owned())),
        }
    }
}

#[async_trait]
impl Host for Simulator {
    async fn create(&self, machine: Machine) -> Result<(), Error> {
        machine.check()?;
        let mut inner = self.lock();
        if let Some(standing) = inner.machines.get(&machine.id) {
            return if standing.machine == machine { Ok(()) } else { Err(Error::Exists(machine.id)) };
        }
        self.capacity.take(inner.usage(), machine.memory_mib.into())?;
        let log = SerialLog::new(machine.serial_bytes, 0);
        let changed = watch::Sender::new(());
        let simulated = Simulated { state: State::Created, log, forwards: Vec::new(), changed, machine };
        inner.machines.insert(simulated.machine.id, simulated);
        Ok(())
    }

    async fn start(&self, id: MachineId) -> Result<(), Error> {
        let mut inner = self.lock();
        let script = inner.scripts.get(&id).copied().unwrap_or_default();
        let standing = inner.machines.get(&id).ok_or(Error::NotFound(id))?;
        if standing.state == State::Running {
            return Ok(());
        }
        if script == Script::RefusesToStart {
            let detail = "it was told to refuse its start".to_owned();
            return Err(Error::Failed { machine: id, detail });
        }
        let mut forwards = Vec::new();
        for (nic, interface) in standing.machine.nics.iter().enumerate() {
            for forward in &interface.forwards {
                let host_port = inner.port(forward.host_port, &forwards)?;
                forwards.push(Forwarded { nic, guest_port: forward.guest_port, host_port });
            }
        }
        let simulated = inner.machines.get_mut(&id).ok_or(Error::NotFound(id))?;
        simulated.forwards = forwards;
        simulated.state = State::Running;
        self.tell(id, What::Started);
        self.boot(simulated, script);
        Ok(())
    }

    async fn shutdown(&self, id: MachineId, _within: Duration) -> Result<Ending, Error> {
        let mut inner = self.lock();
        let script = inner.scripts.get(&id).copied().unwrap_or_default();
        let simulated = inner.machines.get_mut(&id).ok_or(Error::NotFound(id))?;
        match &simulated.state {
            State::Created => Ok(Ending::PoweredOff),
            State::Stopped(ending) => Ok(ending.clone()),
            State::Running => {
                let deaf = script != Script::Ready && script != Script::Slow;
                let ending = if deaf { Ending::PoweredOff } else { Ending::ShutDown };
                self.stop(simulated, ending.clone());
                Ok(ending)
            }
        }
    }

    async fn power_off(&self, id: MachineId) -> Result<(), Error> {
        self.with(id, |simulated| {
            if simulated.state == State::Running {
                self.stop(simulated, Ending::PoweredOff);
            }
        })
    }

    async fn restart(&self, id: MachineId) -> Result<(), Error> {
        let script = self.lock().scripts.get(&id).copied().unwrap_or_default();
        self.running(id, |simulated| {
            self.tell(id, What::Restarted);
            self.boot(simulated, script);
        })
    }

    async fn remove(&self, id: MachineId) -> Result<(), Error> {
        let mut inner = self.lock();
        inner.scripts.remove(&id);
        if let Some(mut simulated) = inner.machines.remove(&id)
            && simulated.state == State::Running
        {
            self.stop(&mut simulated, Ending::PoweredOff);
        }
        Ok(())
    }

    async fn attach(&self) -> Result<Vec<MachineId>, Error> {
        Ok(self.machines().await)
    }

    async fn machines(&self) -> Vec<MachineId> {
        self.lock().machines.keys().copied().collect()
    }

    async fn state(&self, id: MachineId) -> Result<State, Error> {
        self.with(id, |simulated| simulated.state.clone())
    }

    async fn serial(&self, id: MachineId, from: u64) -> Result<Serial, Error> {
        self.with(id, |simulated| simulated.log.read(from))
    }

    async fn serial_after(&self, id: MachineId, from: u64) -> Result<Serial, Error> {
        let mut changed = self.with(id, |simulated| simulated.changed.subscribe())?;
        loop {
            let (read, state) =
                self.with(id, |simulated| (simulated.log.read(from), simulated.state.clone()))?;
            if !read.bytes.is_empty() || state != State::Running || changed.changed().await.is_err() {
                return Ok(read);
            }
        }
    }

    async fn screenshot(&self, id: MachineId) -> Result<Screenshot, Error> {
        self.running(id, |_| Screenshot { png: BLACK_PIXEL.to_vec() })
    }

    async fn forwards(&self, id: MachineId) -> Result<Vec<Forwarded>, Error> {
        self.with(id, |simulated| simulated.forwards.clone())
    }

    async fn forward(&self, id: MachineId, nic: usize, forward: Forward) -> Result<Forwarded, Error> {
        let host_port = self.lock().port(forward.host_port, &[])?;
        self.running(id, |simulated| {
            let mut changed = simulated.machine.clone();
            let no_nic = || Error::Invalid(format!("the machine has no interface {nic}"));
            changed.nics.get_mut(nic).ok_or_else(no_nic)?.forwards.push(forward);
            changed.check()?;
            simulated.machine = changed;
            let forwarded = Forwarded { nic, guest_port: forward.guest_port, host_port };
            simulated.forwards.push(forwarded);
            Ok(forwarded)
        })?
    }

    async fn unforward(&self, id: MachineId, host_port: u16) -> Result<(), Error> {
        self.running(id, |simulated| {
            let Some(at) = simulated.forwards.iter().position(|one| one.host_port == host_port) else {
                return;
            };
            let gone = simulated.forwards.remove(at);
            if let Some(nic) = simulated.machine.nics.get_mut(gone.nic) {
                nic.forget(gone.guest_port, host_port);
            }
        })
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    fn capacity(&self) -> Capacity {
        self.capacity
    }

    async fn usage(&self) -> Usage {
        self.lock().usage()
    }
}
