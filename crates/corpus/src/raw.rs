//! Raw disks: lengths that no disk has, and files that are two things at once.

use disks::InputFormat;
use disks::OutputFormat;
use disks::Reason::{
    ImageEmpty, ImageFormatMismatch, ImageFormatUnsupported, ImageLimitExceeded, ImageSizeNotAligned,
};

use crate::case::{Expect, Shelf};
use crate::workshop::packed;
use crate::{Case, Image, Workshop};

const MIB: u64 = 1 << 20;

/// Every container that our writers write.
const CONTAINERS: [(&str, InputFormat, OutputFormat); 5] = [
    ("vhd", InputFormat::Vhd, OutputFormat::Vhd),
    ("vhd-dynamic", InputFormat::Vhd, OutputFormat::VhdDynamic),
    ("vhdx", InputFormat::Vhdx, OutputFormat::Vhdx),
    ("qcow2", InputFormat::Qcow2, OutputFormat::Qcow2),
    ("vmdk", InputFormat::Vmdk, OutputFormat::Vmdk),
];

pub(crate) fn cases(_workshop: &Workshop) -> anyhow::Result<Vec<Case>> {
    let mut shelf = Shelf::new("raw", InputFormat::Raw);
    lengths(&mut shelf);
    containers(&mut shelf);
    let mut cases = shelf.into_cases();
    for (name, format, output) in CONTAINERS {
        let mut shelf = Shelf::new("raw", format);
        wrapped(&mut shelf, name, output);
        cases.extend(shelf.into_cases());
    }
    Ok(cases)
}

fn lengths(shelf: &mut Shelf) {
    for (name, length, expect) in [
        ("0", 0, Expect::Refused(ImageEmpty)),
        ("1", 1, Expect::Refused(ImageSizeNotAligned)),
        ("511", 511, Expect::Refused(ImageSizeNotAligned)),
        ("odd", 8 * MIB + 13, Expect::Refused(ImageSizeNotAligned)),
        ("ok-512", 512, Expect::Accepted),
        ("ok-4-mib-and-a-sector", 4 * MIB + 512, Expect::Accepted),
        ("ok-1-tib-of-nothing", 1 << 40, Expect::Accepted),
        ("64-tib", 64 << 40, Expect::Refused(ImageLimitExceeded)),
        ("33-tib", 33 << 40, Expect::Refused(ImageLimitExceeded)),
    ] {
        shelf.add(name, expect, move || Ok(Image::zeros(length)));
    }
}

/// Containers that are declared as raw.
fn containers(shelf: &mut Shelf) {
    for (name, _, output) in CONTAINERS {
        shelf.add(format!("is-{name}"), Expect::Refused(ImageFormatMismatch), move || {
            packed(crate::vhd::sample(), output)
        });
    }
    let marks: &[(&str, u64, &[u8])] = &[
        ("qcow2-and-gpt", 0, b"QFI\xfb"),
        ("vhd-head", 0, b"conectix"),
        ("vhd-tail", 8 * MIB - 512, b"conectix"),
        ("vhdx-head", 0, b"vhdxfile"),
        ("vmdk-head", 0, b"KDMV"),
        ("vmdk-descriptor", 0, b"# Disk DescriptorFile\nversion=1\nRW 24 FLAT \"/etc/passwd\" 0\n"),
        ("vmdk-descriptor-short", 0, b"\n# x\n\nversion=1\nRW 24 FLAT \"/etc/passwd\" 0\n"),
    ];
    for &(name, at, mark) in marks {
        shelf.refused(format!("mark-{name}"), ImageFormatMismatch, gpt, move |image| image.put(at, mark));
    }
    for (name, at, mark) in
        [("qed", 0, b"QED\0".as_slice()), ("vdi", 64, b"\x7f\x10\xda\xbe"), ("dmg", 8 * MIB - 512, b"koly")]
    {
        shelf.refused(format!("mark-{name}"), ImageFormatUnsupported, gpt, move |image| image.put(at, mark));
    }
}

fn gpt() -> Image {
    crate::tables::good()
}

/// Disks in containers whose own bytes are a container; and plain disks that are declared as one.
fn wrapped(shelf: &mut Shelf, name: &'static str, output: OutputFormat) {
    let marks: &[(&str, u64, &[u8])] = &[
        ("qcow2", 0, b"QFI\xfb\0\0\0\x03"),
        ("vhdx", 0, b"vhdxfile"),
        ("vmdk", 0, b"KDMV"),
        ("vhd-tail", 8 * MIB - 512, b"conectix"),
    ];
    for &(inner, at, mark) in marks {
        shelf.add(format!("{inner}-in-{name}"), Expect::Refused(ImageFormatMismatch), move || {
            let mut disk = gpt();
            disk.put(at, mark);
            packed(disk, output)
        });
    }
    shelf.add(format!("declared-{name}"), Expect::Refused(ImageFormatMismatch), || Ok(gpt()));
    shelf.add(format!("ok-in-{name}"), Expect::Accepted, move || packed(gpt(), output));
}
