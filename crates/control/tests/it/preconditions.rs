//! `If-Match` and `If-None-Match` (RFC 9110, section 13).

use control::Method;
use rstest::rstest;
use serde_json::json;

use crate::world::{Ask, World, code, compute, gallery, header, located};

/// `E` stands for the etag of what stands.
#[rstest]
#[case::it(&["\"E\""], &[], 200)]
#[case::one_of_several(&["\"x\", \"E\""], &[], 200)]
#[case::in_several_headers(&["\"x\"", "\"E\""], &[], 200)]
#[case::anything(&["*"], &[], 200)]
#[case::another(&["\"x\""], &[], 412)]
#[case::weak(&["W/\"E\""], &[], 412)]
#[case::not_what_stands(&[], &["\"E\""], 412)]
#[case::not_what_stands_weakly(&[], &["W/\"E\""], 412)]
#[case::not_anything(&[], &["*"], 412)]
#[case::not_another(&[], &["\"x\""], 200)]
#[case::both(&["\"E\""], &["\"x\""], 400)]
#[case::bare(&["E"], &[], 400)]
#[case::half_quoted(&["\"E"], &[], 400)]
#[case::empty(&[""], &[], 400)]
#[case::empty_tag(&["\"\""], &[], 400)]
#[case::comma(&["\"E\","], &[], 400)]
#[case::malformed_not(&[], &["E"], 400)]
#[tokio::test]
async fn a_condition_holds_or_nothing_changes(
    #[case] if_match: &[&str],
    #[case] if_none_match: &[&str],
    #[case] status: u16,
    #[values(Method::Put, Method::Patch, Method::Delete)] method: Method,
) {
    let world = World::empty().await;
    world.put(&crate::world::group(), &located()).await;
    let before = world.put(&gallery(), &located()).await;
    let etag = header(&before, "etag").unwrap().trim_matches('"').to_owned();
    let mut ask = Ask::new(method, &gallery());
    if method != Method::Delete {
        ask = ask.json(&json!({"location": "westeurope", "tags": {"changed": "yes"}}));
    }
    for value in if_match {
        ask = ask.if_match(&value.replace('E', &etag));
    }
    for value in if_none_match {
        ask = ask.if_none_match(&value.replace('E', &etag));
    }
    let reply = world.send(ask).await;
    let wanted = if status == 200 && method == Method::Delete { 202 } else { status };
    assert_eq!(reply.status, wanted, "{reply:?}");
    if status == 412 {
        assert_eq!(code(&reply), "PreconditionFailed");
    }
    if status >= 400 {
        let after = world.get(&gallery()).await;
        assert_eq!((header(&after, "etag"), &after.body), (header(&before, "etag"), &before.body));
    }
}

#[rstest]
#[case::any("*", None, 412)]
#[case::some("\"x\"", None, 412)]
#[case::create_only("", Some("*"), 201)]
#[tokio::test]
async fn a_condition_on_what_is_absent(
    #[case] if_match: &str,
    #[case] if_none_match: Option<&str>,
    #[case] status: u16,
) {
    let world = World::furnished().await;
    let mut ask = Ask::new(Method::Put, &compute("galleries/new")).json(&located());
    match if_none_match {
        Some(value) => ask = ask.if_none_match(value),
        None => ask = ask.if_match(if_match),
    }
    assert_eq!(world.send(ask.clone()).await.status, status);
    assert_eq!(
        world.send(ask).await.status,
        412,
        "the second one finds what the first one made, or still nothing"
    );
}

#[tokio::test]
async fn a_delete_bound_to_what_is_gone_is_refused() {
    let world = World::furnished().await;
    let reply = world.send(Ask::new(Method::Delete, &compute("galleries/none")).if_match("*")).await;
    assert_eq!(reply.status, 412);
}
