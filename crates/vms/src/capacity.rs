//! How much a host gives to machines, and the refusal when it has given all.
//!
//! What counts is what exists: a machine holds its share from creation to removal, so a start is never refused.

use std::fmt;

/// What a host gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Memory of all machines together.
    pub memory_mib: u64,
    /// Machines.
    pub machines: u64,
}

/// What is taken of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Memory of all machines together.
    pub memory_mib: u64,
    /// Machines.
    pub machines: u64,
}

/// What there is too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scarce {
    /// Memory, in MiB.
    Memory,
    /// Machines, by number.
    Machines,
}

/// The refusal of a full host: what was asked for, and what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted {
    /// Of what.
    pub scarce: Scarce,
    /// How much was asked for.
    pub wanted: u64,
    /// How much is free.
    pub free: u64,
    /// How much there is in all.
    pub limit: u64,
}

impl Capacity {
    /// What is taken after a machine of so much memory is made; refuses what there is no room for.
    pub fn take(&self, used: Usage, memory_mib: u64) -> Result<Usage, Exhausted> {
        let refuse = |scarce, wanted, limit: u64, used: u64| Exhausted {
            scarce,
            wanted,
            free: limit.saturating_sub(used),
            limit,
        };
        let machines = used.machines.saturating_add(1);
        if machines > self.machines {
            return Err(refuse(Scarce::Machines, 1, self.machines, used.machines));
        }
        let memory = used.memory_mib.saturating_add(memory_mib);
        if memory > self.memory_mib {
            return Err(refuse(Scarce::Memory, memory_mib, self.memory_mib, used.memory_mib));
        }
        Ok(Usage { memory_mib: memory, machines })
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scarce, wanted, free, limit } = self;
        match scarce {
            Scarce::Memory => {
                write!(
                    f,
                    "the machine wants {wanted} MiB of memory, and of the host's {limit} MiB {free} MiB are free"
                )?;
            }
            Scarce::Machines => {
                write!(f, "the host runs at most {limit} machines, and {free} more have room")?;
            }
        }
        f.write_str("; delete machines, choose a smaller size, or raise the host's limit")
    }
}

impl std::error::Error for Exhausted {}
