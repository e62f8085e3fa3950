//! VHDX: headers, regions, metadata, block tables and logs that lie; cuts.

use disks::Reason::{
    ImageCorrupt, ImageEmpty, ImageFormatMismatch, ImageFormatUnsupported, ImageHasExternalReference,
    ImageLimitExceeded, ImageSizeNotAligned, ImageTruncated,
};
use disks::{InputFormat, OutputFormat, Reason};

use crate::case::{Expect, Shelf};
use crate::workshop::packed;
use crate::{Case, Image, Workshop};

const MIB: u64 = 1 << 20;
const KIB: u64 = 1 << 10;
/// Where our writer puts log, metadata and block table.
const LOG: u64 = MIB;
const METADATA: u64 = 2 * MIB;
const TABLE: u64 = 3 * MIB;
const LOG_GUID: [u8; 16] = [5; 16];

pub(crate) fn cases(_workshop: &Workshop) -> anyhow::Result<Vec<Case>> {
    let mut shelf = Shelf::new("vhdx", InputFormat::Vhdx);
    shelf.bent("ok", Expect::Accepted, good, |_| {});
    headers(&mut shelf);
    regions(&mut shelf);
    metadata(&mut shelf);
    blocks(&mut shelf);
    logs(&mut shelf);
    log_entries(&mut shelf);
    cuts(&mut shelf);
    Ok(shelf.into_cases())
}

/// A good VHDX of 8 MiB.
#[must_use]
pub fn good() -> Image {
    packed(crate::vhd::sample(), OutputFormat::Vhdx).unwrap_or_default()
}

/// What each byte adds to a CRC-32C.
const STEPS: [u32; 256] = {
    let mut steps = [0; 256];
    let (mut index, mut byte) = (0, 0_u32);
    while index < 256 {
        let (mut crc, mut bit) = (byte, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
            bit += 1;
        }
        steps[index] = crc;
        index += 1;
        byte += 1;
    }
    steps
};

/// CRC-32C.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        STEPS[usize::from(low ^ byte)] ^ (crc >> 8)
    })
}

fn sign(image: &mut Image, start: u64, length: usize) {
    image.put(start + 4, &[0; 4]);
    let sum = crc32c(&image.get(start, length));
    image.put_le32(start + 4, sum);
}

/// Makes the checksums of headers and region tables right again, as one who means harm would.
pub fn sign_all(image: &mut Image) {
    for (start, length) in [(64, 4 << 10), (128, 4 << 10), (192, 64 << 10), (256, 64 << 10)] {
        sign(image, start * KIB, length);
    }
}

fn put_header(image: &mut Image, at: u64, value: &[u8]) {
    for start in [64 * KIB, 128 * KIB] {
        image.put(start + at, value);
        sign(image, start, 4096);
    }
}

fn put_region(image: &mut Image, at: u64, value: &[u8]) {
    for start in [192 * KIB, 256 * KIB] {
        image.put(start + at, value);
        sign(image, start, 64 << 10);
    }
}

fn headers(shelf: &mut Shelf) {
    let long = (u32::MAX - (1 << 20) + 1).to_le_bytes();
    let fields: &[(&str, u64, Vec<u8>, Reason)] = &[
        ("same-sequence", 8, 9_u64.to_le_bytes().into(), ImageCorrupt),
        ("version-2", 66, vec![2, 0], ImageFormatUnsupported),
        ("log-version", 64, vec![1, 0], ImageFormatUnsupported),
        ("log-unaligned", 72, (MIB + 4096).to_le_bytes().into(), ImageCorrupt),
        ("log-on-header", 72, vec![0; 8], ImageCorrupt),
        ("log-on-metadata", 72, (2 * MIB).to_le_bytes().into(), ImageCorrupt),
        ("log-on-block", 72, (5 * MIB).to_le_bytes().into(), ImageCorrupt),
        ("log-past-end", 72, (1_u64 << 50).to_le_bytes().into(), ImageTruncated),
        ("log-wraps", 72, (u64::MAX - MIB + 1).to_le_bytes().into(), ImageCorrupt),
        ("log-long", 68, long.into(), ImageTruncated),
    ];
    for (name, at, value, reason) in fields {
        let (at, value) = (*at, value.clone());
        shelf.refused(format!("header-{name}"), *reason, good, move |image| put_header(image, at, &value));
    }
    shelf.refused("header-both-bad", ImageCorrupt, good, |image| {
        image.flip(64 * KIB + 100);
        image.flip(128 * KIB + 100);
    });
    for at in [64 * KIB, 128 * KIB] {
        shelf.bent(format!("ok-header-{at}-bad"), Expect::Accepted, good, move |image| image.flip(at + 100));
    }
    shelf.refused("vhd-footer", ImageFormatMismatch, good, |image| {
        image.put(image.len(), &crate::vhd::footer());
    });
}

fn regions(shelf: &mut Shelf) {
    let fields: &[(&str, u64, Vec<u8>, Reason)] = &[
        ("count-65535", 8, 65_535_u32.to_le_bytes().into(), ImageCorrupt),
        ("missing", 8, 1_u32.to_le_bytes().into(), ImageCorrupt),
        ("none", 8, vec![0; 4], ImageCorrupt),
        ("bat-is-metadata", 32, (2 * MIB).to_le_bytes().into(), ImageCorrupt),
        ("bat-in-header", 32, vec![0; 8], ImageCorrupt),
        ("bat-on-log", 32, MIB.to_le_bytes().into(), ImageCorrupt),
        ("bat-unaligned", 32, (3 * MIB + 512).to_le_bytes().into(), ImageCorrupt),
        ("bat-2-50", 32, (1_u64 << 50).to_le_bytes().into(), ImageTruncated),
        ("bat-wraps", 32, (u64::MAX - MIB + 1).to_le_bytes().into(), ImageCorrupt),
        ("bat-empty", 40, vec![0; 4], ImageCorrupt),
        ("bat-over-blocks", 40, (2_u32 << 20).to_le_bytes().into(), ImageCorrupt),
        ("metadata-2-50", 64, (1_u64 << 50).to_le_bytes().into(), ImageTruncated),
        ("unknown-required", 48, vec![9; 16], ImageFormatUnsupported),
    ];
    for (name, at, value, reason) in fields {
        let (at, value) = (*at, value.clone());
        shelf.refused(format!("region-{name}"), *reason, good, move |image| put_region(image, at, &value));
    }
    shelf.refused("region-twice", ImageCorrupt, good, |image| {
        let guid = image.get(192 * KIB + 16, 16);
        put_region(image, 48, &guid);
    });
    shelf.refused("region-both-bad", ImageCorrupt, good, |image| {
        image.flip(192 * KIB + 9);
        image.flip(256 * KIB + 9);
    });
    shelf.refused("region-two-tables", ImageCorrupt, good, |image| {
        image.put_le64(256 * KIB + 32, 4 * MIB);
        sign(image, 256 * KIB, 64 << 10);
    });
    shelf.bent("ok-region-one-bad", Expect::Accepted, good, |image| image.flip(192 * KIB + 9));
}

fn metadata(shelf: &mut Shelf) {
    let locator = *b"\x2D\x5F\xD3\xA8\x0B\xB3\x4D\x45\xAB\xF7\xD3\xD8\x48\x34\xAB\x0C";
    let fields: &[(&str, u64, Vec<u8>, Reason)] = &[
        ("signature", 0, b"metadatA".to_vec(), ImageCorrupt),
        ("count-65535", 10, vec![0xFF; 2], ImageCorrupt),
        ("too-few", 10, vec![4, 0], ImageCorrupt),
        ("unknown-required", 96, vec![9; 16], ImageFormatUnsupported),
        ("item-on-table", 48, vec![0; 4], ImageCorrupt),
        ("item-on-item", 48, 65_544_u32.to_le_bytes().into(), ImageCorrupt),
        ("item-behind", 48, (1_u32 << 20).to_le_bytes().into(), ImageCorrupt),
        ("item-wraps", 48, vec![0xFF; 4], ImageCorrupt),
        ("item-long", 52, vec![0xFF; 4], ImageCorrupt),
        ("item-short", 84, vec![4, 0, 0, 0], ImageCorrupt),
        ("has-parent", 65_540, vec![2, 0, 0, 0], ImageHasExternalReference),
        ("parent-locator", 96, locator.into(), ImageHasExternalReference),
        ("block-0", 65_536, vec![0; 4], ImageCorrupt),
        ("block-3-mib", 65_536, (3_u32 << 20).to_le_bytes().into(), ImageCorrupt),
        ("block-512-mib", 65_536, (512_u32 << 20).to_le_bytes().into(), ImageCorrupt),
        ("size-0", 65_544, vec![0; 8], ImageEmpty),
        ("size-2-63", 65_544, (1_u64 << 63).to_le_bytes().into(), ImageLimitExceeded),
        ("size-65-tib", 65_544, (65_u64 << 40).to_le_bytes().into(), ImageLimitExceeded),
        ("size-30-tib", 65_544, (30_u64 << 40).to_le_bytes().into(), ImageCorrupt),
        ("size-odd", 65_544, (8 * MIB - 1).to_le_bytes().into(), ImageSizeNotAligned),
        ("sector-0", 65_568, vec![0; 4], ImageCorrupt),
        ("sector-513", 65_568, 513_u32.to_le_bytes().into(), ImageCorrupt),
        ("physical-0", 65_572, vec![0; 4], ImageCorrupt),
    ];
    for (name, at, value, reason) in fields {
        let (at, value) = (*at, value.clone());
        shelf.refused(format!("metadata-{name}"), *reason, good, move |image| {
            image.put(METADATA + at, &value);
        });
    }
    shelf.refused("metadata-twice", ImageCorrupt, good, |image| {
        let guid = image.get(METADATA + 64, 16);
        image.put(METADATA + 96, &guid);
    });
    shelf.bent("ok-4k", Expect::Accepted, good, |image| image.put_le32(METADATA + 65_568, 4096));
}

fn blocks(shelf: &mut Shelf) {
    for (name, entry, reason) in [
        ("state-4", 4 << 20 | 4, ImageCorrupt),
        ("state-5", 4 << 20 | 5, ImageCorrupt),
        ("state-7", 4 << 20 | 7, ImageCorrupt),
        ("on-header", 6, ImageCorrupt),
        ("on-log", 1 << 20 | 6, ImageCorrupt),
        ("on-metadata", 2 << 20 | 6, ImageCorrupt),
        ("on-table", 3 << 20 | 6, ImageCorrupt),
        ("shared", 4 << 20 | 6, ImageCorrupt),
        ("past-end", 8 << 20 | 6, ImageTruncated),
        ("far", !7 | 6, ImageTruncated),
    ] {
        shelf.refused(format!("block-{name}"), reason, good, move |image| image.put_le64(TABLE + 24, entry));
    }
    for state in 0..4 {
        shelf.bent(format!("ok-block-state-{state}"), Expect::Accepted, good, move |image| {
            image.put_le64(TABLE, 4 << 20 | state);
        });
    }
}

/// An entry of the log with one change: a sector of zeros at `offset`, or `length` zeros there.
fn entry(offset: u64, zeros: Option<u64>) -> Image {
    let mut image = Image::zeros(4096);
    image.put(0, b"loge");
    image.put_le64(16, 7);
    image.put_le32(24, 1);
    image.put(32, &LOG_GUID);
    image.put_le64(48, 8 * MIB);
    image.put_le64(56, 8 * MIB);
    image.put_le64(64 + 16, offset);
    image.put_le64(64 + 24, 7);
    if let Some(length) = zeros {
        image.put(64, b"zero");
        image.put_le64(64 + 8, length);
    } else {
        image.put(64, b"desc");
        image.put(4096, b"data");
        image.put_le32(4096 + 4092, 7);
    }
    image.put_le32(8, u32::try_from(image.len()).unwrap_or(0));
    signed(image)
}

fn signed(mut entry: Image) -> Image {
    let length = usize::try_from(entry.len()).unwrap_or(0);
    sign(&mut entry, 0, length);
    entry
}

fn put_log(image: &mut Image, entry: &Image) {
    put_header(image, 48, &LOG_GUID);
    image.put_image(LOG, entry);
}

fn logs(shelf: &mut Shelf) {
    let changes: &[(&str, u64, Option<u64>)] = &[
        ("zero-2-60", TABLE, Some(1 << 60)),
        ("zero-at-2-60", 1 << 60, Some(4096)),
        ("zero-wraps", u64::MAX - 4095, Some(8192)),
        ("write-at-2-60", 1 << 60, None),
        ("write-past-end", 8 * MIB, None),
        ("write-identifier", 0, None),
        ("write-header", 128 * KIB, None),
        ("write-log", LOG + 4096, None),
        ("zero-log", LOG, Some(4 * MIB)),
        ("unaligned", TABLE + 512, None),
        ("zero-odd", TABLE, Some(512)),
    ];
    for &(name, offset, zeros) in changes {
        shelf.refused(format!("log-{name}"), ImageCorrupt, good, move |image| {
            put_log(image, &entry(offset, zeros));
        });
    }
    shelf.refused("log-garbage", ImageCorrupt, good, |image| put_log(image, &Image::of(&[0xA5; 1 << 20])));
    shelf.refused("log-empty", ImageCorrupt, good, |image| put_header(image, 48, &LOG_GUID));
    shelf.refused("log-crc", ImageCorrupt, good, |image| {
        let mut entry = entry(TABLE, None);
        entry.flip(70);
        put_log(image, &entry);
    });
    shelf.bent("ok-log-pending", Expect::Accepted, good, |image| put_log(image, &entry(TABLE, Some(4096))));
}

fn log_entries(shelf: &mut Shelf) {
    let fields: &[(&str, u64, Vec<u8>, Reason)] = &[
        ("length-0", 8, vec![0; 4], ImageCorrupt),
        ("length-odd", 8, vec![100, 0, 0, 0], ImageCorrupt),
        ("length-max", 8, vec![0xFF; 4], ImageCorrupt),
        ("tail-elsewhere", 12, 4096_u32.to_le_bytes().into(), ImageCorrupt),
        ("tail-outside", 12, vec![0xFF; 4], ImageCorrupt),
        ("sequence-0", 16, vec![0; 8], ImageCorrupt),
        ("sequence-other", 16, 8_u64.to_le_bytes().into(), ImageCorrupt),
        ("descriptors-max", 24, vec![0xFF; 4], ImageCorrupt),
        ("descriptors-127", 24, vec![127, 0, 0, 0], ImageCorrupt),
        ("flushed-more", 48, (9 * MIB).to_le_bytes().into(), ImageTruncated),
        ("grows-2-60", 56, (1_u64 << 60).to_le_bytes().into(), ImageCorrupt),
        ("descriptor-unknown", 64, b"what".to_vec(), ImageCorrupt),
        ("data-other", 4100, vec![1, 0, 0, 0], ImageCorrupt),
    ];
    for (name, at, value, reason) in fields {
        let (at, value) = (*at, value.clone());
        shelf.refused(format!("log-{name}"), *reason, good, move |image| {
            let mut entry = entry(TABLE, None);
            entry.put(at, &value);
            put_log(image, &signed(entry));
        });
    }
}

fn cuts(shelf: &mut Shelf) {
    let kib = [64, 68, 128, 192, 256, 320].map(|kib| kib * KIB);
    let mib = (1..8).map(|mib| mib * MIB);
    for length in [8, 512].into_iter().chain(kib).chain(mib).chain([METADATA + 32]) {
        shelf.refused(format!("cut-{length}"), ImageTruncated, good, move |image| image.cut(length));
    }
    shelf.refused("cut-end-1", ImageTruncated, good, |image| image.cut(image.len() - 1));
}
