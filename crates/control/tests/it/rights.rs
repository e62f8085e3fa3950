//! Who may: a caller without rights learns nothing, not even what exists.

use control::Method;
use rstest::rstest;
use serde_json::Value;

use crate::world::{
    Ask, BASE, SUBSCRIPTION, World, code, compute, definition, gallery, group, header, located, version,
    version_body,
};

const STRANGER: &str = "stranger";

#[rstest]
#[case::gallery(gallery(), compute("galleries/n"))]
#[case::definition(definition(), compute("galleries/g/images/n"))]
#[case::version(version("1.0.0"), version("2.0.0"))]
#[case::group(group(), format!("{SUBSCRIPTION}/resourceGroups/n"))]
#[case::below_nothing(gallery(), format!("{SUBSCRIPTION}/resourceGroups/n/providers/Microsoft.Compute/galleries/n"))]
#[tokio::test]
async fn a_stranger_is_told_the_same_of_what_stands_and_of_what_does_not(
    #[case] stands: String,
    #[case] absent: String,
    #[values(Method::Get, Method::Head, Method::Put, Method::Patch, Method::Delete)] method: Method,
) {
    let world = World::furnished().await;
    world.put(&version("1.0.0"), &version_body()).await;
    let before = world.activity().await.len();
    let ask = |path: &str| world.send(Ask::new(method, path).json(&located()).by(STRANGER));
    let (of_one, of_other) = (ask(&stands).await, ask(&absent).await);
    assert_eq!((of_one.status, code(&of_one)), (403, "AuthorizationFailed"));
    let named =
        |reply: &control::Reply, path: &str| reply.body.as_ref().unwrap().to_string().replace(path, "IT");
    assert_eq!(named(&of_one, &stands), named(&of_other, &absent));
    assert_eq!(of_one.headers, of_other.headers);
    assert_eq!(world.activity().await.len(), before);
}

#[tokio::test]
async fn a_stranger_lists_nothing() {
    let world = World::furnished().await;
    for path in [
        compute("galleries"),
        compute("galleries/none/images"),
        format!("{SUBSCRIPTION}/providers/Microsoft.Compute/galleries"),
        format!("{SUBSCRIPTION}/resources"),
        format!("{}/resources", group()),
        format!("{SUBSCRIPTION}/resourcegroups"),
    ] {
        let reply = world.send(Ask::new(Method::Get, &path).by(STRANGER)).await;
        assert_eq!((reply.status, code(&reply)), (403, "AuthorizationFailed"), "{path}");
    }
}

#[tokio::test]
async fn an_operation_is_not_there_for_a_stranger() {
    let world = World::furnished().await;
    let reply = world.put(&version("1.0.0"), &version_body()).await;
    let path = header(&reply, "azure-asyncoperation").unwrap().strip_prefix(BASE).unwrap().to_owned();
    let guessed = path.replace("capsOperations/0", "capsOperations/f");
    let ask = |path: &str| world.send(Ask::new(Method::Get, path).by(STRANGER));
    let (seen, unseen) = (ask(&path).await, ask(&guessed).await);
    assert_eq!((seen.status, &seen), (404, &unseen));
    assert_eq!(world.get(&path).await.status, 200);
}

#[tokio::test]
async fn an_action_is_refused_before_anything_is_looked_up() {
    let world = World::furnished().await;
    for gallery in ["g", "none"] {
        let ask = Ask::new(Method::Post, &compute(&format!("galleries/{gallery}/share"))).by(STRANGER);
        assert_eq!(world.send(ask).await.status, 403);
    }
}

#[tokio::test]
async fn a_body_does_not_matter_to_whom_nothing_is_allowed() {
    let world = World::furnished().await;
    let ask = Ask::new(Method::Put, &gallery()).bytes("{").media("text/plain").by(STRANGER);
    assert_eq!(world.send(ask).await.status, 403);
}

#[rstest]
#[case(gallery())]
#[case(compute("galleries/none"))]
#[case(compute("virtualMachines/vm"))]
#[case("/subscriptions".to_owned())]
#[case("/providers".to_owned())]
#[case(format!("{SUBSCRIPTION}/operationresults/00000000-0000-0000-0000-000000000001"))]
#[tokio::test]
async fn nobody_is_asked_to_sign_in(#[case] path: String) {
    let world = World::furnished().await;
    let reply = world.send(Ask::new(Method::Get, &path).by_nobody()).await;
    assert_eq!((reply.status, code(&reply)), (401, "AuthenticationFailed"));
    assert_ne!(reply.body, Some(Value::Null));
}
