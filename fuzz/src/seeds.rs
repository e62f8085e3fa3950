//! Writes what each target begins with into the folder that is named: small images of the corpus, and texts.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use corpus::{FAMILIES, Workshop};

/// The longest seed.
const MOST_BYTES: u64 = 128 << 10;

/// Targets that begin with images of a family.
const IMAGES: &[(&str, &str)] = &[("qcow2", "qcow2"), ("vmdk", "vmdk")];

/// Targets that begin with texts.
const TEXTS: &[(&str, &[&[u8]])] = &[
    ("apk", &[b"C:Q1abc=\nP:libcrypto3\nV:3.3.2-r0\nA:x86_64\no:openssl\nL:Apache-2.0\n\n"]),
    ("arm_names", &[b"/subscriptions/0/resourceGroups/g/providers/Microsoft.Compute/galleries/a/images/b", b"1.2.3"]),
    ("configuration", &[
        b"\0menuentry 'a' {\n\tlinux /boot/vmlinuz root=UUID=1 ro\n}\n",
        b"\x04UUID=1-2 / ext4 defaults 0 1\n",
        b"\x08root:x:0:0:root:/root:/bin/sh\n",
        b"\x09root:$6$a$b:1:0:99999:7:::\n",
        b"\x0aInclude /etc/ssh/*\nPermitRootLogin no\nMatch user a\n",
        b"\x0fID=debian\nVERSION_ID=\"13\"\nPRETTY_NAME='x'\n",
    ]),
    ("dpkg", &[b"Package: a\nStatus: install ok installed\nSource: b (1)\nArchitecture: amd64\nVersion: 1:2-3\n\n"]),
    ("lvm", &[b"vg {\nid = \"a\"\nseqno = 7\nextent_size = 2048\nphysical_volumes {\npv0 {\nid = \"a\"\npe_start = 2048\npe_count = 20\n}\n}\nlogical_volumes {\nroot {\nstatus = [\"VISIBLE\"]\nsegment_count = 1\nsegment1 {\nstart_extent = 0\nextent_count = 3\ntype = \"striped\"\nstripe_count = 1\nstripes = [\"pv0\", 10]\n}\n}\n}\n}\n"]),
    ("pacman", &[b"%NAME%\ngcc-libs\n\n%VERSION%\n14.2.1-1\n\n%BASE%\ngcc\n\n%ARCH%\nx86_64\n"]),
    ("program", &[b"\x7FELF\x02\x01\x01", b"MZ", b"\x1f\x8b"]),
    ("template", &[
        b"{\"$schema\":\"x\",\"contentVersion\":\"1.0.0.0\",\"parameters\":{\"a\":{\"type\":\"string\"}},\"resources\":[{\"type\":\"a/b\",\"name\":\"[parameters('a')]\",\"apiVersion\":\"2024-03-03\"}]}",
        b"[concat('a', string(add(1, 2)), resourceGroup().location)]",
    ]),
];

/// Targets that begin with files of the tree.
const FILES: &[(&str, &str)] = &[
    ("berkeley", "../crates/inspect/testdata/rpm/Packages"),
    ("ndb", "../crates/inspect/testdata/rpm/Packages.db"),
    ("sqlite", "../crates/inspect/testdata/rpm/rpmdb.sqlite"),
];

fn main() -> anyhow::Result<()> {
    let root = std::env::args_os().nth(1).map(PathBuf::from).context("the folder for the seeds is not named")?;
    let workshop = Workshop::new()?;
    for (target, wanted) in IMAGES {
        let (_, family) = FAMILIES.iter().find(|(name, _)| name == wanted).context("no such family")?;
        for case in family(&workshop)? {
            let image = case.image()?;
            if image.len() <= MOST_BYTES {
                put(&root, target, &case.name, &image.to_vec())?;
            }
        }
    }
    for (target, texts) in TEXTS {
        for (index, text) in texts.iter().enumerate() {
            put(&root, target, &index.to_string(), text)?;
        }
    }
    for (target, file) in FILES {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        put(&root, target, "file", &fs::read(file)?)?;
    }
    let (_, trees) = FAMILIES.iter().find(|(name, _)| *name == "tables").context("no tables")?;
    for case in trees(&workshop)?.into_iter().filter(|case| !case.name.contains("lvm")) {
        put(&root, "partitions", &case.name, &case.image()?.get(0, 20_480))?;
    }
    for (name, bytes) in corpus::small_files() {
        let (target, name) = name.split_once('-').unwrap_or((name, "x"));
        put(&root, target, name, &bytes)?;
    }
    Ok(())
}

fn put(root: &Path, target: &str, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = root.join(target);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(name), bytes)?)
}
