//! A FAT file system written at once: FAT12, long names, fixed times, the same bytes for the same files.

/// The size of a seed disk.
pub const BYTES: usize = 4 << 20;

const SECTOR: usize = 512;
const CLUSTER: usize = 2048;
const RESERVED_SECTORS: usize = 1;
const FAT_SECTORS: usize = 6;
const FATS: usize = 2;
const ROOT_ENTRIES: usize = 512;
const ENTRY: usize = 32;
const ROOT_AT: usize = (RESERVED_SECTORS + FATS * FAT_SECTORS) * SECTOR;
const DATA_AT: usize = ROOT_AT + ROOT_ENTRIES * ENTRY;
const CLUSTERS: usize = (BYTES - DATA_AT) / CLUSTER;
/// 1 January 2026, as FAT counts.
const DATE: u16 = (46 << 9) | (1 << 5) | 1;
const DIRECTORY: u8 = 0x10;
const ARCHIVE: u8 = 0x20;
const LABEL: u8 = 0x08;
const LONG_NAME: u8 = 0x0f;
/// Characters of a long name in one entry.
const LONG_PART: usize = 13;

/// A file to be written; folders are made on the way.
pub(crate) struct File {
    path: &'static str,
    bytes: Vec<u8>,
}

impl File {
    pub(crate) fn new(path: &'static str, bytes: Vec<u8>) -> Self {
        Self { path, bytes }
    }
}

/// The disk with these files, or nothing if they are too large.
pub(crate) fn disk(label: &str, files: &[File]) -> Option<Vec<u8>> {
    let mut disk = Disk { bytes: vec![0; BYTES], next: 2 };
    disk.boot_sector(label);
    disk.set_link(0, 0xff8);
    disk.set_link(1, 0xfff);
    let mut root = vec![entry(&padded(label), LABEL, 0, 0)?.to_vec()];
    let listed: Vec<(&str, &[u8])> = files.iter().map(|file| (file.path, file.bytes.as_slice())).collect();
    root.extend(disk.folder(&listed, 0)?);
    let root = root.concat();
    if root.len() > ROOT_ENTRIES * ENTRY {
        return None;
    }
    disk.bytes[ROOT_AT..ROOT_AT + root.len()].copy_from_slice(&root);
    let fat = RESERVED_SECTORS * SECTOR;
    disk.bytes.copy_within(fat..fat + FAT_SECTORS * SECTOR, fat + FAT_SECTORS * SECTOR);
    Some(disk.bytes)
}

struct Disk {
    bytes: Vec<u8>,
    next: usize,
}

impl Disk {
    fn boot_sector(&mut self, label: &str) {
        let mut at =
            |offset: usize, bytes: &[u8]| self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
        at(0, &[0xeb, 0x3c, 0x90]);
        at(3, b"MSDOS5.0");
        at(11, &[0x00, 0x02, 4, 1, 0, 2]);
        at(17, &[0x00, 0x02, 0x00, 0x20, 0xf8, 6, 0, 32, 0, 2, 0]);
        at(36, &[0x80, 0, 0x29, 0x47, 0x4c, 0x52, 0x53]);
        at(43, &padded(label));
        at(54, b"FAT12   ");
        at(510, &[0x55, 0xaa]);
    }

    fn set_link(&mut self, cluster: usize, value: u16) {
        let at = RESERVED_SECTORS * SECTOR + cluster * 3 / 2;
        let [low, high] = value.to_le_bytes();
        if cluster.is_multiple_of(2) {
            self.bytes[at] = low;
            self.bytes[at + 1] = (self.bytes[at + 1] & 0xf0) | (high & 0x0f);
        } else {
            self.bytes[at] = (self.bytes[at] & 0x0f) | (low << 4);
            self.bytes[at + 1] = (low >> 4) | (high << 4);
        }
    }

    /// Takes clusters in a row; answers the first.
    fn take(&mut self, length: usize) -> Option<usize> {
        let first = self.next;
        let count = length.div_ceil(CLUSTER);
        self.next += count;
        if self.next > CLUSTERS + 2 {
            return None;
        }
        for cluster in first..self.next {
            let last = cluster + 1 == self.next;
            self.set_link(cluster, if last { 0xfff } else { u16::try_from(cluster + 1).ok()? });
        }
        Some(first)
    }

    fn write(&mut self, first: usize, bytes: &[u8]) {
        let at = DATA_AT + (first - 2) * CLUSTER;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Writes files and folders below one folder; answers its entries.
    fn folder(&mut self, files: &[(&str, &[u8])], own: usize) -> Option<Vec<Vec<u8>>> {
        let mut entries = Vec::new();
        let mut done: Vec<&str> = Vec::new();
        for (path, bytes) in files {
            let number = done.len() + 1;
            let Some((name, _)) = path.split_once('/') else {
                let first = if bytes.is_empty() { 0 } else { self.take(bytes.len())? };
                if first > 0 {
                    self.write(first, bytes);
                }
                entries.extend(named(path, number, ARCHIVE, first, bytes.len())?);
                done.push(path);
                continue;
            };
            if done.contains(&name) {
                continue;
            }
            done.push(name);
            let inside: Vec<(&str, &[u8])> = files
                .iter()
                .filter_map(|(path, bytes)| Some((path.strip_prefix(name)?.strip_prefix('/')?, *bytes)))
                .collect();
            let first = self.take(CLUSTER)?;
            let mut below = vec![
                entry(b".          ", DIRECTORY, first, 0)?.to_vec(),
                entry(b"..         ", DIRECTORY, own, 0)?.to_vec(),
            ];
            below.extend(self.folder(&inside, first)?);
            let below = below.concat();
            if below.len() > CLUSTER {
                return None;
            }
            self.write(first, &below);
            entries.extend(named(name, number, DIRECTORY, first, 0)?);
        }
        Some(entries)
    }
}

fn padded(text: &str) -> [u8; 11] {
    let mut out = [b' '; 11];
    for (place, byte) in out.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    out
}

fn entry(short: &[u8; 11], attributes: u8, first: usize, length: usize) -> Option<[u8; ENTRY]> {
    let mut out = [0; ENTRY];
    out[..11].copy_from_slice(short);
    out[11] = attributes;
    out[16..18].copy_from_slice(&DATE.to_le_bytes());
    out[18..20].copy_from_slice(&DATE.to_le_bytes());
    out[24..26].copy_from_slice(&DATE.to_le_bytes());
    out[26..28].copy_from_slice(&u16::try_from(first).ok()?.to_le_bytes());
    out[28..32].copy_from_slice(&u32::try_from(length).ok()?.to_le_bytes());
    Some(out)
}

/// The entries of a name: its long form, last part first, then a short one that is only a number.
fn named(name: &str, number: usize, attributes: u8, first: usize, length: usize) -> Option<Vec<Vec<u8>>> {
    let short = padded(&format!("SEED~{number}"));
    let sum = short.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
    let mut units: Vec<u16> = name.encode_utf16().collect();
    if !units.len().is_multiple_of(LONG_PART) {
        units.push(0);
    }
    units.resize(units.len().next_multiple_of(LONG_PART), 0xffff);
    let parts = units.len() / LONG_PART;
    let mut entries = Vec::new();
    for (index, part) in units.chunks(LONG_PART).enumerate().rev() {
        let mut out = [0; ENTRY];
        let last = if index + 1 == parts { 0x40 } else { 0 };
        out[0] = u8::try_from(index + 1).ok()? | last;
        out[11] = LONG_NAME;
        out[13] = sum;
        let places = (1..11).step_by(2).chain((14..26).step_by(2)).chain((28..32).step_by(2));
        for (place, unit) in places.zip(part) {
            out[place..place + 2].copy_from_slice(&unit.to_le_bytes());
        }
        entries.push(out.to_vec());
    }
    entries.push(entry(&short, attributes, first, length)?.to_vec());
    Some(entries)
}
