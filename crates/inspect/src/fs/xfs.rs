//! XFS, read by the crate `lamxfs`, which replays a dirty log in memory.
//!
//! The crate tells no owners: they are read here from the inode itself.

use std::sync::{Mutex, PoisonError};

use lamxfs::{BlockRead, EntryKind, Inode, Path, Xfs};

use super::guard::{Lent, Stopped};
use super::parents::Parents;
use super::{Entry, Files, Opened, check_name, is_dots, share};
use crate::bytes::{Fields, as_u64, as_usize};
use crate::tree::{Error, Node, NodeKind};
use crate::volumes::Usage;
use crate::window::Window;

/// What a reader's complaint is about.
const WHAT: &str = "XFS";
/// Most bytes of a folder.
const MOST_FOLDER_BYTES: u64 = 32 << 20;
/// Most bytes of the target of a link (`XFS_SYMLINK_MAXLEN`).
const MOST_TARGET_BYTES: u64 = 1024;

/// Opens the file system in `volume`.
pub(super) fn open<'a>(volume: &Window<'a>) -> Result<Opened<'a>, Error> {
    let geometry = Geometry::read(volume)?;
    let lent = Lent::new(volume.clone(), 0);
    let xfs = lent.during(WHAT, || {
        Xfs::open(Reader(lent.clone()), volume.size_bytes()).map_err(|error| told(&error))
    })?;
    let usage = geometry.usage;
    let files = XfsFiles {
        lent,
        geometry,
        volume: volume.clone(),
        state: Mutex::new(State { xfs, parents: Parents::default() }),
    };
    Ok(Opened { tree: share(files, volume), clean: None, usage, label: None, note: None })
}

struct XfsFiles<'a> {
    lent: Lent<'a>,
    volume: Window<'a>,
    geometry: Geometry,
    state: Mutex<State<'a>>,
}

struct State<'a> {
    xfs: Xfs<Reader<'a>>,
    parents: Parents,
}

struct Reader<'a>(Lent<'a>);

impl BlockRead for Reader<'_> {
    type Error = Stopped;

    fn read_at(&mut self, offset_bytes: u64, buffer: &mut [u8]) -> Result<(), Stopped> {
        self.0.read(offset_bytes, buffer)
    }
}

impl<'a> XfsFiles<'a> {
    /// Runs `look` on the reader.
    fn with<T>(&self, look: impl FnOnce(&mut State<'a>) -> Result<T, Error>) -> Result<T, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.lent.during(WHAT, || look(&mut state))
    }
}

impl Files for XfsFiles<'_> {
    fn root(&self) -> u64 {
        self.geometry.root
    }

    fn node(&self, id: u64) -> Result<Node, Error> {
        let inode = Inode { ino: id };
        let metadata = self.with(|state| state.xfs.metadata(&inode).map_err(|error| told(&error)))?;
        let owners = self.geometry.owners(&self.volume, id)?;
        let kind = if metadata.is_file() {
            NodeKind::File
        } else if metadata.is_dir() {
            NodeKind::Folder
        } else if metadata.is_symlink() {
            NodeKind::Link
        } else {
            NodeKind::Other
        };
        Ok(Node {
            kind,
            size_bytes: if kind == NodeKind::File { metadata.size() } else { 0 },
            mode: metadata.mode() & 0o7777,
            uid: owners.map(|(uid, _)| uid),
            gid: owners.map(|(_, gid)| gid),
            number: Some(id),
        })
    }

    fn entries(&self, id: u64, most: usize) -> Result<Vec<Entry>, Error> {
        let root = self.root();
        self.with(|state| {
            let path = state.parents.path(root, id)?;
            // The reader lists a folder whole, so its size is looked at first.
            let folder = Inode { ino: id };
            if state.xfs.metadata(&folder).map_err(|error| told(&error))?.size() > MOST_FOLDER_BYTES {
                return Err(Error::Budget("bytes of one folder"));
            }
            let listed = state.xfs.read_dir(Path::new(&path)).map_err(|error| told(&error))?;
            if listed.len() > most {
                return Err(Error::Budget("names in one folder"));
            }
            let mut entries = Vec::with_capacity(listed.len());
            for entry in listed.into_iter().filter(|entry| !is_dots(&entry.name)) {
                check_name(&entry.name)?;
                if matches!(entry.kind, EntryKind::Directory | EntryKind::Symlink) {
                    state.parents.met(self.volume.meter(), entry.inode_number, id, &entry.name)?;
                }
                entries.push(Entry { name: entry.name, id: entry.inode_number });
            }
            Ok(entries)
        })
    }

    fn read(&self, id: u64, offset: u64, most: usize) -> Result<Vec<u8>, Error> {
        let inode = Inode { ino: id };
        self.with(|state| {
            let size = state.xfs.metadata(&inode).map_err(|error| told(&error))?.size();
            let wanted = size.saturating_sub(offset).min(as_u64(most));
            self.volume.meter().step(wanted / 4096)?;
            let mut bytes = vec![0; as_usize(wanted)];
            let length = state.xfs.read_file_at(&inode, offset, &mut bytes).map_err(|error| told(&error))?;
            bytes.truncate(length);
            Ok(bytes)
        })
    }

    fn target(&self, id: u64) -> Result<Vec<u8>, Error> {
        let root = self.root();
        self.with(|state| {
            let size = state.xfs.metadata(&Inode { ino: id }).map_err(|error| told(&error))?.size();
            if size > MOST_TARGET_BYTES {
                return Err(Error::Damaged("the target of a link is longer than XFS allows".to_owned()));
            }
            let path = state.parents.path(root, id)?;
            state.xfs.read_link(Path::new(&path)).map_err(|error| told(&error))
        })
    }
}

/// What is needed to find an inode on the volume.
#[derive(Debug)]
struct Geometry {
    root: u64,
    block_bytes: u64,
    group_blocks: u64,
    /// Bits of a block number within its group.
    group_bits: u32,
    /// Bits of an inode number within its block.
    inode_bits: u32,
    inode_bytes: u64,
    usage: Option<Usage>,
}

impl Geometry {
    fn read(volume: &Window<'_>) -> Result<Self, Error> {
        let head = volume.bytes(0, 512)?;
        let fields = Fields::new("XFS superblock", &head);
        let block_bytes = u64::from(fields.be_u32(4)?);
        let (blocks, free) = (fields.be_u64(8)?, fields.be_u64(144)?);
        let usage = Usage {
            total_bytes: blocks.saturating_mul(block_bytes),
            free_bytes: free.saturating_mul(block_bytes),
        };
        let (inode_bits, group_bits) = (fields.u8(123)?.into(), fields.u8(124)?.into());
        if inode_bits > 16 || group_bits > 40 {
            return Err(Error::Damaged("the XFS superblock tells groups of impossible size".to_owned()));
        }
        Ok(Self {
            root: fields.be_u64(56)?,
            block_bytes,
            group_blocks: fields.be_u32(84)?.into(),
            group_bits,
            inode_bits,
            inode_bytes: fields.be_u16(104)?.into(),
            usage: (usage.free_bytes <= usage.total_bytes).then_some(usage),
        })
    }

    /// User and group of the inode `number`, as they stand on the volume; `None` while only the log has it.
    fn owners(&self, volume: &Window<'_>, number: u64) -> Result<Option<(u32, u32)>, Error> {
        let within = number & ((1 << self.inode_bits) - 1);
        let block = (number >> self.inode_bits) & ((1 << self.group_bits) - 1);
        let group = number >> (self.inode_bits + self.group_bits);
        let at = group
            .checked_mul(self.group_blocks)
            .and_then(|first| first.checked_add(block))
            .and_then(|block| block.checked_mul(self.block_bytes))
            .and_then(|start| start.checked_add(within * self.inode_bytes))
            .ok_or_else(|| Error::Damaged("an inode number points past the XFS".to_owned()))?;
        let core = volume.bytes(at, 16)?;
        let fields = Fields::new("XFS inode", &core);
        let is_inode = fields.array(0)? == *b"IN";
        Ok(is_inode.then_some((fields.be_u32(8)?, fields.be_u32(12)?)))
    }
}

fn told(error: &lamxfs::Error) -> Error {
    use lamxfs::{Error as Xfs, SuperblockReason};
    match error {
        Xfs::NotFound { .. } | Xfs::NotARegularFile | Xfs::NotASymlink => Error::NotThere(error.to_string()),
        Xfs::UnsupportedFeature(_)
        | Xfs::BadSuperblock(
            SuperblockReason::UnsupportedVersion
            | SuperblockReason::ExternalLog
            | SuperblockReason::RealtimeDevice
            | SuperblockReason::DirtyLog,
        ) => Error::Unsupported(error.to_string()),
        Xfs::FileTooLarge { .. } | Xfs::OutOfMemory { .. } => Error::Budget("bytes of one file"),
        Xfs::Io { .. } | Xfs::BadSuperblock(_) | Xfs::BadCrc { .. } | Xfs::Inconsistent { .. } => {
            Error::Damaged(error.to_string())
        }
    }
}
