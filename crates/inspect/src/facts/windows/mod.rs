//! What a Windows tells of itself: its hives, and the state that set-up left it in.

pub(crate) mod hive;

use self::hive::Hive;
use super::agents::Agent;
use super::identity::Distribution;
use super::kernel::{Availability, Driver};
use super::state::{Signal, SignalKind};
use crate::guest::{Guest, lines};
use crate::text::plain;
use crate::tree::Error;

const SOFTWARE: &str = "/Windows/System32/config/SOFTWARE";
const SYSTEM: &str = "/Windows/System32/config/SYSTEM";
const STATE: &str = "/Windows/Setup/State/State.ini";

/// Which Windows it is.
pub(super) fn identity(guest: &Guest<'_>) -> Result<Distribution, Error> {
    let mut found =
        Distribution { id: "windows".to_owned(), name: "Windows".to_owned(), ..Distribution::default() };
    let Some(hive) = Hive::open(guest, SOFTWARE)? else { return Ok(found) };
    let path = ["Microsoft", "Windows NT", "CurrentVersion"];
    let build = match hive.text(&path, "CurrentBuild")? {
        Some(build) => build,
        None => hive.text(&path, "CurrentBuildNumber")?.unwrap_or_default(),
    };
    found.version = match hive.number(&path, "UBR")? {
        Some(update) => format!("{build}.{update}"),
        None => build,
    };
    if let Some(name) = hive.text(&path, "ProductName")? {
        found.name = name;
    }
    found.variant = hive.text(&path, "EditionID")?.unwrap_or_default();
    Ok(found)
}

/// What Windows says of its state: in the registry, or in the file that set-up writes beside it; and where.
pub(crate) fn image_state(guest: &Guest<'_>) -> Result<Option<(String, &'static str)>, Error> {
    let path = ["Microsoft", "Windows", "CurrentVersion", "Setup", "State"];
    if let Some(hive) = Hive::open(guest, SOFTWARE)?
        && let Some(state) = hive.text(&path, "ImageState")?
    {
        return Ok(Some((state, SOFTWARE)));
    }
    Ok(state_file(guest)?.map(|state| (state, STATE)))
}

/// What `State.ini` says.
pub(crate) fn state_file(guest: &Guest<'_>) -> Result<Option<String>, Error> {
    let Some(path) = guest.spelled(STATE)? else { return Ok(None) };
    // Windows writes the file in UTF-16 or in ASCII.
    let text: Vec<u8> =
        guest.file(&path)?.unwrap_or_default().into_iter().filter(|byte| *byte != 0).collect();
    let state = lines(&text).find_map(|line| {
        let (name, value) = line.split_at_checked(line.iter().position(|byte| *byte == b'=')?)?;
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        name.trim_ascii().eq_ignore_ascii_case(b"ImageState").then(|| plain(value))
    });
    Ok(state)
}

/// What there is of an identity; `None` when the state cannot be told.
pub(super) fn signals(guest: &Guest<'_>) -> Result<Option<Vec<Signal>>, Error> {
    let Some((state, path)) = image_state(guest)? else { return Ok(None) };
    let is_general = state.starts_with("IMAGE_STATE_GENERALIZE_RESEAL_TO_");
    let signal = Signal { kind: SignalKind::WindowsComplete, path: path.to_owned() };
    Ok(Some(if is_general { Vec::new() } else { vec![signal] }))
}

/// Services that matter to a virtual machine: as what they are told, and as which agent.
const DRIVERS: &[(&str, &str)] = &[
    ("vmbus", "hv_vmbus"),
    ("storvsc", "hv_storvsc"),
    ("netvsc", "hv_netvsc"),
    ("stornvme", "nvme"),
    ("viostor", "virtio_blk"),
    ("vioscsi", "virtio_scsi"),
    ("netkvm", "virtio_net"),
];
const AGENTS: &[(&str, &str, bool)] = &[
    ("WindowsAzureGuestAgent", "Azure VM agent", false),
    ("cloudbase-init", "cloudbase-init", true),
    ("QEMU-GA", "qemu-guest-agent", false),
    ("VMTools", "open-vm-tools", false),
];

/// Drivers and agents that are installed as services.
pub(super) fn services(guest: &Guest<'_>) -> Result<(Vec<Driver>, Vec<Agent>), Error> {
    let Some(hive) = Hive::open(guest, SYSTEM)? else { return Ok((Vec::new(), Vec::new())) };
    let current = hive.number(&["Select"], "Current")?.unwrap_or(1);
    let set = format!("ControlSet{current:03}");
    let start = |service: &str| hive.number(&[&set, "Services", service], "Start");
    let (mut drivers, mut agents) = (Vec::new(), Vec::new());
    for (service, name) in DRIVERS {
        // 0 is started by the loader, 4 is off.
        let availability = match start(service)? {
            Some(0) => Availability::BuiltIn,
            Some(1..=3) => Availability::Module,
            _ => Availability::Missing,
        };
        drivers.push(Driver { name: (*name).to_owned(), availability });
    }
    for (service, name, provisions) in AGENTS {
        if let Some(start) = start(service)? {
            let switched_off_by = (start == 4).then(|| format!("the service {service}"));
            agents.push(Agent {
                name: (*name).to_owned(),
                version: String::new(),
                provisions: *provisions,
                enabled: start < 4,
                switched_off_by,
            });
        }
    }
    if drivers.iter().all(|driver| driver.availability == Availability::Missing) {
        // A hive without any of them tells nothing: it is a skeleton.
        drivers.clear();
    }
    Ok((drivers, agents))
}
