//! A small image, built byte by byte, that each test bends in its own way.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::sample::noise;
use crate::{Disk, Error, InputFormat, Limits, Reason, open};

/// Cluster size of the image, and what stands in which cluster.
pub(super) const CLUSTER: usize = 4096;
pub(super) const REFCOUNT_TABLE: usize = CLUSTER;
pub(super) const REFCOUNT_BLOCK: usize = 2 * CLUSTER;
pub(super) const L1: usize = 3 * CLUSTER;
pub(super) const L2: usize = 4 * CLUSTER;
pub(super) const FIRST_DATA: usize = 5 * CLUSTER;
pub(super) const SECOND_DATA: usize = 6 * CLUSTER;
pub(super) const PACKED: usize = 7 * CLUSTER;
/// Where free space begins for what a test adds.
pub(super) const END: usize = 8 * CLUSTER;
/// Virtual size: 16 clusters.
pub(super) const SIZE: u64 = 16 * 4096;
/// Where the extensions of a version 3 header begin.
pub(super) const EXTENSIONS: usize = 104;

/// The bytes of an image under construction.
#[derive(Clone)]
pub(super) struct Image {
    pub(super) bytes: Vec<u8>,
}

impl Image {
    /// Version 3; clusters 0 and 1 hold noise, 2 is compressed text, 3 is a zero cluster, the rest holes.
    pub(super) fn new() -> Self {
        let mut image = Self { bytes: vec![0; END] };
        image.header();
        image.put_u64(REFCOUNT_TABLE, REFCOUNT_BLOCK as u64);
        for cluster in 0..8 {
            image.set_refcount(cluster, 1);
        }
        image.put_u64(L1, L2 as u64 | 1 << 63);
        image.put_l2(0, FIRST_DATA as u64 | 1 << 63);
        image.put_l2(1, SECOND_DATA as u64 | 1 << 63);
        image.put_packed(2, &deflate(&text()));
        image.put_l2(3, 1);
        image.put(FIRST_DATA, &noise(1, CLUSTER));
        image.put(SECOND_DATA, &noise(2, CLUSTER));
        image
    }

    fn header(&mut self) {
        self.put(0, b"QFI\xfb");
        self.put_u32(4, 3);
        self.put_u32(20, 12);
        self.put_u64(24, SIZE);
        self.put_u32(36, 1);
        self.put_u64(40, L1 as u64);
        self.put_u64(48, REFCOUNT_TABLE as u64);
        self.put_u32(56, 1);
        self.put_u32(96, 4);
        self.put_u32(100, 104);
    }

    /// The same image as version 2.
    pub(super) fn version_2() -> Self {
        let mut image = Self::new();
        image.put_u32(4, 2);
        image.put(72, &[0; 40]);
        image.put_l2(3, 0);
        image
    }

    /// The same image with Zstandard instead of deflate.
    pub(super) fn zstd() -> Self {
        let mut image = Self::new();
        image.put_u64(72, 8);
        image.put_u32(100, 112);
        image.put(104, &[1, 0, 0, 0, 0, 0, 0, 0]);
        image.put_packed(2, &zstd::bulk::compress(&text(), 3).unwrap());
        image
    }

    pub(super) fn put(&mut self, at: usize, bytes: &[u8]) {
        if self.bytes.len() < at + bytes.len() {
            self.bytes.resize(at + bytes.len(), 0);
        }
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(super) fn put_u32(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_be_bytes());
    }

    pub(super) fn put_u64(&mut self, at: usize, value: u64) {
        self.put(at, &value.to_be_bytes());
    }

    /// Sets the entry of a cluster of the disk.
    pub(super) fn put_l2(&mut self, index: usize, entry: u64) {
        self.put_u64(L2 + index * 8, entry);
    }

    /// Puts a stream where compressed data goes and lets a cluster of the disk refer to it.
    pub(super) fn put_packed(&mut self, index: usize, stream: &[u8]) {
        self.put(PACKED, &[0; CLUSTER]);
        self.put(PACKED, stream);
        let more_sectors = (stream.len() as u64 - 1) / 512;
        self.put_l2(index, packed_entry(PACKED as u64, more_sectors));
    }

    pub(super) fn set_refcount(&mut self, cluster: usize, count: u16) {
        self.put(REFCOUNT_BLOCK + cluster * 2, &count.to_be_bytes());
    }

    /// Adds a header extension; nothing stands behind it.
    pub(super) fn put_extension(&mut self, kind: u32, body: &[u8]) {
        self.put_u32(EXTENSIONS, kind);
        self.put_u32(EXTENSIONS + 4, u32::try_from(body.len()).unwrap());
        self.put(EXTENSIONS + 8, body);
    }

    pub(super) fn open(&self) -> Result<Disk, Error> {
        open(InputFormat::Qcow2, Box::new(self.bytes.clone()), &Limits::default())
    }

    /// Opens the image and reads all of it.
    pub(super) fn read(&self) -> Result<(Vec<u8>, Vec<String>), Error> {
        let disk = self.open()?;
        let mut all = vec![0xEE; usize::try_from(disk.blocks.size_bytes()).unwrap()];
        let (proven, read) = (disk.blocks.prove(), disk.blocks.read_at(0, &mut all));
        assert_eq!(proven.err().map(|error| error.reason()), read.as_ref().err().map(Error::reason));
        read?;
        Ok((all, disk.warnings))
    }
}

/// What the image holds.
pub(super) fn content() -> Vec<u8> {
    let mut content = noise(1, CLUSTER);
    content.extend(noise(2, CLUSTER));
    content.extend(text());
    content.resize(16 * CLUSTER, 0);
    content
}

/// A cluster that compresses well.
pub(super) fn text() -> Vec<u8> {
    b"All clusters are equal, but some are packed. ".iter().copied().cycle().take(CLUSTER).collect()
}

pub(super) fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// The entry of a compressed cluster, for clusters of 4 KiB.
pub(super) fn packed_entry(offset: u64, more_sectors: u64) -> u64 {
    1 << 62 | more_sectors << 58 | offset
}

/// Checks that the bent image is refused for `reason`, when it is opened or when it is read.
pub(super) fn check(bend: impl Fn(&mut Image), reason: Reason) {
    let mut image = Image::new();
    bend(&mut image);
    check_refused(&image, reason);
}

pub(super) fn check_refused(image: &Image, reason: Reason) {
    let error = image.read().expect_err("the image must be refused");
    assert_eq!(error.reason(), Some(reason), "{error}");
}

/// Checks that the bent image is read as if nothing had happened; returns the warnings.
pub(super) fn check_accepted(bend: impl Fn(&mut Image)) -> Vec<String> {
    let mut image = Image::new();
    bend(&mut image);
    let (bytes, warnings) = image.read().expect("the image must be accepted");
    assert!(bytes == content(), "the bytes are those of the disk");
    warnings
}
