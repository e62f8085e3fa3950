//! `fstab`: what a Linux root mounts, by fstab(5).

/// A line: what is mounted where, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// A tag like `UUID=…`, or the path of a device.
    pub(super) source: Vec<u8>,
    /// Where it is mounted.
    pub(super) point: Vec<u8>,
    kind: Vec<u8>,
    options: Vec<u8>,
}

/// Kinds that are not on a disk, or hold no files.
const NOT_ON_DISK: [&[u8]; 14] = [
    b"swap",
    b"proc",
    b"sysfs",
    b"tmpfs",
    b"devpts",
    b"devtmpfs",
    b"cgroup",
    b"cgroup2",
    b"debugfs",
    b"nfs",
    b"nfs4",
    b"cifs",
    b"overlay",
    b"none",
];

impl Line {
    /// Whether it mounts a file system that may be on this disk.
    pub(super) fn is_file_system(&self) -> bool {
        let is_bind =
            self.options.split(|byte| *byte == b',').any(|option| option == b"bind" || option == b"rbind");
        let is_real = self.source.starts_with(b"/dev/") || self.source.contains(&b'=');
        self.point.starts_with(b"/") && is_real && !is_bind && !NOT_ON_DISK.contains(&self.kind.as_slice())
    }

    /// The value of the option `name`.
    pub(super) fn option(&self, name: &[u8]) -> Option<&[u8]> {
        self.options
            .split(|byte| *byte == b',')
            .find_map(|option| option.strip_prefix(name)?.strip_prefix(b"="))
    }
}

/// The lines that mount something.
pub(super) fn parse(text: &[u8]) -> Vec<Line> {
    text.split(|byte| *byte == b'\n').filter_map(line).collect()
}

fn line(line: &[u8]) -> Option<Line> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let source = words.next().filter(|word| !word.starts_with(b"#"))?;
    let (point, kind) = (words.next()?, words.next()?);
    let options = words.next().unwrap_or_default();
    Some(Line {
        source: unescape(source),
        point: unescape(point),
        kind: unescape(kind),
        options: unescape(options),
    })
}

/// `\040` and its like stand for white space.
fn unescape(word: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((first, after)) = rest.split_first() {
        match (first, after) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..]) => {
                plain.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = tail;
            }
            _ => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

/// Whether the path of a device is that of a logical volume: `/dev/group/name`, or `/dev/mapper/group-name`, where a dash
/// in either is doubled.
pub(super) fn names_logical(device: &str, group: &str, name: &str) -> bool {
    let doubled = |text: &str| text.replace('-', "--");
    device == format!("/dev/{group}/{name}")
        || device == format!("/dev/mapper/{}-{}", doubled(group), doubled(name))
}

/// The number in the path of a partition of the first disk: `/dev/sda1`, `/dev/nvme0n1p1`, `…-part1`.
pub(super) fn partition_number(device: &str) -> Option<u32> {
    let first = ["/dev/sda", "/dev/vda", "/dev/xvda", "/dev/hda", "/dev/nvme0n1p", "/dev/mmcblk0p"];
    let number = first.iter().find_map(|disk| device.strip_prefix(disk)).or_else(|| {
        device.starts_with("/dev/disk/").then(|| device.rsplit_once("-part"))?.map(|(_, number)| number)
    })?;
    number.parse().ok()
}
