//! Reading a version while the world goes on.

use std::collections::HashSet;

use store::{Block, Digest};

use super::{Downloads, VersionBytes};
use crate::Error;
use crate::tests::disk::Disk;
use crate::tests::world::{REGIONS, World, cut, region};

fn downloads(world: &World) -> Downloads {
    Downloads::new(world.life().engine.clone(), world.life().regions.clone())
}

fn found(world: &World, id: &str, name: &str) -> VersionBytes {
    world.run(downloads(world).find(&id.parse().unwrap(), Some(&region(name)), None)).unwrap()
}

/// The chunks in a body of blocks, each proven.
fn named(mut body: &[u8]) -> HashSet<Digest> {
    let mut digests = HashSet::new();
    while !body.is_empty() {
        let (block, used) = Block::read_from(body).unwrap();
        digests.extend(block.open().unwrap().iter().map(|(digest, _)| digest));
        body = &body[used..];
    }
    digests
}

fn status<T: std::fmt::Debug>(ended: Result<T, Error>) -> u16 {
    match ended.unwrap_err() {
        Error::Refused(rejection) => rejection.status,
        error => panic!("{error:?}"),
    }
}

#[test]
fn a_version_deleted_while_it_is_read_is_not_found_and_no_damage() {
    let world = World::new();
    let id = world.publish("1.0.0", &Disk::new(1, 8), &REGIONS);
    let version = found(&world, &id, "westeurope");
    world.delete(&id);
    world.collect();
    assert_eq!(status(world.run(downloads(&world).entries(&version))), 404);
    assert_eq!(status(world.run(downloads(&world).blocks(&version, 0, 1 << 20))), 404);
}

#[test]
fn a_version_is_read_while_bytes_are_collected() {
    let world = World::new();
    let mut disk = Disk::new(1, 24);
    let id = world.publish("1.0.0", &disk, &["westeurope"]);
    let version = found(&world, &id, "westeurope");
    let chunks: HashSet<Digest> = cut(&disk).1.into_iter().map(|(digest, _)| digest).collect();
    // Every round leaves dead bytes to be swept while the version is read.
    for round in 1..6 {
        disk = disk.touched(round);
        let other = world.publish(&format!("1.0.{round}"), &disk, &["westeurope"]);
        world.delete(&other);
        let reading = downloads(&world);
        let (blocks, collected) = world.run(async {
            tokio::join!(reading.blocks(&version, 0, u64::MAX), world.life().collector.collect())
        });
        collected.unwrap();
        assert_eq!(named(&blocks.unwrap()), chunks);
    }
    world.is_clean();
}
