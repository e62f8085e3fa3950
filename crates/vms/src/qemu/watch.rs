//! The task beside each running machine: passes commands to its process, reads its serial port, notes its end.
//!
//! It alone speaks on the control connection. When the process is gone it writes down how that came, and is done.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::control::{Control, Message};
use super::folder::SerialFile;
use super::process::Process;
use super::slot::Slot;
use crate::{Ending, What};

/// How often the serial port is read.
const READ_EVERY: Duration = Duration::from_millis(200);
/// How much is read of it at once; a full read is followed by the next at once.
const READ_BYTES: usize = 512 << 10;
/// How long a process may take to end after it was told to, before it is killed.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A command for the process, and who waits for the answer.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) command: &'static str,
    pub(super) arguments: Value,
    pub(super) answer: oneshot::Sender<Result<Value, String>>,
}

/// Whose answer comes next.
enum Awaited {
    Serial,
    Asked(oneshot::Sender<Result<Value, String>>),
    Nobody,
}

pub(super) struct Watch {
    pub(super) slot: Arc<Slot>,
    pub(super) control: Control,
    pub(super) process: Process,
    pub(super) serial: SerialFile,
    pub(super) asks: mpsc::Receiver<Ask>,
    awaited: VecDeque<Awaited>,
    /// The guest has shut down; the process goes once its last words are read.
    shut_down: bool,
}

impl Watch {
    pub(super) fn new(
        slot: Arc<Slot>,
        control: Control,
        process: Process,
        serial: SerialFile,
        asks: mpsc::Receiver<Ask>,
        shut_down: bool,
    ) -> Self {
        Self { slot, control, process, serial, asks, awaited: VecDeque::new(), shut_down }
    }

    /// Runs until the process is gone.
    pub(super) async fn run(mut self) {
        match self.attend().await {
            // Let go of: the machine is another's from here on.
            Ok(()) => return,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => {
                tracing::warn!(machine = %self.slot.id, %error, "lost the control connection of a machine");
            }
        }
        if timeout(LAST_WORDS, self.process.ended()).await.is_err() {
            self.process.kill();
            self.process.ended().await;
        }
        let ending = if self.shut_down { Some(Ending::ShutDown) } else { None };
        self.slot.ended(ending);
    }

    async fn attend(&mut self) -> io::Result<()> {
        let mut ticks = interval(READ_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = self.control.next() => self.hear(message?).await?,
                ask = self.asks.recv() => {
                    let Some(ask) = ask else { return Ok(()) };
                    self.send(ask.command, &ask.arguments, Awaited::Asked(ask.answer)).await?;
                }
                _ = ticks.tick() => self.read_serial().await?,
            }
        }
    }

    async fn send(&mut self, command: &str, arguments: &Value, awaited: Awaited) -> io::Result<()> {
        self.control.send(command, arguments).await?;
        self.awaited.push_back(awaited);
        Ok(())
    }

    async fn read_serial(&mut self) -> io::Result<()> {
        if self.awaited.iter().any(|awaited| matches!(awaited, Awaited::Serial)) {
            return Ok(());
        }
        let arguments = json!({"device": "serial", "size": READ_BYTES, "format": "base64"});
        self.send("ringbuf-read", &arguments, Awaited::Serial).await
    }

    async fn hear(&mut self, message: Message) -> io::Result<()> {
        match message {
            Message::Answer(answer) => match self.awaited.pop_front() {
                Some(Awaited::Serial) => self.hear_serial(answer).await,
                Some(Awaited::Asked(asker)) => {
                    // Who asked may have gone.
                    drop(asker.send(answer));
                    Ok(())
                }
                Some(Awaited::Nobody) | None => Ok(()),
            },
            Message::Event { name, data } => self.hear_event(&name, &data).await,
        }
    }

    async fn hear_serial(&mut self, answer: Result<Value, String>) -> io::Result<()> {
        let text = answer.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
        let bytes = STANDARD.decode(text).map_err(io::Error::other)?;
        self.slot.wrote(&bytes, &mut self.serial);
        if bytes.len() == READ_BYTES {
            return self.read_serial().await;
        }
        if self.shut_down && bytes.is_empty() {
            return self.send("quit", &Value::Null, Awaited::Nobody).await;
        }
        Ok(())
    }

    async fn hear_event(&mut self, name: &str, data: &Value) -> io::Result<()> {
        match name {
            "SHUTDOWN" if data["guest"] == true => {
                self.shut_down = true;
                self.read_serial().await
            }
            "RESET" => {
                self.slot.tell(What::Restarted);
                Ok(())
            }
            "GUEST_PANICKED" => {
                self.slot.tell(What::Panicked);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
