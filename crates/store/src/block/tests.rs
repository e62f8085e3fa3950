//! Blocks: coding, bounds, and damage.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::testing::{noise, text};

fn block(chunks: &[Vec<u8>]) -> Block {
    let mut builder = BlockBuilder::new();
    for bytes in chunks {
        builder.push(Digest::of(bytes), bytes).unwrap();
    }
    builder.finish()
}

fn contents(block: &Block) -> Vec<Vec<u8>> {
    block.open().unwrap().iter().map(|(_, bytes)| bytes.to_vec()).collect()
}

fn wire(block: &Block) -> Vec<u8> {
    let mut bytes = Vec::new();
    block.write_to(&mut bytes);
    bytes
}

proptest! {
    #[test]
    fn what_was_pushed_comes_out(lengths in prop::collection::vec(1..20_000_usize, 1..20), after in 0..9_usize) {
        let chunks: Vec<_> = lengths.iter().zip(0..).map(|(&length, seed)| text(seed, length)).collect();
        let block = block(&chunks);
        let mut bytes = wire(&block);
        prop_assert_eq!(bytes.len(), block.wire_bytes());
        bytes.resize(bytes.len() + after, 7);
        let (read, taken) = Block::read_from(&bytes).unwrap();
        prop_assert_eq!(taken + after, bytes.len());
        prop_assert_eq!(&read, &block);
        prop_assert_eq!(contents(&read), chunks);
    }

    #[test]
    fn foreign_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), valid_start: bool) {
        if valid_start && bytes.len() > 4 {
            bytes[..4].copy_from_slice(&MAGIC);
        }
        if let Ok((block, taken)) = Block::read_from(&bytes) {
            prop_assert!(taken <= bytes.len());
            prop_assert!(block.open().is_err());
        }
    }
}

#[rstest]
#[case::noise(noise(1, 100_000), Encoding::Raw)]
#[case::text(text(1, 100_000), Encoding::Zstd)]
fn bytes_are_compressed_when_it_pays(#[case] bytes: Vec<u8>, #[case] encoding: Encoding) {
    let block = block(&[bytes]);
    assert_eq!(block.encoding, encoding);
}

#[test]
fn bytes_that_do_not_compress_do_not_keep_the_next_from_it() {
    let (noise, text) = (noise(1, 100_000), text(1, 100_000));
    let encodings: Vec<_> =
        [&text, &noise, &text].map(|bytes| block(std::slice::from_ref(bytes)).encoding).into();
    assert_eq!(encodings, [Encoding::Zstd, Encoding::Raw, Encoding::Zstd]);
}

#[rstest]
#[case::worthwhile(text(1, 100_000), Encoding::Zstd)]
#[case::not_worthwhile(noise(1, 100_000), Encoding::Raw)]
fn a_block_made_in_passing_holds_the_same(#[case] bytes: Vec<u8>, #[case] encoding: Encoding) {
    let mut builder = BlockBuilder::new();
    builder.push(Digest::of(&bytes), &bytes).unwrap();
    let block = builder.finish_with(Effort::Pass);
    assert_eq!(block.encoding, encoding);
    assert_eq!(contents(&block), [bytes]);
}

#[test]
fn no_changed_or_cut_byte_gives_other_chunks() {
    let chunks = [text(1, 700), noise(2, 300)];
    let good = wire(&block(&chunks));
    for at in 0..good.len() {
        assert!(Block::read_from(&good[..at]).is_err(), "cut at {at}");
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            // A flip may leave the meaning (an unused bit of zstd's header); then the chunks are the same.
            if let Ok((read, _)) = Block::read_from(&bad)
                && read.open().is_ok()
            {
                assert_eq!(contents(&read), chunks, "bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn a_frame_that_unpacks_to_more_is_refused_within_bounds() {
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
    let chunks = vec![ChunkName { digest: Digest::of(b"x"), length: 4096 }];
    let block = Block { chunks, encoding: Encoding::Zstd, payload: bomb };
    assert!(matches!(block.open(), Err(Error::Corrupt { .. })));
}

#[rstest]
#[case::empty(0)]
#[case::too_long(256 * 1024 + 1)]
fn a_chunk_out_of_bounds_is_not_taken(#[case] length: usize) {
    let bytes = vec![1; length];
    assert!(matches!(BlockBuilder::new().push(Digest::of(&bytes), &bytes), Err(Error::Invalid { .. })));
}
