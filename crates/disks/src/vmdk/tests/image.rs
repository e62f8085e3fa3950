//! Small images that each test bends in its own way: one built byte by byte, one from our writer.

use crate::sample::{Sample, Sink, noise};
use crate::{Disk, Error, InputFormat, Limits, OutputFormat, Reason, open, write};

pub(super) const SECTOR: usize = 512;
/// Grains of the plain image, in bytes.
pub(super) const GRAIN: usize = 8 * SECTOR;
/// Where things stand in the plain image, in bytes.
pub(super) const DESCRIPTOR: usize = SECTOR;
pub(super) const DIRECTORY: usize = 4 * SECTOR;
pub(super) const TABLE: usize = 5 * SECTOR;
pub(super) const FIRST_GRAIN: usize = 9 * SECTOR;
pub(super) const END: usize = FIRST_GRAIN + 2 * GRAIN;

/// The bytes of an image under construction.
#[derive(Clone)]
pub(super) struct Image {
    pub(super) bytes: Vec<u8>,
}

impl Image {
    /// A monolithicSparse disk of three grains: noise, noise, hole.
    pub(super) fn sparse() -> Self {
        let mut image = Self { bytes: vec![0; END] };
        image.put(0, b"KDMV");
        image.put_u32(4, 1);
        image.put_u32(8, 1);
        image.put_u64(12, 24);
        image.put_u64(20, 8);
        image.put_u64(28, 1);
        image.put_u64(36, 3);
        image.put_u32(44, 512);
        image.put_u64(56, 4);
        image.put_u64(64, 9);
        image.put(73, b"\n \r\n");
        image.set_descriptor(&descriptor("monolithicSparse", "RW 24 SPARSE \"disk.vmdk\""));
        image.put_u32(DIRECTORY, 5);
        image.put_u32(TABLE, 9);
        image.put_u32(TABLE + 4, 17);
        image.put(FIRST_GRAIN, &noise(1, 2 * GRAIN));
        image
    }

    /// A streamOptimized disk from our writer: grain 0 is text, grain 1 noise, the rest holes.
    pub(super) fn stream() -> Self {
        let disk = stream_content();
        let mut sink = Sink::default();
        write(OutputFormat::Vmdk, &disk, [7; 16], &mut sink).unwrap();
        Self { bytes: sink.bytes }
    }

    /// Puts a descriptor in the place of the old one.
    pub(super) fn set_descriptor(&mut self, text: &str) {
        self.put(DESCRIPTOR, &[0; 3 * SECTOR]);
        assert!(text.len() <= 3 * SECTOR);
        self.put(DESCRIPTOR, text.as_bytes());
    }

    pub(super) fn put(&mut self, at: usize, bytes: &[u8]) {
        if self.bytes.len() < at + bytes.len() {
            self.bytes.resize(at + bytes.len(), 0);
        }
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(super) fn put_u32(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_le_bytes());
    }

    pub(super) fn put_u64(&mut self, at: usize, value: u64) {
        self.put(at, &value.to_le_bytes());
    }

    pub(super) fn u32_at(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    /// Where a sector that the number at `at` names begins.
    pub(super) fn follow(&self, at: usize) -> usize {
        usize::try_from(self.u32_at(at)).unwrap() * SECTOR
    }

    /// Where the footer of a stream begins.
    pub(super) fn footer(&self) -> usize {
        self.bytes.len() - 2 * SECTOR
    }

    /// Where the grain table of a stream begins.
    pub(super) fn stream_table(&self) -> usize {
        self.follow(self.follow(self.footer() + 56))
    }

    pub(super) fn open(&self) -> Result<Disk, Error> {
        open(InputFormat::Vmdk, Box::new(self.bytes.clone()), &Limits::default())
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

/// What the plain image holds.
pub(super) fn sparse_content() -> Vec<u8> {
    let mut content = noise(1, 2 * GRAIN);
    content.resize(3 * GRAIN, 0);
    content
}

/// What the streamed image holds.
pub(super) fn stream_content() -> Sample {
    Sample::empty(1 << 20).with_text(0, 65536).with_noise(65536, 65536)
}

/// A descriptor of the given type and with the given extent lines.
pub(super) fn descriptor(kind: &str, extents: &str) -> String {
    format!(
        "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"{kind}\"\n\n\
         # Extent description\n{extents}\n\n#DDB\nddb.adapterType = \"ide\"\n"
    )
}

/// Checks that the image is refused for `reason`, when it is opened or when it is read.
pub(super) fn check_refused(image: &Image, reason: Reason) {
    let error = image.read().expect_err("the image must be refused");
    assert_eq!(error.reason(), Some(reason), "{error}");
}
