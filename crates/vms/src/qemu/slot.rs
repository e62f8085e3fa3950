//! A machine of the host, as calls and its task share it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::folder::{ENDING, Folder, RUN, SerialFile};
use super::watch::Ask;
use crate::serial::SerialLog;
use crate::{Ending, Error, Event, Forwarded, Machine, MachineId, State, What};

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: MachineId,
    pub(super) folder: Folder,
    /// Held by whoever starts, stops or removes the machine.
    pub(super) turn: tokio::sync::Mutex<()>,
    pub(super) changed: watch::Sender<()>,
    events: broadcast::Sender<Event>,
    seen: Mutex<Seen>,
}

/// What is known of a machine.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) machine: Machine,
    pub(super) state: State,
    pub(super) log: SerialLog,
    pub(super) forwards: Vec<Forwarded>,
    /// The way to the process, while it runs.
    pub(super) asks: Option<mpsc::Sender<Ask>>,
    /// The power is being taken: that the process ends is no crash.
    pub(super) powering_off: bool,
}

impl Slot {
    pub(super) fn new(machine: Machine, folder: Folder, events: broadcast::Sender<Event>) -> Self {
        let log = SerialLog::new(machine.serial_bytes, 0);
        let id = machine.id;
        let (forwards, asks) = (Vec::new(), None);
        let seen = Seen { machine, state: State::Created, log, forwards, asks, powering_off: false };
        let turn = tokio::sync::Mutex::new(());
        Self { id, folder, turn, changed: watch::Sender::new(()), events, seen: Mutex::new(seen) }
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, what: What) {
        // Nobody listening is no error.
        drop(self.events.send(Event { machine: self.id, what }));
    }

    /// The serial port put something out.
    pub(super) fn wrote(&self, bytes: &[u8], file: &mut SerialFile) {
        if bytes.is_empty() {
            return;
        }
        let mut seen = self.seen();
        seen.log.push(bytes);
        if let Err(error) = file.append(bytes, &seen.log) {
            tracing::warn!(machine = %self.id, %error, "cannot keep the output of a serial port");
        }
        drop(seen);
        self.changed.send_replace(());
    }

    /// The process is gone, for this reason if one is known.
    pub(super) fn ended(&self, known: Option<Ending>) {
        let mut seen = self.seen();
        let ending = match known {
            Some(ending) => ending,
            None if seen.powering_off => Ending::PoweredOff,
            None => Ending::Crashed { detail: "its process ended by itself".to_owned() },
        };
        if let Err(error) = self.folder.write(ENDING, &ending) {
            tracing::warn!(machine = %self.id, %error, "cannot note how a machine ended");
        }
        self.folder.forget(RUN);
        seen.state = State::Stopped(ending.clone());
        seen.forwards.clear();
        seen.asks = None;
        seen.powering_off = false;
        drop(seen);
        self.changed.send_replace(());
        self.tell(What::Stopped(ending));
    }

    /// Waits until the process is gone.
    pub(super) async fn stopped(&self) {
        let mut changed = self.changed.subscribe();
        while self.seen().state == State::Running {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Asks the process; `Ok(Err(..))` are its own words.
    pub(super) async fn ask(
        &self,
        command: &'static str,
        arguments: Value,
    ) -> Result<Result<Value, String>, Error> {
        let asks = self.seen().asks.clone().ok_or(Error::NotRunning(self.id))?;
        let (answer, answered) = oneshot::channel();
        let gone = || Error::NotRunning(self.id);
        asks.send(Ask { command, arguments, answer }).await.map_err(|_gone| gone())?;
        answered.await.map_err(|_gone| gone())
    }
}
