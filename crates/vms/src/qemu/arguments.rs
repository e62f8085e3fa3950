//! The command line of QEMU for a machine.
//!
//! Paths go in as JSON, so no comma in one begins another option. Everything else is a number or a word of ours. Sockets
//! and files of the machine's own folder are named relative to it: QEMU starts there.

#[cfg(test)]
mod tests;

use std::path::Path;

use serde_json::{Value, json};

use super::Firmware;
use crate::{Disk, DiskFormat, Generation, Machine, Security, Source};

/// What QEMU may not do once it runs: take rights, start programs, change its scheduling.
const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";
/// What is kept of the serial port between two reads; a power of two.
const RING_BYTES: u32 = 1 << 20;

/// How instructions are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accelerator {
    Kvm,
    Tcg,
}

/// The arguments; the machine comes up paused.
pub(super) fn arguments(machine: &Machine, firmware: &Firmware, accelerator: Accelerator) -> Vec<String> {
    let mut list = List(Vec::new());
    basics(&mut list, machine, accelerator);
    if machine.generation == Generation::V2 {
        uefi(&mut list, machine, firmware);
    }
    disks(&mut list, machine);
    for (index, nic) in machine.nics.iter().enumerate() {
        // The guest reaches nothing; what the host forwards to it is added once it runs.
        list.add("-netdev", format!("user,id=net{index},restrict=on"));
        let mac = nic.mac.map(|byte| format!("{byte:02x}")).join(":");
        list.add("-device", format!("virtio-net-pci,netdev=net{index},mac={mac},romfile="));
    }
    list.0
}

struct List(Vec<String>);

impl List {
    fn add(&mut self, option: &str, value: impl Into<String>) {
        self.0.push(option.to_owned());
        self.0.push(value.into());
    }

    fn json(&mut self, option: &str, value: &Value) {
        self.add(option, value.to_string());
    }
}

fn basics(list: &mut List, machine: &Machine, accelerator: Accelerator) {
    let (accelerator, processor) = match accelerator {
        Accelerator::Kvm => ("kvm", "host"),
        Accelerator::Tcg => ("tcg", "max"),
    };
    list.0.extend(["-nodefaults", "-no-user-config", "-S"].map(str::to_owned));
    list.add("-sandbox", SANDBOX);
    list.add("-uuid", machine.id.to_string());
    list.add("-accel", accelerator);
    list.add("-cpu", processor);
    list.add("-smp", machine.cpus.to_string());
    list.add("-m", format!("{}M", machine.memory_mib));
    let kind = match (machine.generation, secure_boot(machine)) {
        (Generation::V1, _) => "pc",
        (Generation::V2, false) => "q35",
        (Generation::V2, true) => "q35,smm=on",
    };
    list.add("-machine", kind);
    // A guest that shuts down leaves the process paused, so that the last of its words are read.
    list.add("-action", "reboot=reset,shutdown=pause,panic=none");
    list.add("-display", "none");
    list.add("-device", "VGA");
    list.add("-device", "virtio-rng-pci");
    list.add("-device", "pvpanic");
    list.add("-chardev", "socket,id=control,path=control.sock,server=on,wait=off");
    list.add("-mon", "chardev=control,mode=control");
    list.add("-chardev", format!("ringbuf,id=serial,size={RING_BYTES}"));
    list.add("-serial", "chardev:serial");
}

fn secure_boot(machine: &Machine) -> bool {
    matches!(machine.security, Security::TrustedLaunch { secure_boot: true, .. })
}

fn uefi(list: &mut List, machine: &Machine, firmware: &Firmware) {
    let secure = secure_boot(machine);
    let code = if secure { &firmware.secure_code } else { &firmware.code };
    flash(list, 0, code, true);
    flash(list, 1, Path::new(VARIABLES), false);
    if secure {
        list.add("-global", "driver=cfi.pflash01,property=secure,value=on");
    }
    if let Security::TrustedLaunch { vtpm: true, .. } = machine.security {
        list.add("-chardev", "socket,id=tpm,path=tpm.sock");
        list.add("-tpmdev", "emulator,id=tpm,chardev=tpm");
        list.add("-device", "tpm-crb,tpmdev=tpm");
    }
}

/// The machine's own copy of the firmware's variables.
pub(super) const VARIABLES: &str = "variables.fd";

fn flash(list: &mut List, unit: u8, path: &Path, read_only: bool) {
    let node = format!("flash{unit}");
    list.json("-blockdev", &raw_file(&node, path, read_only));
    list.add("-machine", format!("pflash{unit}={node}"));
}

fn disks(list: &mut List, machine: &Machine) {
    list.add("-device", "virtio-scsi-pci,id=scsi");
    nodes(list, "os", &machine.os_disk);
    list.add("-device", "virtio-blk-pci,drive=os,bootindex=0");
    for data in &machine.data_disks {
        let node = format!("data{}", data.lun);
        nodes(list, &node, &data.disk);
        list.add("-device", format!("scsi-hd,bus=scsi.0,channel=0,scsi-id=1,lun={},drive={node}", data.lun));
    }
    if let Some(seed) = &machine.seed {
        list.json("-blockdev", &raw_file("seed", seed, true));
        list.add("-device", "virtio-blk-pci,drive=seed");
    }
}

fn raw_file(node: &str, path: &Path, read_only: bool) -> Value {
    json!({"driver": "raw", "node-name": node, "read-only": read_only,
        "file": {"driver": "file", "filename": path, "read-only": read_only}})
}

/// The graph of a disk; its top node has the given name.
fn nodes(list: &mut List, node: &str, disk: &Disk) {
    match disk {
        Disk::File { path, format: DiskFormat::Raw } => list.json("-blockdev", &raw_file(node, path, false)),
        Disk::File { path, format: DiskFormat::Qcow2 } => {
            list.json("-blockdev", &qcow2(node, path, false, None));
        }
        Disk::Overlay { source, path, .. } => {
            let below = format!("{node}-source");
            let under = match source {
                Source::File { path, format: DiskFormat::Raw } => raw_file(&below, path, true),
                Source::File { path, format: DiskFormat::Qcow2 } => qcow2(&below, path, true, None),
                Source::Nbd { socket, export } => {
                    json!({"driver": "nbd", "node-name": below, "read-only": true,
                    "server": {"type": "unix", "path": socket}, "export": export, "reconnect-delay": 30})
                }
            };
            list.json("-blockdev", &under);
            list.json("-blockdev", &qcow2(node, path, false, Some(&below)));
        }
    }
}

/// The backing file is the one named here or none, whatever the file itself says.
fn qcow2(node: &str, path: &Path, read_only: bool, backing: Option<&str>) -> Value {
    json!({"driver": "qcow2", "node-name": node, "read-only": read_only, "backing": backing,
        "file": {"driver": "file", "filename": path, "read-only": read_only}})
}
