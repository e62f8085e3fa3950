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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("UUID=1 / ext4 defaults 0 1", true)]
    #[case("  /dev/sda1\t/boot\text4", true)]
    #[case("PARTLABEL=efi /efi vfat", true)]
    #[case("/dev/sda2 none swap sw 0 0", false)]
    #[case("proc /proc proc defaults 0 0", false)]
    #[case("server:/share /mnt nfs defaults", false)]
    #[case("/dev/sda1 /copy none bind 0 0", false)]
    #[case("/dev/sda1 /copy ext4 ro,rbind", false)]
    fn lines_that_mount_a_file_system_are_told_from_others(#[case] text: &str, #[case] is_one: bool) {
        let [line] = parse(text.as_bytes()).try_into().unwrap();
        assert_eq!(line.is_file_system(), is_one);
    }

    #[rstest]
    #[case("")]
    #[case("# UUID=1 / ext4")]
    #[case("/dev/sda1 /only-two")]
    #[case(" \t ")]
    fn other_lines_are_passed_over(#[case] text: &str) {
        assert_eq!(parse(text.as_bytes()), []);
    }

    #[test]
    fn escapes_stand_for_white_space() {
        let [line] = parse(br"LABEL=a\040b /with\011tab\134 ext4 subvol=/@/x\040y,ro").try_into().unwrap();
        assert_eq!(line.source, b"LABEL=a b");
        assert_eq!(line.point, b"/with\ttab\\");
        assert_eq!(line.option(b"subvol"), Some(&b"/@/x y"[..]));
        assert_eq!(line.option(b"sub"), None);
    }

    #[rstest]
    #[case("/dev/vg/root", true)]
    #[case("/dev/mapper/vg-root", true)]
    #[case("/dev/mapper/vg--root", false)]
    #[case("/dev/mapper/vg", false)]
    fn logical_volumes_are_known_by_both_names(#[case] device: &str, #[case] is_meant: bool) {
        assert_eq!(names_logical(device, "vg", "root"), is_meant);
    }

    #[test]
    fn a_dash_in_a_name_is_doubled() {
        assert!(names_logical("/dev/mapper/a--b-c--d", "a-b", "c-d"));
    }

    #[rstest]
    #[case("/dev/sda1", Some(1))]
    #[case("/dev/vda15", Some(15))]
    #[case("/dev/nvme0n1p3", Some(3))]
    #[case("/dev/disk/cloud/azure_root-part2", Some(2))]
    #[case("/dev/sdb1", None)]
    #[case("/dev/sda", None)]
    #[case("/dev/sda1x", None)]
    fn partitions_are_known_by_number(#[case] device: &str, #[case] number: Option<u32>) {
        assert_eq!(partition_number(device), number);
    }
}
