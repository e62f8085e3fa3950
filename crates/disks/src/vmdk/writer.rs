//! Writing streamOptimized VMDKs: compressed grains in order, each table behind its grains, the directory at the end.

use flate2::{Compress, Compression, FlushCompress, Status};

use super::{
    DIRECTORY_AT_END, ENTRIES_PER_TABLE, MARKER_DIRECTORY, MARKER_END, MARKER_FOOTER, MARKER_TABLE,
    SECTOR_BYTES, TABLE_SECTORS,
};
use crate::bytes::{as_u64, as_usize};
use crate::packed::{Pack, pack_units};
use crate::{Blocks, Error, WriteAt};

const GRAIN_SECTORS: u64 = 128;
const GRAIN_BYTES: usize = 64 << 10;
const DESCRIPTOR_SECTOR: u64 = 1;
const DESCRIPTOR_SECTORS: u64 = 20;
/// Where the first grain goes.
const OVERHEAD_SECTORS: u64 = 128;
/// Newline detection is right, grains are compressed, and markers stand before everything.
const FLAGS: u32 = 1 | 1 << 16 | 1 << 17;
const LEVEL: u32 = 3;

/// Writes `blocks` and returns the length of the file.
pub(crate) fn write(blocks: &dyn Blocks, identity: [u8; 16], out: &mut dyn WriteAt) -> Result<u64, Error> {
    let sectors = blocks.size_bytes() / SECTOR_BYTES;
    let mut packers: [Box<dyn Pack>; 2] = [Box::new(Zlib::new()), Box::new(Zlib::new())];
    let mut writer = Writer::new(sectors, out)?;
    pack_units(blocks, GRAIN_BYTES, &mut packers, &mut |index, _plain, packed| writer.grain(index, packed))?;
    writer.finish(sectors, &descriptor(sectors, identity))
}

struct Zlib {
    state: Compress,
}

impl Zlib {
    fn new() -> Self {
        Self { state: Compress::new(Compression::new(LEVEL), true) }
    }
}

impl Pack for Zlib {
    /// A whole grain with its marker.
    fn pack(&mut self, index: u64, plain: &[u8], packed: &mut Vec<u8>) -> Result<(), Error> {
        packed.extend((index * GRAIN_SECTORS).to_le_bytes());
        packed.extend([0; 4]);
        let marker_bytes = packed.len();
        self.state.reset();
        // What does not compress grows by less than this.
        packed.reserve(plain.len() + plain.len() / 64 + 64);
        let status =
            self.state.compress_vec(plain, packed, FlushCompress::Finish).map_err(std::io::Error::other)?;
        if status != Status::StreamEnd {
            return Err(Error::Io(std::io::Error::other("a grain grew while it was compressed")));
        }
        let length = u32::try_from(packed.len() - marker_bytes)
            .map_err(|_long| Error::limit("a grain grew while it was compressed"))?;
        packed[8..marker_bytes].copy_from_slice(&length.to_le_bytes());
        packed.resize(packed.len().next_multiple_of(as_usize(SECTOR_BYTES)?), 0);
        Ok(())
    }
}

/// A file on its way.
struct Writer<'a> {
    out: &'a mut dyn WriteAt,
    /// The next free sector.
    end: u64,
    directory: Vec<u32>,
    /// The grain table being filled, and its place in the directory.
    table: Vec<u32>,
    table_index: Option<usize>,
}

impl<'a> Writer<'a> {
    fn new(sectors: u64, out: &'a mut dyn WriteAt) -> Result<Self, Error> {
        let tables = as_usize(sectors.div_ceil(GRAIN_SECTORS * ENTRIES_PER_TABLE))?;
        Ok(Self {
            out,
            end: OVERHEAD_SECTORS,
            directory: vec![0; tables],
            table: vec![0; as_usize(ENTRIES_PER_TABLE)?],
            table_index: None,
        })
    }

    fn grain(&mut self, index: u64, packed: &[u8]) -> Result<(), Error> {
        let table_index = as_usize(index / ENTRIES_PER_TABLE)?;
        if self.table_index != Some(table_index) {
            self.finish_table()?;
            self.table_index = Some(table_index);
        }
        self.table[as_usize(index % ENTRIES_PER_TABLE)?] = self.append(packed)?;
        Ok(())
    }

    fn finish_table(&mut self) -> Result<(), Error> {
        let Some(index) = self.table_index.take() else { return Ok(()) };
        self.append(&marker(TABLE_SECTORS, MARKER_TABLE))?;
        let table = little_endian(&self.table);
        self.directory[index] = self.append(&table)?;
        self.table.fill(0);
        Ok(())
    }

    fn finish(mut self, sectors: u64, descriptor: &str) -> Result<u64, Error> {
        self.finish_table()?;
        let directory = little_endian(&self.directory);
        self.append(&marker(as_u64(directory.len()) / SECTOR_BYTES, MARKER_DIRECTORY))?;
        let directory_sector = self.append(&directory)?;
        self.append(&marker(1, MARKER_FOOTER))?;
        self.append(&header(sectors, u64::from(directory_sector)))?;
        self.append(&marker(0, MARKER_END))?;
        self.out.write_all_at(descriptor.as_bytes(), DESCRIPTOR_SECTOR * SECTOR_BYTES)?;
        // The header comes last: an interrupted file is no VMDK.
        self.out.write_all_at(&header(sectors, DIRECTORY_AT_END), 0)?;
        Ok(self.end * SECTOR_BYTES)
    }

    /// Writes whole sectors at the end; returns where they begin.
    fn append(&mut self, bytes: &[u8]) -> Result<u32, Error> {
        let sector = u32::try_from(self.end)
            .map_err(|_past| Error::limit("a VMDK file holds at most 2 TiB; choose vhdx or qcow2"))?;
        self.out.write_all_at(bytes, self.end * SECTOR_BYTES)?;
        self.end += as_u64(bytes.len()) / SECTOR_BYTES;
        Ok(sector)
    }
}

/// Entries as whole sectors.
fn little_endian(entries: &[u32]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_le_bytes()).collect();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// A sector that announces `sectors` of a kind.
fn marker(sectors: u64, kind: u32) -> [u8; 512] {
    let mut marker = [0; 512];
    marker[..8].copy_from_slice(&sectors.to_le_bytes());
    marker[12..16].copy_from_slice(&kind.to_le_bytes());
    marker
}

fn header(sectors: u64, directory: u64) -> [u8; 512] {
    let mut header = [0; 512];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"KDMV");
    put(4, &3_u32.to_le_bytes());
    put(8, &FLAGS.to_le_bytes());
    put(12, &sectors.to_le_bytes());
    put(20, &GRAIN_SECTORS.to_le_bytes());
    put(28, &DESCRIPTOR_SECTOR.to_le_bytes());
    put(36, &DESCRIPTOR_SECTORS.to_le_bytes());
    put(44, &512_u32.to_le_bytes());
    put(56, &directory.to_le_bytes());
    put(64, &OVERHEAD_SECTORS.to_le_bytes());
    put(73, b"\n \r\n");
    put(77, &1_u16.to_le_bytes());
    header
}

/// The descriptor; it is far shorter than its place.
fn descriptor(sectors: u64, identity: [u8; 16]) -> String {
    let long_id: String = identity.iter().map(|byte| format!("{byte:02x}")).collect();
    let [a, b, c, d, ..] = identity;
    // All ones would mean that there is no content.
    let id = u32::from_be_bytes([a, b, c, d]) & 0x7FFF_FFFF;
    let cylinders = (sectors / (255 * 63)).clamp(1, 65535);
    format!(
        "# Disk DescriptorFile\n\
         version=1\n\
         CID={id:08x}\n\
         parentCID=ffffffff\n\
         createType=\"streamOptimized\"\n\
         \n\
         # Extent description\n\
         RW {sectors} SPARSE \"disk.vmdk\"\n\
         \n\
         # The Disk Data Base\n\
         #DDB\n\
         \n\
         ddb.virtualHWVersion = \"4\"\n\
         ddb.adapterType = \"lsilogic\"\n\
         ddb.geometry.cylinders = \"{cylinders}\"\n\
         ddb.geometry.heads = \"255\"\n\
         ddb.geometry.sectors = \"63\"\n\
         ddb.longContentID = \"{long_id}\"\n"
    )
}
