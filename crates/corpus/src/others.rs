//! Files that are no disk of ours: archives, packed disks, other programs' formats; and encrypted disks.

use std::io::Write as _;

use disks::InputFormat;
use disks::Reason::{ImageFormatMismatch, ImageFormatUnsupported};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::case::{Expect, Shelf};
use crate::{Case, Image, Workshop};

/// Makes an image.
type Maker = fn() -> Image;

const FORMATS: [InputFormat; 5] =
    [InputFormat::Raw, InputFormat::Vhd, InputFormat::Vhdx, InputFormat::Qcow2, InputFormat::Vmdk];

pub(crate) fn cases(_workshop: &Workshop) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for format in FORMATS {
        let mut shelf = Shelf::new("others", format);
        foreign(&mut shelf, format);
        cases.extend(shelf.into_cases());
    }
    let mut shelf = Shelf::new("others", InputFormat::Raw);
    encrypted(&mut shelf);
    cases.extend(shelf.into_cases());
    Ok(cases)
}

/// 64 MiB of zeros in 64 KiB: what unpacks without a bound fills the memory.
fn gzip() -> Image {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Memory takes all that is written to it.
    let _infallible = encoder.write_all(&vec![0; 64 << 20]);
    Image::of(&encoder.finish().unwrap_or_default())
}

/// A tar with a symbolic link that is called a disk, as an OVA could have.
fn ova() -> Image {
    let mut image = Image::zeros(10_240);
    image.put(0, b"disk.vmdk");
    image.put(100, b"0000777\0");
    image.put(156, b"2/etc/passwd");
    image.put(257, b"ustar\x0000");
    image
}

fn zip() -> Image {
    let mut image = Image::zeros(512);
    image.put(0, b"PK\x03\x04\x14\0\0\0\0\0");
    image.put(26, b"\x10\0\0\0../../etc/passwd");
    image
}

fn starts_with(mark: &'static [u8], at: u64) -> Image {
    let mut image = Image::zeros(1 << 20);
    image.put(at, mark);
    image
}

fn foreign(shelf: &mut Shelf, format: InputFormat) {
    let unsupported = Expect::Refused(ImageFormatUnsupported);
    let makers: [(&str, Maker); 10] = [
        ("gzip", gzip),
        ("ova", ova),
        ("zip", zip),
        ("xz", || starts_with(b"\xfd7zXZ\0", 0)),
        ("bzip2", || starts_with(b"BZh91AY&SY", 0)),
        ("zstd", || starts_with(b"\x28\xb5\x2f\xfd", 0)),
        ("7z", || starts_with(b"7z\xbc\xaf\x27\x1c", 0)),
        ("qed", || starts_with(b"QED\0", 0)),
        ("vdi", || starts_with(b"\x7f\x10\xda\xbe", 64)),
        ("parallels", || starts_with(b"WithoutFreeSpace", 0)),
    ];
    for (name, make) in makers {
        shelf.add(format!("{name}-as-{format}"), unsupported, move || Ok(make()));
    }
    if format != InputFormat::Raw {
        let mismatch = Expect::Refused(ImageFormatMismatch);
        shelf.add(format!("zeros-as-{format}"), mismatch, || Ok(Image::zeros(1 << 20)));
        shelf.add(format!("text-as-{format}"), mismatch, || Ok(Image::of(&b"Dear reader, \n".repeat(1024))));
    }
}

fn encrypted(shelf: &mut Shelf) {
    for version in [1_u8, 2] {
        shelf.add(format!("luks-{version}"), Expect::Unreadable, move || {
            let mut image = starts_with(b"LUKS\xba\xbe", 0);
            image.put(6, &[0, version]);
            Ok(image)
        });
    }
    shelf.add("bitlocker", Expect::Unreadable, || Ok(starts_with(b"-FVE-FS-", 3)));
}
