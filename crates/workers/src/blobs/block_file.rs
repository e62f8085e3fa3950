//! Blocks that were put and not committed: a file of records, each a page that says what follows, and the bytes.
//!
//! A record is found again by walking from one to the next; one that a crash left half-written is passed over, because
//! neither its header nor its bytes prove themselves. Of two records with one id the later counts.

use std::collections::HashMap;
use std::io;

use crate::Staged;

/// A record begins on such a boundary.
const RECORD_BYTES: u64 = 4096;
/// The page that says what follows.
const HEADER_BYTES: usize = 4096;
const MAGIC: &[u8; 8] = b"gblock1\n";
/// Longest id, in bytes of base64: 64 bytes of it ("Put Block").
pub(super) const LONGEST_ID: usize = 88;

/// Where a block's bytes stand, and their digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) digest: [u8; 32],
}

/// Adds a block to the end of the file, durably.
pub(super) fn append(file: &Staged, id: &str, bytes: &[u8]) -> io::Result<()> {
    let start = file.size_bytes()?.next_multiple_of(RECORD_BYTES);
    let length = wide(bytes.len());
    file.resize(start + RECORD_BYTES + length)?;
    file.write(start + RECORD_BYTES, bytes)?;
    file.write(start, &header(id, length, blake3::hash(bytes).as_bytes()))?;
    file.sync()
}

/// The blocks in the file, by id, in the order in which they were put.
pub(super) fn read(file: &Staged) -> io::Result<(Vec<String>, HashMap<String, Place>)> {
    let size_bytes = file.size_bytes()?;
    let (mut order, mut places) = (Vec::new(), HashMap::new());
    let mut at = 0;
    while at + RECORD_BYTES <= size_bytes {
        let mut page = [0; HEADER_BYTES];
        file.read(at, &mut page)?;
        at += RECORD_BYTES;
        let Some((id, length, digest)) = parse(&page) else { continue };
        let Some(end) = at.checked_add(length).filter(|end| *end <= size_bytes) else { continue };
        if places.insert(id.clone(), Place { offset: at, length, digest }).is_none() {
            order.push(id);
        }
        at = end.next_multiple_of(RECORD_BYTES);
    }
    Ok((order, places))
}

fn header(id: &str, length: u64, digest: &[u8; 32]) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend(length.to_le_bytes());
    header.extend(digest);
    header.push(u8::try_from(id.len()).unwrap_or(0));
    header.extend(id.as_bytes());
    let proof = blake3::hash(&header);
    header.extend(proof.as_bytes());
    header
}

fn parse(page: &[u8]) -> Option<(String, u64, [u8; 32])> {
    let rest = page.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (digest, rest) = rest.split_first_chunk::<32>()?;
    let (id_bytes, rest) = rest.split_first()?;
    let id = std::str::from_utf8(rest.get(..usize::from(*id_bytes))?).ok()?;
    let length = u64::from_le_bytes(*length);
    let wanted = header(id, length, digest);
    page.starts_with(&wanted).then(|| (id.to_owned(), length, *digest))
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{append, read};
    use crate::Staging;

    #[test]
    fn blocks_are_found_again_and_what_is_torn_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = Staging::open(folder.path()).unwrap().create(Uuid::from_u128(1), 0).unwrap();
        append(&file, "YQ==", &[1; 5000]).unwrap();
        let torn = file.size_bytes().unwrap();
        append(&file, "Yg==", &[2; 10]).unwrap();
        append(&file, "Yw==", &[3; 10]).unwrap();
        append(&file, "YQ==", &[4; 7]).unwrap();
        // The header of the second never came to the disk.
        file.clear(torn.next_multiple_of(4096), 4096).unwrap();
        let (order, places) = read(&file).unwrap();
        assert_eq!(order, ["YQ==", "Yw=="]);
        let mut bytes = [0; 7];
        file.read(places["YQ=="].offset, &mut bytes).unwrap();
        assert_eq!((places["YQ=="].length, bytes), (7, [4; 7]));
        assert_eq!(places["Yw=="].digest, *blake3::hash(&[3; 10]).as_bytes());
    }
}
