//! Writes with work to do: the row, its job, and the operation that clients poll.

use metadata::JobState;
use providers::State;
use serde_json::json;

use crate::world::{
    BASE, OTHER_SUBSCRIPTION, SUBSCRIPTION, World, body, code, header, version, version_body,
};

#[tokio::test]
async fn a_new_version_is_creating_and_has_one_job() {
    let world = World::furnished().await;
    let reply = world.put(&version("1.0.0"), &version_body()).await;
    assert_eq!((reply.status, &body(&reply)["properties"]["provisioningState"]), (201, &json!("Creating")));
    let [job] = &world.open_jobs().await[..] else { panic!("one job") };
    assert_eq!((job.kind.as_str(), job.target.to_string()), ("image_version.publish", version("1.0.0")));
    assert_eq!(job.correlation_id, crate::world::CORRELATION);
    let operation = format!(
        "{BASE}{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westeurope/capsOperations/{}?api-version=2024-03-03",
        job.id
    );
    assert_eq!(header(&reply, "azure-asyncoperation"), Some(operation.as_str()));
    assert_eq!((header(&reply, "retry-after"), header(&reply, "location")), (Some("1"), None));
}

#[tokio::test]
async fn an_operation_is_polled_until_it_has_ended() {
    let world = World::furnished().await;
    let reply = world.put(&version("1.0.0"), &version_body()).await;
    let operation = header(&reply, "azure-asyncoperation").unwrap().strip_prefix(BASE).unwrap().to_owned();
    let running = world.get(&operation).await;
    assert_eq!((running.status, header(&running, "retry-after")), (200, Some("1")));
    assert_eq!(body(&running)["status"], "InProgress");
    assert_eq!(body(&running).get("endTime"), None);
    world.clock.advance(5);
    world.finish_jobs().await;
    let ended = world.get(&operation).await;
    assert_eq!((&body(&ended)["status"], header(&ended, "retry-after")), (&json!("Succeeded"), None));
    assert_eq!(body(&ended)["startTime"], "2026-11-21T00:00:00+00:00");
    assert_eq!(body(&ended)["endTime"], "2026-11-21T00:00:05+00:00");
    let shown = world.get(&version("1.0.0")).await;
    assert_eq!(body(&shown)["properties"]["provisioningState"], "Succeeded");
    let elsewhere = world.get(&operation.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION)).await;
    assert_eq!(elsewhere.status, 404, "an operation of another subscription is not there");
}

#[tokio::test]
async fn a_failed_operation_says_why_and_the_same_put_tries_again() {
    let world = World::furnished().await;
    let reply = world.put(&version("1.0.0"), &version_body()).await;
    let operation = header(&reply, "azure-asyncoperation").unwrap().strip_prefix(BASE).unwrap().to_owned();
    world.end_jobs(State::Failed).await;
    let failed = world.get(&operation).await;
    assert_eq!(
        (&body(&failed)["status"], &body(&failed)["error"]["code"]),
        (&json!("Failed"), &json!("InvalidVhd"))
    );
    let again = world.put(&version("1.0.0"), &version_body()).await;
    assert_eq!((again.status, &body(&again)["properties"]["provisioningState"]), (200, &json!("Updating")));
    assert_eq!(world.open_jobs().await.len(), 1);
}

#[tokio::test]
async fn while_a_job_runs_the_same_put_joins_it_and_another_waits() {
    let world = World::furnished().await;
    let first = world.put(&version("1.0.0"), &version_body()).await;
    let same = world.put(&version("1.0.0"), &version_body()).await;
    assert_eq!(same.status, 200);
    assert_eq!(header(&same, "azure-asyncoperation"), header(&first, "azure-asyncoperation"));
    assert_eq!(body(&same), body(&first));
    let mut tagged = version_body();
    tagged["tags"] = json!({"a": "b"});
    let other = world.put(&version("1.0.0"), &tagged).await;
    assert_eq!((other.status, code(&other)), (409, "Conflict"));
    assert_eq!(world.open_jobs().await.len(), 1);
    world.finish_jobs().await;
    assert_eq!(world.put(&version("1.0.0"), &tagged).await.status, 200);
    assert!(world.open_jobs().await.is_empty(), "tags need no work");
}

#[tokio::test]
async fn deleting_a_version_cancels_its_job() {
    let world = World::furnished().await;
    let reply = world.put(&version("1.0.0"), &version_body()).await;
    let operation = header(&reply, "azure-asyncoperation").unwrap().strip_prefix(BASE).unwrap().to_owned();
    let [job] = &world.open_jobs().await[..] else { panic!("one job") };
    assert_eq!(world.delete(&version("1.0.0")).await.status, 202);
    assert_eq!(world.engine.metadata().job(job.id).await.unwrap().unwrap().state, JobState::Canceled);
    assert_eq!(body(&world.get(&operation).await)["status"], "Canceled");
}

#[tokio::test]
async fn a_guessed_operation_is_not_there() {
    let world = World::furnished().await;
    world.put(&version("1.0.0"), &version_body()).await;
    for id in ["00000000-0000-0000-0000-0000000000ff", "1", "..", "x"] {
        let path =
            format!("{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westeurope/capsOperations/{id}");
        let reply = world.get(&path).await;
        assert!(matches!(reply.status, 400 | 404), "{id}: {reply:?}");
    }
}

#[tokio::test]
async fn what_the_server_only_writes_is_taken_back_without_effect() {
    let world = World::furnished().await;
    world.put(&version("1.0.0"), &version_body()).await;
    world.finish_jobs().await;
    let shown = world.get(&version("1.0.0")).await;
    let mut echoed = body(&shown).clone();
    echoed["properties"]["provisioningState"] = json!("Deleting");
    echoed["properties"]["storageProfile"]["osDiskImage"]["source"] = json!({});
    echoed["properties"]["publishingProfile"]["publishedDate"] = json!("2001-01-01T00:00:00Z");
    echoed["properties"]["replicationStatus"] = json!({"aggregatedState": "Failed"});
    echoed["systemData"] = json!({"createdBy": "me"});
    let again = world.put(&version("1.0.0"), &echoed).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(again.body, shown.body);
    assert_eq!(header(&again, "etag"), header(&shown, "etag"));
}
