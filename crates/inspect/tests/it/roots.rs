//! Whole disks: roots over several volumes, LVM, and links that try to lead outside.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use inspect::tree::{Error, Tree};
use inspect::walk;
use inspect::{Budget, Disk, ObservationKind, Place, System};
use rstest::rstest;

use crate::memory::Memory;
use crate::tools::Workshop;

/// Makes `files` into an ext4 of `mebibytes` with this identifier.
fn ext4(workshop: &Workshop, files: &str, uuid: &str, mebibytes: u64) -> Memory {
    let name = format!("{files}.ext4");
    workshop.image(&name, mebibytes);
    workshop.run(&format!("mkfs.ext4 -q -F -U {uuid} -d {files} {name}"));
    workshop.load(&name)
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const ROOT: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const BOOT: &str = "aaaaaaaa-0000-4000-8000-000000000002";
const VAR: &str = "aaaaaaaa-0000-4000-8000-000000000003";

#[test]
fn a_root_is_put_together_by_its_fstab() {
    let workshop = Workshop::new();
    let root = workshop.path("root");
    write(&root, "usr/lib/os-release", "ID=test\n");
    write(&root, "boot/hidden", "below the mount\n");
    write(&root, "var/hidden", "below the mount\n");
    write(
        &root,
        "etc/fstab",
        &format!(
            "# comment\nUUID={ROOT} / ext4 defaults 0 1\nUUID=AAAA-0001 /boot/efi vfat umask=0077 0 1\n\
             UUID={BOOT}\t/boot ext4 ro 0 2\nPARTUUID=11111111-2222-3333-4444-555555555555 /var ext4 defaults 0 2\n\
             UUID=ffffffff-ffff-ffff-ffff-ffffffffffff /gone\\040with\\040space ext4 nofail 0 2\n\
             proc /proc proc defaults 0 0\n/dev/sda9 none swap sw 0 0\n"
        ),
    );
    symlink("../usr/lib/os-release", root.join("etc/os-release")).unwrap();
    symlink("/var/lib/machine-id", root.join("etc/machine-id")).unwrap();
    let boot = workshop.path("boot");
    write(&boot, "vmlinuz", "kernel");
    fs::create_dir(boot.join("efi")).unwrap();
    write(&workshop.path("var"), "lib/machine-id", "uninitialized\n");
    workshop.image("esp", 4);
    workshop.run("mkfs.vfat -i AAAA0001 esp");
    write(&workshop.path(""), "BOOTX64.EFI", "loader");
    workshop.run("mmd -i esp ::EFI ::EFI/BOOT");
    workshop.run("mcopy -i esp BOOTX64.EFI ::EFI/BOOT");

    workshop.image("image", 64);
    workshop.run(
        "sgdisk -n 1:2048:+4M -t 1:ef00 -n 2:0:+16M -n 3:0:+8M -n 4:0:+8M -u 4:11111111-2222-3333-4444-555555555555 \
         image",
    );
    let mut disk = workshop.load("image");
    disk.put_disk(1 << 20, &workshop.load("esp"));
    disk.put_disk(5 << 20, &ext4(&workshop, "root", ROOT, 16));
    disk.put_disk(21 << 20, &ext4(&workshop, "boot", BOOT, 8));
    disk.put_disk(29 << 20, &ext4(&workshop, "var", VAR, 8));

    let disk = Disk::open(&disk, Budget::default());
    let [root] = disk.roots.as_slice() else { panic!("{disk:?}") };
    assert_eq!((root.system, root.volume), (System::Linux, 1));
    let mounts: Vec<_> = root.tree.mounts().iter().map(|it| (it.point.as_slice(), it.volume)).collect();
    assert_eq!(mounts, [(&b"/"[..], 1), (b"/boot", 2), (b"/var", 3), (b"/boot/efi", 0)]);
    let read = |path: &[u8]| walk::read_file(&root.tree, path, 1 << 20).unwrap();
    assert_eq!(read(b"/etc/os-release").unwrap(), b"ID=test\n");
    assert_eq!(read(b"/etc/machine-id").unwrap(), b"uninitialized\n");
    assert_eq!(read(b"/boot/efi/efi/boot/bootx64.efi").unwrap(), b"loader");
    assert_eq!(read(b"boot/./vmlinuz").unwrap(), b"kernel");
    assert_eq!(read(b"/boot/hidden"), None);
    assert_eq!(root.tree.names(b"/boot", 10).unwrap().len(), 3);
    let [seen] = disk.observations.as_slice() else { panic!("{:?}", disk.observations) };
    assert_eq!((seen.kind, seen.place.as_str()), (ObservationKind::MountUnresolved, "/gone with space"));
}

#[test]
fn links_do_not_lead_outside() {
    let workshop = Workshop::new();
    let root = workshop.path("root");
    write(&root, "etc/os-release", "ID=test\n");
    write(&root, "inside", "inside\n");
    let link = |target: &str, name: &str| symlink(target, root.join(name)).unwrap();
    link(&format!("{}inside", "../".repeat(40)), "up");
    link("/inside", "absolute");
    link("loop-b", "loop-a");
    link("loop-a", "loop-b");
    link("inside/x", "through-a-file");
    link("nowhere", "dangling");
    link(".", "here");
    link("/", "top");
    for index in 0..60 {
        link(&format!("chain-{}", index + 1), &format!("chain-{index}"));
    }
    link("inside", "chain-60");
    let disk = ext4(&workshop, "root", ROOT, 8);
    let disk = Disk::open(&disk, Budget::default());
    let tree = &disk.roots[0].tree;
    let read = |path: &str| walk::read_file(tree, path.as_bytes(), 100);
    for path in
        ["/up", "/absolute", "here/here/inside", "/../../inside", "top/top/etc/../inside", "/chain-30"]
    {
        assert_eq!(read(path).unwrap().as_deref(), Some(&b"inside\n"[..]), "{path}");
    }
    for path in ["/dangling", "/through-a-file", "/inside/.."] {
        assert_eq!(read(path), Ok(None), "{path}");
    }
    for path in ["/loop-a", "/chain-0"] {
        assert!(matches!(read(path), Err(Error::Damaged(_))), "{path}");
    }
    assert!(matches!(read("/etc"), Err(Error::NotThere(_))));
    assert_eq!(walk::read_file(tree, b"/inside", 3), Err(Error::Budget("bytes of one file")));
    assert_eq!(walk::find(tree, b"/dangling").unwrap().unwrap().path, b"/dangling");
}

/// The checksum of LVM: CRC-32 with a beginning of its own, not inverted.
fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0xF597_A6CF_u32, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
        crc
    })
}

/// A physical volume with `text` as its metadata, which goes around the end of its ring.
fn physical(id: &str, text: &str, mebibytes: u64) -> Memory {
    let mut disk = Memory::empty(mebibytes << 20);
    let (area, area_bytes) = (4096_u64, 8192_u64);
    let mut sector = vec![0; 512];
    sector[..8].copy_from_slice(b"LABELONE");
    sector[8..16].copy_from_slice(&1_u64.to_le_bytes());
    sector[20..24].copy_from_slice(&32_u32.to_le_bytes());
    sector[24..32].copy_from_slice(b"LVM2 001");
    sector[32..64].copy_from_slice(id.replace('-', "").as_bytes());
    sector[64..72].copy_from_slice(&(mebibytes << 20).to_le_bytes());
    sector[72..80].copy_from_slice(&(1_u64 << 20).to_le_bytes());
    sector[104..112].copy_from_slice(&area.to_le_bytes());
    sector[112..120].copy_from_slice(&area_bytes.to_le_bytes());
    let crc = sum(&sector[20..]);
    sector[16..20].copy_from_slice(&crc.to_le_bytes());
    disk.put(512, &sector);

    let text = format!("{text}\0");
    let offset = area_bytes - 512;
    let (head, tail) = text.as_bytes().split_at(512);
    let mut header = vec![0; 512];
    header[4..20].copy_from_slice(b" LVM2 x[5A%r0N*>");
    header[20..24].copy_from_slice(&1_u32.to_le_bytes());
    header[24..32].copy_from_slice(&area.to_le_bytes());
    header[32..40].copy_from_slice(&area_bytes.to_le_bytes());
    header[40..48].copy_from_slice(&offset.to_le_bytes());
    header[48..56].copy_from_slice(&(text.len() as u64).to_le_bytes());
    header[56..60].copy_from_slice(&sum(text.as_bytes()).to_le_bytes());
    let crc = sum(&header[4..]);
    header[..4].copy_from_slice(&crc.to_le_bytes());
    disk.put(area, &header);
    disk.put(area + offset, head);
    disk.put(area + 512, tail);
    disk
}

const FIRST: &str = "AAAAAA-0000-0000-0000-0000-0000-000001";
const SECOND: &str = "AAAAAA-0000-0000-0000-0000-0000-000002";

/// A group of two physical volumes: a root in two pieces that lie out of order, and /var in stripes over both.
fn group(kind: &str) -> String {
    format!(
        "vg-0 {{\nid = \"BBBBBB-0000-0000-0000-0000-0000-000001\"\nseqno = 7\nformat = \"lvm2\"\n\
         status = [\"RESIZEABLE\", \"READ\", \"WRITE\"]\nflags = []\nextent_size = 2048\nmax_lv = 0\n\
         physical_volumes {{\n\
         pv0 {{\nid = \"{FIRST}\"\ndevice = \"/dev/sda1\"\nstatus = [\"ALLOCATABLE\"]\npe_start = 2048\npe_count = 20\n}}\n\
         pv1 {{\nid = \"{SECOND}\"\nstatus = [\"ALLOCATABLE\"]\npe_start = 2048\npe_count = 10\n}}\n}}\n\
         logical_volumes {{\n\
         root {{\nid = \"x\"\nstatus = [\"READ\", \"WRITE\", \"VISIBLE\"]\nsegment_count = 2\n\
         segment1 {{\nstart_extent = 0\nextent_count = 3\ntype = \"striped\"\nstripe_count = 1\nstripes = [\n\"pv0\", 10\n]\n}}\n\
         segment2 {{\nstart_extent = 3\nextent_count = 5\ntype = \"striped\"\nstripe_count = 1\nstripes = [\n\"pv0\", 2\n]\n}}\n}}\n\
         var {{\nid = \"y\"\nstatus = [\"READ\", \"WRITE\", \"VISIBLE\"]\nsegment_count = 1\n\
         segment1 {{\nstart_extent = 0\nextent_count = 8\ntype = \"{kind}\"\nstripe_count = 2\nstripe_size = 128\nstripes = [\n\
         \"pv0\", 14,\n\"pv1\", 1\n]\n}}\n}}\n\
         hidden {{\nid = \"z\"\nstatus = [\"READ\", \"WRITE\"]\nsegment_count = 0\n}}\n}}\n}}\n\
         # Generated by hand\ncontents = \"Text Format Volume Group\"\nversion = 1\ndescription = \"a \\\"quoted\\\" word\"\n\
         creation_host = \"host\"\ncreation_time = 1700000000\n"
    )
}

/// Copies `length` bytes of `from` into `to`.
fn copy(to: &mut Memory, at: u64, from: &Memory, offset: u64, length: u64) {
    to.put(at, &from.get(offset, usize::try_from(length).unwrap()));
}

/// A disk with both physical volumes, or with only the first.
pub(crate) fn lvm_disk(workshop: &Workshop, kind: &str, has_second: bool) -> Memory {
    let root = workshop.path("root");
    write(&root, "etc/os-release", "ID=test\n");
    fs::create_dir(root.join("var")).unwrap();
    let noise = crate::sample::noise(9, 4_000_000);
    fs::write(root.join("across"), noise).unwrap();
    write(
        &root,
        "etc/fstab",
        "/dev/mapper/vg--0-root / ext4 defaults 0 1\n/dev/vg-0/var /var ext4 defaults 0 2\n",
    );
    write(&workshop.path("var"), "lib/state", "kept\n");
    let (root, var) = (ext4(workshop, "root", ROOT, 8), ext4(workshop, "var", VAR, 8));
    let mib = 1_u64 << 20;
    let mut first = physical(FIRST, &group(kind), 21);
    let mut second = physical(SECOND, &group(kind), 11);
    copy(&mut first, 11 * mib, &root, 0, 3 * mib);
    copy(&mut first, 3 * mib, &root, 3 * mib, 5 * mib);
    let stripe = 64 << 10;
    for row in 0..(4 * mib / stripe) {
        copy(&mut first, 15 * mib + row * stripe, &var, row * 2 * stripe, stripe);
        copy(&mut second, 2 * mib + row * stripe, &var, (row * 2 + 1) * stripe, stripe);
    }
    workshop.image("image", 40);
    workshop.run("sgdisk -n 1:2048:+21M -t 1:8e00 -n 2:0:+11M -t 2:8e00 image");
    let mut disk = workshop.load("image");
    disk.put_disk(mib, &first);
    if has_second {
        disk.put_disk(22 * mib, &second);
    }
    disk
}

#[test]
fn logical_volumes_are_put_together() {
    let workshop = Workshop::new();
    let disk = lvm_disk(&workshop, "striped", true);
    let disk = Disk::open(&disk, Budget::default());
    assert_eq!(disk.observations, []);
    let places: Vec<_> = disk.volumes.iter().map(|volume| volume.place.to_string()).collect();
    assert_eq!(places, ["partition 1", "partition 2", "logical volume vg-0/root", "logical volume vg-0/var"]);
    let tree = &disk.roots[0].tree;
    let across = walk::read_file(tree, b"/across", 8 << 20).unwrap().unwrap();
    assert!(across == crate::sample::noise(9, 4_000_000));
    assert_eq!(walk::read_file(tree, b"/var/lib/state", 100).unwrap().unwrap(), b"kept\n");
    assert_eq!(
        disk.volumes[disk.roots[0].volume].place,
        Place::Logical { group: "vg-0".into(), name: "root".into() }
    );
}

#[rstest]
#[case::a_volume_is_missing("striped", false, ObservationKind::VolumeGroupIncomplete)]
#[case::a_kind_is_not_read("raid1", true, ObservationKind::NotRead)]
fn what_cannot_be_put_together_is_told(
    #[case] kind: &str,
    #[case] has_second: bool,
    #[case] expected: ObservationKind,
) {
    let workshop = Workshop::new();
    let disk = lvm_disk(&workshop, kind, has_second);
    let disk = Disk::open(&disk, Budget::default());
    assert!(disk.observations.iter().any(|seen| seen.kind == expected), "{:?}", disk.observations);
    // The root does not need it; what /var holds is unknown, and told as unresolved.
    assert_eq!(disk.roots.len(), 1);
    assert!(disk.observations.iter().any(|seen| seen.kind == ObservationKind::MountUnresolved));
}

#[test]
fn lvm_itself_reads_what_these_tests_make() {
    let workshop = Workshop::new();
    let mut file = fs::File::create(workshop.path("pv")).unwrap();
    let disk = physical(FIRST, &group("striped"), 21);
    std::io::Write::write_all(&mut file, &disk.get(0, 21 << 20)).unwrap();
    let said = workshop.run("pvck --dump metadata pv");
    assert!(said.contains("extent_count = 8"), "{said}");
    assert!(!said.to_lowercase().contains("bad"), "{said}");
}

#[rstest]
#[case::beyond_the_volume("extent_count = 3", "extent_count = 3000", ObservationKind::VolumeGroupIncomplete)]
#[case::beyond_everything(
    "\"pv0\", 10",
    "\"pv0\", 18446744073709551615",
    ObservationKind::VolumeGroupIncomplete
)]
#[case::extents_of_nothing("extent_size = 2048", "extent_size = 0", ObservationKind::VolumeGroupIncomplete)]
#[case::extents_of_everything(
    "extent_size = 2048",
    "extent_size = 36028797018963968",
    ObservationKind::VolumeGroupIncomplete
)]
#[case::a_gap("start_extent = 3", "start_extent = 4", ObservationKind::VolumeGroupIncomplete)]
#[case::no_length("extent_count = 3", "extent_count = 0", ObservationKind::VolumeGroupIncomplete)]
#[case::no_stripes("\"pv0\", 10", "", ObservationKind::VolumeGroupIncomplete)]
#[case::half_a_stripe("\"pv0\", 10", "\"pv0\"", ObservationKind::VolumeGroupIncomplete)]
#[case::stripes_of_nothing("stripe_size = 128", "stripe_size = 0", ObservationKind::VolumeGroupIncomplete)]
#[case::a_billion_pieces(
    "extent_count = 8\ntype = \"striped\"\nstripe_count = 2\nstripe_size = 128",
    "extent_count = 1000000000\ntype = \"striped\"\nstripe_count = 2\nstripe_size = 1",
    ObservationKind::NotRead
)]
#[case::unclosed("version = 1", "version {", ObservationKind::VolumeGroupIncomplete)]
fn metadata_that_says_what_cannot_be_is_told(
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: ObservationKind,
) {
    let text = group("striped");
    assert!(text.contains(from));
    let mut disk = Memory::empty(40 << 20);
    // Without a table: one physical volume is the whole disk, which the other one is not on.
    disk.put_disk(0, &physical(FIRST, &text.replacen(from, to, 1).replace(SECOND, FIRST), 21));
    let disk = Disk::open(&disk, Budget::default());
    assert!(disk.observations.iter().any(|seen| seen.kind == expected), "{:?}", disk.observations);
    assert!(disk.volumes.len() <= 2, "{disk:?}");
}
