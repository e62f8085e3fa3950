//! One disk in every container: the same image, the same bytes back, and stored once.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::disk::{convert, stored_bytes, write_raw};
use crate::server::{PLACE, Server};

/// Neither a whole MiB nor a whole cylinder, so that containers that round have to.
const DISK_BYTES: u64 = (120 << 20) + 3 * 4096 + 512;

/// Our name of a format, how qemu is told to write it, and the name of the file.
type Container = (&'static str, &'static [&'static str], &'static str);

const CONTAINERS: [Container; 12] = [
    ("raw", &["-O", "raw"], "disk.raw"),
    ("vhd", &["-O", "vpc", "-o", "subformat=fixed,force_size=on"], "fixed.vhd"),
    ("vhd", &["-O", "vpc", "-o", "subformat=fixed"], "fixed-rounded.vhd"),
    ("vhd", &["-O", "vpc", "-o", "subformat=dynamic"], "dynamic.vhd"),
    ("vhdx", &["-O", "vhdx"], "disk.vhdx"),
    ("qcow2", &["-O", "qcow2"], "plain.qcow2"),
    ("qcow2", &["-c", "-O", "qcow2", "-o", "compression_type=zlib"], "zlib.qcow2"),
    ("qcow2", &["-c", "-O", "qcow2", "-o", "compression_type=zstd"], "zstd.qcow2"),
    ("qcow2", &["-O", "qcow2", "-o", "compat=0.10"], "v2.qcow2"),
    ("vmdk", &["-O", "vmdk", "-o", "subformat=monolithicSparse"], "sparse.vmdk"),
    ("vmdk", &["-O", "vmdk", "-o", "subformat=streamOptimized"], "stream.vmdk"),
    ("vmdk", &["-O", "vmdk", "-o", "subformat=monolithicFlat"], "flat.vmdk"),
];

/// What `gallerist export` writes, and how qemu is told to read it.
const EXPORTS: [(&str, &str); 6] = [
    ("raw", "raw"),
    ("vhd", "vpc"),
    ("vhd-dynamic", "vpc"),
    ("vhdx", "vhdx"),
    ("qcow2", "qcow2"),
    ("vmdk", "vmdk"),
];

struct World {
    server: Server,
    raw: PathBuf,
}

impl World {
    fn new() -> Self {
        let server = Server::with_defaults();
        let raw = server.scratch("source.raw");
        write_raw(&raw, DISK_BYTES, 1);
        Self { server, raw }
    }

    fn publish(&self, file: &Path, format: &str, version: &str, further: &[&str]) -> Value {
        let output = self.server.publish(file, format, version, further).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}\n{}", file.display(), self.server.log());
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn regions(&self) -> PathBuf {
        self.server.data().join("regions")
    }
}

#[test]
fn one_disk_in_any_container_is_one_image() {
    let world = World::new();
    let first = world.publish(&world.raw, "raw", "1.0.0", &[]);
    assert_eq!(first["sizeBytes"], DISK_BYTES);
    let mut others = Vec::new();
    for (number, (format, arguments, name)) in CONTAINERS.into_iter().enumerate() {
        let file = world.server.scratch(name);
        convert("raw", &world.raw, arguments, &file);
        let published = world.publish(&file, format, &format!("1.0.{}", number + 1), &[]);
        if published["digest"] != first["digest"] {
            others.push(format!("{name}: {published}"));
        }
    }
    assert!(others.is_empty(), "not the image {first}:\n{}", others.join("\n"));
}

#[test]
fn what_is_exported_is_what_qemu_reads() {
    let world = World::new();
    world.publish(&world.raw, "raw", "1.0.0", &[]);
    for (ours, qemus) in EXPORTS {
        let (file, back) =
            (world.server.scratch(&format!("exported-{ours}")), world.server.scratch("back.raw"));
        let mut arguments =
            vec!["export", "--format", ours, "-e", "latest", "--output", file.to_str().unwrap()];
        arguments.extend(PLACE);
        let output = world.server.run(&arguments);
        assert!(output.status.success(), "{ours}: {}", String::from_utf8_lossy(&output.stderr));
        convert(qemus, &file, &["-O", "raw"], &back);
        assert_same_disk(&world.raw, &back, ours);
    }
}

#[test]
fn the_same_bytes_are_stored_once() {
    let world = World::new();
    world.publish(&world.raw, "raw", "1.0.0", &["--target-regions", "westeurope,eastus"]);
    let stood = stored_bytes(&world.regions());
    // The noise alone is 3 MiB a region: the bytes are really there.
    assert!(stood > 6 << 20, "{stood}");

    let again = world.publish(&world.raw, "raw", "1.0.1", &["--target-regions", "westeurope,eastus"]);
    let packed = world.server.scratch("again.qcow2");
    convert("raw", &world.raw, &["-O", "qcow2"], &packed);
    let mut elsewhere = world.server.command(&["publish"]);
    elsewhere.arg(&packed).args(["--format", "qcow2", "-e", "3.0.0", "--output", "json"]);
    elsewhere.args(["-g", "images", "-r", "shelf", "-i", "other", "--target-regions", "westeurope,eastus"]);
    elsewhere.args(["--create", "--publisher", "example", "--offer", "linux", "--sku", "other"]);
    let output = elsewhere.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let elsewhere: Value = serde_json::from_slice(&output.stdout).unwrap();

    assert_eq!(again["newBytes"], 0, "{again}");
    assert_eq!(elsewhere["newBytes"], 0, "{elsewhere}");
    let grown = stored_bytes(&world.regions()).saturating_sub(stood);
    assert!(grown * 1000 < stood, "two more versions of the same bytes added {grown} to {stood} bytes");
}

/// `back` begins with the bytes of `source` and goes on with zeros.
fn assert_same_disk(source: &Path, back: &Path, format: &str) {
    let (mut source, mut back) = (File::open(source).unwrap(), File::open(back).unwrap());
    let (mut wanted, mut found) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut offset = 0;
    loop {
        let count = fill(&mut back, &mut found);
        let known = fill(&mut source, &mut wanted);
        assert!(count >= known, "{format}: ends at {}", offset + count);
        wanted[known..].fill(0);
        let differs = (0..count).find(|at| found[*at] != wanted[*at]);
        assert_eq!(differs.map(|at| offset + at), None, "{format}: offset of the first other byte");
        if count == 0 {
            return;
        }
        offset += count;
    }
}

fn fill(file: &mut File, buffer: &mut [u8]) -> usize {
    let mut filled = 0;
    while let count @ 1.. = file.read(&mut buffer[filled..]).unwrap() {
        filled += count;
    }
    filled
}
