//! What was noticed while opening a disk: not errors of ours, but things a person should know about the bytes.

/// One thing noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What it is.
    pub kind: ObservationKind,
    /// Where: "the partition table", "partition 2", "logical volume vg/root".
    pub place: String,
    /// What was seen there, fit to be shown.
    pub text: String,
}

impl Observation {
    pub(crate) fn new(kind: ObservationKind, place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind, place: place.into(), text: text.into() }
    }
}

/// Kinds of [`Observation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObservationKind {
    /// The first copy of the GPT is damaged; the one at the end of the disk was read.
    GptPrimaryDamaged,
    /// The copy of the GPT at the end of the disk is damaged or missing.
    GptBackupDamaged,
    /// The copy of the GPT does not stand in the last sector: the disk was enlarged or cut.
    GptBackupMisplaced,
    /// The two copies of the GPT tell different partitions.
    GptCopiesDiffer,
    /// A GPT stands on a disk whose MBR does not announce it: it is left over and not used.
    GptStale,
    /// A GPT stands on a disk without any MBR; firmware and kernels do not use it.
    GptUnprotected,
    /// The protective MBR of a GPT also lists partitions of its own.
    HybridMbr,
    /// Two partitions share bytes.
    PartitionsOverlap,
    /// A partition reaches past the end of the disk, or ends before it begins.
    PartitionOutside,
    /// There are more partitions than are looked at, or the chain of logical ones turns in a circle.
    PartitionsTooMany,
    /// The table of partitions could not be read.
    TableUnreadable,
    /// A volume group lacks a physical volume, or its metadata is damaged.
    VolumeGroupIncomplete,
    /// The contents of a volume are encrypted.
    Encrypted,
    /// A volume holds something that is recognised but not read here.
    NotRead,
    /// A file system is damaged, or cannot be read for another reason.
    FileSystemUnreadable,
    /// A file system was not unmounted cleanly.
    NotClean,
    /// A line of fstab names something that is not on this disk, or could not be laid over the root.
    MountUnresolved,
    /// Two file systems carry the same identifier.
    SameIdentifier,
    /// The budget was used up before all was looked at.
    BudgetUsedUp,
}
