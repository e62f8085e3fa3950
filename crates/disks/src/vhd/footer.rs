//! The 512 bytes at the end of every VHD (and again at the start of a dynamic one).

use crate::Error;
use crate::bytes::Fields;

/// Length of the footer, in bytes.
pub(super) const FOOTER_BYTES: usize = 512;
/// Where the checksum of the footer stands.
const CHECKSUM_AT: usize = 64;
const COOKIE: &[u8; 8] = b"conectix";
/// Version 1.0 of the file format.
const VERSION: u32 = 0x0001_0000;
/// The largest geometry that the fields can hold, in sectors.
const GEOMETRY_LIMIT_SECTORS: u64 = 65_535 * 16 * 255;

/// The kinds of VHD that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DiskType {
    /// All data in one piece.
    Fixed,
    /// Blocks through a table.
    Dynamic,
}

/// What we need to know from a footer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Footer {
    /// Where the dynamic header stands; meaningless in a fixed disk.
    pub(super) data_offset: u64,
    /// The virtual size; not checked against anything yet.
    pub(super) current_bytes: u64,
    /// Fixed or dynamic.
    pub(super) disk_type: DiskType,
    /// Whether a machine was suspended onto this disk.
    pub(super) saved_state: bool,
}

impl Footer {
    /// Whether this could be a footer at all.
    pub(super) fn has_cookie(sector: &[u8]) -> bool {
        sector.starts_with(COOKIE)
    }

    /// Checks cookie, checksum, version and type.
    pub(super) fn parse(sector: &[u8; FOOTER_BYTES]) -> Result<Self, Error> {
        let fields = Fields::new("VHD footer", sector);
        if !Self::has_cookie(sector) {
            return Err(Error::corrupt("the VHD footer does not begin with its cookie"));
        }
        if fields.be_u32(CHECKSUM_AT)? != checksum(sector, CHECKSUM_AT) {
            return Err(Error::corrupt("the checksum of the VHD footer is wrong"));
        }
        if fields.be_u32(12)? != VERSION {
            return Err(Error::unsupported("the VHD footer is of another version than 1.0"));
        }
        let disk_type = match fields.be_u32(60)? {
            2 => DiskType::Fixed,
            3 => DiskType::Dynamic,
            4 => {
                return Err(Error::external_reference(
                    "the VHD is a differencing disk, whose other half is another file; merge it first",
                ));
            }
            other => {
                return Err(Error::unsupported(format!("the VHD footer has the unknown disk type {other}")));
            }
        };
        Ok(Self {
            data_offset: fields.be_u64(16)?,
            current_bytes: fields.be_u64(48)?,
            disk_type,
            saved_state: fields.slice(84, 1)? != [0],
        })
    }

    /// The footer of a disk that we write.
    ///
    /// The creator is given as Windows, because readers trust the size field of few others: with an unknown
    /// creator, QEMU computes the size from the geometry, which cannot express every size.
    pub(super) fn build(disk_type: DiskType, size_bytes: u64, identity: [u8; 16]) -> [u8; FOOTER_BYTES] {
        let (data_offset, type_number) = match disk_type {
            DiskType::Fixed => (u64::MAX, 2_u32),
            DiskType::Dynamic => (512, 3),
        };
        let mut sector = [0; FOOTER_BYTES];
        let mut put = |at: usize, bytes: &[u8]| sector[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, COOKIE);
        put(8, &2_u32.to_be_bytes());
        put(12, &VERSION.to_be_bytes());
        put(16, &data_offset.to_be_bytes());
        put(28, b"win ");
        put(32, &0x000A_0000_u32.to_be_bytes());
        put(36, b"Wi2k");
        put(40, &size_bytes.to_be_bytes());
        put(48, &size_bytes.to_be_bytes());
        put(56, &geometry(size_bytes / 512));
        put(60, &type_number.to_be_bytes());
        put(68, &identity);
        let sum = checksum(&sector, CHECKSUM_AT);
        sector[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&sum.to_be_bytes());
        sector
    }
}

/// The ones' complement of the sum of all bytes, without the four of the checksum itself.
pub(super) fn checksum(bytes: &[u8], checksum_at: usize) -> u32 {
    let sum = bytes
        .iter()
        .enumerate()
        .filter(|(at, _)| !(checksum_at..checksum_at + 4).contains(at))
        .fold(0_u32, |sum, (_, byte)| sum.wrapping_add(u32::from(*byte)));
    !sum
}

/// Cylinders (two bytes), heads and sectors per track, as the specification's appendix computes them.
fn geometry(sectors: u64) -> [u8; 4] {
    let sectors = sectors.min(GEOMETRY_LIMIT_SECTORS);
    let (cylinders_times_heads, heads, per_track) =
        if sectors >= 65_535 * 16 * 63 { (sectors / 255, 16, 255) } else { small_geometry(sectors) };
    let cylinders = u16::try_from(cylinders_times_heads / heads).unwrap_or(u16::MAX).to_be_bytes();
    let narrow = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
    [cylinders[0], cylinders[1], narrow(heads), narrow(per_track)]
}

/// Cylinders times heads, heads, sectors per track of a disk below 31.5 GiB.
fn small_geometry(sectors: u64) -> (u64, u64, u64) {
    let fits = |product: u64, heads: u64| product < heads * 1024 && heads <= 16;
    let product = sectors / 17;
    let heads = product.div_ceil(1024).max(4);
    if fits(product, heads) {
        return (product, heads, 17);
    }
    let product = sectors / 31;
    if fits(product, 16) {
        return (product, 16, 31);
    }
    (sectors / 63, 16, 63)
}
