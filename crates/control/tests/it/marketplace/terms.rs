//! The terms of plans: read, accepted and given up, per subscription.

use control::Method;
use serde_json::{Value, json};

use super::{catalogue, imported};
use crate::world::{Ask, OTHER_SUBSCRIPTION, SUBSCRIPTION, World, body, code};

fn current(subscription: &str, plan: &str) -> String {
    format!(
        "{subscription}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/Canonical/offers/ubuntu/plans/{plan}/agreements/current?api-version=2021-01-01"
    )
}

fn agreements(below: &str) -> String {
    format!("{SUBSCRIPTION}/providers/Microsoft.MarketplaceOrdering/agreements{below}?api-version=2021-01-01")
}

async fn with_plan() -> World {
    let world = World::empty().await;
    let plan = json!({"name": "pro", "licenseTextLink": "https://example.org/licence"});
    imported(&world, &catalogue(&json!({"name": "server", "osType": "Linux", "plan": plan}))).await;
    world
}

async fn accepted(world: &World, subscription: &str) -> Value {
    body(&world.get(&current(subscription, "pro")).await)["properties"]["accepted"].clone()
}

#[tokio::test]
async fn terms_are_accepted_by_whoever_read_them() {
    let world = with_plan().await;
    let shown = world.get(&current(SUBSCRIPTION, "pro")).await;
    let properties = body(&shown)["properties"].clone();
    assert_eq!(
        [
            &properties["publisher"],
            &properties["product"],
            &properties["plan"],
            &properties["licenseTextLink"]
        ],
        ["Canonical", "ubuntu", "pro", "https://example.org/licence"]
    );
    assert_eq!((&body(&shown)["name"], &properties["accepted"]), (&json!("pro"), &json!(false)));

    let mut sent = json!({ "properties": properties });
    sent["properties"]["accepted"] = true.into();
    let mut forged = sent.clone();
    forged["properties"]["signature"] = "X".into();
    for wrong in [forged, json!({"properties": {"accepted": true}}), json!({})] {
        assert_eq!(world.put(&current(SUBSCRIPTION, "pro"), &wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(accepted(&world, SUBSCRIPTION).await, false);
    for _ in 0..2 {
        let put = world.put(&current(SUBSCRIPTION, "pro"), &sent).await;
        assert_eq!((put.status, &body(&put)["properties"]["accepted"]), (200, &json!(true)));
    }
    assert_eq!(accepted(&world, SUBSCRIPTION).await, true);
    assert_eq!(accepted(&world, OTHER_SUBSCRIPTION).await, false, "each subscription for itself");
    let theirs = world.put(&current(OTHER_SUBSCRIPTION, "pro"), &sent).await;
    assert_eq!(theirs.status, 400, "a signature is of one subscription");
}

#[tokio::test]
async fn plans_are_signed_and_cancelled() {
    let world = with_plan().await;
    let plan = "/Canonical/offers/ubuntu/plans/PRO";
    for (verb, wanted) in [("sign", true), ("cancel", false), ("sign", true)] {
        let reply = world.send(Ask::new(Method::Post, &agreements(&format!("{plan}/{verb}")))).await;
        assert_eq!(
            (reply.status, &body(&reply)["properties"]["accepted"]),
            (200, &json!(wanted)),
            "{reply:?}"
        );
        assert_eq!(body(&world.get(&agreements(plan)).await)["properties"]["accepted"], wanted);
    }
    let all = world.get(&agreements("")).await;
    assert_eq!(body(&all)["value"].as_array().unwrap().len(), 1);
    assert_eq!(world.get(&format!("{SUBSCRIPTION}/resources")).await.body.unwrap()["value"], json!([]));
}

#[tokio::test]
async fn a_plan_that_is_none_has_no_terms() {
    let world = with_plan().await;
    let reply = world.get(&current(SUBSCRIPTION, "other")).await;
    assert_eq!((reply.status, code(&reply)), (404, "NotFound"));
    let odd = current(SUBSCRIPTION, "pro").replace("virtualmachine", "cheese");
    assert_eq!(world.get(&odd).await.status, 404);
    let stranger = Ask::new(Method::Get, &current(SUBSCRIPTION, "pro")).by("stranger");
    assert_eq!(code(&world.send(stranger).await), "AuthorizationFailed");
}
