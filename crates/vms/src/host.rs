//! What runs machines.
//!
//! Every call may be made again after it was cut short: making what is made, starting what runs, stopping what is
//! stopped and removing what is gone all succeed. A machine outlives the value that started it: [`Host::attach`] finds
//! again what runs. What became of a machine is told by [`Host::state`]; events only say when to look.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::{Capacity, Ending, Error, Event, Forward, Machine, MachineId, Serial, State, Usage};

/// What runs machines.
#[async_trait]
pub trait Host: Send + Sync + std::fmt::Debug {
    /// Makes a machine, stopped; takes its share of the capacity. It is kept until it is removed.
    async fn create(&self, machine: Machine) -> Result<(), Error>;

    /// Lets a machine run; answers once it has a process, long before its guest is ready.
    async fn start(&self, id: MachineId) -> Result<(), Error>;

    /// Asks the guest to shut down as if the power button was pressed, and takes the power when the time is over.
    async fn shutdown(&self, id: MachineId, within: Duration) -> Result<Ending, Error>;

    /// Takes the power, at once.
    async fn power_off(&self, id: MachineId) -> Result<(), Error>;

    /// Resets a running machine: it starts again from its firmware.
    async fn restart(&self, id: MachineId) -> Result<(), Error>;

    /// Stops a machine and forgets it. Its disks stay: they are the caller's.
    async fn remove(&self, id: MachineId) -> Result<(), Error>;

    /// Takes over the machines that an earlier value of this host has made; answers which those are.
    async fn attach(&self) -> Result<Vec<MachineId>, Error>;

    /// The machines of this host, in order.
    async fn machines(&self) -> Vec<MachineId>;

    /// What a machine is doing.
    async fn state(&self, id: MachineId) -> Result<State, Error>;

    /// What the serial port put out from this offset on, at most 1 MiB at once; starts later if that is no longer kept.
    async fn serial(&self, id: MachineId, from: u64) -> Result<Serial, Error>;

    /// As [`Host::serial`], but waits until there is something, or the machine runs no longer.
    async fn serial_after(&self, id: MachineId, from: u64) -> Result<Serial, Error>;

    /// What the screen shows.
    async fn screenshot(&self, id: MachineId) -> Result<Screenshot, Error>;

    /// The forwards of a machine with the ports that the host chose; none while it is stopped.
    async fn forwards(&self, id: MachineId) -> Result<Vec<Forwarded>, Error>;

    /// Adds a forward to an interface of a running machine, and to its specification.
    async fn forward(&self, id: MachineId, nic: usize, forward: Forward) -> Result<Forwarded, Error>;

    /// Takes back a forward, by the port on the host.
    async fn unforward(&self, id: MachineId, host_port: u16) -> Result<(), Error>;

    /// What happens from now on. Who lags behind misses events, and learns that.
    fn events(&self) -> broadcast::Receiver<Event>;

    /// What this host gives to machines.
    fn capacity(&self) -> Capacity;

    /// What is taken of it.
    async fn usage(&self) -> Usage;
}

/// A forward that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forwarded {
    /// The interface, counted from 0.
    pub nic: usize,
    /// The port in the guest.
    pub guest_port: u16,
    /// The port on 127.0.0.1.
    pub host_port: u16,
}

/// A picture of a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screenshot {
    /// As PNG.
    pub png: Vec<u8>,
}
