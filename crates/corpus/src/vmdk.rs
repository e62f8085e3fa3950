//! VMDK: descriptors that name other files, headers, directories, grains and footers that lie; cuts.

use std::io::Write as _;

use disks::Reason::{
    ImageCorrupt, ImageEmpty, ImageExpansionLimitExceeded, ImageFormatMismatch, ImageFormatUnsupported,
    ImageHasExternalReference, ImageLimitExceeded, ImageTruncated,
};
use disks::{InputFormat, OutputFormat, Reason};
use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::case::{Expect, Shelf};
use crate::dice::noise;
use crate::workshop::packed;
use crate::{Bytes, Case, Image, Workshop};

const SECTOR: u64 = 512;
/// Grains of the plain image, and where things stand in it.
const GRAIN: u64 = 8 * SECTOR;
const DESCRIPTOR: u64 = SECTOR;
const DIRECTORY: u64 = 4 * SECTOR;
const TABLE: u64 = 5 * SECTOR;
const FIRST_GRAIN: u64 = 9 * SECTOR;
const END: u64 = FIRST_GRAIN + 2 * GRAIN;
/// Where the first marker of the streamed image stands.
const FIRST_MARKER: u64 = 128 * SECTOR;
const GOOD: &str = "RW 24 SPARSE \"disk.vmdk\"";

pub(crate) fn cases(_workshop: &Workshop) -> anyhow::Result<Vec<Case>> {
    let mut shelf = Shelf::new("vmdk", InputFormat::Vmdk);
    shelf.bent("ok-sparse", Expect::Accepted, sparse, |_| {});
    shelf.bent("ok-stream", Expect::Accepted, stream, |_| {});
    shelf.bent("ok-unclean", Expect::Accepted, sparse, |image| image.put(72, &[1]));
    extents(&mut shelf);
    lines(&mut shelf);
    alone(&mut shelf);
    headers(&mut shelf);
    entries(&mut shelf);
    footers(&mut shelf);
    markers(&mut shelf);
    grains(&mut shelf);
    cuts(&mut shelf);
    Ok(shelf.into_cases())
}

/// A monolithicSparse disk of three grains: noise, noise, hole.
fn sparse() -> Image {
    let mut image = Image::zeros(END);
    image.put(0, b"KDMV");
    for (at, value) in [(4, 1), (8, 1), (44, 512), (DIRECTORY, 5), (TABLE, 9), (TABLE + 4, 17)] {
        image.put_le32(at, value);
    }
    for (at, value) in [(12, 24), (20, 8), (28, 1), (36, 3), (56, 4), (64, 9)] {
        image.put_le64(at, value);
    }
    image.put(73, b"\n \r\n");
    describe(&mut image, descriptor("monolithicSparse", GOOD).as_bytes());
    image.put(FIRST_GRAIN, &noise(1, 8192));
    image
}

/// A streamOptimized disk from our writer.
fn stream() -> Image {
    let mut disk = Image::zeros(1 << 20);
    disk.put(0, &b"All grains are equal. ".repeat(2978));
    disk.put(65536, &noise(2, 65536));
    packed(disk, OutputFormat::Vmdk).unwrap_or_default()
}

fn descriptor(kind: &str, extents: &str) -> String {
    format!(
        "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"{kind}\"\n\n\
         # Extent description\n{extents}\n\n#DDB\nddb.adapterType = \"ide\"\n"
    )
}

fn describe(image: &mut Image, text: &[u8]) {
    image.put(DESCRIPTOR, &[0; 1536]);
    image.put(DESCRIPTOR, text.get(..1536).unwrap_or(text));
}

fn described(shelf: &mut Shelf, name: impl std::fmt::Display, text: String, reason: Reason) {
    shelf.refused(name, reason, sparse, move |image| describe(image, text.as_bytes()));
}

fn extents(shelf: &mut Shelf) {
    let names = [
        ("passwd", "/etc/passwd"),
        ("up", "../../../etc/passwd"),
        ("nbd", "nbd://10.0.0.1/x"),
        ("json", "json:{}"),
        ("backslashes", "..\\..\\secret"),
        ("drive", "C:disk.vmdk"),
        ("sda", "/dev/sda"),
        ("nameless", ""),
    ];
    for (label, name) in names {
        for kind in ["SPARSE", "FLAT", "VMFS", "ZERO"] {
            let text = descriptor("monolithicSparse", &format!("RW 24 {kind} \"{name}\""));
            described(shelf, format!("extent-{label}-{kind}"), text, ImageHasExternalReference);
        }
    }
    let types = "fullDevice partitionedDevice vmfs vmfsSparse vmfsRawDeviceMap seSparse custom \
                 twoGbMaxExtentSparse twoGbMaxExtentFlat monolithicFlat MonolithicSparse";
    for kind in types.split_whitespace() {
        described(shelf, format!("type-{kind}"), descriptor(kind, GOOD), ImageHasExternalReference);
    }
}

fn lines(shelf: &mut Shelf) {
    let extents: &[(&str, &str, Reason)] = &[
        ("second", "RW 24 SPARSE \"disk.vmdk\"\nRW 24 SPARSE \"sibling.vmdk\"", ImageHasExternalReference),
        ("second-small", "RW 24 SPARSE \"disk.vmdk\"\nrw 24 flat \"x\" 0", ImageHasExternalReference),
        ("device", "RW 24 FLAT \"sda\" 0", ImageHasExternalReference),
        ("small-letters", "rw 24 sparse \"disk.vmdk\"", ImageCorrupt),
        ("none", "", ImageCorrupt),
        ("no-access", "NOACCESS 24 SPARSE \"disk.vmdk\"", ImageCorrupt),
        ("overflow", "RW 18446744073709551615 SPARSE \"disk.vmdk\"", ImageCorrupt),
        ("other-size", "RW 25 SPARSE \"disk.vmdk\"", ImageCorrupt),
    ];
    for &(name, text, reason) in extents {
        described(shelf, format!("lines-{name}"), descriptor("monolithicSparse", text), reason);
    }
    let more: &[(&str, &str, Reason)] = &[
        ("parent-hint", "parentFileNameHint=\"/etc/passwd\"", ImageHasExternalReference),
        ("change-track", "changeTrackPath=\"x-ctk.vmdk\"", ImageHasExternalReference),
        ("second-type", "createType=\"streamOptimized\"", ImageCorrupt),
        ("letter-case", "CREATETYPE=\"vmfs\"", ImageCorrupt),
        ("unknown-key", "include=\"x\"", ImageCorrupt),
        ("escape", "ddb.x = \"\u{1b}[31m\"", ImageCorrupt),
        ("nul", "\0RW 24 FLAT \"/etc/passwd\" 0", ImageCorrupt),
    ];
    for &(name, line, reason) in more {
        let text = format!("{}{line}\n", descriptor("monolithicSparse", GOOD));
        described(shelf, format!("lines-{name}"), text, reason);
    }
    let delta = descriptor("monolithicSparse", GOOD).replace("ffffffff", "1234abcd");
    described(shelf, "lines-delta", delta, ImageHasExternalReference);
    shelf.refused("lines-utf-16", ImageCorrupt, sparse, |image| {
        let text = descriptor("monolithicSparse", GOOD);
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        describe(image, &wide);
    });
}

fn alone(shelf: &mut Shelf) {
    let texts: &[(&str, &str, &str, usize)] = &[
        ("flat", "monolithicFlat", "RW 24 FLAT \"/etc/passwd\" 0\n", 1),
        ("100000", "twoGbMaxExtentFlat", "RW 24 FLAT \"/etc/passwd\" 0\n", 100_000),
        ("sda", "fullDevice", "RW 24 FLAT \"/dev/sda\" 0\n", 1),
    ];
    for &(name, kind, extent, times) in texts {
        shelf.add(format!("descriptor-{name}"), Expect::Refused(ImageHasExternalReference), move || {
            Ok(Image::of(descriptor(kind, &extent.repeat(times)).as_bytes()))
        });
    }
}

fn headers(shelf: &mut Shelf) {
    let wide: &[(&str, u64, u64, Reason)] = &[
        ("capacity-0", 12, 0, ImageEmpty),
        ("capacity-x4096", 12, 24 * 4096, ImageCorrupt),
        ("capacity-2-63", 12, 1 << 63, ImageLimitExceeded),
        ("grain-0", 20, 0, ImageCorrupt),
        ("grain-77", 20, 77, ImageCorrupt),
        ("grain-2-31", 20, 1 << 31, ImageCorrupt),
        ("grain-2-63", 20, 1 << 63, ImageCorrupt),
        ("descriptor-none", 28, 0, ImageFormatUnsupported),
        ("descriptor-far", 28, 1 << 50, ImageTruncated),
        ("descriptor-max", 28, u64::MAX, ImageLimitExceeded),
        ("descriptor-2-50", 36, 1 << 50, ImageLimitExceeded),
        ("descriptor-over", 36, 4, ImageCorrupt),
        ("directory-0", 56, 0, ImageCorrupt),
        ("directory-2-40", 56, 1 << 40, ImageTruncated),
        ("directory-2-63", 56, 1 << 63, ImageTruncated),
        ("directory-at-end", 56, u64::MAX, ImageTruncated),
    ];
    for &(name, at, value, reason) in wide {
        shelf.refused(name, reason, sparse, move |image| image.put_le64(at, value));
    }
    let narrow: &[(&str, u64, u32, Reason)] = &[
        ("version-0", 4, 0, ImageFormatUnsupported),
        ("version-4", 4, 4, ImageFormatUnsupported),
        ("flag-3", 8, 1 << 3, ImageFormatUnsupported),
        ("flag-31", 8, 1 << 31, ImageFormatUnsupported),
        ("compressed-without", 8, 1 << 16, ImageCorrupt),
        ("gtes-0", 44, 0, ImageCorrupt),
        ("gtes-max", 44, u32::MAX, ImageCorrupt),
        ("newlines", 73, 0x0A0A_0A0A, ImageCorrupt),
        ("algorithm-2", 77, 2, ImageFormatUnsupported),
    ];
    for &(name, at, value, reason) in narrow {
        shelf.refused(name, reason, sparse, move |image| image.put_le32(at, value));
    }
    shelf.refused("cowd", ImageFormatUnsupported, sparse, |image| image.put(0, b"COWD"));
    shelf.refused("se-sparse", ImageFormatUnsupported, sparse, |image| {
        image.put(0, b"\xbe\xba\xfe\xca\0\0\0\0");
    });
    shelf.refused("vhd-footer", ImageFormatMismatch, sparse, |image| image.put(END, &crate::vhd::footer()));
}

fn entries(shelf: &mut Shelf) {
    let places: &[(&str, u64, u32, Reason)] = &[
        ("table-header", DIRECTORY, 1, ImageCorrupt),
        ("table-directory", DIRECTORY, 4, ImageCorrupt),
        ("table-far", DIRECTORY, u32::MAX, ImageTruncated),
        ("table-at-end", DIRECTORY, 24, ImageTruncated),
        ("grain-header", TABLE + 8, 1, ImageCorrupt),
        ("grain-table", TABLE + 8, 6, ImageCorrupt),
        ("grain-twice", TABLE + 8, 9, ImageCorrupt),
        ("grain-overlap", TABLE + 8, 10, ImageCorrupt),
        ("grain-past-end", TABLE + 8, 25, ImageTruncated),
        ("grain-half-past-end", TABLE + 8, 21, ImageTruncated),
        ("grain-far", TABLE + 8, u32::MAX, ImageTruncated),
    ];
    for &(name, at, value, reason) in places {
        shelf.refused(format!("entry-{name}"), reason, sparse, move |image| image.put_le32(at, value));
    }
}

fn footer(image: &Image) -> u64 {
    image.len() - 2 * SECTOR
}

/// Where the grain table of a stream begins.
fn stream_table(image: &Image) -> u64 {
    let directory = u64::from(image.le32(footer(image) + 56)) * SECTOR;
    u64::from(image.le32(directory)) * SECTOR
}

fn footers(shelf: &mut Shelf) {
    for at in [4, 8, 12, 20, 28, 36] {
        shelf.refused(format!("footer-differs-{at}"), ImageCorrupt, stream, move |image| {
            let (place, value) = (footer(image) + at, image.le32(footer(image) + at));
            image.put_le32(place, if at == 20 { value * 2 } else { value ^ 2 });
        });
    }
    shelf.refused("footer-other-descriptor", ImageTruncated, stream, |image| {
        let end = image.len();
        image.put_le64(footer(image) + 28, end / SECTOR);
        let text = descriptor("monolithicFlat", "RW 24 FLAT \"/etc/passwd\" 0");
        image.put(end, text.as_bytes());
        image.cut(end + SECTOR);
    });
    shelf.refused("footer-chain", ImageCorrupt, stream, |image| image.put_le64(footer(image) + 56, u64::MAX));
    shelf.refused("footer-no-marker", ImageTruncated, stream, |image| {
        image.put(footer(image) - SECTOR, &[0; 512]);
    });
    shelf.refused("footer-none", ImageCorrupt, stream, |image| image.put(footer(image), &[0; 4]));
    shelf.refused("footer-no-end", ImageCorrupt, stream, |image| image.put(image.len() - SECTOR, &[1]));
}

fn markers(shelf: &mut Shelf) {
    for (name, at, value) in [
        ("size-huge", 8, 0xFFFF_FFF0),
        ("size-0", 8, 0),
        ("size-two-grains", 8, 131_073),
        ("size-20", 8, 20),
        ("other-place", 0, 128),
        ("far-place", 4, 1 << 31),
    ] {
        shelf.refused(format!("marker-{name}"), ImageCorrupt, stream, move |image| {
            image.put_le32(FIRST_MARKER + at, value);
        });
    }
}

fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    // Memory takes all that is written to it.
    let _infallible = encoder.write_all(plain);
    encoder.finish().unwrap_or_default()
}

fn grains(shelf: &mut Shelf) {
    let streams: &[(&str, Bytes, Reason)] = &[
        ("64-mib", || deflated(&vec![5; 64 << 20]), ImageExpansionLimitExceeded),
        ("one-more", || deflated(&[5; 65537]), ImageExpansionLimitExceeded),
        ("hundred-bytes", || deflated(&[5; 100]), ImageCorrupt),
        ("noise", || noise(4, 1000), ImageCorrupt),
    ];
    for &(name, stream_of, reason) in streams {
        shelf.refused(format!("grain-{name}"), reason, stream, move |image| {
            // A new grain at the end of the file, before a copy of the old end.
            let (table, tail) = (stream_table(image), footer(image) - SECTOR);
            let last = image.get(tail, 1536);
            let stream = stream_of();
            image.cut(tail);
            image.put_le64(tail, 2 * 128);
            image.put_le32(tail + 8, u32::try_from(stream.len()).unwrap_or(0));
            image.put(tail + 12, &stream);
            let end = image.len().next_multiple_of(SECTOR);
            image.put(end, &last);
            image.put_le32(table + 8, u32::try_from(tail / SECTOR).unwrap_or(0));
        });
    }
    shelf.refused("grain-512-slots", ImageCorrupt, stream, |image| {
        let table = stream_table(image);
        let first = image.le32(table);
        (2..16).for_each(|index| image.put_le32(table + index * 4, first));
    });
    shelf.refused("grain-in-table", ImageCorrupt, stream, |image| {
        let table = stream_table(image);
        image.put_le32(table + 8, u32::try_from(table / SECTOR + 1).unwrap_or(0));
    });
    shelf.refused("grain-in-grain", ImageCorrupt, stream, |image| {
        let table = stream_table(image);
        image.put_le32(table + 8, image.le32(table + 4) + 3);
    });
}

fn cuts(shelf: &mut Shelf) {
    for length in [511, SECTOR, 2 * SECTOR, DIRECTORY, TABLE, FIRST_GRAIN, FIRST_GRAIN + GRAIN, END - 1] {
        shelf.refused(format!("cut-{length}-sparse"), ImageTruncated, sparse, move |image| image.cut(length));
    }
    for length in [511, SECTOR, 21 * SECTOR, FIRST_MARKER, FIRST_MARKER + SECTOR] {
        shelf.refused(format!("cut-{length}-stream"), ImageTruncated, stream, move |image| image.cut(length));
    }
    for back in [1, 512, 1024, 1536, 2048, 3584] {
        shelf.refused(format!("cut-end-{back}-stream"), ImageTruncated, stream, move |image| {
            image.cut(image.len() - back);
        });
    }
}
