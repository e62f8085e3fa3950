//! The bytes of an image, of which only the pages that hold something are kept.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use disks::{ReadAt, WriteAt};

/// Bytes of a page.
const PAGE: u64 = 64 << 10;

/// The bytes of an image; what was never written reads as zeros.
#[derive(Clone, Debug, Default)]
pub struct Image {
    length: u64,
    pages: BTreeMap<u64, Box<[u8]>>,
}

impl Image {
    /// Zeros.
    #[must_use]
    pub fn zeros(length: u64) -> Self {
        Self { length, pages: BTreeMap::new() }
    }

    /// These bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut image = Self::default();
        image.put(0, bytes);
        image
    }

    /// What a file holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(path: &Path) -> io::Result<Self> {
        let source = disks::FileSource::new(File::open(path)?)?;
        let mut image = Self::zeros(source.length()?);
        let (mut at, mut piece) = (0, vec![0; usize_of(PAGE)]);
        while let Some((start, end)) = source.next_data(at)? {
            for page in start / PAGE..end.div_ceil(PAGE) {
                let length = usize_of(PAGE.min(image.length - page * PAGE));
                let bytes = piece.get_mut(..length).unwrap_or_default();
                source.read_exact_at(bytes, page * PAGE)?;
                if bytes.iter().any(|byte| *byte != 0) {
                    image.put(page * PAGE, bytes);
                }
            }
            at = end;
        }
        Ok(image)
    }

    /// Writes it into a file, whose holes are where nothing stands.
    ///
    /// # Errors
    /// When it cannot be written: few file systems hold the longest ones.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let file = File::create(path)?;
        file.set_len(self.length)?;
        for (page, bytes) in &self.pages {
            let length = usize_of(PAGE.min(self.length.saturating_sub(page * PAGE)));
            file.write_all_at(bytes.get(..length).unwrap_or(bytes), page * PAGE)?;
        }
        Ok(())
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Writes `bytes` at `offset`, growing when needed.
    pub fn put(&mut self, offset: u64, bytes: &[u8]) {
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let page = self.pages.entry(at / PAGE).or_insert_with(|| vec![0; usize_of(PAGE)].into());
            let inside = usize_of(at % PAGE);
            let (now, behind) = rest.split_at(rest.len().min(page.len() - inside));
            page[inside..inside + now.len()].copy_from_slice(now);
            at += u64_of(now.len());
            rest = behind;
        }
        self.length = self.length.max(at);
    }

    /// `length` bytes from `offset`; zeros behind the end.
    #[must_use]
    pub fn get(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let mut done = 0;
        while done < length {
            let at = offset + u64_of(done);
            let inside = usize_of(at % PAGE);
            let taken = (usize_of(PAGE) - inside).min(length - done);
            if let Some(page) = self.pages.get(&(at / PAGE)) {
                bytes[done..done + taken].copy_from_slice(&page[inside..inside + taken]);
            }
            done += taken;
        }
        bytes
    }

    /// All bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.get(0, usize_of(self.length))
    }

    /// Writes a number, the highest byte first.
    pub fn put_be32(&mut self, offset: u64, value: u32) {
        self.put(offset, &value.to_be_bytes());
    }

    /// Writes a number, the highest byte first.
    pub fn put_be64(&mut self, offset: u64, value: u64) {
        self.put(offset, &value.to_be_bytes());
    }

    /// Writes a number, the lowest byte first.
    pub fn put_le16(&mut self, offset: u64, value: u16) {
        self.put(offset, &value.to_le_bytes());
    }

    /// Writes a number, the lowest byte first.
    pub fn put_le32(&mut self, offset: u64, value: u32) {
        self.put(offset, &value.to_le_bytes());
    }

    /// Writes a number, the lowest byte first.
    pub fn put_le64(&mut self, offset: u64, value: u64) {
        self.put(offset, &value.to_le_bytes());
    }

    /// Reads a number, the lowest byte first.
    #[must_use]
    pub fn le16(&self, offset: u64) -> u16 {
        u16::from_le_bytes(self.array(offset))
    }

    /// Reads a number, the lowest byte first.
    #[must_use]
    pub fn le32(&self, offset: u64) -> u32 {
        u32::from_le_bytes(self.array(offset))
    }

    /// Reads a number, the highest byte first.
    #[must_use]
    pub fn be32(&self, offset: u64) -> u32 {
        u32::from_be_bytes(self.array(offset))
    }

    fn array<const N: usize>(&self, offset: u64) -> [u8; N] {
        let mut array = [0; N];
        array.copy_from_slice(&self.get(offset, N));
        array
    }

    /// Turns over the lowest bit of a byte.
    pub fn flip(&mut self, offset: u64) {
        let [byte] = self.array(offset);
        self.put(offset, &[byte ^ 1]);
    }

    /// Ends it here, or lengthens it with zeros.
    pub fn cut(&mut self, length: u64) {
        self.pages.retain(|page, _| page * PAGE < length);
        if let Some(page) = self.pages.get_mut(&(length / PAGE)) {
            page[usize_of(length % PAGE)..].fill(0);
        }
        self.length = length;
    }

    /// Writes all of `other` at `offset`.
    pub fn put_image(&mut self, offset: u64, other: &Self) {
        for (page, bytes) in &other.pages {
            let length = usize_of(PAGE.min(other.length.saturating_sub(page * PAGE)));
            self.put(offset + page * PAGE, bytes.get(..length).unwrap_or(bytes));
        }
        self.length = self.length.max(offset + other.length);
    }

    /// Where pages begin that hold something.
    #[must_use]
    pub fn used(&self) -> Vec<u64> {
        let used = self.pages.iter().filter(|(_, page)| page.iter().any(|byte| *byte != 0));
        used.map(|(page, _)| page * PAGE).collect()
    }

    /// Where `needle` stands, from `from` on and at multiples of `step`.
    #[must_use]
    pub fn find(&self, needle: &[u8], from: u64, step: u64) -> Option<u64> {
        let mut places = self.used().into_iter().flat_map(|page| (page..page + PAGE).step_by(usize_of(step)));
        places.find(|at| *at >= from && self.get(*at, needle.len()) == needle)
    }
}

impl ReadAt for Image {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match offset.checked_add(u64_of(buffer.len())) {
            Some(end) if end <= self.length => {
                buffer.copy_from_slice(&self.get(offset, buffer.len()));
                Ok(())
            }
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<(u64, u64)>> {
        let next = self.pages.range(offset / PAGE..).next().map(|(page, _)| page * PAGE);
        Ok(next
            .map(|start| (start.max(offset), (start + PAGE).min(self.length)))
            .filter(|(start, end)| start < end))
    }
}

impl WriteAt for Image {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        self.put(offset, data);
        Ok(())
    }

    fn set_length(&mut self, bytes: u64) -> io::Result<()> {
        self.cut(bytes);
        Ok(())
    }
}

fn usize_of(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

fn u64_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
