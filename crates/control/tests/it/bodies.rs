//! Bodies: what is refused before any rule sees it, and what is taken although it is odd.

use control::{Engine, Method};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{
    Ask, World, body, code, compute, definition, definition_body, gallery, header, located, message,
};

#[rstest]
#[case::empty("", 400)]
#[case::list("[]", 400)]
#[case::text("\"x\"", 400)]
#[case::null("null", 400)]
#[case::cut_off("{\"location\":", 400)]
#[case::two_values("{} {}", 400)]
#[case::trailing_comma("{\"location\":\"westeurope\",}", 400)]
#[case::byte_order_mark("\u{feff}{\"location\":\"westeurope\"}", 400)]
#[case::twice("{\"location\":\"westeurope\",\"location\":\"northeurope\"}", 400)]
#[case::twice_but_for_case("{\"location\":\"westeurope\",\"Location\":\"northeurope\"}", 400)]
#[case::twice_inside("{\"location\":\"westeurope\",\"properties\":{\"a\":1,\"a\":1}}", 400)]
#[case::twice_after_unescaping("{\"location\":\"westeurope\",\"tags\":{\"a\":\"1\",\"\\u0061\":\"2\"}}", 400)]
#[case::not_a_number("{\"location\":\"westeurope\",\"x\":NaN}", 400)]
#[case::infinite("{\"location\":\"westeurope\",\"x\":1e400}", 400)]
#[case::lone_surrogate("{\"location\":\"westeurope\",\"x\":\"\\ud800\"}", 400)]
#[case::whole("{\"location\":\"westeurope\"}", 201)]
#[case::spaced(" \r\n{\"location\" : \"westeurope\"}\n", 201)]
#[tokio::test]
async fn a_body_is_one_json_object(#[case] text: &str, #[case] status: u16) {
    let world = World::furnished().await;
    let ask =
        Ask::new(Method::Put, &compute("galleries/new")).bytes(text.to_owned()).media("application/json");
    let reply = world.send(ask).await;
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(code(&reply), if status == 400 { "InvalidRequestContent" } else { "" });
}

#[rstest]
#[case::invalid_utf8(b"{\"location\":\"\xff\"}".to_vec(), 400)]
#[case::utf16(b"\xff\xfe{\0}\0".to_vec(), 400)]
#[case::nul(b"{\"location\":\"westeurope\"}\0".to_vec(), 400)]
#[case::at_the_limit(padded(Engine::BODY_BYTES), 201)]
#[case::past_the_limit(padded(Engine::BODY_BYTES + 1), 413)]
#[case::as_deep_as_may_be(nested(63), 201)]
#[case::too_deep(nested(64), 400)]
#[case::far_too_deep(nested(100_000), 400)]
#[case::a_hundred_thousand_names(crowded(100_000), 201)]
#[tokio::test]
async fn a_body_is_bounded(#[case] bytes: Vec<u8>, #[case] status: u16) {
    let world = World::furnished().await;
    let ask = Ask::new(Method::Put, &compute("galleries/new")).bytes(bytes).media("application/json");
    let reply = world.send(ask).await;
    assert_eq!(reply.status, status, "{}", message(&reply));
}

fn padded(bytes: usize) -> Vec<u8> {
    let mut text = b"{\"location\":\"westeurope\"}".to_vec();
    text.resize(bytes, b' ');
    text
}

/// An object with an unknown member that holds so many lists in each other.
fn nested(depth: usize) -> Vec<u8> {
    format!("{{\"location\":\"westeurope\",\"x\":{}0{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes()
}

fn crowded(names: usize) -> Vec<u8> {
    let members: Vec<String> = (0..names).map(|number| format!("\"m{number}\":0")).collect();
    format!("{{\"location\":\"westeurope\",{}}}", members.join(",")).into_bytes()
}

#[rstest]
#[case("application/json", 201)]
#[case("Application/JSON; charset=utf-8", 201)]
#[case("text/json", 201)]
#[case("text/plain", 415)]
#[case("multipart/form-data; boundary=x", 415)]
#[case("application/jsonx", 415)]
#[case("", 415)]
#[tokio::test]
async fn a_body_is_said_to_be_json(#[case] media: &str, #[case] status: u16) {
    let world = World::furnished().await;
    let ask = Ask::new(Method::Put, &compute("galleries/new")).bytes(located().to_string());
    let reply = world.send(ask.clone().media(media)).await;
    assert_eq!(reply.status, status);
    assert_eq!(world.send(ask).await.status, 415, "a body of no declared type is refused");
}

#[tokio::test]
async fn names_in_a_body_are_read_in_any_case_and_unknown_ones_are_dropped() {
    let world = World::furnished().await;
    let odd = json!({
        "LOCATION": "westeurope", "Tags": {"Kept": "As Sent"}, "unknown": {"a": 1},
        "Properties": {"DESCRIPTION": "x", "nothing": [1]}, "systemData": {},
    });
    let reply = world.put(&compute("galleries/odd"), &odd).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let shown = body(&reply);
    assert_eq!(
        (&shown["properties"]["description"], &shown["tags"]["Kept"]),
        (&json!("x"), &json!("As Sent"))
    );
    assert_eq!((shown.get("unknown"), shown["properties"].get("nothing")), (None, None));
}

#[tokio::test]
async fn null_is_absent_and_an_emptied_object_changes_nothing() {
    let world = World::furnished().await;
    let before = world.get(&definition()).await;
    for (member, value) in [("identifier", json!({})), ("identifier", Value::Null), ("osType", Value::Null)] {
        let mut wanted = definition_body("d");
        wanted["properties"][member] = value;
        wanted["tags"] = Value::Null;
        let reply = world.put(&definition(), &wanted).await;
        assert_eq!((reply.status, &reply.body), (200, &before.body), "{member}");
        assert_eq!(header(&reply, "etag"), header(&before, "etag"));
    }
    let null = world.put(&gallery(), &json!({"location": null, "properties": null, "identity": null})).await;
    assert_eq!(null.status, 200, "{null:?}");
}

#[tokio::test]
async fn what_was_fixed_at_creation_is_not_changed() {
    let world = World::furnished().await;
    let mut wanted = definition_body("d");
    wanted["properties"]["osType"] = json!("Windows");
    let reply = world.put(&definition(), &wanted).await;
    assert_eq!(code(&reply), "PropertyChangeNotAllowed");
    assert_eq!(message(&reply), "Changing property 'galleryImage.properties.osType' is not allowed.");
}

#[rstest]
#[case::id(json!({"id": compute("galleries/other")}), 400)]
#[case::name(json!({"name": "other"}), 400)]
#[case::same_in_odd_case(json!({"id": gallery().to_uppercase(), "name": "G", "type": "whatever"}), 200)]
#[tokio::test]
async fn a_body_names_the_resource_of_its_url(#[case] mut wanted: Value, #[case] status: u16) {
    let world = World::furnished().await;
    wanted["location"] = json!("westeurope");
    assert_eq!(world.put(&gallery(), &wanted).await.status, status);
}

fn tags(count: usize) -> Value {
    Value::Object((0..count).map(|number| (format!("t{number}"), "v".into())).collect())
}

#[rstest]
#[case::as_many_as_may_be(tags(50), 201)]
#[case::too_many(tags(51), 400)]
#[case::longest_name(json!({"n".repeat(512): "v"}), 201)]
#[case::name_too_long(json!({"n".repeat(513): "v"}), 400)]
#[case::longest_value(json!({"n": "v".repeat(256)}), 201)]
#[case::value_too_long(json!({"n": "v".repeat(257)}), 400)]
#[case::no_name(json!({"": "v"}), 400)]
#[case::control_character(json!({"a\u{0}b": "v"}), 400)]
#[case::line_end_in_value(json!({"a": "v\r\nx: y"}), 400)]
#[case::forbidden_character(json!({"<script>": "v"}), 400)]
#[case::number(json!({"a": 1}), 400)]
#[case::list(json!([]), 400)]
#[case::other_scripts(json!({"größe": "大"}), 201)]
#[tokio::test]
async fn tags_are_bounded(#[case] tags: Value, #[case] status: u16) {
    let world = World::furnished().await;
    let reply = world.put(&compute("galleries/new"), &json!({"location": "westeurope", "tags": tags})).await;
    assert_eq!(reply.status, status, "{reply:?}");
    if status == 400 {
        assert_eq!(reply.body.unwrap()["error"]["target"], "tags");
    }
}
