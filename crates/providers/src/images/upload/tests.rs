//! Every rule of uploads as a table of bodies and answers.

use rstest::rstest;
use serde_json::{Value, json};

use super::Upload;
use crate::ResourceType;
use crate::testing::{GROUP, Scene, check_refusal, compute};

fn upload() -> Scene {
    let id = compute("galleries/g/images/d/providers/Gallerist.Images/uploads/u-1");
    Scene::new(&Upload, &id)
}

fn body() -> Value {
    json!({"format": "QCOW2", "sizeBytes": "1024", "fileName": "disk.qcow2", "digest": "mine", "uploadState": "Committed"})
}

#[test]
fn a_new_upload_is_answered_whole() {
    let accepted = upload().put(body()).unwrap();
    assert_eq!(accepted.work, None);
    insta::assert_json_snapshot!(Value::Object(accepted.properties));
}

#[rstest]
#[case::no_format(json!({"sizeBytes": 512}), "format", "Required parameter")]
#[case::foreign_format(json!({"format": "iso", "sizeBytes": 512}), "format", "Allowed values are: raw, vhd, vhdx, qcow2, vmdk")]
#[case::no_size(json!({"format": "raw"}), "sizeBytes", "Required parameter")]
#[case::nothing(json!({"format": "raw", "sizeBytes": 0}), "sizeBytes", "out of range")]
#[case::half_a_sector(json!({"format": "raw", "sizeBytes": 513}), "sizeBytes", "multiple of 512")]
#[case::too_large(json!({"format": "raw", "sizeBytes": 70_368_744_178_176_i64}), "sizeBytes", "out of range")]
#[case::a_path(json!({"format": "raw", "sizeBytes": 512, "fileName": "/somewhere/disk"}), "fileName", "without folders")]
#[case::a_long_name(json!({"format": "raw", "sizeBytes": 512, "fileName": "x".repeat(256)}), "fileName", "at most 255")]
fn what_an_upload_may_not_be(#[case] body: Value, #[case] member: &str, #[case] words: &str) {
    upload().check_refused(body, "InvalidParameter", &format!("upload.properties.{member}"), words);
}

#[test]
fn an_upload_lands_in_a_region_of_this_installation() {
    let mut scene = upload();
    scene.location = "mars";
    scene.check_refused(
        body(),
        "LocationNotAvailableForResourceType",
        "upload.location",
        "List of available regions for the resource type is 'eastus2,edge1,northeurope,westeurope'",
    );
}

#[test]
fn an_upload_belongs_below_a_definition() {
    for parent in [compute("galleries/g"), compute("galleries/g/images/d/versions/1.0.0"), GROUP.to_owned()] {
        let mut scene = upload();
        scene.id = format!("{parent}/providers/Gallerist.Images/uploads/u").parse().unwrap();
        scene.check_refused(body(), "BadRequest", "upload.id", "below an image definition");
    }
}

#[test]
fn asking_again_extends_an_open_upload() {
    let mut scene = upload().after(body());
    scene.now = "2027-01-01T12:00:00Z".parse().unwrap();
    let extended = scene.properties(json!({"format": "qcow2", "sizeBytes": 1024}));
    assert_eq!(extended["expiresAt"], "2027-01-02T12:00:00+00:00");
    assert_eq!(extended["fileName"], "disk.qcow2");
    for (member, body) in [("sizeBytes", json!({"sizeBytes": 2048})), ("format", json!({"format": "raw"}))] {
        scene.check_refused(
            body,
            "PropertyChangeNotAllowed",
            &format!("upload.properties.{member}"),
            "not allowed",
        );
    }
}

#[test]
fn a_committed_upload_stays_as_it_is() {
    let mut scene = upload().after(body());
    let stands = &mut scene.current.as_mut().unwrap().document.properties;
    stands.insert("uploadState".to_owned(), json!("Committed"));
    stands.insert("digest".to_owned(), json!("b3:00"));
    stands.insert("storedBytes".to_owned(), json!(7));
    let before = Value::Object(stands.clone());
    scene.now = "2027-01-05T00:00:00Z".parse().unwrap();
    assert_eq!(scene.properties(body()), before);
    assert_eq!(Value::Object(scene.patch(json!({})).unwrap().properties), before);
}

#[test]
fn a_bad_name_is_refused() {
    for name in ["", "a b", "-u", "u_", &"u".repeat(81)] {
        check_refusal(
            &Upload.check_name(name).unwrap_err(),
            "InvalidParameter",
            "upload.name",
            "upload name",
        );
    }
}
