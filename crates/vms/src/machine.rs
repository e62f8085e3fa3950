//! What a machine is made of, as data.
//!
//! A specification that [`Machine::check`] let through can be started: names are numbers of ours, sizes are in bounds,
//! and nothing in it is text that a user wrote.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Error;

/// The most data disks of one machine; logical units are numbered below it.
pub const MAX_DATA_DISKS: u8 = 64;
/// The most network interfaces of one machine.
const MAX_NICS: usize = 8;
/// The most forwarded ports of one machine.
const MAX_FORWARDS: usize = 64;
/// The most processors of one machine.
const MAX_CPUS: u16 = 64;
/// Less memory than this starts no firmware; more is a slip of the pen.
const MEMORY_MIB: std::ops::RangeInclusive<u32> = 64..=1_048_576;
/// What is kept of the serial port: enough for a boot, little enough to lie about.
const SERIAL_BYTES: std::ops::RangeInclusive<u64> = 4096..=67_108_864;

/// The identity of a machine: the host's name for it, and what the guest reads as its SMBIOS UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MachineId(Uuid);

impl MachineId {
    /// The machine with this UUID (Azure's `vmId`).
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// As the guest sees it.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for MachineId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let uuid = Uuid::try_parse(text).ok().filter(|uuid| uuid.as_hyphenated().to_string() == text);
        uuid.map(Self)
            .ok_or_else(|| Error::Invalid(format!("{text:?} is not a machine: want a lower-case UUID")))
    }
}

/// A machine to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Who it is.
    pub id: MachineId,
    /// What processor it has.
    pub architecture: Architecture,
    /// What firmware it has.
    pub generation: Generation,
    /// How it guards its start.
    pub security: Security,
    /// Processors.
    pub cpus: u16,
    /// Memory.
    pub memory_mib: u32,
    /// What it starts from.
    pub os_disk: Disk,
    /// Further disks, each at a logical unit of its own.
    pub data_disks: Vec<DataDisk>,
    /// A small raw disk with what the guest is to become; read only.
    pub seed: Option<PathBuf>,
    /// Network interfaces, the first is the primary one. A guest reaches no host through them.
    pub nics: Vec<Nic>,
    /// How much of the serial port's output is kept.
    pub serial_bytes: u64,
}

/// The processor's instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Architecture {
    /// 64-bit x86.
    X64,
    /// 64-bit Arm; second generation only.
    Arm64,
}

/// Azure's generation of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Generation {
    /// BIOS.
    V1,
    /// UEFI.
    V2,
}

/// Azure's security type of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Security {
    /// Nothing is verified.
    Standard,
    /// Trusted Launch, second generation only.
    TrustedLaunch {
        /// The firmware starts signed loaders only.
        secure_boot: bool,
        /// There is a TPM, which keeps its state over restarts.
        vtpm: bool,
    },
}

/// A disk as the host finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Disk {
    /// A file that the machine writes to.
    File {
        /// Where it is.
        path: PathBuf,
        /// What is in it; never guessed, so that a guest cannot change it by writing a header.
        format: DiskFormat,
    },
    /// A source that stays as it is, and a qcow2 file that holds what the machine writes; made on creation if absent.
    Overlay {
        /// What is read where nothing was written.
        source: Source,
        /// The file with what was written.
        path: PathBuf,
        /// The size that the machine sees; at least that of the source.
        bytes: u64,
    },
}

/// How the bytes of a disk lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiskFormat {
    /// As the machine sees them.
    Raw,
    /// QEMU's format; what it names as its backing file is not opened.
    Qcow2,
}

/// What an overlay lies over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A file.
    File {
        /// Where it is.
        path: PathBuf,
        /// What is in it.
        format: DiskFormat,
    },
    /// A network block device, raw.
    Nbd {
        /// The Unix socket that serves it.
        socket: PathBuf,
        /// The name it is served under.
        export: String,
    },
}

/// A disk at a logical unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataDisk {
    /// The logical unit, below [`MAX_DATA_DISKS`].
    pub lun: u8,
    /// The disk.
    pub disk: Disk,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// Its address on the link: unicast.
    pub mac: [u8; 6],
    /// Ports of the guest that the host's loopback address leads to.
    pub forwards: Vec<Forward>,
}

/// A TCP port of the guest that can be reached from the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// The port in the guest.
    pub guest_port: u16,
    /// The port on 127.0.0.1; the host chooses one if there is none.
    pub host_port: Option<u16>,
}

impl Nic {
    /// Takes a forward out of the specification: the one that asked for this port, else one that left it to the host.
    pub(crate) fn forget(&mut self, guest_port: u16, host_port: u16) {
        let named = |wanted: Option<u16>| {
            move |one: &Forward| one.guest_port == guest_port && one.host_port == wanted
        };
        let at = self.forwards.iter().position(named(Some(host_port)));
        if let Some(at) = at.or_else(|| self.forwards.iter().position(named(None))) {
            self.forwards.remove(at);
        }
    }
}

impl Machine {
    /// Refuses what no host could run.
    pub fn check(&self) -> Result<(), Error> {
        self.check_size()?;
        self.check_firmware()?;
        self.check_disks()?;
        self.check_nics()
    }

    fn check_size(&self) -> Result<(), Error> {
        ensure((1..=MAX_CPUS).contains(&self.cpus), || {
            format!("{} processors: want 1 to {MAX_CPUS}", self.cpus)
        })?;
        ensure(MEMORY_MIB.contains(&self.memory_mib), || {
            format!("{} MiB of memory: want {} to {}", self.memory_mib, MEMORY_MIB.start(), MEMORY_MIB.end())
        })?;
        ensure(SERIAL_BYTES.contains(&self.serial_bytes), || {
            let (least, most) = (SERIAL_BYTES.start(), SERIAL_BYTES.end());
            format!("a serial log of {} bytes: want {least} to {most}", self.serial_bytes)
        })
    }

    fn check_firmware(&self) -> Result<(), Error> {
        let first = self.generation == Generation::V1;
        ensure(!(first && self.architecture == Architecture::Arm64), || {
            "an Arm64 machine of generation 1: there is only generation 2".to_owned()
        })?;
        ensure(!(first && self.security != Security::Standard), || {
            "Trusted Launch in a machine of generation 1: it needs generation 2".to_owned()
        })
    }

    fn check_disks(&self) -> Result<(), Error> {
        let mut seen = Vec::new();
        for DataDisk { lun, .. } in &self.data_disks {
            ensure(*lun < MAX_DATA_DISKS, || format!("logical unit {lun}: want one below {MAX_DATA_DISKS}"))?;
            ensure(!seen.contains(lun), || format!("two disks at logical unit {lun}"))?;
            seen.push(*lun);
        }
        let disks = self.data_disks.iter().map(|data| &data.disk);
        for disk in disks.chain([&self.os_disk]) {
            if let Disk::Overlay { bytes, .. } = disk {
                ensure(*bytes > 0 && bytes.is_multiple_of(512), || {
                    format!("a disk of {bytes} bytes: want a multiple of 512 that is not 0")
                })?;
            }
        }
        Ok(())
    }

    fn check_nics(&self) -> Result<(), Error> {
        ensure(self.nics.len() <= MAX_NICS, || format!("more than {MAX_NICS} network interfaces"))?;
        let mut ports = Vec::new();
        for (index, nic) in self.nics.iter().enumerate() {
            ensure(nic.mac[0] & 1 == 0, || {
                format!("interface {index}: a multicast address cannot be its own")
            })?;
            let earlier = &self.nics[..index];
            ensure(earlier.iter().all(|other| other.mac != nic.mac), || {
                format!("interface {index}: its address is that of an earlier one")
            })?;
            for forward in &nic.forwards {
                ensure(forward.guest_port != 0 && forward.host_port != Some(0), || {
                    format!("interface {index}: port 0 cannot be forwarded")
                })?;
                if let Some(port) = forward.host_port {
                    ensure(!ports.contains(&port), || format!("port {port} of the host is asked for twice"))?;
                    ports.push(port);
                }
            }
        }
        let count: usize = self.nics.iter().map(|nic| nic.forwards.len()).sum();
        ensure(count <= MAX_FORWARDS, || format!("{count} forwarded ports: want at most {MAX_FORWARDS}"))
    }
}

fn ensure(holds: bool, problem: impl FnOnce() -> String) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Invalid(problem())) }
}
