//! Files to put into file systems, and how a tree is compared with them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use inspect::tree::{NodeKind, Tree};
use inspect::walk::{self, Limits, Next};

/// What a tree can keep.
#[derive(Clone, Copy)]
pub(crate) struct Keeps {
    pub(crate) modes: bool,
    pub(crate) links: bool,
    /// How many files the tool can put into one folder in good time.
    pub(crate) many: u32,
    /// Bytes of the one large file.
    pub(crate) big: usize,
}

/// Everything that Unix file systems keep.
pub(crate) const ALL: Keeps = Keeps { modes: true, links: true, many: 1500, big: 3_000_001 };

/// Bytes that do not compress and do not repeat.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..length.div_ceil(8)).flat_map(|_| next()).take(length).collect()
}

/// Makes files of many kinds below `root`.
pub(crate) fn make(root: &Path, keeps: Keeps) {
    fs::create_dir_all(root.join("etc/deep/er/and/deeper")).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(root.join(name), bytes).unwrap();
    write("etc/empty", b"");
    write("etc/small", b"a few bytes\n");
    write("etc/exactly4096", &noise(1, 4096));
    write("etc/one-more", &noise(2, 4097));
    write("etc/deep/er/and/deeper/file", b"at the bottom");
    write("big", &noise(3, keeps.big));
    write(&"n".repeat(200), b"a long name");
    write("Gr\u{fc}\u{df}e", b"a name beyond ASCII");
    fs::create_dir(root.join("many")).unwrap();
    for index in 0..keeps.many {
        write(&format!("many/file-with-some-name-{index:04}"), &index.to_string().into_bytes());
    }
    if keeps.links {
        symlink("small", root.join("etc/short-link")).unwrap();
        symlink("/etc/deep/../small", root.join("etc/absolute")).unwrap();
        symlink("x/".repeat(150), root.join("etc/long-link")).unwrap();
    }
    if keeps.modes {
        fs::set_permissions(root.join("etc/small"), fs::Permissions::from_mode(0o4711)).unwrap();
        fs::set_permissions(root.join("etc/empty"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    // A file with a hole between its first and its last bytes.
    let sparse = fs::File::create(root.join("sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"head", 0).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"tail", 2_000_000).unwrap();
}

/// A file as both sides tell it.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    kind: NodeKind,
    mode: Option<(u32, u32, u32)>,
    contents: Vec<u8>,
}

/// Compares every file below `root` with what `tree` tells.
pub(crate) fn assert_same(tree: &dyn Tree, root: &Path, keeps: Keeps) {
    let mut expected = BTreeMap::new();
    collect(root, root, keeps, &mut expected);
    let mut told = BTreeMap::new();
    let missed = walk::visit(tree, b"/", Limits::default(), &mut |path, node| {
        let contents = match node.kind {
            NodeKind::File => read_all(tree, path, node.size_bytes),
            NodeKind::Link => tree.target(path).unwrap(),
            NodeKind::Folder | NodeKind::Other => Vec::new(),
        };
        let mode = keeps.modes.then(|| (node.mode, node.uid.unwrap(), node.gid.unwrap()));
        let path = String::from_utf8(path.to_vec()).unwrap();
        if path != "/lost+found" {
            told.insert(path, Told { kind: node.kind, mode, contents });
        }
        Next::On
    });
    assert_eq!(missed, []);
    let lost: Vec<_> = expected.keys().filter(|path| !told.contains_key(*path)).collect();
    let gained: Vec<_> = told.keys().filter(|path| !expected.contains_key(*path)).collect();
    assert!(lost.is_empty() && gained.is_empty(), "lost {lost:?}, gained {gained:?}");
    for (path, file) in &expected {
        let other = &told[path];
        assert_eq!((file.kind, file.mode), (other.kind, other.mode), "{path}");
        assert!(file.contents == other.contents, "{path}: the bytes differ");
    }
}

/// Reads in pieces of odd sizes, so that their borders fall everywhere.
fn read_all(tree: &dyn Tree, path: &[u8], size: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let piece = tree.read(path, bytes.len() as u64, 777_777).unwrap();
        if piece.is_empty() {
            break;
        }
        bytes.extend(piece);
    }
    assert_eq!(bytes.len() as u64, size);
    bytes
}

fn collect(root: &Path, folder: &Path, keeps: Keeps, into: &mut BTreeMap<String, Told>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let (kind, contents) = if metadata.is_symlink() {
            (NodeKind::Link, fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes())
        } else if metadata.is_dir() {
            collect(root, &path, keeps, into);
            (NodeKind::Folder, Vec::new())
        } else {
            (NodeKind::File, fs::read(&path).unwrap())
        };
        let mode = keeps.modes.then(|| (metadata.mode() & 0o7777, metadata.uid(), metadata.gid()));
        let name = format!("/{}", path.strip_prefix(root).unwrap().to_str().unwrap());
        into.insert(name, Told { kind, mode, contents });
    }
}
