//! qcow2: headers, extensions, tables, refcounts, compressed clusters and snapshots that lie.

use std::io::Write as _;

use disks::Reason::{
    ImageCorrupt, ImageEmpty, ImageExpansionLimitExceeded, ImageFormatMismatch, ImageFormatUnsupported,
    ImageHasExternalReference, ImageLimitExceeded, ImageSizeNotAligned, ImageTruncated,
};
use disks::{InputFormat, Reason};
use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::case::{Expect, Shelf};
use crate::dice::noise;
use crate::{Bytes, Case, Image, Workshop};

/// Cluster size of the image, and what stands in which cluster.
const CLUSTER: u64 = 4096;
const REFCOUNT_TABLE: u64 = CLUSTER;
const REFCOUNT_BLOCK: u64 = 2 * CLUSTER;
const L1: u64 = 3 * CLUSTER;
const L2: u64 = 4 * CLUSTER;
const FIRST_DATA: u64 = 5 * CLUSTER;
const PACKED: u64 = 7 * CLUSTER;
/// Where free space begins for what a case adds.
const END: u64 = 8 * CLUSTER;
/// Where the extensions of a version 3 header begin.
const EXTENSIONS: u64 = 104;

pub(crate) fn cases(_workshop: &Workshop) -> anyhow::Result<Vec<Case>> {
    let mut shelf = Shelf::new("qcow2", InputFormat::Qcow2);
    references(&mut shelf);
    numbers(&mut shelf);
    controls(&mut shelf);
    extensions(&mut shelf);
    tables(&mut shelf);
    clusters(&mut shelf);
    snapshots(&mut shelf);
    bombs(&mut shelf);
    cuts(&mut shelf);
    Ok(shelf.into_cases())
}

/// Version 3; clusters 0 and 1 hold noise, 2 is compressed text, 3 is a zero cluster, the rest holes.
fn good() -> Image {
    let mut image = Image::zeros(END);
    image.put(0, b"QFI\xfb");
    for (at, value) in [(4, 3), (20, 12), (36, 1), (56, 1), (96, 4), (100, 104)] {
        image.put_be32(at, value);
    }
    for (at, value) in [(24, 16 * CLUSTER), (40, L1), (48, REFCOUNT_TABLE), (REFCOUNT_TABLE, REFCOUNT_BLOCK)]
    {
        image.put_be64(at, value);
    }
    for cluster in 0..8 {
        set_refcount(&mut image, cluster, 1);
    }
    image.put_be64(L1, L2 | 1 << 63);
    put_l2(&mut image, 0, FIRST_DATA | 1 << 63);
    put_l2(&mut image, 1, (6 * CLUSTER) | 1 << 63);
    put_packed(&mut image, &deflate(&text(4096)));
    put_l2(&mut image, 3, 1);
    image.put(FIRST_DATA, &noise(1, 8192));
    image
}

fn version_2() -> Image {
    let mut image = good();
    image.put_be32(4, 2);
    image.put(72, &[0; 40]);
    put_l2(&mut image, 3, 0);
    image
}

fn zstandard() -> Image {
    let mut image = good();
    image.put_be64(72, 8);
    image.put_be32(100, 112);
    image.put(104, &[1, 0, 0, 0, 0, 0, 0, 0]);
    put_packed(&mut image, &zstd::bulk::compress(&text(4096), 3).unwrap_or_default());
    image
}

fn text(length: usize) -> Vec<u8> {
    b"All clusters are equal, but some are packed. ".iter().copied().cycle().take(length).collect()
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Memory takes all that is written to it.
    let _infallible = encoder.write_all(plain);
    encoder.finish().unwrap_or_default()
}

fn put_l2(image: &mut Image, index: u64, entry: u64) {
    image.put_be64(L2 + index * 8, entry);
}

fn set_refcount(image: &mut Image, cluster: u64, count: u16) {
    image.put(REFCOUNT_BLOCK + cluster * 2, &count.to_be_bytes());
}

/// Puts a stream where compressed data goes; cluster 2 of the disk refers to it.
fn put_packed(image: &mut Image, stream: &[u8]) {
    image.put(PACKED, &[0; 4096]);
    image.put(PACKED, stream);
    let length = u64::try_from(stream.len()).unwrap_or(1).max(1);
    put_l2(image, 2, packed_entry(PACKED, (length - 1) / 512));
}

/// The entry of a compressed cluster, for clusters of 4 KiB.
fn packed_entry(offset: u64, more_sectors: u64) -> u64 {
    1 << 62 | more_sectors << 58 | offset
}

fn put_extension(image: &mut Image, kind: u32, body: &[u8]) {
    image.put_be32(EXTENSIONS, kind);
    image.put_be32(EXTENSIONS + 4, u32::try_from(body.len()).unwrap_or(0));
    image.put(EXTENSIONS + 8, body);
}

/// Names of other files, in every spelling that a careless reader would follow.
const NAMES: &[(&str, &str)] = &[
    ("passwd", "/etc/passwd"),
    ("environ", "/proc/self/environ"),
    ("zero", "/dev/zero"),
    ("up", "../../../../etc/passwd"),
    ("sibling", "base.raw"),
    ("json", "json:{\"driver\":\"file\",\"filename\":\"/etc/passwd\"}"),
    ("nbd", "nbd://10.0.0.1/x"),
    ("http", "http://169.254.169.254/latest"),
    ("self", "qcow2-backing-self-3.img"),
    ("escapes", "\u{1b}]0;owned\u{7}\r\n"),
];

fn references(shelf: &mut Shelf) {
    for (label, name) in NAMES {
        for (version, base) in [(2, version_2 as fn() -> Image), (3, good)] {
            shelf.refused(
                format!("backing-{label}-{version}"),
                ImageHasExternalReference,
                base,
                move |image| {
                    image.put(512, name.as_bytes());
                    image.put_be64(8, 512);
                    image.put_be32(16, u32::try_from(name.len()).unwrap_or(0));
                },
            );
        }
        shelf.refused(format!("datafile-{label}"), ImageHasExternalReference, good, move |image| {
            image.put_be64(72, 4);
            put_extension(image, 0x4441_5441, name.as_bytes());
            // A reader that follows really gets the other file's bytes.
            for cluster in 0..16 {
                put_l2(image, cluster, (cluster * CLUSTER) | (1 << 63));
            }
        });
    }
    shelf.refused("datafile-bit-alone", ImageHasExternalReference, good, |image| image.put_be64(72, 4));
    shelf.refused("datafile-ext-no-bit", ImageHasExternalReference, good, move |image| {
        put_extension(image, 0x4441_5441, b"/etc/passwd");
    });
    shelf.refused("backing-gpt", ImageFormatMismatch, good, |image| {
        image.put(512, b"EFI PART");
        image.put_be64(8, 1024);
        image.put(1024, b"/etc/passwd");
        image.put_be32(16, 11);
    });
    shelf.refused("vhd-footer", ImageFormatMismatch, good, |image| image.put(END, &crate::vhd::footer()));
}

fn numbers(shelf: &mut Shelf) {
    let fields: &[(&str, u64, u32, Reason)] = &[
        ("version-0", 4, 0, ImageFormatUnsupported),
        ("version-1", 4, 1, ImageFormatUnsupported),
        ("version-4", 4, 4, ImageFormatUnsupported),
        ("version-max", 4, u32::MAX, ImageFormatUnsupported),
        ("cluster-bits-0", 20, 0, ImageCorrupt),
        ("cluster-bits-8", 20, 8, ImageCorrupt),
        ("cluster-bits-22", 20, 22, ImageCorrupt),
        ("cluster-bits-63", 20, 63, ImageCorrupt),
        ("cluster-bits-max", 20, u32::MAX, ImageCorrupt),
        ("refcount-order-7", 96, 7, ImageCorrupt),
        ("refcount-order-31", 96, 31, ImageCorrupt),
        ("header-length-8", 100, 8, ImageCorrupt),
        ("header-length-109", 100, 109, ImageCorrupt),
        ("header-length-65537", 100, 65537, ImageCorrupt),
        ("encrypted-aes", 32, 1, ImageFormatUnsupported),
        ("encrypted-luks", 32, 2, ImageFormatUnsupported),
        ("encrypted-99", 32, 99, ImageFormatUnsupported),
        ("l1-max", 36, u32::MAX, ImageLimitExceeded),
        ("l1-just-over", 36, (4 << 20) + 1, ImageLimitExceeded),
        ("l1-none", 36, 0, ImageCorrupt),
        ("refcount-table-huge", 56, (1 << 31) - 1, ImageLimitExceeded),
        ("refcount-table-none", 56, 0, ImageCorrupt),
        ("snapshots-max", 60, u32::MAX, ImageLimitExceeded),
        ("backing-name-max", 16, u32::MAX, ImageLimitExceeded),
    ];
    for &(name, at, value, reason) in fields {
        shelf.refused(name, reason, good, move |image| image.put_be32(at, value));
    }
    let sizes: &[(&str, u64, Reason)] = &[
        ("size-0", 0, ImageEmpty),
        ("size-odd", 65536 + 100, ImageSizeNotAligned),
        ("size-2-63", 1 << 63, ImageLimitExceeded),
        ("size-max", u64::MAX, ImageLimitExceeded),
        ("size-64-tib", 64 << 40, ImageLimitExceeded),
        ("size-over-table", 1 << 40, ImageCorrupt),
    ];
    for &(name, size, reason) in sizes {
        shelf.refused(name, reason, good, move |image| image.put_be64(24, size));
        shelf.refused(format!("{name}-2"), reason, version_2, move |image| image.put_be64(24, size));
    }
    shelf.refused("size-64-tib-well-formed", ImageLimitExceeded, good, |image| {
        image.put_be32(20, 21);
        image.put_be32(36, 128);
        image.put_be64(24, 64 << 40);
    });
    let bits: &[(&str, u64, Reason)] = &[
        ("corrupt-bit", 1 << 1, ImageCorrupt),
        ("compression-bit-alone", 1 << 3, ImageCorrupt),
        ("extended-l2", 1 << 4, ImageFormatUnsupported),
        ("bit-5", 1 << 5, ImageFormatUnsupported),
        ("bit-63", 1 << 63, ImageFormatUnsupported),
    ];
    for &(name, bits, reason) in bits {
        shelf.refused(name, reason, good, move |image| image.put_be64(72, bits));
    }
}

fn controls(shelf: &mut Shelf) {
    let accepted = Expect::Accepted;
    shelf.bent("ok", accepted, good, |_| {});
    shelf.bent("ok-2", accepted, version_2, |_| {});
    shelf.bent("ok-zstd", accepted, zstandard, |_| {});
    shelf.bent("ok-dirty", accepted, good, |image| image.put_be64(72, 1));
    shelf.bent("ok-compat-bits", accepted, good, |image| image.put_be64(80, u64::MAX));
    shelf.bent("ok-autoclear-bits", accepted, good, |image| image.put_be64(88, u64::MAX - 1));
    for (name, kind) in [("unknown", 0x1234_5678), ("features", 0x6803_F857), ("backing-format", 0xE279_2ACA)]
    {
        shelf.bent(format!("ok-ext-{name}"), accepted, good, move |image| {
            put_extension(image, kind, b"some bytes");
        });
    }
    shelf.bent("ok-refcount-zero", accepted, good, |image| image.put(REFCOUNT_BLOCK, &[0; 4096]));
    shelf.bent("ok-shared-and-counted", accepted, good, |image| {
        put_l2(image, 5, FIRST_DATA);
        set_refcount(image, 5, 2);
    });
    shelf.bent("ok-holes", accepted, good, |image| image.put_be64(L1, 1 << 63));
}

fn bitmaps(count: u32, bytes: u64, offset: u64) -> Vec<u8> {
    [&count.to_be_bytes()[..], &[0; 4], &bytes.to_be_bytes(), &offset.to_be_bytes()].concat()
}

fn extensions(shelf: &mut Shelf) {
    shelf.refused("ext-length", ImageCorrupt, good, |image| {
        image.put(EXTENSIONS, &[0x12, 0x34, 0x56, 0x78, 0xFF, 0xFF, 0xFF, 0xF0]);
    });
    shelf.refused("ext-no-end", ImageCorrupt, good, |image| {
        image.put_be32(EXTENSIONS, 0x1234_5678);
        image.put_be32(EXTENSIONS + 4, 4096 - 104 - 8);
    });
    let directories: &[(&str, u32, u64, u64, Reason)] = &[
        ("far", 1, 64, 1 << 50, ImageCorrupt),
        ("overflow", 1, u64::MAX, 4096, ImageCorrupt),
        ("unaligned", 1, 64, 4097, ImageCorrupt),
        ("many", u32::MAX, 64, 4096, ImageLimitExceeded),
    ];
    for &(name, count, bytes, offset, reason) in directories {
        shelf.refused(format!("bitmaps-{name}"), reason, good, move |image| {
            put_extension(image, 0x2385_2875, &bitmaps(count, bytes, offset));
        });
    }
    shelf.refused("crypto-overflow", ImageCorrupt, good, |image| {
        put_extension(image, 0x0537_BE77, &[0xFF; 16]);
    });
}

fn tables(shelf: &mut Shelf) {
    let places: &[(&str, u64, u64, Reason)] = &[
        ("l1-itself", L1, L1, ImageCorrupt),
        ("l1-refcounts", L1, REFCOUNT_TABLE, ImageCorrupt),
        ("l1-far", L1, 1 << 55, ImageTruncated),
        ("l1-past-end", L1, END, ImageTruncated),
        ("l1-unaligned", L1, L2 + 512, ImageCorrupt),
        ("l1-reserved-low", L1, L2 + 1, ImageCorrupt),
        ("l1-reserved-high", L1, L2 | 1 << 56, ImageCorrupt),
        ("l2-own", L2 + 40, L2, ImageCorrupt),
        ("l2-first", L2 + 40, L1, ImageCorrupt),
        ("l2-refcounts", L2 + 40, REFCOUNT_BLOCK, ImageCorrupt),
        ("l2-shared", L2 + 40, FIRST_DATA, ImageCorrupt),
        ("l2-in-packed", L2 + 40, PACKED, ImageCorrupt),
        ("l2-past-end", L2 + 40, END, ImageTruncated),
        ("l2-far", L2 + 40, 1 << 55, ImageTruncated),
        ("l2-unaligned", L2 + 40, FIRST_DATA + 512, ImageCorrupt),
        ("l2-reserved-low", L2 + 40, FIRST_DATA + 2, ImageCorrupt),
        ("l2-reserved-high", L2 + 40, FIRST_DATA | 1 << 61, ImageCorrupt),
        ("packed-header", L2 + 40, packed_entry(512, 0), ImageCorrupt),
        ("packed-in-data", L2 + 40, packed_entry(FIRST_DATA, 0), ImageCorrupt),
        ("packed-into-end", L2 + 40, packed_entry(END - 100, 15), ImageTruncated),
        ("packed-far", L2 + 40, packed_entry(1 << 50, 0), ImageTruncated),
        ("packed-twice", L2 + 40, packed_entry(PACKED, 0), ImageCorrupt),
        ("refblock-is-table", REFCOUNT_TABLE, REFCOUNT_TABLE, ImageCorrupt),
        ("refblock-is-data", REFCOUNT_TABLE, FIRST_DATA, ImageCorrupt),
        ("refblock-past-end", REFCOUNT_TABLE + 8, 1 << 40, ImageTruncated),
        ("refblock-twice", REFCOUNT_TABLE + 8, REFCOUNT_BLOCK, ImageCorrupt),
        ("refblock-unaligned", REFCOUNT_TABLE, REFCOUNT_BLOCK + 8, ImageCorrupt),
        ("reftable-past-end", 48, 1 << 40, ImageTruncated),
        ("reftable-overflow", 48, u64::MAX - 4095, ImageTruncated),
        ("reftable-unaligned", 48, 4097, ImageCorrupt),
        ("reftable-header", 48, 0, ImageCorrupt),
        ("l1-header", 40, 0, ImageCorrupt),
        ("l1-table-past-end", 40, 1 << 62, ImageTruncated),
        ("l1-table-unaligned", 40, L1 + 8, ImageCorrupt),
    ];
    for &(name, at, value, reason) in places {
        shelf.refused(name, reason, good, move |image| image.put_be64(at, value));
    }
    shelf.refused("zero-flag-2", ImageCorrupt, version_2, |image| put_l2(image, 3, 1));
}

/// A Zstandard frame with the given header bytes and one block of repeated bytes.
fn frame(header: &[u8], repeated: u32) -> Vec<u8> {
    let block = 1 | 1 << 1 | repeated << 3;
    [&[0x28, 0xB5, 0x2F, 0xFD], header, &block.to_le_bytes()[..3], &[0xA5]].concat()
}

fn clusters(shelf: &mut Shelf) {
    let streams: &[(&str, Bytes, Reason)] = &[
        ("noise", || noise(9, 2000), ImageCorrupt),
        ("hundred-bytes", || deflate(&text(100)), ImageCorrupt),
        ("cut", || deflate(&noise(9, 4096))[..2000].to_vec(), ImageCorrupt),
        ("one-more", || deflate(&[5; 4097]), ImageExpansionLimitExceeded),
        ("64-mib", || deflate(&vec![5; 64 << 20])[..3584].to_vec(), ImageExpansionLimitExceeded),
    ];
    for &(name, stream, reason) in streams {
        shelf.refused(format!("deflate-{name}"), reason, good, move |image| put_packed(image, &stream()));
        shelf.refused(format!("deflate-{name}-2"), reason, version_2, move |image| {
            put_packed(image, &stream());
        });
    }
    let frames: &[(&str, Bytes, Reason)] = &[
        ("window-2tib", || frame(&[0, 0xF8], 4096), ImageExpansionLimitExceeded),
        ("window-8k", || frame(&[0, 3 << 3], 4096), ImageExpansionLimitExceeded),
        ("size-2-pib", || frame(&[0xE0, 0, 0, 0, 0, 0, 0, 8, 0], 4096), ImageExpansionLimitExceeded),
        ("more-than-said", || frame(&[0, 2 << 3], 4097), ImageCorrupt),
        ("noise", || noise(9, 2000), ImageCorrupt),
        ("is-deflate", || deflate(&text(4096)), ImageCorrupt),
        ("empty-frames", || [0x28, 0xB5, 0x2F, 0xFD, 0x20, 0, 1, 0, 0].repeat(400), ImageCorrupt),
        ("skippable", || vec![0x50, 0x2A, 0x4D, 0x18, 0xFF, 0xFF, 0xFF, 0xFF], ImageCorrupt),
        ("magic-only", || vec![0x28, 0xB5, 0x2F, 0xFD], ImageCorrupt),
        ("magic-broken", || vec![0, 0xB5, 0x2F, 0xFD, 1, 2, 3], ImageCorrupt),
    ];
    for &(name, stream, reason) in frames {
        shelf.refused(format!("zstd-{name}"), reason, zstandard, move |image| put_packed(image, &stream()));
    }
    for (name, kind, reason) in [
        ("unknown", 2, ImageFormatUnsupported),
        ("without-bit", 0, ImageCorrupt),
        ("max", 255, ImageFormatUnsupported),
    ] {
        shelf.refused(format!("compression-{name}"), reason, zstandard, move |image| image.put(104, &[kind]));
    }
}

/// One snapshot whose table stands at `table` and says what `bend` says.
fn put_snapshot(image: &mut Image, table: u64) {
    image.put(END, &[0; 8192]);
    image.put_be64(END, L2);
    image.put_be32(60, 1);
    image.put_be64(64, table);
    let at = END + CLUSTER;
    image.put_be64(at, END);
    image.put_be32(at + 8, 1);
    image.put(at + 12, &[0, 1, 0, 4]);
    image.put_be32(at + 36, 16);
    image.put(at + 56, b"1snap");
    set_refcount(image, 8, 1);
    set_refcount(image, 9, 1);
}

fn snapshots(shelf: &mut Shelf) {
    const TABLE: u64 = END + CLUSTER;
    shelf.bent("ok-snapshot", Expect::Accepted, good, |image| put_snapshot(image, TABLE));
    for (name, table) in [
        ("far", 1 << 50),
        ("past-end", END + 2 * CLUSTER),
        ("overflow", u64::MAX - 4095),
        ("unaligned", END + 1),
        ("in-l1", L1),
    ] {
        shelf.refused(format!("snapshots-{name}"), ImageCorrupt, good, move |image| {
            put_snapshot(image, table);
        });
    }
    let fields: &[(&str, u64, &[u8], Reason)] = &[
        ("l1-length", 8, &[0xFF; 4], ImageCorrupt),
        ("extra-length", 36, &[0xFF; 4], ImageCorrupt),
        ("name-lengths", 12, &[0xFF; 4], ImageCorrupt),
        ("l1-unaligned", 0, &[0, 0, 0, 0, 0, 0, 0, 1], ImageCorrupt),
        ("l1-far", 0, &[0, 4, 0, 0, 0, 0, 0, 0], ImageTruncated),
        ("l1-header", 0, &[0; 8], ImageCorrupt),
    ];
    for &(name, field, value, reason) in fields {
        shelf.refused(format!("snapshot-{name}"), reason, good, move |image| {
            put_snapshot(image, TABLE);
            image.put(TABLE + field, value);
        });
    }
}

/// Clusters of 2 MiB: header, refcount table, refcount block, L1, one full L2, and one small compressed cluster.
fn bomb(l1_entries: u32) -> Image {
    let cluster = 2 << 20;
    let mut image = Image::zeros(6 * cluster);
    image.put(0, &good().get(0, 104));
    image.put_be32(20, 21);
    image.put_be64(24, u64::from(l1_entries) << 39);
    image.put_be32(36, l1_entries);
    image.put_be64(40, 3 << 21);
    image.put_be64(48, 1 << 21);
    image.put_be64(1 << 21, 2 << 21);
    image.put(2 << 21, &[0xFF; 64]);
    for index in 0..u64::from(l1_entries) {
        image.put_be64((3 << 21) + index * 8, 4 << 21);
    }
    let stream = deflate(&vec![0xA5; 2 << 20]);
    image.put(5 << 21, &stream);
    let sectors = u64::try_from(stream.len()).unwrap_or(0) / 512;
    let entry = (1 << 62 | sectors << 49 | 5_u64 << 21).to_be_bytes();
    image.put(4 << 21, &entry.repeat(2 << 17));
    image
}

fn bombs(shelf: &mut Shelf) {
    shelf.refused("bomb-16-tib", ImageExpansionLimitExceeded, || bomb(32), |_| {});
    shelf.refused("bomb-512-gib", ImageExpansionLimitExceeded, || bomb(1), |_| {});
}

fn cuts(shelf: &mut Shelf) {
    for length in [71, 103, 104, 511, 512].into_iter().chain((1..8).map(|cluster| cluster * CLUSTER)) {
        shelf.refused(format!("cut-{length}"), ImageTruncated, good, move |image| image.cut(length));
    }
    for length in [71, 512, 5 * CLUSTER, 7 * CLUSTER] {
        shelf.refused(format!("cut-{length}-2"), ImageTruncated, version_2, move |image| image.cut(length));
    }
}
