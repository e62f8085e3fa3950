//! Changes to good disks: an input is a row of changes, each a place among what is used and the bytes that go there.

use std::sync::LazyLock;

use corpus::{Image, Workshop};
use disks::{InputFormat, Limits};
use inspect::tree::NodeKind;
use inspect::walk::{self, Next};
use inspect::{Budget, Disk};

/// A small budget, so that what would run without end is seen to end.
const BUDGET: Budget = Budget { read_bytes: 64 << 20, entries: 10_000, work: 100_000 };

/// A good disk and the places in it that hold something, 512 bytes each.
struct Base {
    image: Image,
    places: Vec<u64>,
}

impl Base {
    fn of(image: Image) -> Self {
        let sectors = image.used().into_iter().flat_map(|page| (page..page + (64 << 10)).step_by(512));
        let places = sectors.filter(|at| image.get(*at, 512).iter().any(|byte| *byte != 0)).collect();
        Self { image, places }
    }

    fn made(name: &str) -> Self {
        let workshop = Workshop::new().expect("there is room for a folder");
        Self::of(corpus::base(&workshop, name).expect("the tools that make file systems are there"))
    }

    /// The disk with the changes that `input` says: two bytes of place, two of offset and length, then the bytes.
    fn changed(&self, mut input: &[u8], mend: impl Fn(&mut Image, u64)) -> Image {
        let mut image = self.image.clone();
        let mut touched = Vec::new();
        while let [place, more, offset, length, rest @ ..] = input {
            let index = usize::from(u16::from_le_bytes([*place, *more])) % self.places.len();
            let length = usize::from(length & 63).min(rest.len());
            let at = self.places[index] + u64::from(*offset) + if length & 1 == 1 { 256 } else { 0 };
            image.put(at, &rest[..length]);
            touched.push(at);
            input = &rest[length..];
        }
        image.cut(self.image.len());
        touched.into_iter().for_each(|at| mend(&mut image, at));
        image
    }
}

/// Opens a disk and reads whatever is told of it.
fn look(image: Image) {
    let Ok(disk) = disks::open(InputFormat::Raw, Box::new(image), &Limits::default()) else { return };
    assert!(disk.blocks.size_bytes() > 0);
    let disk = Disk::open(disk.blocks.as_ref(), BUDGET);
    for volume in &disk.volumes {
        let Ok(tree) = volume.tree() else { continue };
        walk::visit(tree, b"/", walk::Limits { depth: 64, entries: 2000 }, &mut |path, node| {
            let read = match node.kind {
                NodeKind::File => tree.read(path, node.size_bytes / 2, 5000).map(|bytes| bytes.len()),
                NodeKind::Link => tree.target(path).map(|_| 0),
                NodeKind::Folder | NodeKind::Other => Ok(0),
            };
            assert!(read.is_err() || read.is_ok_and(|length| length <= 5000));
            Next::On
        });
    }
    assert!(disk.used().work < BUDGET.work + 100_000, "far over the budget");
}

/// Changes to an ext4.
pub fn ext(input: &[u8]) {
    static BASE: LazyLock<Base> = LazyLock::new(|| Base::made("ext4"));
    look(BASE.changed(input, |_, _| {}));
}

/// Changes to an XFS.
pub fn xfs(input: &[u8]) {
    static BASE: LazyLock<Base> = LazyLock::new(|| Base::made("xfs"));
    look(BASE.changed(input, |_, _| {}));
}

/// Changes to a Btrfs, its checksums right again.
pub fn btrfs(input: &[u8]) {
    static BASE: LazyLock<Base> = LazyLock::new(|| Base::made("btrfs"));
    look(BASE.changed(input, |image, at| corpus::sign_btrfs(image, at / 4096 * 4096)));
}

/// Changes to a FAT of each width.
pub fn fat(input: &[u8]) {
    static BASES: LazyLock<[Base; 3]> = LazyLock::new(|| ["fat12", "fat16", "fat32"].map(Base::made));
    if let [which, rest @ ..] = input {
        look(BASES[usize::from(which % 3)].changed(rest, |_, _| {}));
    }
}

/// Changes to an NTFS.
pub fn ntfs(input: &[u8]) {
    static BASE: LazyLock<Base> = LazyLock::new(|| Base::made("ntfs"));
    look(BASE.changed(input, |_, _| {}));
}

/// Changes to a dynamic VHD, its checksums right again unless the first byte says otherwise.
pub fn vhd(input: &[u8]) {
    static BASE: LazyLock<Base> = LazyLock::new(|| Base::of(corpus::vhd()));
    changed_container(&BASE, input, InputFormat::Vhd, corpus::sign_vhd);
}

/// Changes to a VHDX, its checksums right again unless the first byte says otherwise.
pub fn vhdx(input: &[u8]) {
    static BASE: LazyLock<Base> = LazyLock::new(|| Base::of(corpus::vhdx()));
    changed_container(&BASE, input, InputFormat::Vhdx, corpus::sign_vhdx);
}

fn changed_container(base: &Base, input: &[u8], format: InputFormat, sign: fn(&mut Image)) {
    let [signed, rest @ ..] = input else { return };
    let mut image = base.changed(rest, |_, _| {});
    if *signed != 0 {
        sign(&mut image);
    }
    crate::read(format, Box::new(image));
}

/// The beginning of a raw disk of 8 MiB, and its last bytes.
pub fn partitions(bytes: &[u8]) {
    let mut image = Image::zeros(8 << 20);
    let head = bytes.len().min(1 << 20);
    image.put(0, &bytes[..head]);
    image.put((8 << 20) - 512, &bytes[head.min(512)..head.min(1024)]);
    look(image);
}
