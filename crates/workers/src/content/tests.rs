//! What is settled reads as what was staged, and a disk's digest is its own with and without a footer.

use arm::Region;
use rstest::rstest;
use store::{Options, Owner};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Content, OpenContent, settle};
use crate::{Regions, Staging};

const NAME: Uuid = Uuid::from_u128(1);

struct Place {
    staging: Staging,
    regions: Regions,
    region: Region,
    _folder: TempDir,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::open(&folder.path().join("staging")).unwrap();
    let region: Region = "westeurope".parse().unwrap();
    let store = store::Region::open("westeurope", &folder.path().join("region"), Options::default()).unwrap();
    let regions = Regions::of([(region.clone(), store)]);
    Place { staging, regions, region, _folder: folder }
}

impl Place {
    fn stage(&self, bytes: &[u8]) {
        let file = self.staging.create(NAME, bytes.len().try_into().unwrap()).unwrap();
        for (at, page) in bytes.chunks(512).enumerate().filter(|(_, page)| page.iter().any(|byte| *byte != 0))
        {
            file.write(u64::try_from(at * 512).unwrap(), page).unwrap();
        }
    }

    fn settled(&self) -> Content {
        let store = self.regions.store(&self.region).unwrap();
        let settled = settle(&self.staging, NAME, store, Owner([1; 16]), &CancellationToken::new()).unwrap();
        Content::Stored { region: self.region.clone(), image: settled.image, tail: settled.tail }
    }

    fn open(&self, content: &Content) -> OpenContent {
        content.open(&self.staging, &self.regions).unwrap()
    }
}

fn disk() -> Vec<u8> {
    let mut bytes = vec![0; 3 << 20];
    for (at, byte) in bytes[5000..9000].iter_mut().enumerate() {
        *byte = (at % 251).try_into().unwrap();
    }
    bytes[(2 << 20) + 100] = 7;
    bytes
}

fn whole(open: &OpenContent) -> Vec<u8> {
    let mut bytes = vec![0xee; usize::try_from(open.size_bytes().unwrap()).unwrap()];
    open.read_at(0, &mut bytes).unwrap();
    bytes
}

fn with_footer(mut disk: Vec<u8>) -> Vec<u8> {
    let size = disk.len().try_into().unwrap();
    disk.extend(disks::fixed_vhd_footer(size, [9; 16]));
    disk
}

#[rstest]
#[case::a_disk(disk(), 0)]
#[case::a_vhd(with_footer(disk()), 512)]
#[case::no_whole_sector(disk()[..8999].to_vec(), 0)]
#[case::one_byte(vec![5], 0)]
#[case::nothing(Vec::new(), 0)]
#[case::zeros(vec![0; 4096], 0)]
#[case::a_footer_alone(with_footer(Vec::new()), 0)]
#[case::a_footer_of_another_disk([with_footer(disk()), vec![0; 512]].concat(), 0)]
fn what_is_settled_reads_as_it_was(#[case] bytes: Vec<u8>, #[case] tail_bytes: usize) {
    let place = place();
    place.stage(&bytes);
    let content = place.settled();
    let Content::Stored { tail, .. } = &content else { panic!("{content:?}") };
    assert_eq!(tail.len(), tail_bytes);
    let (before, after) = (place.open(&Content::Staged(NAME)), place.open(&content));
    assert!(whole(&after) == bytes && whole(&before) == bytes);
    for (offset, length) in [(0, 1), (4999, 4002), (2 << 20, 512), (3 << 20, 512), ((3 << 20) - 7, 100)] {
        let fits = offset + length <= bytes.len();
        let mut read = vec![0; length];
        let ended = after.read_at(offset.try_into().unwrap(), &mut read);
        assert_eq!(ended.is_ok(), fits, "{offset} {length}");
        assert!(!fits || read == bytes[offset..offset + length], "{offset} {length}");
    }
}

#[test]
fn the_digest_is_the_disks_with_and_without_a_footer() {
    let digests = [disk(), with_footer(disk())].map(|bytes| {
        let place = place();
        place.stage(&bytes);
        match place.settled() {
            Content::Stored { image, .. } => image,
            Content::Staged(_) => panic!("it was not settled"),
        }
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn data_is_found_and_the_rest_is_zeros() {
    let place = place();
    place.stage(&with_footer(disk()));
    for content in [Content::Staged(NAME), place.settled()] {
        let open = place.open(&content);
        let bytes = whole(&open);
        let (mut at, mut found) = (0, 0);
        while let Some(data) = open.next_data(at).unwrap() {
            let hole = &bytes[usize::try_from(at).unwrap()..usize::try_from(data.start).unwrap()];
            assert!(hole.iter().all(|byte| *byte == 0), "{content:?} {at}");
            found += data.end - data.start;
            at = data.end;
        }
        assert!(bytes[usize::try_from(at).unwrap()..].iter().all(|byte| *byte == 0));
        assert!(found < 1 << 20, "{content:?}: {found} bytes are not sparse");
    }
}

#[test]
fn what_is_settled_can_be_written_again() {
    let place = place();
    let bytes = with_footer(disk());
    place.stage(&bytes);
    let content = place.settled();
    let copy = place.staging.create(Uuid::from_u128(2), bytes.len().try_into().unwrap()).unwrap();
    place.open(&content).copy_to(&copy).unwrap();
    assert!(whole(&place.open(&Content::Staged(Uuid::from_u128(2)))) == bytes);
}

#[test]
fn settling_can_be_called_off() {
    let place = place();
    place.stage(&disk());
    let stop = CancellationToken::new();
    stop.cancel();
    let store = place.regions.store(&place.region).unwrap();
    settle(&place.staging, NAME, store, Owner([1; 16]), &stop).unwrap_err();
    assert!(whole(&place.open(&Content::Staged(NAME))) == disk());
}
