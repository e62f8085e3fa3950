//! Btrfs on one device, read by the crate `lambutter`: metadata checksums are checked, those of data are not.
//!
//! A number here is a subvolume's in the upper 24 bits and an inode's in the lower 40; larger ones are not read.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use lambutter::{BlockRead, Btrfs, Inode, Path};

use super::guard::{Lent, Stopped};
use super::parents::Parents;
use super::{Entry, Files, Opened, SharedTree, check_name, is_dots, share};
use crate::bytes::{Fields, as_u64, as_usize};
use crate::tree::{Error, Node, NodeKind};
use crate::volumes::Usage;
use crate::window::Window;

/// What a reader's complaint is about.
const WHAT: &str = "Btrfs";
/// What remembering an inode takes.
const INODE_BYTES: u64 = 64;
/// Steps charged for a read: the reader unpacks up to 16 MiB for any of it, which it does not tell.
const READ_STEPS: u64 = 512;
/// Bits of an inode number in ours.
const INODE_BITS: u32 = 40;
/// Steps charged for each 4 KiB: the reader checks the sum of every node again, each time it passes it.
const CHECKSUM_STEPS: u64 = 8;
/// Types in a folder's entries (`BTRFS_FT_DIR`, `BTRFS_FT_SYMLINK`).
const FOLDER: u8 = 2;
const LINK: u8 = 7;

/// Opens the default subvolume, as a mount without options does.
pub(super) fn open<'a>(volume: &Window<'a>) -> Result<Opened<'a>, Error> {
    let tree = open_with(volume, Btrfs::open)?;
    let superblock = volume.bytes(64 << 10, 4096)?;
    let fields = Fields::new("Btrfs superblock", &superblock);
    // A log stands there while files that were synced are not yet in the trees.
    let clean = fields.le_u64(96)? == 0;
    let note = (!clean).then(|| "its log of files synced last is not replayed".to_owned());
    Ok(Opened { tree, clean: Some(clean), usage: usage(&fields)?, label: None, note })
}

/// Opens the subvolume at `path` from the top level.
pub(super) fn open_subvolume<'a>(volume: &Window<'a>, path: &[u8]) -> Result<SharedTree<'a>, Error> {
    let mut absolute = vec![b'/'];
    absolute.extend_from_slice(path);
    let path = Path::new(&absolute).ok_or_else(|| Error::NotThere("no path of a subvolume".to_owned()))?;
    open_with(volume, |reader, size| Btrfs::open_subvol_path(reader, size, path))
}

/// Opens the subvolume with this number.
pub(super) fn open_subvolume_id<'a>(volume: &Window<'a>, id: u64) -> Result<SharedTree<'a>, Error> {
    open_with(volume, |reader, size| Btrfs::open_subvol_id(reader, size, id))
}

fn open_with<'a>(
    volume: &Window<'a>,
    opening: impl FnOnce(Reader<'a>, u64) -> lambutter::Result<Btrfs<Reader<'a>>>,
) -> Result<SharedTree<'a>, Error> {
    let lent = Lent::new(volume.clone(), CHECKSUM_STEPS);
    let (btrfs, root) = lent.during(WHAT, || {
        let mut btrfs = opening(Reader(lent.clone()), volume.size_bytes()).map_err(|error| told(&error))?;
        let root = btrfs.resolve(Path::from("/")).map_err(|error| told(&error))?;
        Ok((btrfs, root))
    })?;
    let id = number(root)?;
    let state = State { btrfs, known: HashMap::from([(id, root)]), parents: Parents::default(), last: None };
    Ok(share(BtrfsFiles { lent, volume: volume.clone(), root: id, state: Mutex::new(state) }, volume))
}

/// What the superblock tells of its space; what metadata copies take is counted as used.
fn usage(fields: &Fields<'_>) -> Result<Option<Usage>, Error> {
    let (total_bytes, used) = (fields.le_u64(112)?, fields.le_u64(120)?);
    Ok(total_bytes.checked_sub(used).map(|free_bytes| Usage { total_bytes, free_bytes }))
}

struct BtrfsFiles<'a> {
    lent: Lent<'a>,
    volume: Window<'a>,
    root: u64,
    state: Mutex<State<'a>>,
}

struct State<'a> {
    btrfs: Btrfs<Reader<'a>>,
    known: HashMap<u64, Inode>,
    parents: Parents,
    /// The node told last, since what is told is mostly read next.
    last: Option<(u64, Node)>,
}

impl State<'_> {
    fn inode(&self, id: u64) -> Result<Inode, Error> {
        let inode = self.known.get(&id).copied();
        inode.ok_or_else(|| Error::NotThere("nothing was met under this number".to_owned()))
    }

    fn node(&mut self, id: u64) -> Result<Node, Error> {
        if let Some((_, node)) = self.last.filter(|(last, _)| *last == id) {
            return Ok(node);
        }
        let metadata = self.btrfs.metadata(&self.inode(id)?).map_err(|error| told(&error))?;
        let kind = if metadata.is_file() {
            NodeKind::File
        } else if metadata.is_dir() {
            NodeKind::Folder
        } else if metadata.is_symlink() {
            NodeKind::Link
        } else {
            NodeKind::Other
        };
        let node = Node {
            kind,
            size_bytes: if kind == NodeKind::File { metadata.size } else { 0 },
            mode: metadata.mode & 0o7777,
            uid: Some(metadata.uid),
            gid: Some(metadata.gid),
            number: Some(id),
        };
        self.last = Some((id, node));
        Ok(node)
    }
}

struct Reader<'a>(Lent<'a>);

impl BlockRead for Reader<'_> {
    type Error = Stopped;

    fn read_at(&mut self, offset_bytes: u64, buffer: &mut [u8]) -> Result<(), Stopped> {
        self.0.read(offset_bytes, buffer)
    }
}

impl<'a> BtrfsFiles<'a> {
    /// Runs `look` on the reader.
    fn with<T>(&self, look: impl FnOnce(&mut State<'a>) -> Result<T, Error>) -> Result<T, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.lent.during(WHAT, || look(&mut state))
    }
}

impl Files for BtrfsFiles<'_> {
    fn root(&self) -> u64 {
        self.root
    }

    fn node(&self, id: u64) -> Result<Node, Error> {
        self.with(|state| state.node(id))
    }

    fn entries(&self, id: u64, most: usize) -> Result<Vec<Entry>, Error> {
        let root = self.root;
        self.with(|state| {
            let path = state.parents.path(root, id)?;
            let path = Path::new(&path).ok_or_else(|| Error::NotThere("no path".to_owned()))?;
            let listed = state.btrfs.read_dir(path).map_err(|error| told(&error))?;
            if listed.len() > most {
                return Err(Error::Budget("names in one folder"));
            }
            let mut entries = Vec::with_capacity(listed.len());
            for entry in listed.into_iter().filter(|entry| !is_dots(&entry.name)) {
                check_name(&entry.name)?;
                let child = number(entry.inode)?;
                if state.known.insert(child, entry.inode).is_none() {
                    self.volume.meter().keep(INODE_BYTES)?;
                }
                if matches!(entry.kind_byte, FOLDER | LINK) {
                    state.parents.met(self.volume.meter(), child, id, &entry.name)?;
                }
                entries.push(Entry { name: entry.name, id: child });
            }
            Ok(entries)
        })
    }

    fn read(&self, id: u64, offset: u64, most: usize) -> Result<Vec<u8>, Error> {
        self.with(|state| {
            let inode = state.inode(id)?;
            let size_bytes = state.node(id)?.size_bytes;
            let wanted = size_bytes.saturating_sub(offset).min(as_u64(most));
            self.volume.meter().step(READ_STEPS + wanted / 4096)?;
            let mut bytes = vec![0; as_usize(wanted)];
            let length =
                state.btrfs.read_file_at(&inode, offset, &mut bytes).map_err(|error| told(&error))?;
            bytes.truncate(length);
            Ok(bytes)
        })
    }

    fn target(&self, id: u64) -> Result<Vec<u8>, Error> {
        let root = self.root;
        self.with(|state| {
            let path = state.parents.path(root, id)?;
            let path = Path::new(&path).ok_or_else(|| Error::NotThere("no path".to_owned()))?;
            state.btrfs.read_link(path).map_err(|error| told(&error))
        })
    }
}

fn number(inode: Inode) -> Result<u64, Error> {
    let (subvolume, object) = (inode.subvolume(), inode.objectid());
    if subvolume >> (64 - INODE_BITS) != 0 || object >> INODE_BITS != 0 {
        return Err(Error::Unsupported("inode numbers of more than 40 bits".to_owned()));
    }
    Ok(subvolume << INODE_BITS | object)
}

fn told(error: &lambutter::Error) -> Error {
    use lambutter::Error as Btrfs;
    match error {
        Btrfs::NotFound | Btrfs::NotARegularFile | Btrfs::NotASymlink | Btrfs::NotASubvolume => {
            Error::NotThere(error.to_string())
        }
        Btrfs::UnsupportedFeature(_) | Btrfs::UnsupportedProfile(_) | Btrfs::UnsupportedChecksum(_) => {
            Error::Unsupported(error.to_string())
        }
        Btrfs::OutOfMemory { .. } => Error::Budget("bytes of one file"),
        Btrfs::Io { .. }
        | Btrfs::BadSuperblock(_)
        | Btrfs::CsumMismatch { .. }
        | Btrfs::CorruptBtree { .. }
        | Btrfs::BadCompression { .. } => Error::Damaged(error.to_string()),
    }
}
