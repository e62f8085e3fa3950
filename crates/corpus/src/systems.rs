//! File systems that lie or are damaged: none refuses a disk, and none may cost much or reach outside.

use std::fs;
use std::os::unix::fs::symlink;
use std::rc::Rc;

use anyhow::bail;
use disks::InputFormat;

use crate::case::{Expect, Shelf};
use crate::dice::Dice;
use crate::vhdx::crc32c;
use crate::{Case, Image, Workshop};

/// How often each file system is damaged at random.
const ROUNDS: u64 = 10;

/// A good file system with a few files of every kind: ext4, xfs, btrfs, fat12, fat16, fat32 or ntfs.
///
/// # Errors
/// When a tool is missing, or there is none of this name.
pub fn base(workshop: &Workshop, name: &str) -> anyhow::Result<Image> {
    if !workshop.path("files").exists() {
        files(workshop)?;
    }
    match name {
        "ext4" => workshop.mkfs(name, 16, "mkfs.ext4 -q -F -b 1024 -O 64bit,^metadata_csum -d files ext4"),
        "xfs" => {
            let lines = "boot\n0 0\nd--755 0 0\netc d--755 0 0\nos-release ---644 0 0 files/etc/os-release\n\
                         passwd ---644 0 0 files/etc/passwd\n$\nbig ---644 0 0 files/big\na l--777 0 0 etc\n$\n";
            workshop.write("prototype", lines)?;
            workshop.mkfs(name, 320, "mkfs.xfs -q -m crc=0 -p prototype xfs")
        }
        "btrfs" => workshop.mkfs(name, 120, "mkfs.btrfs -q --mixed --rootdir files btrfs"),
        "fat12" | "fat16" | "fat32" => {
            let (bits, mebibytes) = match name {
                "fat12" => ("12 -s 8", 12),
                "fat16" => ("16", 20),
                _ => ("32", 40),
            };
            workshop.mkfs(name, mebibytes, &format!("mkfs.vfat -F {bits} -n NAME -i 12345678 {name}"))?;
            workshop.run(&format!("mcopy -i {name} -s -Q plain/etc plain/big plain/many plain/a ::"))?;
            workshop.load(name)
        }
        "ntfs" => {
            workshop.mkfs(name, 32, "mkntfs -F -q -f -c 4096 -L name ntfs")?;
            workshop.run("wimcapture plain files.wim --compress=none")?;
            workshop.run("wimapply files.wim ntfs")?;
            workshop.load(name)
        }
        _ => bail!("there is no base called {name}"),
    }
}

pub(crate) fn cases(workshop: &Workshop) -> anyhow::Result<Vec<Case>> {
    files(workshop)?;
    let mut shelf = Shelf::new("systems", InputFormat::Raw);
    superblocks(&mut shelf, &ext(workshop, "ext4-plain", "-t ext4 -b 1024 -O 64bit,^metadata_csum")?);
    structures(&mut shelf, workshop);
    for (name, options) in [
        ("ext4", "-t ext4"),
        ("ext2", "-t ext2 -b 1024"),
        ("inline", "-t ext4 -I 512 -O inline_data,^metadata_csum"),
    ] {
        damaged(&mut shelf, name, &ext(workshop, name, options)?, |_| {});
    }
    xfs(&mut shelf, workshop)?;
    btrfs(&mut shelf, workshop)?;
    fat(&mut shelf, workshop)?;
    ntfs(&mut shelf, workshop)?;
    Ok(shelf.into_cases())
}

/// A few files of every kind, in `files` (with links) and `plain` (without).
fn files(workshop: &Workshop) -> anyhow::Result<()> {
    for folder in ["files", "plain"] {
        workshop.write(&format!("{folder}/etc/os-release"), "ID=debian\nVERSION_ID=\"13\"\n")?;
        workshop.write(&format!("{folder}/etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")?;
        workshop.write(&format!("{folder}/big"), crate::dice::noise(3, 300_000))?;
        for index in 0..200 {
            workshop.write(&format!("{folder}/many/file-with-a-long-name-{index:04}"), index.to_string())?;
        }
        fs::create_dir_all(workshop.path(folder).join("a/b/c/d"))?;
    }
    symlink("../etc/os-release", workshop.path("files/a/link"))?;
    symlink("x".repeat(1000), workshop.path("files/a/long-link"))?;
    Ok(())
}

fn ext(workshop: &Workshop, name: &str, options: &str) -> anyhow::Result<Rc<Image>> {
    workshop.blank(name, 16)?;
    workshop.run(&format!("mkfs.ext4 -q -F {options} -d files {name}"))?;
    Ok(Rc::new(workshop.load(name)?))
}

/// The undamaged image, images with damage at random, and some that end too soon.
fn damaged(shelf: &mut Shelf, name: &str, base: &Rc<Image>, mend: fn(&mut Image)) {
    let whole = Rc::clone(base);
    shelf.add(format!("ok-{name}"), Expect::Accepted, move || Ok(Image::clone(&whole)));
    for round in 0..ROUNDS {
        let base = Rc::clone(base);
        shelf.add(format!("{name}-damage-{round}"), Expect::Accepted, move || {
            let mut image = Image::clone(&base);
            let (used, mut dice) = (base.used(), Dice::new(round + 77));
            for _ in 0..=dice.roll(24) {
                damage(&mut image, &used, &mut dice);
            }
            mend(&mut image);
            Ok(image)
        });
    }
    for eighths in [1, 4, 7] {
        let base = Rc::clone(base);
        shelf.add(format!("{name}-cut-{eighths}"), Expect::Accepted, move || {
            let mut image = Image::clone(&base);
            image.cut(base.len() / 8 * eighths / 512 * 512);
            Ok(image)
        });
    }
}

/// Changes one thing in a page that holds something; never the first bytes, which would make it another format.
fn damage(image: &mut Image, used: &[u64], dice: &mut Dice) {
    let at = (dice.pick(used, 0) + dice.roll(64 << 10)).max(1024) & !3;
    if at + 512 > image.len() - 512 {
        return;
    }
    match dice.roll(4) {
        0 => image.flip(at + dice.roll(4)),
        1 => image.put(at, &[0xFF; 4]),
        2 => image.put(at, &[0; 4]),
        _ => {
            // Bytes of one place in another: a structure where none belongs.
            let bytes = image.get(dice.pick(used, 0), 512);
            image.put((at & !511).max(1024), &bytes);
        }
    }
}

fn superblocks(shelf: &mut Shelf, base: &Rc<Image>) {
    let fields: &[(&str, u64, &[u8])] = &[
        ("block-size", 24, &[0xFF; 4]),
        ("block-size-31", 24, &[31, 0, 0, 0]),
        ("blocks-per-group-0", 32, &[0; 4]),
        ("inodes-per-group-0", 40, &[0; 4]),
        ("inodes-per-group-max", 40, &[0xFF; 4]),
        ("inode-size-0", 88, &[0, 0]),
        ("inode-size-max", 88, &[0xFF, 0xFF]),
        ("blocks-beyond", 4, &[0xFF; 4]),
        ("blocks-beyond-high", 0x150, &[0xFF; 4]),
        ("descriptor-7", 254, &[7, 0]),
        ("descriptor-max", 254, &[0xFF, 0xFF]),
        ("every-feature", 96, &[0xFF; 4]),
    ];
    for &(name, at, value) in fields {
        let base = Rc::clone(base);
        shelf.add(format!("ext4-super-{name}"), Expect::Unreadable, move || {
            let mut image = Image::clone(&base);
            image.put(1024 + at, value);
            Ok(image)
        });
    }
    let groups = Rc::clone(base);
    shelf.add("ext4-super-blocks-per-group-max", Expect::Accepted, move || {
        let mut image = Image::clone(&groups);
        image.put(1024 + 32, &[0xFF; 4]);
        Ok(image)
    });
    for (name, value) in [("far", [0xFF; 4]), ("itself", [1, 0, 0, 0]), ("zero", [0; 4])] {
        let base = Rc::clone(base);
        shelf.add(format!("ext4-inode-table-{name}"), Expect::Accepted, move || {
            let mut image = Image::clone(&base);
            // The first group's descriptor stands in the block behind the superblock.
            image.put(2048 + 8, &value);
            Ok(image)
        });
    }
}

/// Structures that `debugfs` bends for us.
fn structures(shelf: &mut Shelf, workshop: &Workshop) {
    let deep = "mkdir d\ncd d\n".repeat(1500);
    let scripts: &[(&str, &str)] = &[
        ("extent-magic", "sif /big block[0] 0\n"),
        ("extent-depth-65535", "sif /big block[1] 0xFFFF0004\n"),
        (
            "extent-endless",
            "sif /big block[0] 0xF30A0005\nsif /big block[1] 0x00050004\nsif /big block[4] 1\n",
        ),
        ("extent-far", "sif /big block[5] 0xFFFFFFFF\n"),
        ("folder-of-terabytes", "sif /etc size 0x40000000000\n"),
        ("file-of-4-tib", "sif /big size 0x40000000000\n"),
        ("os-release-of-4-tib", "sif /etc/os-release size 0x40000000000\n"),
        ("passwd-of-4-tib", "sif /etc/passwd size 0x40000000000\n"),
        ("folder-cycle", "link /a /a/b/c/again\n"),
        ("root-in-root", "link / /a/b/top\n"),
        ("folder-twice", "link /many /a/many\nlink /many /a/b/many\nlink /many /a/b/c/many\n"),
        ("fifo", "rm /etc/os-release\ncd /etc\nmknod os-release p\n"),
        ("device", "rm /etc/os-release\ncd /etc\nmknod os-release c 1 5\n"),
        ("journal-needed", "feature needs_recovery\n"),
        ("deep", &deep),
    ];
    for (name, script) in scripts {
        let (workshop, script) = (workshop.clone(), (*script).to_owned());
        shelf.add(format!("ext4-{name}"), Expect::Accepted, move || {
            fs::copy(workshop.path("ext4-plain"), workshop.path("bent"))?;
            workshop.write("script", &script)?;
            workshop.run("debugfs -w -f script bent")?;
            workshop.load("bent")
        });
    }
    for (name, at, value) in [
        ("length-0", 4, &[0_u8, 0][..]),
        ("length-65528", 4, &[0xF8, 0xFF]),
        ("length-7", 4, &[7, 0]),
        ("name-longer", 6, &[0xFF]),
        ("name-path", 8, b"../../../etc/pwn"),
        ("name-escape", 8, b"\x1b[31m\r\n\x1b]0;x\x07"),
        ("inode-far", 0, &[0xFF; 4]),
        ("inode-self", 0, &[2, 0, 0, 0]),
    ] {
        let workshop = workshop.clone();
        shelf.add(format!("ext4-entry-{name}"), Expect::Accepted, move || {
            let mut image = workshop.load("ext4-plain")?;
            // The name stands eight bytes into its entry.
            let entry = image.find(b"file-with-a-long-name-0007", 8, 4).unwrap_or(1 << 20) - 8;
            image.put(entry + at, value);
            Ok(image)
        });
    }
}

fn xfs(shelf: &mut Shelf, workshop: &Workshop) -> anyhow::Result<()> {
    let base = Rc::new(base(workshop, "xfs")?);
    damaged(shelf, "xfs", &base, |_| {});
    let fields: &[(&str, u64, &[u8])] = &[
        ("block-size-0", 4, &[0; 4]),
        ("block-size-max", 4, &[0xFF; 4]),
        ("blocks-max", 8, &[0xFF; 8]),
        ("groups-max", 88, &[0xFF; 4]),
        ("group-blocks-0", 84, &[0; 4]),
        ("inode-size-0", 104, &[0, 0]),
        ("block-log-255", 120, &[0xFF]),
        ("inode-log-255", 122, &[0xFF, 0xFF, 0xFF]),
        ("root-far", 56, &[0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
    ];
    for &(name, at, value) in fields {
        let base = Rc::clone(&base);
        shelf.add(format!("xfs-super-{name}"), Expect::Accepted, move || {
            let mut image = Image::clone(&base);
            image.put(at, value);
            Ok(image)
        });
    }
    Ok(())
}

/// Makes the checksums of a Btrfs with nodes of 4 KiB right again, as one who means harm would.
fn sign(image: &mut Image) {
    for page in image.used() {
        for at in (page..page + (64 << 10)).step_by(4096) {
            sign_btrfs(image, at);
        }
    }
}

/// Makes the checksum of the node or superblock of a Btrfs at `at` right again, if one is there.
pub fn sign_btrfs(image: &mut Image, at: u64) {
    let system = image.get((64 << 10) + 32, 16);
    // Nodes and the superblock alike: first the sum, then the identifier of the file system.
    if at + 4096 <= image.len() && image.get(at + 32, 16) == system {
        image.put_le32(at, crc32c(&image.get(at + 32, 4096 - 32)));
    }
}

fn btrfs(shelf: &mut Shelf, workshop: &Workshop) -> anyhow::Result<()> {
    let base = Rc::new(base(workshop, "btrfs")?);
    damaged(shelf, "btrfs", &base, |_| {});
    for round in 0..2 * ROUNDS {
        let base = Rc::clone(&base);
        shelf.add(format!("btrfs-signed-{round}"), Expect::Accepted, move || {
            let mut image = Image::clone(&base);
            let (used, mut dice) = (base.used(), Dice::new(round + 1000));
            for _ in 0..=dice.roll(24) {
                damage(&mut image, &used, &mut dice);
            }
            sign(&mut image);
            Ok(image)
        });
    }
    for (name, at, value) in [
        ("sector-0", 0x90, [0_u8; 4]),
        ("node-max", 0x94, [0xFF; 4]),
        ("node-0", 0x94, [0; 4]),
        ("chunks-max", 0xA0, [0xFF; 4]),
        ("root-far", 0x54, [0xFF; 4]),
        ("chunk-root-far", 0x5C, [0xFF; 4]),
        ("levels-255", 0xC4, [0xFF; 4]),
    ] {
        let base = Rc::clone(&base);
        shelf.add(format!("btrfs-super-{name}"), Expect::Accepted, move || {
            let mut image = Image::clone(&base);
            image.put((64 << 10) + at, &value);
            sign(&mut image);
            Ok(image)
        });
    }
    Ok(())
}

fn fat(shelf: &mut Shelf, workshop: &Workshop) -> anyhow::Result<()> {
    for name in ["fat12", "fat16", "fat32"] {
        let base = Rc::new(base(workshop, name)?);
        damaged(shelf, name, &base, |_| {});
        let fields: &[(&str, u64, &[u8])] = &[
            ("sector-0", 11, &[0, 0]),
            ("sector-3", 11, &[3, 0]),
            ("cluster-0", 13, &[0]),
            ("cluster-3", 13, &[3]),
            ("reserved-max", 14, &[0xFF, 0xFF]),
            ("tables-0", 16, &[0]),
            ("tables-255", 16, &[0xFF]),
            ("root-max", 17, &[0xFF, 0xFF]),
            ("sectors-max", 32, &[0xFF; 4]),
            ("table-max", 22, &[0xFF, 0xFF]),
            ("table-32-max", 36, &[0xFF; 4]),
            ("root-cluster-far", 44, &[0xFF; 4]),
        ];
        for &(field, at, value) in fields {
            let base = Rc::clone(&base);
            shelf.add(format!("{name}-boot-{field}"), Expect::Accepted, move || {
                let mut image = Image::clone(&base);
                image.put(at, value);
                Ok(image)
            });
        }
        let base = Rc::clone(&base);
        shelf.add(format!("{name}-chain-loop"), Expect::Accepted, move || {
            let mut image = Image::clone(&base);
            let table = u64::from(image.le16(14)) * 512;
            // Cluster 2 leads to 3, and 3 back to 2, in whichever width.
            match name {
                "fat12" => image.put(table + 3, &[3, 0x20, 0]),
                "fat16" => image.put(table + 4, &[3, 0, 2, 0]),
                _ => image.put(table + 8, &[3, 0, 0, 0, 2, 0, 0, 0]),
            }
            Ok(image)
        });
    }
    Ok(())
}

fn ntfs(shelf: &mut Shelf, workshop: &Workshop) -> anyhow::Result<()> {
    let base = Rc::new(base(workshop, "ntfs")?);
    damaged(shelf, "ntfs", &base, |_| {});
    let fields: &[(&str, u64, &[u8])] = &[
        ("sector-0", 11, &[0, 0]),
        ("cluster-0", 13, &[0]),
        ("cluster-2-128", 13, &[0x80]),
        ("sectors-max", 40, &[0xFF; 8]),
        ("mft-far", 48, &[0xFF; 8]),
        ("mft-0", 48, &[0; 8]),
        ("record-2-128", 64, &[0x80, 0, 0, 0]),
        ("record-2-127", 64, &[0x81, 0, 0, 0]),
        ("record-0", 64, &[0; 4]),
        ("index-2-128", 68, &[0x80, 0, 0, 0]),
    ];
    for &(name, at, value) in fields {
        let base = Rc::clone(&base);
        shelf.add(format!("ntfs-boot-{name}"), Expect::Accepted, move || {
            let mut image = Image::clone(&base);
            image.put(at, value);
            Ok(image)
        });
    }
    for (name, at, value) in [
        ("first-attribute", 20, [0xFF, 0xFF, 0, 0]),
        ("attribute-kind", 56, [0xFF, 0xFF, 0xFF, 0x7F]),
        ("attribute-length-0", 60, [0; 4]),
        ("attribute-length-max", 60, [0xFF; 4]),
        ("sequence-array", 4, [0xFF; 4]),
    ] {
        for record in [0_u64, 5] {
            let base = Rc::clone(&base);
            shelf.add(format!("ntfs-record-{record}-{name}"), Expect::Accepted, move || {
                let mut image = Image::clone(&base);
                let table = image.find(b"FILE0", 4096, 512).unwrap_or(16384);
                image.put(table + record * 1024 + at, &value);
                Ok(image)
            });
        }
    }
    Ok(())
}
