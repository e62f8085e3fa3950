//! What the system mounts and swaps to: `fstab`.

use serde::{Deserialize, Serialize};

use crate::guest::{Guest, settings};
use crate::text::plain;
use crate::tree::Error;

/// Lines that are told.
const MOST_LINES: usize = 1000;

/// A line of `fstab` (fstab(5)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FstabLine {
    /// What is mounted: `UUID=…`, a device, a share.
    pub source: String,
    /// Where; `none` or `swap` for swap space.
    pub point: String,
    /// As what.
    pub kind: String,
    /// How; a password among the options is left out.
    pub options: Vec<String>,
}

impl FstabLine {
    /// Whether it is swap space.
    #[must_use]
    pub fn is_swap(&self) -> bool {
        self.kind == "swap"
    }

    /// Whether boot goes on without it.
    #[must_use]
    pub fn may_fail(&self) -> bool {
        self.options.iter().any(|option| matches!(option.as_str(), "nofail" | "noauto" | "_netdev"))
            || self.options.iter().any(|option| option.starts_with("x-systemd.automount"))
    }

    /// Whether the source is a device whose name depends on the order in which disks are found.
    #[must_use]
    pub fn is_unstable(&self) -> bool {
        is_unstable(&self.source)
    }
}

/// Whether `device` is called by the order in which disks are found.
pub(crate) fn is_unstable(device: &str) -> bool {
    ["/dev/sd", "/dev/vd", "/dev/xvd", "/dev/hd", "/dev/nvme"].iter().any(|start| device.starts_with(start))
}

pub(super) fn read(guest: &Guest<'_>) -> Result<Vec<FstabLine>, Error> {
    let Some(text) = guest.file("/etc/fstab")? else { return Ok(Vec::new()) };
    let line = |line: &[u8]| {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(plain);
        let (source, point, kind) = (words.next()?, words.next()?, words.next()?);
        let options = words.next().unwrap_or_default();
        let options = options.split(',').filter(|option| !option.is_empty()).map(public);
        Some(FstabLine { source, point, kind, options: options.collect() })
    };
    Ok(settings(&text).take(MOST_LINES).filter_map(line).collect())
}

/// An option without the password it may hold.
fn public(option: &str) -> String {
    match option.split_once('=') {
        Some((name, _)) if name.starts_with("pass") => format!("{name}=(left out)"),
        _ => option.to_owned(),
    }
}
