//! Tables of partitions and volume groups that lie: nothing of them refuses a disk, and none may cost much.

use disks::InputFormat;

use crate::case::{Expect, Shelf};
use crate::{Case, Image, Workshop};

const DISK_BYTES: u64 = 8 << 20;
const LAST: u64 = DISK_BYTES / 512 - 1;

pub(crate) fn cases(_workshop: &Workshop) -> anyhow::Result<Vec<Case>> {
    let mut shelf = Shelf::new("tables", InputFormat::Raw);
    gpt(&mut shelf);
    names(&mut shelf);
    mbr(&mut shelf);
    groups(&mut shelf);
    Ok(shelf.into_cases())
}

/// CRC-32 with a beginning of its own, not inverted.
fn crc32(start: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
        crc
    })
}

/// What a GPT says.
#[derive(Clone)]
struct Gpt {
    entries: Vec<(u64, u64, String)>,
    list_at: u64,
    count: u32,
    entry_bytes: u32,
}

impl Default for Gpt {
    fn default() -> Self {
        let entries = vec![(256, 511, "one".to_owned()), (512, 4095, "two".to_owned())];
        Self { entries, list_at: 2, count: 128, entry_bytes: 128 }
    }
}

impl Gpt {
    fn image(&self) -> Image {
        let mut image = Image::zeros(DISK_BYTES);
        image.put(446, &[0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        image.put(510, &[0x55, 0xAA]);
        let mut list = Image::zeros(0);
        for (index, (first, last, name)) in (0..).zip(&self.entries) {
            let at = index * 128;
            list.put(at, &[0x11; 32]);
            list.put_le64(at + 32, *first);
            list.put_le64(at + 40, *last);
            let name: Vec<u8> = name.encode_utf16().take(36).flat_map(u16::to_le_bytes).collect();
            list.put(at + 56, &name);
        }
        let bytes = list.to_vec();
        image.put(self.list_at.saturating_mul(512).min(DISK_BYTES - (1 << 20)), &bytes);
        let told = u64::from(self.count) * u64::from(self.entry_bytes);
        let told = list.get(0, usize::try_from(told.min(1 << 20)).unwrap_or(0));
        for (own, other) in [(1, LAST), (LAST, 1)] {
            image.put_image(own * 512, &self.header(own, other, !crc32(!0, &told)));
        }
        image
    }

    fn header(&self, own: u64, other: u64, sum: u32) -> Image {
        let mut header = Image::zeros(92);
        header.put(0, b"EFI PART\0\0\x01\0\x5C\0\0\0");
        for (at, value) in [(24, own), (32, other), (40, 34), (48, LAST - 34), (72, self.list_at)] {
            header.put_le64(at, value);
        }
        for (at, value) in [(80, self.count), (84, self.entry_bytes), (88, sum)] {
            header.put_le32(at, value);
        }
        let sum = !crc32(!0, &header.to_vec());
        header.put_le32(16, sum);
        header
    }
}

/// A good GPT with two empty partitions.
pub(crate) fn good() -> Image {
    Gpt::default().image()
}

fn gpt(shelf: &mut Shelf) {
    let accepted = Expect::Accepted;
    shelf.bent("ok-gpt", accepted, good, |_| {});
    shelf.bent("gpt-primary-bad", accepted, good, |image| image.flip(512 + 40));
    shelf.bent("gpt-backup-bad", accepted, good, |image| image.flip(LAST * 512 + 40));
    shelf.bent("gpt-both-bad", accepted, good, |image| {
        image.flip(512 + 40);
        image.flip(LAST * 512 + 40);
    });
    shelf.bent("gpt-without-mbr", accepted, good, |image| image.put(446, &[0; 66]));
    shelf.bent("gpt-two-tables", accepted, good, |image| {
        let other = Gpt { entries: vec![(600, 700, "other".to_owned())], ..Gpt::default() }.image();
        let last = other.get(LAST * 512, 512);
        image.put(LAST * 512, &last);
    });
    let lists: &[(&str, u64, u32, u32)] = &[
        ("count-max", 2, u32::MAX, 128),
        ("entry-0", 2, 128, 0),
        ("entry-2-gib", 2, 128, 2 << 30),
        ("entry-129", 2, 128, 129),
        ("count-0", 2, 0, 128),
        ("list-far", 1 << 40, 128, 128),
        ("list-2-63", 1 << 63, 128, 128),
    ];
    for &(name, list_at, count, entry_bytes) in lists {
        let gpt = Gpt { list_at, count, entry_bytes, ..Gpt::default() };
        shelf.add(format!("gpt-{name}"), accepted, move || Ok(gpt.image()));
    }
    for (name, first, last) in [
        ("2-63", 1 << 63, u64::MAX),
        ("past-end", 256, LAST + 1),
        ("reversed", 511, 256),
        ("everything", 0, u64::MAX),
        ("on-itself", 0, 33),
    ] {
        let gpt = Gpt {
            entries: vec![(first, last, name.to_owned()), (1024, 2047, "good".to_owned())],
            ..Gpt::default()
        };
        shelf.add(format!("gpt-partition-{name}"), accepted, move || Ok(gpt.image()));
    }
    shelf.add("gpt-overlap", accepted, || {
        let entries = (0..128).map(|index| (256 + index, 4000, "over".to_owned())).collect();
        Ok(Gpt { entries, ..Gpt::default() }.image())
    });
    shelf.add("gpt-200", accepted, || {
        let entries = (0..200).map(|index| (256 + index * 8, 263 + index * 8, String::new())).collect();
        Ok(Gpt { entries, count: 200, ..Gpt::default() }.image())
    });
}

fn names(shelf: &mut Shelf) {
    for (name, text) in [
        ("escape", "a\u{1b}[2J\u{1b}]0;x\u{7}"),
        ("crlf", "a\r\nSet-Cookie: x"),
        ("bidi", "a\u{202E}b\u{2066}c"),
        ("c1", "a\u{9b}2J\u{85}b"),
        ("nul", "a\0b"),
        ("zero-width", "a\u{200B}\u{FEFF}\u{2028}b"),
    ] {
        let gpt = Gpt { entries: vec![(256, 511, text.to_owned())], ..Gpt::default() };
        shelf.add(format!("gpt-name-{name}"), Expect::Accepted, move || Ok(gpt.image()));
    }
}

/// Entries of an MBR or EBR: kind, first sector, sectors.
fn record(image: &mut Image, sector: u64, entries: &Entries) {
    for (index, (kind, first, sectors)) in (0..).zip(entries) {
        let at = sector * 512 + 446 + index * 16;
        image.put(at + 4, &[*kind]);
        image.put_le32(at + 8, *first);
        image.put_le32(at + 12, *sectors);
    }
    image.put(sector * 512 + 510, &[0x55, 0xAA]);
}

/// Entries of a record: kind, first sector, sectors.
type Entries = [(u8, u32, u32)];

fn mbr(shelf: &mut Shelf) {
    let tables: &[(&str, &Entries)] = &[
        ("ok", &[(0x83, 64, 1000), (0x82, 2000, 1000)]),
        ("overlap", &[(0x83, 64, 1000), (0x83, 500, 1000)]),
        ("max", &[(0x83, u32::MAX, u32::MAX)]),
        ("over-itself", &[(0x83, 0, 16_384)]),
        ("four-extended", &[(5, 64, 100), (0xF, 164, 100), (0x85, 264, 100), (5, 364, 100)]),
        ("all-gpt", &[(0xEE, 1, 100), (0xEE, 1, 100), (0xEE, 1, 100), (0xEE, 1, 100)]),
    ];
    for &(name, entries) in tables {
        shelf.add(format!("mbr-{name}"), Expect::Accepted, move || {
            let mut image = Image::zeros(DISK_BYTES);
            record(&mut image, 0, entries);
            Ok(image)
        });
    }
    shelf.add("ebr-loop", Expect::Accepted, || {
        let mut image = Image::zeros(DISK_BYTES);
        record(&mut image, 0, &[(5, 64, 10_000)]);
        record(&mut image, 64, &[(0x83, 1, 8), (5, 16, 16)]);
        record(&mut image, 80, &[(0x83, 1, 8), (5, 0, 16)]);
        Ok(image)
    });
    shelf.add("ebr-7998", Expect::Accepted, || {
        let mut image = Image::zeros(DISK_BYTES);
        record(&mut image, 0, &[(5, 1, 16_000)]);
        for index in 0..7998 {
            let next = u32::try_from((index + 1) * 2).unwrap_or(0);
            record(&mut image, 1 + index * 2, &[(0x83, 1, 1), (5, next, 2)]);
        }
        Ok(image)
    });
}

/// A physical volume with `text` as its metadata.
fn physical(text: &[u8]) -> Image {
    const SUM: u32 = 0xF597_A6CF;
    let (area, area_bytes) = (4096, 1 << 20);
    let mut image = Image::zeros(DISK_BYTES);
    image.put(512, b"LABELONE\x01");
    image.put_le32(532, 32);
    image.put(536, b"LVM2 001AAAAAA0000000000000000000000000001");
    for (at, value) in [(576, DISK_BYTES), (584, 2 << 20), (616, area), (624, area_bytes)] {
        image.put_le64(at, value);
    }
    let sum = crc32(SUM, &image.get(532, 492));
    image.put_le32(528, sum);
    image.put(area + 4, b" LVM2 x[5A%r0N*>\x01");
    let length = u64::try_from(text.len()).unwrap_or(0);
    for (at, value) in [(24, area), (32, area_bytes), (40, 512), (48, length)] {
        image.put_le64(area + at, value);
    }
    image.put_le32(area + 56, crc32(SUM, text));
    let sum = crc32(SUM, &image.get(area + 4, 508));
    image.put_le32(area, sum);
    image.put(area + 512, text);
    image
}

/// A group whose logical volumes are told by `volumes`.
fn group(volumes: &str) -> Vec<u8> {
    format!(
        "vg {{\nid = \"BBBBBB-0000-0000-0000-0000-0000-000001\"\nseqno = 7\nformat = \"lvm2\"\n\
         status = [\"RESIZEABLE\", \"READ\", \"WRITE\"]\nextent_size = 2048\n\
         physical_volumes {{\npv0 {{\nid = \"AAAAAA-0000-0000-0000-0000-0000-000001\"\n\
         status = [\"ALLOCATABLE\"]\npe_start = 4096\npe_count = 6\n}}\n}}\nlogical_volumes {{\n{volumes}}}\n}}\n\
         contents = \"Text Format Volume Group\"\nversion = 1\n\0"
    )
    .into_bytes()
}

fn logical(name: &str, start: &str, count: &str, at: &str) -> String {
    format!(
        "{name} {{\nid = \"x\"\nstatus = [\"READ\", \"VISIBLE\"]\nsegment_count = 1\nsegment1 {{\n\
         start_extent = {start}\nextent_count = {count}\ntype = \"striped\"\nstripe_count = 1\n\
         stripes = [\"pv0\", {at}]\n}}\n}}\n"
    )
}

fn groups(shelf: &mut Shelf) {
    let texts: Vec<(&str, Vec<u8>)> = vec![
        ("ok", group(&logical("root", "0", "2", "0"))),
        ("outside", group(&logical("root", "0", "2", "99999999"))),
        ("overflow", group(&logical("root", "0", "9223372036854775807", "9223372036854775807"))),
        ("too-large-number", group(&logical("root", "0", "99999999999999999999999", "0"))),
        ("negative", group(&logical("root", "-1", "-5", "-9"))),
        (
            "empty-stripe",
            group(
                "root {\nstatus = [\"VISIBLE\"]\nsegment_count = 1\nsegment1 {\nstart_extent = 0\nextent_count = 1\ntype = \"striped\"\nstripe_count = 0\nstripe_size = 0\nstripes = []\n}\n}\n",
            ),
        ),
        (
            "a-thousand",
            group(&(0..1000).map(|index| logical(&format!("v{index}"), "0", "6", "0")).collect::<String>()),
        ),
        ("name-escapes", group(&logical("ro\u{1b}[31mot", "0", "1", "0"))),
        ("name-path", group(&logical("../../etc", "0", "1", "0"))),
        ("deep", "a {\n".repeat(100_000).into_bytes()),
        ("deep-lists", [b"a = ".as_slice(), &b"[".repeat(100_000)].concat()),
        ("endless-text", [b"a = \"".as_slice(), &b"x".repeat(900_000)].concat()),
        ("many-values", b"a = 1\n".repeat(150_000)),
        ("noise", crate::dice::noise(5, 900_000)),
    ];
    for (name, text) in texts {
        shelf.add(format!("lvm-{name}"), Expect::Accepted, move || Ok(physical(&text)));
    }
    for (name, at) in [("area-far", 616), ("area-long", 624), ("label-offset", 528), ("ring", 4096 + 40)] {
        shelf.add(format!("lvm-{name}"), Expect::Accepted, move || {
            let mut image = physical(&group(&logical("root", "0", "2", "0")));
            image.put_le64(at, u64::MAX - 511);
            let sum = crc32(0xF597_A6CF, &image.get(532, 492));
            image.put_le32(528, sum);
            Ok(image)
        });
    }
}
