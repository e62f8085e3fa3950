//! Disks to publish, made here and converted by `qemu-img`.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use crate::chance::Chance;

const MIB: u64 = 1 << 20;

/// Writes a sparse raw disk of `size_bytes`, 8 MiB or more: text, noise, and nothing in between; another `seed` makes
/// other noise.
pub(super) fn write_raw(path: &Path, size_bytes: u64, seed: u64) {
    let file = File::create(path).unwrap();
    file.set_len(size_bytes).unwrap();
    let text = b"A line that compresses well, as logs and package lists do.\n".repeat(20_000);
    let noise = noise(seed, 3 << 20);
    file.write_all_at(&noise[..4096], 0).unwrap();
    file.write_all_at(&text, size_bytes / 8).unwrap();
    // Neither the beginning nor the end lies on a block.
    file.write_all_at(&noise, size_bytes / 4 + 777).unwrap();
    file.write_all_at(&text, size_bytes / 2 + 5).unwrap();
    file.write_all_at(&noise[..10_000], size_bytes - 12_000).unwrap();
}

/// A small fixed VHD, as a blob would hold it.
pub(super) fn fixed_vhd(folder: &Path) -> Vec<u8> {
    let (raw, vhd) = (folder.join("blob.raw"), folder.join("blob.vhd"));
    write_raw(&raw, 8 * MIB, 7);
    convert("raw", &raw, &["-O", "vpc", "-o", "subformat=fixed,force_size=on"], &vhd);
    std::fs::read(vhd).unwrap()
}

/// `qemu-img convert` of a file in `format`, to what the arguments say.
pub(super) fn convert(format: &str, from: &Path, arguments: &[&str], to: &Path) {
    let mut command = Command::new("qemu-img");
    command.args(["convert", "-f", format]).args(arguments).arg(from).arg(to);
    let output = command.output().expect("qemu-img is installed (./x test sees to it)");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "qemu-img {arguments:?}: {said}");
}

/// The bytes of all files below a folder.
pub(super) fn stored_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.metadata().unwrap() {
            meta if meta.is_dir() => stored_bytes(&entry.path()),
            meta => meta.len(),
        })
        .sum()
}

/// Bytes without a pattern, the same for the same seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    std::iter::repeat_with(|| chance.next().to_le_bytes()).flatten().take(length).collect()
}
