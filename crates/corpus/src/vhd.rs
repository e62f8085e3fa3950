//! VHD: footers, dynamic headers and block tables that lie; differencing disks; cuts.

use disks::Reason::{
    ImageCorrupt, ImageEmpty, ImageFormatMismatch, ImageFormatUnsupported, ImageHasExternalReference,
    ImageLimitExceeded, ImageSizeNotAligned, ImageTruncated,
};
use disks::{InputFormat, OutputFormat, Reason};

use crate::case::{Expect, Shelf};
use crate::dice::noise;
use crate::workshop::packed;
use crate::{Case, Image, Workshop};

const MIB: u64 = 1 << 20;
/// Where the dynamic header and the table stand in what our writer writes.
const HEADER: u64 = 512;
const TABLE: u64 = 1536;

pub(crate) fn cases(_workshop: &Workshop) -> anyhow::Result<Vec<Case>> {
    let mut shelf = Shelf::new("vhd", InputFormat::Vhd);
    controls(&mut shelf);
    footers(&mut shelf);
    differencing(&mut shelf);
    headers(&mut shelf);
    blocks(&mut shelf);
    cuts(&mut shelf);
    Ok(shelf.into_cases())
}

/// A disk of 8 MiB: noise, zeros, noise.
pub(crate) fn sample() -> Image {
    let mut disk = Image::zeros(8 * MIB);
    disk.put(0, &noise(1, 5000 * 512));
    disk.put(7 * MIB, &noise(2, 1 << 20));
    disk
}

fn fixed() -> Image {
    packed(sample(), OutputFormat::Vhd).unwrap_or_default()
}

/// A good dynamic VHD of 8 MiB.
#[must_use]
pub fn dynamic() -> Image {
    packed(sample(), OutputFormat::VhdDynamic).unwrap_or_default()
}

/// The footer of a good fixed disk.
pub(crate) fn footer() -> Vec<u8> {
    fixed().get(8 * MIB, 512)
}

/// Makes the checksum of `length` bytes at `start` right again.
fn sign(image: &mut Image, start: u64, length: usize, checksum_at: u64) {
    image.put(start + checksum_at, &[0; 4]);
    let sum = image.get(start, length).iter().fold(0_u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
    image.put_be32(start + checksum_at, !sum);
}

/// Makes the checksums of a dynamic VHD right again, as one who means harm would.
pub fn sign_all(image: &mut Image) {
    let end = image.len().saturating_sub(512);
    sign(image, 0, 512, 64);
    sign(image, end, 512, 64);
    sign(image, HEADER, 1024, 36);
}

/// Puts `value` at `at` of all footers.
fn put_footer(image: &mut Image, at: u64, value: &[u8]) {
    let end = image.len() - 512;
    let starts = if image.get(0, 8) == b"conectix" { vec![0, end] } else { vec![end] };
    for start in starts {
        image.put(start + at, value);
        sign(image, start, 512, 64);
    }
}

fn put_header(image: &mut Image, at: u64, value: &[u8]) {
    image.put(HEADER + at, value);
    sign(image, HEADER, 1024, 36);
}

/// Makes an image.
type Maker = fn() -> Image;

const BOTH: [(&str, Maker); 2] = [("fixed", fixed), ("dynamic", dynamic)];

fn controls(shelf: &mut Shelf) {
    for (kind, base) in BOTH {
        shelf.bent(format!("ok-{kind}"), Expect::Accepted, base, |_| {});
        shelf.bent(format!("ok-suspended-{kind}"), Expect::Accepted, base, |image| {
            put_footer(image, 84, &[1]);
        });
    }
    shelf.bent("ok-long-table", Expect::Accepted, dynamic, |image| {
        put_header(image, 28, &128_u32.to_be_bytes());
    });
}

fn footers(shelf: &mut Shelf) {
    let fields: &[(&str, u64, &[u8], Reason)] = &[
        ("version-2", 12, &[0, 2, 0, 0], ImageFormatUnsupported),
        ("version-0", 12, &[0; 4], ImageFormatUnsupported),
        ("type-0", 60, &[0, 0, 0, 0], ImageFormatUnsupported),
        ("type-1", 60, &[0, 0, 0, 1], ImageFormatUnsupported),
        ("type-5", 60, &[0, 0, 0, 5], ImageFormatUnsupported),
        ("type-6", 60, &[0, 0, 0, 6], ImageFormatUnsupported),
        ("type-255", 60, &[0, 0, 0, 255], ImageFormatUnsupported),
        ("type-max", 60, &[0xFF; 4], ImageFormatUnsupported),
        ("size-2-63", 48, &[0x80, 0, 0, 0, 0, 0, 0, 0], ImageLimitExceeded),
        ("size-max", 48, &[0xFF; 8], ImageLimitExceeded),
        ("size-0", 48, &[0; 8], ImageEmpty),
        ("size-plus-100", 48, &[0, 0, 0, 0, 0, 0x80, 0, 100], ImageSizeNotAligned),
    ];
    for (kind, base) in BOTH {
        for &(name, at, value, reason) in fields {
            shelf.refused(format!("{name}-{kind}"), reason, base, move |image| put_footer(image, at, value));
        }
        for at in [64, 67, 100, 500] {
            shelf.refused(format!("footer-bit-{at}-{kind}"), ImageCorrupt, base, move |image| {
                image.flip(image.len() - 512 + at);
            });
        }
    }
    shelf.refused("cookie-fixed", ImageFormatMismatch, fixed, |image| image.flip(image.len() - 512));
    shelf.refused("cookie-dynamic", ImageTruncated, dynamic, |image| image.flip(image.len() - 512));
    for (name, size, reason) in [
        ("x1024", 8 * MIB * 1024, ImageTruncated),
        ("plus-512", 8 * MIB + 512, ImageTruncated),
        ("smaller", 4 * MIB, ImageCorrupt),
    ] {
        shelf.refused(format!("size-{name}-fixed"), reason, fixed, move |image| {
            put_footer(image, 48, &size.to_be_bytes());
        });
        shelf.refused(format!("size-{name}-dynamic"), ImageCorrupt, dynamic, move |image| {
            put_footer(image, 48, &size.to_be_bytes());
        });
    }
    shelf.refused("two-footers", ImageCorrupt, dynamic, |image| {
        image.put(24, &[9]);
        sign(image, 0, 512, 64);
    });
}

fn differencing(shelf: &mut Shelf) {
    let locators: &[(&str, &[u8; 4], &[u8])] = &[
        ("w2ku", b"W2ku", b"/\0e\0t\0c\0/\0p\0a\0s\0s\0w\0d\0"),
        ("w2ru", b"W2ru", b".\0.\0\\\0b\0a\0s\0e\0"),
        ("macx", b"MacX", b"file:///etc/passwd"),
        ("unc", b"W2ku", b"\\\0\\\0h\0o\0s\0t\0\\\0x\0"),
        ("none", b"\0\0\0\0", b""),
    ];
    for &(name, platform, path) in locators {
        shelf.refused(format!("differencing-{name}"), ImageHasExternalReference, dynamic, move |image| {
            let end = image.len() - 512;
            put_header(image, 576, platform);
            put_header(image, 584, &u32::try_from(path.len()).unwrap_or(0).to_be_bytes());
            put_header(image, 592, &end.to_be_bytes());
            let last = image.get(end, 512);
            image.put(end, path);
            image.put(end + 512, &last);
            put_footer(image, 60, &[0, 0, 0, 4]);
        });
    }
    shelf.refused("differencing-length", ImageHasExternalReference, dynamic, |image| {
        put_header(image, 584, &[0xFF; 4]);
        put_footer(image, 60, &[0, 0, 0, 4]);
    });
}

fn headers(shelf: &mut Shelf) {
    let fields: &[(&str, u64, &[u8], Reason)] = &[
        ("cookie", 0, b"cxspars!", ImageCorrupt),
        ("version", 24, &[0, 2, 0, 0], ImageFormatUnsupported),
        ("table-2-40", 16, &[0, 0, 1, 0, 0, 0, 0, 0], ImageTruncated),
        ("table-wraps", 16, &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0], ImageTruncated),
        ("table-0", 16, &[0; 8], ImageCorrupt),
        ("table-on-header", 16, &[0, 0, 0, 0, 0, 0, 4, 0], ImageCorrupt),
        ("entries-0", 28, &[0; 4], ImageCorrupt),
        ("entries-3", 28, &[0, 0, 0, 3], ImageCorrupt),
        ("entries-max", 28, &[0xFF; 4], ImageLimitExceeded),
        ("block-0", 32, &[0; 4], ImageCorrupt),
        ("block-256", 32, &[0, 0, 1, 0], ImageCorrupt),
        ("block-3-mib", 32, &[0, 0x30, 0, 0], ImageCorrupt),
        ("block-2-gib", 32, &[0x80, 0, 0, 0], ImageCorrupt),
        ("block-4-mib", 32, &[0, 0x40, 0, 0], ImageCorrupt),
    ];
    for &(name, at, value, reason) in fields {
        shelf.refused(format!("header-{name}"), reason, dynamic, move |image| put_header(image, at, value));
    }
    shelf.refused("header-bit", ImageCorrupt, dynamic, |image| image.flip(HEADER + 200));
    for (name, offset, reason) in
        [("2-40", 1 << 40, ImageTruncated), ("max", u64::MAX, ImageTruncated), ("0", 0, ImageCorrupt)]
    {
        shelf.refused(format!("header-at-{name}"), reason, dynamic, move |image| {
            put_footer(image, 16, &offset.to_be_bytes());
        });
    }
}

fn blocks(shelf: &mut Shelf) {
    for (name, sector, reason) in [
        ("far", 100_000_000, ImageTruncated),
        ("one-past-end", 12_304, ImageTruncated),
        ("on-footer", 0, ImageCorrupt),
        ("on-table", 3, ImageCorrupt),
        ("shared", 4, ImageCorrupt),
        ("sharing-a-sector", 4 + 4096, ImageCorrupt),
        ("all-but-4-kib", 4 + 8, ImageCorrupt),
        ("almost-max", u32::MAX - 1, ImageTruncated),
    ] {
        shelf.refused(format!("block-{name}"), reason, dynamic, move |image| {
            image.put_be32(TABLE + 8, sector);
        });
    }
    // 16 GiB in blocks of 4 KiB, all of them at sector 0.
    shelf.refused("block-millions-in-one-place", ImageCorrupt, dynamic, |image| {
        put_header(image, 32, &4096_u32.to_be_bytes());
        put_header(image, 28, &(4_u32 << 20).to_be_bytes());
        put_footer(image, 48, &(16_u64 << 30).to_be_bytes());
        let first = image.get(0, 512);
        image.cut(TABLE);
        image.put(TABLE + (16 << 20), &first);
    });
}

fn cuts(shelf: &mut Shelf) {
    for length in [511, 512, 1000, 1536, 2048, 2560, 4096, 3 << 20] {
        shelf.refused(format!("cut-{length}-dynamic"), ImageTruncated, dynamic, move |image| {
            image.cut(length);
        });
    }
    for back in [1, 512] {
        shelf.refused(format!("cut-end-{back}-dynamic"), ImageTruncated, dynamic, move |image| {
            image.cut(image.len() - back);
        });
    }
    for back in [1, 511] {
        shelf.refused(format!("cut-end-{back}-fixed"), ImageTruncated, fixed, move |image| {
            image.cut(image.len() - back);
        });
    }
    // On a sector border nothing tells it from a raw disk.
    for length in [512, 4 * MIB, 8 * MIB] {
        shelf.refused(format!("cut-{length}-fixed"), ImageFormatMismatch, fixed, move |image| {
            image.cut(length);
        });
    }
}
