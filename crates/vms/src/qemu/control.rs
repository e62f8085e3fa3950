//! QEMU's control protocol, as far as it is needed: one JSON object a line, answers in the order of commands.
//!
//! A line is bounded; what is no JSON object ends the connection.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// The longest line: a full read of the serial port's ring is about 1.4 MiB.
const MAX_LINE_BYTES: usize = 4 << 20;

/// A connection to a running QEMU.
#[derive(Debug)]
pub(super) struct Control {
    stream: UnixStream,
    read: Vec<u8>,
    /// Up to where there is no end of a line in what was read.
    looked: usize,
}

/// What QEMU says.
#[derive(Debug)]
pub(super) enum Message {
    /// The answer to the earliest command that has none yet.
    Answer(Result<Value, String>),
    /// Something happened.
    Event { name: String, data: Value },
}

impl Control {
    /// Connects and agrees on the protocol; nothing else was asked then.
    pub(super) async fn connect(socket: &Path) -> io::Result<Self> {
        let mut control = Self { stream: UnixStream::connect(socket).await?, read: Vec::new(), looked: 0 };
        let greeting = control.line().await?;
        if !greeting.contains_key("QMP") {
            return Err(broken("no greeting"));
        }
        control.ask("qmp_capabilities", &Value::Null).await.map_err(io::Error::from)?;
        Ok(control)
    }

    /// Sends a command; its answer is one of the next messages.
    pub(super) async fn send(&mut self, command: &str, arguments: &Value) -> io::Result<()> {
        let mut line = if arguments.is_null() {
            json!({"execute": command})
        } else {
            json!({"execute": command, "arguments": arguments})
        }
        .to_string();
        line.push('\n');
        self.stream.write_all(line.as_bytes()).await
    }

    /// Sends a command and waits for its answer; events on the way are lost, so only before there are listeners.
    pub(super) async fn ask(&mut self, command: &str, arguments: &Value) -> Result<Value, Refused> {
        self.send(command, arguments).await.map_err(Refused::Broken)?;
        loop {
            if let Message::Answer(answer) = self.next().await.map_err(Refused::Broken)? {
                return answer.map_err(Refused::Answer);
            }
        }
    }

    /// The next message. May be dropped while it waits, nothing is lost then.
    pub(super) async fn next(&mut self) -> io::Result<Message> {
        let mut line = self.line().await?;
        if let Some(answer) = line.get_mut("return") {
            return Ok(Message::Answer(Ok(answer.take())));
        }
        if let Some(error) = line.get("error") {
            let text = error.get("desc").and_then(Value::as_str).unwrap_or("no reason given");
            return Ok(Message::Answer(Err(text.to_owned())));
        }
        let name =
            line.get("event").and_then(Value::as_str).ok_or_else(|| broken("neither answer nor event"))?;
        let name = name.to_owned();
        Ok(Message::Event { name, data: line.remove("data").unwrap_or_default() })
    }

    async fn line(&mut self) -> io::Result<BTreeMap<String, Value>> {
        loop {
            if let Some(at) = self.read[self.looked..].iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=self.looked + at).collect();
                self.looked = 0;
                return serde_json::from_slice(&line).map_err(|_source| broken("a line that is no object"));
            }
            self.looked = self.read.len();
            if self.read.len() > MAX_LINE_BYTES {
                return Err(broken("a line without end"));
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Why a command has no good answer.
#[derive(Debug)]
pub(super) enum Refused {
    /// QEMU's own words.
    Answer(String),
    /// The connection ended.
    Broken(io::Error),
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Answer(text) => Self::other(text),
            Refused::Broken(source) => source,
        }
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the control connection sent {what}"))
}
