//! The ways in, beside what bounds them: cutting beside a copy of the same bytes, importing beside compressing them.
//!
//! Read the results as ratios: cut/copy and import/compress, on the same machine at the same time.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use disks::{Blocks, Error, Extent, ExtentKind};
use store::{BlockBuilder, Digest, Options, Owner, Piece, Region, cut, ingest};

const BYTES: usize = 64 << 20;

struct Memory(Vec<u8>);

impl Blocks for Memory {
    fn size_bytes(&self) -> u64 {
        u64::try_from(self.0.len()).expect("a length fits")
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let start = usize::try_from(offset).expect("an offset fits");
        buffer.copy_from_slice(&self.0[start..start + buffer.len()]);
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, Error> {
        Ok(Extent { length: self.size_bytes() - offset, kind: ExtentKind::Data })
    }
}

/// Bytes that compress as installed programs do, about five to two, and never repeat.
fn disk() -> Memory {
    let mut bytes = vec![0; BYTES];
    let mut noise = blake3::Hasher::new().finalize_xof();
    for run in bytes.chunks_exact_mut(16) {
        noise.fill(&mut run[..7]);
    }
    Memory(bytes)
}

fn cutting(c: &mut Criterion) {
    let disk = disk();
    let mut group = c.benchmark_group("cut");
    group.throughput(Throughput::Bytes(disk.size_bytes()));
    let mut target = vec![0; BYTES];
    group.bench_function("copy of the bytes", |b| b.iter(|| target.copy_from_slice(black_box(&disk.0))));
    group.bench_function("hash of the bytes", |b| b.iter(|| black_box(Digest::of(&disk.0))));
    group.bench_function("cut", |b| {
        b.iter(|| {
            let mut count = 0;
            cut(&disk, &mut |piece| {
                count += u32::from(matches!(piece, Piece::Chunk { .. }));
                Ok(())
            })
            .expect("the disk is readable");
            count
        });
    });
    group.finish();
}

fn importing(c: &mut Criterion) {
    let disk = disk();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut group = c.benchmark_group("import");
    group.sample_size(10).throughput(Throughput::Bytes(disk.size_bytes()));
    group.bench_function("compressing the bytes on one thread", |b| {
        b.iter(|| {
            for part in disk.0.chunks(256 * 1024).collect::<Vec<_>>().chunks(2) {
                let mut block = BlockBuilder::new();
                for bytes in part {
                    block.push(Digest::of(b"no matter"), bytes).expect("two chunks fit");
                }
                black_box(block.finish());
            }
        });
    });
    let mut number = 0;
    group.bench_function("of new bytes", |b| {
        let empty = || {
            number += 1;
            Region::open("bench", &folder.path().join(number.to_string()), Options::default())
                .expect("a folder")
        };
        let import =
            |region: Region| ingest(&disk, &region, Owner([1; 16]), &|_| ()).expect("a writable folder").root;
        b.iter_batched(empty, import, BatchSize::PerIteration);
    });
    let region = Region::open("bench", &folder.path().join("known"), Options::default()).expect("a folder");
    let import = || ingest(&disk, &region, Owner([1; 16]), &|_| ()).expect("a writable folder");
    let root = import().root;
    group.bench_function("of known bytes", |b| b.iter(|| import().root));
    let image = region.image(root, disk.size_bytes()).expect("it was imported");
    let mut buffer = vec![0; 1 << 20];
    group.bench_function("and reading them back", |b| {
        b.iter(|| {
            for offset in (0..disk.size_bytes()).step_by(buffer.len()) {
                image.read(offset, &mut buffer).expect("it is readable");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, cutting, importing);
criterion_main!(benches);
