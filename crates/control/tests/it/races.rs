//! Many at once: one wins, the others are told or find what it made.

use control::{Method, Reply};
use serde_json::{Value, json};

use crate::world::{
    Ask, World, body, compute, definition, definition_body, gallery, group, header, located, version,
    version_body,
};

const AT_ONCE: usize = 100;

/// Sends what `ask` makes of each number, all at the same time.
pub(crate) async fn all_at_once(world: &World, ask: impl Fn(usize) -> Ask) -> Vec<Reply> {
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|number| {
            let (engine, ask) = (world.engine.clone(), ask(number));
            tokio::spawn(async move { engine.handle(&ask.into_request()).await })
        })
        .collect();
    let mut replies = Vec::new();
    for task in tasks {
        replies.push(task.await.unwrap());
    }
    replies
}

pub(crate) fn count(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status == status).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_put_many_times_makes_one_resource_and_one_job() {
    let world = World::furnished().await;
    let before = world.activity().await.len();
    let replies =
        all_at_once(&world, |_| Ask::new(Method::Put, &version("1.0.0")).json(&version_body())).await;
    assert_eq!((count(&replies, 201), count(&replies, 200)), (1, AT_ONCE - 1));
    assert!(replies.iter().all(|reply| body(reply) == body(&replies[0])), "all are told the same");
    let operation = header(&replies[0], "azure-asyncoperation");
    assert!(replies.iter().all(|reply| header(reply, "azure-asyncoperation") == operation));
    assert_eq!(world.open_jobs().await.len(), 1);
    assert_eq!(world.activity().await.len(), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writes_bound_to_one_state_exactly_one_wins() {
    let world = World::furnished().await;
    let etag = header(&world.get(&gallery()).await, "etag").unwrap().to_owned();
    let replies = all_at_once(&world, |number| {
        let body = json!({"location": "westeurope", "tags": {"writer": number.to_string()}});
        Ask::new(Method::Put, &gallery()).json(&body).if_match(&etag)
    })
    .await;
    assert_eq!((count(&replies, 200), count(&replies, 412)), (1, AT_ONCE - 1));
    let winner = replies.iter().find(|reply| reply.status == 200).unwrap();
    assert_eq!(body(winner), body(&world.get(&gallery()).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_creations_only_one_is_the_first() {
    let world = World::furnished().await;
    let path = compute("galleries/new");
    let replies = all_at_once(&world, |number| {
        let body = json!({"location": "westeurope", "tags": {"writer": number.to_string()}});
        Ask::new(Method::Put, &path).json(&body).if_none_match("*")
    })
    .await;
    assert_eq!((count(&replies, 201), count(&replies, 412)), (1, AT_ONCE - 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_definitions_with_one_identifier_one_is_made() {
    let world = World::furnished().await;
    let replies = all_at_once(&world, |number| {
        Ask::new(Method::Put, &compute(&format!("galleries/g/images/n{number}")))
            .json(&definition_body("same"))
    })
    .await;
    assert_eq!((count(&replies, 201), count(&replies, 409)), (1, AT_ONCE - 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_and_the_delete_of_their_parent_never_leave_an_orphan() {
    let world = World::furnished().await;
    let replies = all_at_once(&world, |number| match number {
        8 => Ask::new(Method::Delete, &definition()),
        _ => Ask::new(Method::Put, &version(&format!("1.0.{number}"))).json(&version_body()),
    })
    .await;
    let made = count(&replies, 201);
    let stands = world.get(&definition()).await.status == 200;
    let (deleted, orphaned) =
        (replies[8].status == 202, replies.iter().filter(|reply| reply.status >= 500).count());
    assert_eq!((deleted, orphaned), (!stands, 0));
    assert_eq!(made, if stands { AT_ONCE - 1 } else { 0 }, "versions stand only below a definition");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_deleted_under_writers_is_empty_afterwards() {
    let world = World::furnished().await;
    let replies = all_at_once(&world, |number| match number {
        20 => Ask::new(Method::Delete, &group()),
        _ => Ask::new(Method::Put, &compute(&format!("galleries/g{number}"))).json(&located()),
    })
    .await;
    assert_eq!(replies[20].status, 202);
    assert!(replies.iter().all(|reply| matches!(reply.status, 201 | 202 | 404)), "{replies:?}");
    let left = world.get(&format!("{}/resources", crate::world::SUBSCRIPTION)).await;
    assert_eq!(body(&left)["value"], Value::Array(Vec::new()));
}

/// Creations, updates and deletions of one resource, each step bound to the state before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_of_a_life_has_one_winner() {
    let world = World::furnished().await;
    let path = compute("galleries/contested");
    for round in 0..4 {
        let created = all_at_once(&world, |number| {
            let body = json!({"location": "westeurope", "tags": {"writer": format!("{round}-{number}")}});
            Ask::new(Method::Put, &path).json(&body).if_none_match("*")
        })
        .await;
        assert_eq!((count(&created, 201), count(&created, 412)), (1, AT_ONCE - 1));
        let etag = header(&world.get(&path).await, "etag").unwrap().to_owned();
        // Half of them write, half of them delete: one of either kind comes first, and all others are late.
        let contested = all_at_once(&world, |number| match number % 2 {
            0 => {
                let body = json!({"location": "westeurope", "tags": {"update": number.to_string()}});
                Ask::new(Method::Put, &path).json(&body).if_match(&etag)
            }
            _ => Ask::new(Method::Delete, &path).if_match(&etag),
        })
        .await;
        let won = count(&contested, 200) + count(&contested, 202);
        assert_eq!((won, count(&contested, 412)), (1, AT_ONCE - 1));
        let stands = world.get(&path).await;
        assert_eq!(stands.status, if count(&contested, 202) == 1 { 404 } else { 200 });
        if let Some(etag) = header(&stands, "etag").map(str::to_owned) {
            let deleted = all_at_once(&world, |_| Ask::new(Method::Delete, &path).if_match(&etag)).await;
            assert_eq!((count(&deleted, 202), count(&deleted, 412)), (1, AT_ONCE - 1));
        }
    }
    let left = world.get(&path).await;
    assert_eq!(left.status, 404);
}
