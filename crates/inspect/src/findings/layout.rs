//! How the disk is divided, what it mounts, and what was odd about its structures.

use super::{Evidence, Hit, Look, Rule, Scene, Scope, Severity, hits};
use crate::facts::FstabLine;
use crate::facts::mounts::is_unstable;
use crate::observation::ObservationKind;
use crate::tree::{Error, NodeKind};
use crate::volumes::Place;

const MIB: u64 = 1 << 20;

type Told = Result<Option<Vec<Hit>>, Error>;

const fn rule(
    id: &'static str,
    severity: Severity,
    scope: Scope,
    title: &'static str,
    remedy: &'static str,
    look: fn(&Scene<'_>) -> Told,
) -> Rule {
    Rule { id, severity, scope, title, remedy, look: Look::With(look) }
}

pub(super) const RULES: &[Rule] = &[
    rule(
        "DSK-NO-TABLE",
        Severity::Error,
        Scope::Any,
        "The disk has no partition table; it is no operating system disk.",
        "Partition the disk, or publish it as a data disk.",
        |scene| {
            scene.knows("layout")?;
            hits(
                (scene.facts.layout.table == "none")
                    .then(|| Evidence::words("neither an MBR nor a GPT was found")),
            )
        },
    ),
    rule(
        "DSK-TABLE",
        Severity::Warning,
        Scope::Any,
        "The partition table is damaged or contradicts itself.",
        "sgdisk --verify DISK; sgdisk --move-second-header DISK",
        |scene| {
            observed(
                scene,
                &[
                    ObservationKind::GptPrimaryDamaged,
                    ObservationKind::GptBackupDamaged,
                    ObservationKind::GptBackupMisplaced,
                    ObservationKind::GptCopiesDiffer,
                    ObservationKind::GptStale,
                    ObservationKind::GptUnprotected,
                    ObservationKind::HybridMbr,
                    ObservationKind::PartitionsTooMany,
                    ObservationKind::TableUnreadable,
                ],
            )
        },
    ),
    rule(
        "DSK-OVERLAP",
        Severity::Error,
        Scope::Any,
        "Partitions share bytes or reach past the end of the disk.",
        "Correct the partition table.",
        |scene| observed(scene, &[ObservationKind::PartitionsOverlap, ObservationKind::PartitionOutside]),
    ),
    rule(
        "DSK-ENCRYPTED",
        Severity::Error,
        Scope::Any,
        "A volume is encrypted; what is in it is not known.",
        "Decrypt the volume before capturing the image; encrypt disks of machines by the platform.",
        |scene| observed(scene, &[ObservationKind::Encrypted]),
    ),
    rule(
        "FSH-UNREADABLE",
        Severity::Warning,
        Scope::Any,
        "A volume could not be read; what is in it is not known.",
        "fsck the file system, or use one of ext4, XFS, Btrfs, NTFS and FAT.",
        |scene| {
            observed(
                scene,
                &[
                    ObservationKind::FileSystemUnreadable,
                    ObservationKind::NotRead,
                    ObservationKind::VolumeGroupIncomplete,
                    ObservationKind::BudgetUsedUp,
                ],
            )
        },
    ),
    rule(
        "FSH-DIRTY",
        Severity::Warning,
        Scope::Any,
        "A file system was not unmounted cleanly.",
        "Shut the machine down before capturing its disk.",
        |scene| observed(scene, &[ObservationKind::NotClean]),
    ),
    rule(
        "FSH-SAME-ID",
        Severity::Error,
        Scope::Any,
        "Two file systems have the same identifier.",
        "tune2fs -U random, or xfs_admin -U generate",
        |scene| observed(scene, &[ObservationKind::SameIdentifier]),
    ),
    rule(
        "DSK-MULTI-ROOT",
        Severity::Warning,
        Scope::Any,
        "The disk holds more than one operating system.",
        "Keep one.",
        |scene| {
            let count = scene.facts.root_count;
            hits((count > 1).then(|| Evidence::words(format!("{count} roots were found"))))
        },
    ),
    rule(
        "DSK-GROWABLE",
        Severity::Warning,
        Scope::Linux,
        "The root cannot grow with its disk: another partition is behind it.",
        "Make the root's partition the last one.",
        growable,
    ),
    rule(
        "DSK-LVM",
        Severity::Info,
        Scope::Linux,
        "The system is on logical volumes; their names clash when the disk is attached to a machine made of the same image.",
        "Nothing, or install onto a partition.",
        |scene| {
            let volumes = scene.facts.layout.volumes.iter().filter(|volume| volume.content == "lvm");
            hits(volumes.map(|volume| Evidence {
                volume: Some(volume.place.clone()),
                ..Evidence::words("holds logical volumes")
            }))
        },
    ),
    rule(
        "VHD-ALIGN",
        Severity::Error,
        Scope::Any,
        "The size of the disk is no whole number of MiB; Azure refuses it.",
        "qemu-img resize DISK to a multiple of 1 MiB",
        size,
    ),
    rule(
        "FSH-FREE",
        Severity::Warning,
        Scope::Any,
        "A file system is nearly full.",
        "Free space, or enlarge the disk.",
        free,
    ),
    rule(
        "FST-SWAP",
        Severity::Error,
        Scope::Linux,
        "There is swap space on the operating system disk.",
        "swapoff -a; delete the swap partition or file and its line in /etc/fstab",
        swap,
    ),
    rule(
        "FST-DEVNAMES",
        Severity::Error,
        Scope::Linux,
        "Disks are called by names that change with the order in which they are found.",
        "Write UUID= (see blkid) in place of the device in /etc/fstab and on the kernel's command line.",
        device_names,
    ),
    rule(
        "FST-RESOLVES",
        Severity::Error,
        Scope::Linux,
        "What is to be mounted is not on this disk; the start waits for it.",
        "Correct the line in /etc/fstab, or give it the option nofail.",
        resolves,
    ),
];

fn observed(scene: &Scene<'_>, kinds: &[ObservationKind]) -> Told {
    let of_kind = scene.observations.iter().filter(|seen| kinds.contains(&seen.kind));
    hits(
        of_kind
            .map(|seen| Evidence { volume: Some(seen.place.clone()), ..Evidence::words(seen.text.clone()) }),
    )
}

/// Whether what the root is on reaches furthest; partitions that hold nothing are not in its way.
fn growable(scene: &Scene<'_>) -> Told {
    let layout = &scene.facts.layout;
    let content = |number: u32| {
        let place = Place::Partition(number).to_string();
        layout.volumes.iter().find(|volume| volume.place == place)
    };
    let root = layout.partitions.iter().filter(|partition| {
        let is_meant = |kind: &str| matches!(kind, "ext4" | "ext3" | "ext2" | "xfs" | "btrfs" | "lvm");
        content(partition.number).is_some_and(|volume| is_meant(&volume.content))
    });
    // The largest of those is the root, or holds it.
    let Some(root) = root.max_by_key(|partition| partition.size_bytes) else { return Ok(None) };
    let behind = layout.partitions.iter().filter(|other| {
        other.first_byte > root.first_byte
            && content(other.number).is_some_and(|volume| volume.content != "empty")
    });
    hits(behind.map(|other| {
        Evidence::words(format!("partition {} is behind partition {}", other.number, root.number))
    }))
}

fn size(scene: &Scene<'_>) -> Told {
    let size = scene.facts.layout.size_bytes;
    let below = size / MIB * MIB;
    let words = || format!("{size} bytes; the neighbours are {below} and {}", below + MIB);
    hits((!size.is_multiple_of(MIB)).then(|| Evidence::words(words())))
}

fn free(scene: &Scene<'_>) -> Told {
    let mut found = Vec::new();
    for volume in &scene.facts.layout.volumes {
        let Some(free) =
            volume.free_bytes.filter(|_| volume.content != "vfat" && volume.content != "squashfs")
        else {
            continue;
        };
        if free < volume.size_bytes / 10 {
            let words = format!("{} of {} MiB are free", free / MIB, volume.size_bytes / MIB);
            found.push(Evidence { volume: Some(volume.place.clone()), ..Evidence::words(words) });
        }
    }
    hits(found)
}

fn swap(scene: &Scene<'_>) -> Told {
    scene.knows("fstab")?;
    let guest = scene.guest()?;
    let volumes = scene.facts.layout.volumes.iter().filter(|volume| volume.content == "swap");
    let mut found: Vec<Evidence> = volumes
        .map(|volume| Evidence { volume: Some(volume.place.clone()), ..Evidence::words("is swap space") })
        .collect();
    let lines = scene.facts.fstab.iter().filter(|line| line.is_swap() && !line.source.contains("zram"));
    found.extend(lines.map(|line| Evidence::at("/etc/fstab", format!("swaps to {}", line.source))));
    for path in ["/swapfile", "/swap.img", "/swap/swapfile", "/var/swapfile"] {
        if guest.find(path)?.is_some_and(|(_, node)| node.kind == NodeKind::File && node.size_bytes > 0) {
            found.push(Evidence::at(path, "is a swap file"));
        }
    }
    for path in guest.entries("/etc/systemd/system", |name| name.ends_with(b".swap"))? {
        found.push(Evidence::at(path, "is a unit for swap space"));
    }
    hits(found)
}

fn device_names(scene: &Scene<'_>) -> Told {
    scene.knows("fstab")?;
    let lines = scene.facts.fstab.iter().filter(|line| line.is_unstable() && line.kind != "iso9660");
    // The platform's scratch disk and removable media are mounted by whoever finds them.
    let lines = lines.filter(|line| !line.may_fail() && !line.kind.contains("auto"));
    let mut found: Vec<Evidence> = lines
        .map(|line| Evidence::at("/etc/fstab", format!("mounts {} on {}", line.source, line.point)))
        .collect();
    if let Some(entry) = &scene.facts.boot.entry {
        let words = entry.arguments.iter().filter_map(|word| Some((word, word.split_once('=')?)));
        let unstable =
            words.filter(|(_, (name, value))| matches!(*name, "root" | "resume") && is_unstable(value));
        found.extend(unstable.map(|(word, _)| Evidence::at(&entry.from, word.clone())));
    }
    hits(found)
}

fn resolves(scene: &Scene<'_>) -> Told {
    scene.knows("fstab")?;
    let mut found = Vec::new();
    for seen in scene.observations.iter().filter(|seen| seen.kind == ObservationKind::MountUnresolved) {
        let line = scene.facts.fstab.iter().find(|line| line.point == seen.place);
        if line.is_some_and(FstabLine::may_fail) {
            continue;
        }
        let is_needed = matches!(seen.place.as_str(), "/" | "/boot" | "/boot/efi" | "/usr" | "/var");
        let evidence = Evidence::at("/etc/fstab", format!("{}: {}", seen.place, seen.text));
        found.push(if is_needed { evidence.into() } else { evidence.rated(Severity::Warning) });
    }
    Ok(Some(found))
}
