//! What each target does with its bytes: it has them read, and whatever comes of it is good, as long as something does.
//!
//! Disks with a structure that chance would never hit are made by the tools that make real ones; the bytes are changes to
//! them. Everything else reads the bytes as they are.

mod files;
mod systems;

use disks::{Blocks, InputFormat, Limits};

pub use files::{
    apk, berkeley, configuration, dpkg, hive, initramfs, lvm, ndb, pacman, program, sqlite,
};
pub use systems::{btrfs, ext, fat, ntfs, partitions, vhd, vhdx, xfs};

/// Limits under which nothing large can be asked for.
const LIMITS: Limits = Limits { virtual_bytes: 1 << 40, table_bytes: 1 << 20 };
/// Extents that are looked at, and bytes that are read of each.
const MOST_EXTENTS: usize = 200;
const MOST_BYTES: u64 = 70_000;

/// Opens `image` and reads the beginnings of its extents.
fn read(format: InputFormat, image: Box<dyn disks::ReadAt>) {
    let Ok(disk) = disks::open(format, image, &LIMITS) else { return };
    let blocks = disk.blocks;
    if blocks.size_bytes() < 64 << 20 {
        drop(blocks.prove());
    }
    walk(blocks.as_ref());
}

fn walk(blocks: &dyn Blocks) {
    let (size, mut at) = (blocks.size_bytes(), 0);
    assert!(size > 0 && size.is_multiple_of(512));
    for _ in 0..MOST_EXTENTS {
        let Ok(extent) = blocks.extent_at(at) else { break };
        assert!(extent.length > 0 && extent.length <= size - at, "an extent that is none");
        let mut part = vec![0; usize::try_from(extent.length.min(MOST_BYTES)).unwrap_or(0)];
        drop(blocks.read_at(at, &mut part));
        at += extent.length;
        if at >= size {
            break;
        }
    }
    assert!(blocks.read_at(size, &mut [0]).is_err() && blocks.extent_at(size).is_err());
}

/// A qcow2 image.
pub fn qcow2(bytes: &[u8]) {
    read(InputFormat::Qcow2, Box::new(bytes.to_vec()));
}

/// A VMDK image; its text alone is also tried as that of a flat one.
pub fn vmdk(bytes: &[u8]) {
    read(InputFormat::Vmdk, Box::new(bytes.to_vec()));
    drop(disks::open_flat_vmdk(bytes, Box::new(vec![0; 24 * 512]), &LIMITS));
}

/// A template of a deployment.
pub fn template(bytes: &[u8]) {
    if let Ok(value) = template::read(bytes) {
        drop(value);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(template::Expression::parse(text));
    }
}

/// Names of the wire.
pub fn arm_names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(id) = text.parse::<arm::ResourceId>() {
        let again = id.to_string().parse::<arm::ResourceId>();
        assert!(again.is_ok_and(|again| again == id), "an id does not survive being written");
    }
    if let Ok(version) = text.parse::<arm::VersionName>() {
        assert!(version.to_string().parse::<arm::VersionName>().is_ok_and(|again| again == version));
    }
}
