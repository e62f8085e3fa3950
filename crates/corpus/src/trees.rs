//! Good file systems whose files lie: texts that would steer a terminal, links that lead outside, databases and archives
//! that never end. What they say is told, fit to be shown, or told as unknown.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;

use disks::InputFormat;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::case::{Expect, Shelf};
use crate::{Bytes, Case, Image, Workshop};

/// A file of a guest: its path, and what is in it.
type File = (&'static str, Bytes);

const RELEASE: &str = "ID=debian\nVERSION_ID=\"13\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n";

pub(crate) fn cases(workshop: &Workshop) -> anyhow::Result<Vec<Case>> {
    let mut shelf = Shelf::new("trees", InputFormat::Raw);
    with(&mut shelf, workshop, "ok", Expect::Accepted, &[]);
    texts(&mut shelf, workshop);
    links(&mut shelf, workshop);
    configurations(&mut shelf, workshop);
    databases(&mut shelf, workshop);
    archives(&mut shelf, workshop);
    hives(&mut shelf, workshop);
    Ok(shelf.into_cases())
}

/// A small Linux in the folder `root`.
fn linux(workshop: &Workshop) -> anyhow::Result<()> {
    let root = workshop.path("root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for (path, text) in [
        ("etc/os-release", RELEASE),
        ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
        ("etc/shadow", "root:!:20000:0:99999:7:::\n"),
        ("etc/fstab", "UUID=1-2 / ext4 defaults 0 1\n"),
        ("boot/vmlinuz-6.1.0", "no kernel"),
        ("usr/lib/modules/6.1.0/modules.builtin", "kernel/drivers/hv/hv_vmbus.ko\n"),
    ] {
        workshop.write(&format!("root/{path}"), text)?;
    }
    Ok(())
}

/// The folder `root` as an ext4.
fn packed(workshop: &Workshop) -> anyhow::Result<Image> {
    workshop.blank("image", 64)?;
    workshop.run("mkfs.ext4 -q -F -N 20000 -d root image")?;
    workshop.load("image")
}

/// Adds the small Linux with more files.
fn with(shelf: &mut Shelf, workshop: &Workshop, name: &str, expect: Expect, files: &[File]) {
    let (workshop, files) = (workshop.clone(), files.to_vec());
    shelf.add(name, expect, move || {
        linux(&workshop)?;
        for (path, bytes) in &files {
            workshop.write(&format!("root/{path}"), bytes())?;
        }
        packed(&workshop)
    });
}

fn texts(shelf: &mut Shelf, workshop: &Workshop) {
    let releases: &[(&str, Bytes)] = &[
        ("shell", || b"ID=$(touch /tmp/pwned)\nPRETTY_NAME=\"`id`; rm -rf /\"\n".to_vec()),
        ("escape", || b"ID=debian\nPRETTY_NAME=\"\x1b[2J\x1b]0;owned\x07\x1b[31mred\"\n".to_vec()),
        ("crlf", || b"ID=debian\r\nPRETTY_NAME=\"a\rb\"\r\n\r\nSet-Cookie: x\r\n".to_vec()),
        ("json", || b"ID=debian\nPRETTY_NAME=\"\\\",\\\"verdict\\\":\\\"accepted\"\n".to_vec()),
        ("markup", || b"ID=debian\nPRETTY_NAME=\"<script>alert(1)</script>&amp;\"\n".to_vec()),
        ("nul", || b"ID=debian\0\nPRETTY_NAME=\"a\0b\"\n".to_vec()),
        ("not-utf-8", || b"ID=debian\nPRETTY_NAME=\"\xFF\xFE\xC0\x80\"\n".to_vec()),
        ("bidi", || "ID=debian\nPRETTY_NAME=\"a\u{202E}b\u{2066}c\u{200F}\"\n".into()),
        ("c1", || "ID=debian\nPRETTY_NAME=\"a\u{9b}2Jb\u{85}\"\n".into()),
        ("long-line", || {
            [b"ID=debian\nPRETTY_NAME=\"".to_vec(), vec![b'x'; 200_000], b"\"\n".to_vec()].concat()
        }),
        ("giant", || b"ID=debian\n".repeat(3 << 20)),
        ("empty", Vec::new),
        ("unclosed", || b"ID=\"debian\nPRETTY_NAME='x\n".to_vec()),
        ("noise", || crate::dice::noise(8, 100_000)),
    ];
    for &(name, bytes) in releases {
        with(shelf, workshop, &format!("release-{name}"), Expect::Accepted, &[("etc/os-release", bytes)]);
    }
    for (index, label) in ["\u{1b}[31mred", "a\u{7}b\u{9}c", "a\u{202E}b"].into_iter().enumerate() {
        let workshop = workshop.clone();
        shelf.add(format!("label-{index}"), Expect::Accepted, move || {
            linux(&workshop)?;
            let mut image = packed(&workshop)?;
            image.put(1024 + 120, &[0; 16]);
            image.put(1024 + 120, label.as_bytes());
            Ok(image)
        });
    }
}

fn links(shelf: &mut Shelf, workshop: &Workshop) {
    let up = format!("{}etc/passwd", "../".repeat(40));
    let targets: &[(&str, &str, &str)] = &[
        ("absolute", "etc/os-release", "/etc/passwd"),
        ("up", "etc/os-release", &up),
        ("environ", "etc/os-release", "/proc/self/environ"),
        ("loop", "etc/os-release", "os-release"),
        ("zero", "etc/os-release", "/dev/zero"),
        ("long", "etc/os-release", &"x/../".repeat(180)),
        ("fstab", "etc/fstab", "/proc/self/mounts"),
        ("shadow", "etc/shadow", "/etc/shadow"),
        ("kernel", "boot/vmlinuz-6.1.0", "/dev/zero"),
    ];
    for (name, link, target) in targets {
        let (workshop, link, target) = (workshop.clone(), (*link).to_owned(), (*target).to_owned());
        shelf.add(format!("link-{name}"), Expect::Accepted, move || {
            linux(&workshop)?;
            let path = workshop.path("root").join(&link);
            fs::remove_file(&path)?;
            symlink(&target, path)?;
            packed(&workshop)
        });
    }
    let outside = workshop.clone();
    shelf.add("link-etc", Expect::Accepted, move || {
        linux(&outside)?;
        fs::remove_dir_all(outside.path("root/etc"))?;
        symlink("/../../../etc", outside.path("root/etc"))?;
        packed(&outside)
    });
    let storm = workshop.clone();
    shelf.add("link-storm", Expect::Accepted, move || {
        linux(&storm)?;
        let root = storm.path("root/etc");
        fs::remove_file(root.join("os-release"))?;
        for index in 0..200 {
            symlink(format!("chain-{}", index + 1), root.join(format!("chain-{index}")))?;
        }
        symlink("chain-0", root.join("os-release"))?;
        for index in 0..800 {
            symlink("/../..", root.join(format!("storm-{index}")))?;
        }
        packed(&storm)
    });
}

fn configurations(shelf: &mut Shelf, workshop: &Workshop) {
    let files: &[(&str, &'static str, Bytes)] = &[
        ("passwd-million", "etc/passwd", || b"u:x:1:1::/home/u:/bin/sh\n".repeat(400_000)),
        ("passwd-fields", "etc/passwd", || [vec![b':'; 900_000], b"\n".to_vec()].concat()),
        ("passwd-homes", "etc/passwd", || {
            b"u:x:0:0::/../../../../root:/bin/sh\nv:x:0:0::/proc/self:/bin/sh\n".to_vec()
        }),
        ("shadow-noise", "etc/shadow", || crate::dice::noise(4, 900_000)),
        ("fstab-million", "etc/fstab", || b"UUID=1-2 /a ext4 x 0 0\n".repeat(40_000)),
        ("fstab-outside", "etc/fstab", || {
            b"/dev/sda1 /../../.. ext4 x 0 0\n//host/share /x cifs credentials=/etc/passwd 0 0\n".to_vec()
        }),
        ("sshd-include-itself", "etc/ssh/sshd_config", || {
            b"Include /etc/ssh/sshd_config\nInclude /etc/ssh/*\n".repeat(1000)
        }),
        ("grub-deep", "boot/grub/grub.cfg", || b"submenu x {\n".repeat(100_000)),
        ("grub-variables", "boot/grub/grub.cfg", || b"set a=$a$a$a$a$a$a$a$a\n".repeat(30_000)),
        ("sudoers-include", "etc/sudoers", || b"#include /etc/sudoers\n@includedir /etc\n".repeat(1000)),
        ("cloud-cfg-anchors", "etc/cloud/cloud.cfg", || b"a: &a [*a,*a,*a,*a,*a,*a,*a,*a]\n".repeat(20_000)),
        ("waagent", "etc/waagent.conf", || b"=\n==\n=x=".repeat(100_000)),
        ("key-lookalikes", "root/keys", || b"-----BEGIN RSA PRIVATE KEY-----\n".repeat(60_000)),
    ];
    for &(name, path, bytes) in files {
        with(shelf, workshop, &format!("config-{name}"), Expect::Accepted, &[(path, bytes)]);
    }
    let wide = workshop.clone();
    shelf.add("names-1500", Expect::Accepted, move || {
        linux(&wide)?;
        for index in 0..1500 {
            wide.write(&format!("root/etc/ssh/key-{index}\u{1b}[31m"), "")?;
        }
        packed(&wide)
    });
}

/// Packages.db with one blob of `length` bytes, which very many slots name.
fn ndb() -> Vec<u8> {
    let (pages, length) = (512_u64, 4_u32 << 20);
    let mut image = Image::zeros(0);
    image.put(0, b"RpmP");
    image.put_le32(12, 512);
    let blob = pages * 4096;
    for slot in 2..pages * 256 {
        image.put(slot * 16, b"Slot");
        image.put_le32(slot * 16 + 4, 1);
        image.put_le32(slot * 16 + 8, u32::try_from(blob / 16).unwrap_or(0));
    }
    image.put(blob, b"BlbS");
    image.put_le32(blob + 4, 1);
    image.put_le32(blob + 12, length);
    // A header of rpm that tells a name and no more.
    for (at, value) in [(16, 1), (20, 2), (24, 1000), (28, 6), (36, 1)] {
        image.put_be32(blob + at, value);
    }
    image.put(blob + 40, b"a");
    image.put(blob + 16 + u64::from(length), &[0]);
    image.to_vec()
}

/// A database whose every row is in a chain of pages that comes back to its beginning.
fn berkeley() -> Vec<u8> {
    let mut image = Image::zeros(64 * 4096);
    image.put_le32(12, 0x0006_1561);
    image.put_le32(20, 4096);
    image.put_le32(32, 63);
    for page in 1..32 {
        let at = page * 4096;
        image.put(at + 25, &[13]);
        image.put_le16(at + 20, 1000);
        for entry in 0..1000 {
            image.put_le16(at + 26 + entry * 2, 4000);
        }
        image.put(at + 4000, &[3]);
        image.put_le32(at + 4004, 40);
        image.put_le32(at + 4008, 60 << 20);
    }
    for page in 32..64 {
        image.put(page * 4096 + 25, &[7]);
        image.put_le16(page * 4096 + 22, 4000);
        image.put_le32(page * 4096 + 16, 40);
    }
    image.to_vec()
}

/// A B-tree whose inner page names itself as each of its children.
fn sqlite() -> Vec<u8> {
    let mut image = Image::zeros(8 * 4096);
    image.put(0, b"SQLite format 3\0\x10\0\x01\x01\0");
    image.put(100, &[5, 0, 0, 3, 0xE8, 0, 0, 0, 0, 0, 0, 1]);
    for cell in 0..1000 {
        image.put(112 + cell * 2, &[0x0F, 0x00]);
    }
    image.put(0x0F00, &[0, 0, 0, 1, 1]);
    image.to_vec()
}

fn databases(shelf: &mut Shelf, workshop: &Workshop) {
    let files: &[(&str, &'static str, Bytes)] = &[
        ("dpkg-giant", "var/lib/dpkg/status", || {
            b"Package: a\nStatus: install ok installed\nVersion: 1\n\n".repeat(500_000)
        }),
        ("dpkg-line", "var/lib/dpkg/status", || [b"Package: ".to_vec(), vec![b'x'; 8 << 20]].concat()),
        ("dpkg-escapes", "var/lib/dpkg/status", || {
            b"Package: \x1b[31mred\nStatus: install ok installed\nVersion: 1\r\n\n".to_vec()
        }),
        ("apk-giant", "lib/apk/db/installed", || b"P:a\nV:1\n\n".repeat(800_000)),
        ("pacman-noise", "var/lib/pacman/local/a-1/desc", || crate::dice::noise(6, 100_000)),
        ("rpm-slots", "usr/lib/sysimage/rpm/Packages.db", ndb),
        ("rpm-overflow-cycle", "var/lib/rpm/Packages", berkeley),
        ("rpm-tree-cycle", "var/lib/rpm/rpmdb.sqlite", sqlite),
        ("rpm-noise", "var/lib/rpm/rpmdb.sqlite", || crate::dice::noise(7, 100_000)),
    ];
    for &(name, path, bytes) in files {
        with(shelf, workshop, &format!("packages-{name}"), Expect::Accepted, &[(path, bytes)]);
    }
}

fn gzip_bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let piece = vec![0; 16 << 20];
    for _ in 0..192 {
        // Memory takes all that is written to it.
        let _infallible = encoder.write_all(&piece);
    }
    encoder.finish().unwrap_or_default()
}

fn zstd_bomb() -> Vec<u8> {
    // Blocks of one byte, repeated 128 KiB times each: four bytes of file for every one.
    let block = (1_u32 << 1 | (128 << 10) << 3).to_le_bytes();
    let one = [&block[..3], b"0"].concat();
    [&[0x28, 0xB5, 0x2F, 0xFD, 0, 0x50][..], &one.repeat(24_576)].concat()
}

/// The header of a cpio entry with these lengths.
fn cpio(file_bytes: u32, name_bytes: u32) -> Vec<u8> {
    let zero = "00000000";
    format!("070701{zero}{zero}{zero}{zero}{zero}{zero}{file_bytes:08x}{zero}{zero}{zero}{zero}{name_bytes:08x}{zero}")
        .into_bytes()
}

/// Small files that readers of hives and archives accept, by the reader's name and their own.
#[must_use]
pub fn small_files() -> Vec<(&'static str, Vec<u8>)> {
    let archive = [cpio(0, 10), b"./x/y.ko\0\0".to_vec(), cpio(0, 11), b"TRAILER!!!\0\0\0".to_vec()].concat();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Memory takes all that is written to it.
    let _infallible = encoder.write_all(&archive);
    let list = [&(-16_i32).to_le_bytes()[..], b"lf\x01\0", &32_u32.to_le_bytes(), &[0; 4]].concat();
    vec![
        ("initramfs-plain", archive),
        ("initramfs-gzip", encoder.finish().unwrap_or_default()),
        ("initramfs-zstd", vec![0x28, 0xB5, 0x2F, 0xFD, 0, 0x50, 3, 0, 2, b'0']),
        ("hive-empty", hive(&key(0, 128, 0))),
        ("hive-list", hive(&[key(1, 128, 0), list].concat())),
    ]
}

fn archives(shelf: &mut Shelf, workshop: &Workshop) {
    let files: &[(&str, Bytes)] = &[
        ("gzip-3-gib", gzip_bomb),
        ("zstd-3-gib", zstd_bomb),
        ("zstd-window-2-tib", || vec![0x28, 0xB5, 0x2F, 0xFD, 0, 0xF8, 3, 0, 2, b'0']),
        ("zstd-window-256-mib", || vec![0x28, 0xB5, 0x2F, 0xFD, 0, 0x90, 3, 0, 2, b'0']),
        ("xz-dictionary", || {
            b"\xFD7zXZ\0\0\x04\xE6\xD6\xB4\x46\x02\0\x21\x01\x28\0\0\0\x08\x1C\xDB\xC3".to_vec()
        }),
        ("lz4-block-max", || [&[0x02, 0x21, 0x4C, 0x18][..], &[0xFF; 8]].concat()),
        ("cpio-file-max", || cpio(u32::MAX, 5)),
        ("cpio-name-max", || cpio(0, u32::MAX)),
        ("cpio-name-0", || cpio(0, 0).repeat(10_000)),
        ("cpio-names", || {
            (0..60_000)
                .flat_map(|index| [cpio(0, 10), format!("{index:06}.ko\0").into_bytes()].concat())
                .collect()
        }),
        ("noise", || crate::dice::noise(2, 1 << 20)),
    ];
    for &(name, bytes) in files {
        with(
            shelf,
            workshop,
            &format!("initramfs-{name}"),
            Expect::Accepted,
            &[("boot/initrd.img-6.1.0", bytes)],
        );
    }
}

/// A hive whose root key is in the cell at 32, with `cells` from there on.
fn hive(cells: &[u8]) -> Vec<u8> {
    let mut image = Image::zeros(16_384);
    image.put(0, b"regf");
    image.put_le32(0x24, 32);
    image.put(4096 + 32, cells);
    image.to_vec()
}

/// The beginning of a key's cell: how many keys are below it, and where their list is.
fn key(keys: u32, list: u32, values: u32) -> Vec<u8> {
    let mut cell = Image::zeros(0x60);
    cell.put(0, &(-0x60_i32).to_le_bytes());
    cell.put(4, b"nk\x20\0");
    cell.put_le32(4 + 0x14, keys);
    cell.put_le32(4 + 0x1C, list);
    cell.put_le32(4 + 0x24, values);
    cell.put_le32(4 + 0x28, list);
    cell.put_le16(4 + 0x48, 4);
    cell.put(4 + 0x4C, b"ROOT");
    cell.to_vec()
}

fn hives(shelf: &mut Shelf, workshop: &Workshop) {
    let lists: &[(&str, Bytes)] = &[
        ("self", || hive(&key(1, 32, 1))),
        ("far", || hive(&key(1, u32::MAX - 3, u32::MAX))),
        ("many", || hive(&key(u32::MAX, 128, 0))),
        ("list-cycle", || {
            hive(
                &[
                    key(1, 128, 0),
                    [
                        &(-16_i32).to_le_bytes()[..],
                        b"ri\x02\0",
                        &128_u32.to_le_bytes(),
                        &128_u32.to_le_bytes(),
                    ]
                    .concat(),
                ]
                .concat(),
            )
        }),
        ("key-cycle", || {
            hive(
                &[
                    key(1, 128, 0),
                    [&(-16_i32).to_le_bytes()[..], b"lf\x01\0", &32_u32.to_le_bytes(), &[0; 4]].concat(),
                ]
                .concat(),
            )
        }),
        ("cell-length", || hive(&i32::MIN.to_le_bytes())),
        ("noise", || [b"regf".to_vec(), crate::dice::noise(1, 100_000)].concat()),
        ("empty", Vec::new),
    ];
    for &(name, bytes) in lists {
        let workshop = workshop.clone();
        shelf.add(format!("hive-{name}"), Expect::Accepted, move || {
            let root = workshop.path("windows");
            if root.exists() {
                fs::remove_dir_all(&root)?;
            }
            for hive in ["SOFTWARE", "SYSTEM", "SAM"] {
                workshop.write(&format!("windows/Windows/System32/config/{hive}"), bytes())?;
            }
            workshop.blank("image", 40)?;
            workshop.run("mkfs.vfat -F 32 image")?;
            workshop.run("mcopy -i image -s -Q windows/Windows ::")?;
            workshop.load("image")
        });
    }
}
