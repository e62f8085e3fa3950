//! Uploads: what is wanted, what is refused, what a commit promises, and who learns of whose bytes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use control::Clock;
use rstest::rstest;
use store::{Digest, Entry};

use super::session::Session;
use super::sessions::{IDLE, SESSIONS, Sessions};
use crate::tests::disk::Disk;
use crate::tests::world::{OTHER_SUBSCRIPTION, REGIONS, SUBSCRIPTION, World, body_of, cut, upload};
use crate::{CommitReply, Error};

fn size(disk: &Disk) -> u64 {
    disk.bytes().len().try_into().unwrap()
}

fn status<T: std::fmt::Debug>(ended: Result<T, Error>) -> u16 {
    match ended.unwrap_err() {
        Error::Refused(rejection) => rejection.status,
        error => panic!("{error:?}"),
    }
}

fn wanted(world: &World, id: &arm::ResourceId, digests: &[Digest]) -> Vec<bool> {
    world.run(world.life().uploads.wanted(id, digests.to_vec())).unwrap()
}

fn missing(reply: CommitReply) -> Vec<Digest> {
    match reply {
        CommitReply::Missing(digests) => digests,
        CommitReply::Committed { .. } => panic!("it was committed"),
    }
}

#[test]
fn an_upload_goes_on_after_a_restart() {
    let mut world = World::new();
    let disk = Disk::new(1, 40);
    let id = world.begin_upload(SUBSCRIPTION, "u", size(&disk));
    let (entries, chunks) = cut(&disk);
    let digests: Vec<Digest> = chunks.iter().map(|(digest, _)| *digest).collect();
    assert!(wanted(&world, &id, &digests).iter().all(|wanted| *wanted));
    let half = chunks.len() / 2;
    world.send(&id, &chunks[..half]).unwrap();
    assert_eq!(wanted(&world, &id, &digests).iter().filter(|wanted| **wanted).count(), chunks.len() - half);
    world.restart();
    // What was not sealed is wanted again; so is nothing else.
    let still = wanted(&world, &id, &digests);
    let again: Vec<_> =
        chunks.iter().zip(&still).filter(|(_, wanted)| **wanted).map(|(chunk, _)| chunk.clone()).collect();
    assert!(again.len() >= chunks.len() - half);
    let told = missing(world.commit(&id, entries.clone()).unwrap());
    assert_eq!(told.len(), again.len());
    world.send(&id, &again).unwrap();
    assert!(matches!(world.commit(&id, entries).unwrap(), CommitReply::Committed { .. }));
    world.is_clean();
}

#[test]
fn a_commit_that_comes_again_is_answered_as_before_and_another_list_is_refused() {
    let mut world = World::new();
    let disk = Disk::new(1, 8);
    let id = world.begin_upload(SUBSCRIPTION, "u", size(&disk));
    let (entries, chunks) = cut(&disk);
    world.send(&id, &chunks).unwrap();
    let first = world.commit(&id, entries.clone()).unwrap();
    assert_eq!(world.commit(&id, entries.clone()).unwrap(), first);
    world.restart();
    assert_eq!(world.commit(&id, entries.clone()).unwrap(), first);
    let digests: Vec<Digest> = chunks.iter().map(|(digest, _)| *digest).collect();
    assert!(wanted(&world, &id, &digests).iter().all(|wanted| !wanted));
    assert_eq!(wanted(&world, &id, &[Digest::of(b"another")]), [true]);
    assert_eq!(status(world.commit(&id, cut(&disk.touched(5)).0)), 409);
    assert_eq!(status(world.send(&id, &chunks)), 409);
}

#[test]
fn two_writers_bring_one_image() {
    let world = World::new();
    let disk = Disk::new(1, 24);
    let id = world.begin_upload(SUBSCRIPTION, "u", size(&disk));
    let (entries, chunks) = cut(&disk);
    let uploads = &world.life().uploads;
    let bodies: Vec<bytes::Bytes> = chunks.chunks(4).map(|part| body_of(part).into()).collect();
    let replies = world.run(async {
        let writer = async |bodies: Vec<bytes::Bytes>| {
            for body in bodies {
                // The other may have committed meanwhile, which ends this writer's part.
                uploads.receive(&id, body).await?;
            }
            uploads.commit(&id, entries.clone()).await
        };
        let backwards = bodies.iter().rev().cloned().collect();
        let (one, other) = tokio::join!(writer(bodies.clone()), writer(backwards));
        [one, other]
    });
    let committed = replies.iter().filter(|reply| matches!(reply, Ok(CommitReply::Committed { .. }))).count();
    // The second may still bring what the first has committed already, which is refused; nothing else may happen.
    assert!(committed >= 1, "{replies:?}");
    for reply in replies.into_iter().filter(|reply| !matches!(reply, Ok(CommitReply::Committed { .. }))) {
        assert_eq!(status(reply), 409);
    }
    world.collect();
    world.is_clean();
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let world = World::new();
    let disk = Disk::new(1, 24);
    let id = world.begin_upload(SUBSCRIPTION, "u", size(&disk));
    let (entries, chunks) = cut(&disk);
    world.send(&id, &chunks[..2]).unwrap();
    world.faults.break_region("westeurope");
    assert!(matches!(world.send(&id, &chunks[2..]), Err(Error::Store(store::Error::Unavailable { .. }))));
    world.faults.mend_region("westeurope");
    let told = missing(world.commit(&id, entries.clone()).unwrap());
    let again: Vec<_> = chunks.into_iter().filter(|(digest, _)| told.contains(digest)).collect();
    assert!(wanted(&world, &id, &told).iter().all(|wanted| *wanted), "what is missing must be wanted");
    world.send(&id, &again).unwrap();
    assert!(matches!(world.commit(&id, entries).unwrap(), CommitReply::Committed { .. }));
    world.is_clean();
}

#[test]
fn what_another_subscription_has_is_wanted_all_the_same() {
    let world = World::new();
    let disk = Disk::new(1, 16);
    world.publish("1.0.0", &disk, &REGIONS);
    let (entries, chunks) = cut(&disk);
    let digests: Vec<Digest> = chunks.iter().map(|(digest, _)| *digest).collect();
    let own = world.begin_upload(SUBSCRIPTION, "own", size(&disk));
    assert!(wanted(&world, &own, &digests).iter().all(|wanted| !wanted));
    let foreign = world.begin_upload(OTHER_SUBSCRIPTION, "foreign", size(&disk));
    assert!(wanted(&world, &foreign, &digests).iter().all(|wanted| *wanted));
    // Naming the digests does not give the bytes, nor tell that they are here.
    assert_eq!(missing(world.commit(&foreign, entries.clone()).unwrap()).len(), digests.len());
    world.send(&foreign, &chunks).unwrap();
    assert!(wanted(&world, &foreign, &digests).iter().all(|wanted| !wanted));
    let before = world.stored_bytes("westeurope");
    assert!(matches!(world.commit(&foreign, entries).unwrap(), CommitReply::Committed { .. }));
    assert!(world.stored_bytes("westeurope") - before < 1024, "the chunks were stored twice");
}

#[test]
fn an_upload_that_does_not_exist_is_not_found() {
    let world = World::new();
    let id: arm::ResourceId = upload(SUBSCRIPTION, "none").parse().unwrap();
    assert_eq!(status(world.run(world.life().uploads.wanted(&id, Vec::new()))), 404);
    assert_eq!(status(world.send(&id, &[])), 404);
    assert_eq!(status(world.commit(&id, Vec::new())), 404);
}

/// A valid body of blocks, changed.
fn spoilt(spoil: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut body = body_of(&cut(&Disk::new(1, 2)).1);
    spoil(&mut body);
    body
}

#[rstest]
#[case::garbage(vec![0x5a; 4096])]
#[case::one_byte(vec![1])]
#[case::cut_short(spoilt(|body| body.truncate(body.len() - 1)))]
#[case::more_than_blocks(spoilt(|body| body.extend([0xff; 7])))]
#[case::a_flipped_byte(spoilt(|body| { let last = body.len() - 1; body[last] ^= 1; }))]
#[case::a_false_digest(spoilt(|body| {
    let (digest, _) = cut(&Disk::new(1, 2)).1[0].clone();
    let at = body.windows(32).position(|part| part == digest.as_bytes()).unwrap();
    body[at] ^= 1;
}))]
fn hostile_blocks_are_refused_and_leave_nothing(#[case] body: Vec<u8>) {
    let world = World::new();
    let id = world.begin_upload(SUBSCRIPTION, "u", 1 << 20);
    assert_eq!(status(world.run(world.life().uploads.receive(&id, body.into()))), 400);
    world.delete(&upload(SUBSCRIPTION, "u"));
    world.collect();
    assert_eq!(world.stored_bytes("westeurope"), 0);
    world.is_clean();
}

#[rstest]
#[case::longer_than_declared(1 << 20, vec![Entry::Hole { length: 2 << 20 }])]
#[case::far_longer(512, vec![Entry::Hole { length: 1 << 40 }, Entry::Hole { length: 1 << 40 }])]
#[case::off_the_grid(1 << 20, vec![Entry::Hole { length: 100 }])]
#[case::nothing_long(1 << 20, vec![Entry::Hole { length: 0 }])]
#[case::wrapping(1 << 20, vec![Entry::Hole { length: u64::MAX - 4095 }, Entry::Hole { length: 4096 }])]
#[case::a_chunk_of_no_length(1 << 20, vec![Entry::Chunk { digest: Digest::of(b"x"), length: 0 }])]
#[case::a_huge_chunk(1 << 46, vec![Entry::Chunk { digest: Digest::of(b"x"), length: u32::MAX }])]
fn a_list_that_contradicts_the_disk_is_refused(#[case] size_bytes: u64, #[case] entries: Vec<Entry>) {
    let world = World::new();
    let id = world.begin_upload(SUBSCRIPTION, "u", size_bytes);
    assert_eq!(status(world.commit(&id, entries)), 400);
    world.is_clean();
}

#[test]
fn a_chunk_listed_with_another_length_is_refused() {
    let world = World::new();
    let disk = Disk::new(1, 2);
    let id = world.begin_upload(SUBSCRIPTION, "u", size(&disk));
    let (mut entries, chunks) = cut(&disk);
    world.send(&id, &chunks).unwrap();
    let Some(Entry::Chunk { length, .. }) = entries.first_mut() else { panic!("a chunk comes first") };
    *length -= 4096;
    assert_eq!(status(world.commit(&id, entries)), 400);
}

#[test]
fn two_commits_at_once_are_answered_alike() {
    let world = World::new();
    for (name, seed) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        let disk = Disk::new(seed, 16);
        let id = world.begin_upload(SUBSCRIPTION, name, size(&disk));
        let (entries, chunks) = cut(&disk);
        world.send(&id, &chunks).unwrap();
        let uploads = &world.life().uploads;
        let (one, other) = world.run(async {
            tokio::join!(uploads.commit(&id, entries.clone()), uploads.commit(&id, entries.clone()))
        });
        let one = one.unwrap();
        assert!(matches!(one, CommitReply::Committed { .. }), "{one:?}");
        assert_eq!(other.unwrap(), one);
    }
    world.is_clean();
}

fn expires(world: &World, id: &arm::ResourceId) -> jiff::Timestamp {
    let row = world.run(world.life().engine.metadata().row(id)).unwrap().unwrap();
    let document = control::stored_of(&row).unwrap().document;
    document.properties["expiresAt"].as_str().unwrap().parse().unwrap()
}

#[test]
fn bytes_that_arrive_push_the_end_of_their_upload() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = world.begin_upload(SUBSCRIPTION, "u", size(&disk));
    let (entries, chunks) = cut(&disk);
    let begun = expires(&world, &id);
    let left = |seconds: i64, chunk: usize| {
        world.clock.advance(seconds);
        world.send(&id, std::slice::from_ref(&chunks[chunk])).unwrap();
        expires(&world, &id).duration_since(begun).as_secs()
    };
    assert_eq!(left(9 * 60, 0), 0);
    assert_eq!(left(2 * 60, 1), 11 * 60);
    assert_eq!(left(23 * 3600, 2), 23 * 3600 + 11 * 60);
    world.send(&id, &chunks).unwrap();
    assert!(matches!(world.commit(&id, entries).unwrap(), CommitReply::Committed { .. }));
    assert_eq!(expires(&world, &id).duration_since(begun).as_hours(), 6 * 24 + 23);
    world.is_clean();
}

#[test]
fn a_session_is_begun_once_although_several_ask_at_once() {
    let world = World::new();
    let (sessions, begun) = (Sessions::default(), AtomicUsize::new(0));
    let id: arm::ResourceId = upload(SUBSCRIPTION, "u").parse().unwrap();
    let get = || async {
        let begin = async {
            begun.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(session(&world, &id))
        };
        sessions.get(&id, OWNER, world.clock.now(), begin).await.unwrap()
    };
    let (one, other, third) = world.run(async { tokio::join!(get(), get(), get()) });
    assert!(Arc::ptr_eq(&one, &other) && Arc::ptr_eq(&one, &third));
    assert_eq!(begun.load(Ordering::SeqCst), 1);
}

#[rstest]
#[case::too_many(SESSIONS, 0)]
#[case::idle(1, IDLE.as_secs())]
fn a_session_that_is_dropped_keeps_what_it_was_sent(#[case] others: usize, #[case] seconds: i64) {
    let world = World::new();
    let sessions = Sessions::default();
    let open = |name: String| {
        let id: arm::ResourceId = upload(SUBSCRIPTION, &name).parse().unwrap();
        let begin = async { Ok(session(&world, &id)) };
        world.run(sessions.get(&id, OWNER, world.clock.now(), begin)).unwrap()
    };
    let (_, chunks) = cut(&Disk::new(1, 1));
    let (digest, bytes) = &chunks[0];
    let mut block = store::BlockBuilder::new();
    block.push(*digest, bytes).unwrap();
    let first = open("first".to_owned());
    first.put(&[block.finish()]).unwrap();
    let in_use = open("in-use".to_owned());
    world.clock.advance(seconds);
    open("before".to_owned());
    // Who works with a session keeps it.
    assert!(!world.store("westeurope").has(digest));
    drop(first);
    for number in 0..others {
        open(format!("other-{number}"));
    }
    assert!(world.store("westeurope").has(digest), "it was not sealed");
    let names: Vec<String> = sessions.uploads().iter().map(|(id, _)| id.name().to_owned()).collect();
    assert!(!names.contains(&"first".to_owned()) && names.contains(&"in-use".to_owned()), "{names:?}");
    assert!(names.len() <= SESSIONS, "{}", names.len());
    drop(in_use);
}

const OWNER: store::Owner = store::Owner([9; 16]);

fn session(world: &World, id: &arm::ResourceId) -> Session {
    Session::new(id.clone(), OWNER, world.store("westeurope"), HashSet::new())
}
