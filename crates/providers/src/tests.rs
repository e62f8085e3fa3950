//! What holds for every type in the registry.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::compute::access_control_profile::AccessControlProfile;
use crate::compute::access_control_profile_version::AccessControlProfileVersion;
use crate::compute::application::Application;
use crate::compute::application_version::ApplicationVersion;
use crate::compute::disk::Disk;
use crate::compute::gallery::Gallery;
use crate::compute::image::Image;
use crate::compute::image_definition::ImageDefinition;
use crate::compute::image_version::ImageVersion;
use crate::compute::script::Script;
use crate::compute::script_version::ScriptVersion;
use crate::compute::snapshot::Snapshot;
use crate::images::upload::Upload;
use crate::resources::resource_group::ResourceGroup;
use crate::shape::{Access, Field, Kind, read};
use crate::storage::account::StorageAccount;
use crate::testing::{GROUP, Scene, compute, shouted, stored};
use crate::{State, resource_types, shape};

#[test]
fn every_type_has_a_name_of_its_own() {
    let names: HashSet<String> = resource_types().iter().map(|kind| kind.name().key()).collect();
    assert_eq!(names.len(), resource_types().len());
}

#[test]
fn api_versions_are_well_formed_and_newest_first() {
    for kind in resource_types() {
        let versions: Vec<arm::ApiVersion> =
            kind.api_versions().iter().map(|version| version.parse().unwrap()).collect();
        assert!(!versions.is_empty() && versions.is_sorted_by(|a, b| a > b), "{}", kind.name());
    }
}

#[test]
fn members_are_named_once_at_each_level() {
    fn check(fields: &[Field], path: &str) {
        let names: HashSet<String> = fields.iter().map(|field| field.name.to_ascii_lowercase()).collect();
        assert_eq!(names.len(), fields.len(), "{path}");
        for field in fields {
            descend(field.kind, &format!("{path}.{}", field.name));
        }
    }
    fn descend(kind: Kind, path: &str) {
        match kind {
            Kind::Object(fields) => check(fields, path),
            Kind::List(kind) | Kind::Map(kind) => descend(*kind, path),
            Kind::Text(_) | Kind::Bool | Kind::Integer(..) | Kind::Time | Kind::Choice(_) | Kind::Any => {}
        }
    }
    for kind in resource_types() {
        check(kind.properties(), kind.subject());
        check(kind.envelope(), kind.subject());
    }
}

#[test]
fn unknown_members_and_nulls_are_dropped_everywhere() {
    for kind in resource_types() {
        let nulls: serde_json::Map<String, Value> =
            kind.properties().iter().map(|field| (field.name.to_uppercase(), Value::Null)).collect();
        let reading = read(kind.properties(), &Value::Object(nulls), "x.properties").unwrap();
        assert!(reading.stored.is_empty(), "{}", kind.name());
        let strangers = json!({"provisioningState": "Succeeded", "somethingNew": {"a": [1]}});
        assert!(read(kind.properties(), &strangers, "x.properties").unwrap().stored.is_empty());
    }
}

#[test]
fn a_member_of_the_wrong_type_is_refused_with_its_path() {
    for kind in resource_types() {
        for field in kind.properties().iter().filter(|field| field.access != Access::Read) {
            let wrong = match field.kind {
                Kind::Any => continue,
                Kind::Object(_) | Kind::Map(_) => json!("text"),
                _ => json!({"a": 1}),
            };
            let path = format!("{}.properties", kind.subject());
            let refusal = read(kind.properties(), &json!({field.name: wrong}), &path).unwrap_err();
            assert_eq!(refusal.detail.target, Some(format!("{path}.{}", field.name)), "{refusal}");
            assert_eq!(refusal.detail.code, "BadRequest");
            assert!(
                refusal.detail.message.contains(&format!("Path 'properties.{}'", field.name)),
                "{refusal}"
            );
        }
    }
}

const BLOB: &str = "https://acc.blob.core.windows.net/vhds/os.vhd?sig=x";

fn scenes() -> Vec<(Scene, Value)> {
    let definition = compute("galleries/g/images/d");
    let mut version = Scene::new(&ImageVersion, &format!("{definition}/versions/1.0.0"));
    version.parent = Some(stored(
        &definition,
        json!({"osType": "Linux", "hyperVGeneration": "V2", "features": [{"name": "SecurityType", "value": "TrustedLaunch"}]}),
    ));
    vec![
        (Scene::new(&ResourceGroup, GROUP), json!({})),
        (
            Scene::new(&StorageAccount, &format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/acct")),
            json!({}),
        ),
        (
            Scene::new(&Disk, &compute("disks/d")),
            json!({"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}),
        ),
        (Scene::new(&Gallery, &compute("galleries/g")), json!({})),
        (
            Scene::new(&Snapshot, &compute("snapshots/s")),
            json!({"creationData": {"createOption": "Import", "sourceUri": BLOB}}),
        ),
        (
            Scene::new(&Image, &compute("images/i")),
            json!({"storageProfile": {"osDisk": {"osType": "Linux", "osState": "Generalized", "blobUri": BLOB}}}),
        ),
        (
            Scene::new(&ImageDefinition, &definition),
            json!({"osType": "Linux", "osState": "Generalized", "identifier": {"publisher": "p", "offer": "o", "sku": "s"}}),
        ),
        (version, json!({"storageProfile": {"osDiskImage": {"source": {"uri": BLOB}}}})),
        (
            Scene::new(&AccessControlProfile, &compute("galleries/g/inVMAccessControlProfiles/p")),
            json!({"osType": "Linux", "applicableHostEndpoint": "IMDS"}),
        ),
        (
            Scene::new(
                &AccessControlProfileVersion,
                &compute("galleries/g/inVMAccessControlProfiles/p/versions/1.0.0"),
            ),
            json!({"mode": "Audit", "defaultAccess": "Allow"}),
        ),
        (
            Scene::new(&Application, &compute("galleries/g/applications/a")),
            json!({"supportedOSType": "Linux"}),
        ),
        (
            Scene::new(&ApplicationVersion, &compute("galleries/g/applications/a/versions/1.0.0")),
            json!({"publishingProfile": {"source": {"mediaLink": BLOB}, "manageActions": {"install": "i", "remove": "r"}}}),
        ),
        (Scene::new(&Script, &compute("galleries/g/scripts/s")), json!({"supportedOSType": "Linux"})),
        (
            Scene::new(&ScriptVersion, &compute("galleries/g/scripts/s/versions/1.0.0")),
            json!({"publishingProfile": {"source": {"scriptLink": BLOB}}}),
        ),
        (
            Scene::new(&Upload, &format!("{definition}/providers/Gallerist.Images/uploads/u")),
            json!({"format": "raw", "sizeBytes": 512}),
        ),
    ]
}

#[test]
fn members_are_read_in_any_case() {
    for (scene, least) in scenes() {
        let shape = Kind::Object(scene.kind.properties());
        assert_eq!(scene.put(least.clone()).unwrap(), scene.put(shouted(shape, &least)).unwrap());
    }
}

/// JSON that mostly fits `kind`, with nulls, strangers and now and then something of another type.
fn json_of(kind: Kind) -> BoxedStrategy<Value> {
    let texts = [
        "",
        "westeurope",
        "East US 2",
        "edge1",
        "x",
        "1.0.0",
        "True",
        "SecurityType",
        "TrustedLaunch",
        BLOB,
        "QUJD",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d",
        "\u{0}",
        "ü",
    ];
    let fitting = match kind {
        Kind::Text(_) | Kind::Any => prop::sample::select(texts.to_vec()).prop_map(Value::from).boxed(),
        Kind::Bool => prop::sample::select(vec![json!(true), json!(false), json!("TRUE")]).boxed(),
        Kind::Integer(low, high) => prop::sample::select(vec![
            json!(low),
            json!(low.max(1)),
            json!(high),
            json!("2"),
            json!(high.wrapping_add(1)),
        ])
        .boxed(),
        Kind::Time => {
            prop::sample::select(vec!["2030-01-01", "2031-01-01T00:00:00.5+01:00", "2020-01-01T00:00:00Z"])
                .prop_map(Value::from)
                .boxed()
        }
        Kind::Choice(words) => {
            prop::sample::select(words.to_vec()).prop_map(|word| Value::from(word.to_lowercase())).boxed()
        }
        Kind::List(kind) => prop::collection::vec(json_of(*kind), 0..3).prop_map(Value::from).boxed(),
        Kind::Map(kind) => {
            prop::collection::btree_map("[a-z]{1,3}", json_of(*kind), 0..3).prop_map(|map| json!(map)).boxed()
        }
        Kind::Object(fields) => object_of(fields),
    };
    prop_oneof![
        60 => fitting,
        1 => Just(Value::Null),
        1 => prop::sample::select(vec![json!(1), json!("text"), json!([[]]), json!({"a": {}}), json!(-1.5), json!(true)]),
    ]
    .boxed()
}

fn object_of(fields: &'static [Field]) -> BoxedStrategy<Value> {
    let members: Vec<BoxedStrategy<Option<(String, Value)>>> = fields
        .iter()
        .map(|field| {
            let member = json_of(field.kind).prop_map(|value| (field.name.to_owned(), value));
            prop_oneof![3 => Just(None), 1 => member.prop_map(Some)].boxed()
        })
        .collect();
    members.prop_map(|members| Value::Object(members.into_iter().flatten().collect())).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_body_panics_and_what_is_accepted_may_be_put_back(
        (at, sent) in (0..scenes().len()).prop_flat_map(|at| (Just(at), object_of(scenes()[at].0.kind.properties()))),
    ) {
        let (scene, least) = scenes().swap_remove(at);
        let sent = Value::Object(shape::merge(sent.as_object().unwrap(), least.as_object().unwrap().clone()));
        match scene.put(sent) {
            Err(refusal) => prop_assert!((400..=501).contains(&refusal.status) && !refusal.detail.message.is_empty()),
            Ok(accepted) => {
                let scene = scene.standing(accepted, State::Succeeded);
                let stands = &scene.current.as_ref().unwrap().document.properties;
                for shown in [scene.get(None, &[]), scene.get(Some("ReplicationStatus"), &[]), shouted(Kind::Object(scene.kind.properties()), &scene.get(None, &[])), json!({})] {
                    let empty = shown == json!({});
                    let again = scene.put(shown).unwrap();
                    prop_assert!(empty || again.properties == *stands, "{:?} is not {stands:?}", again.properties);
                    prop_assert_eq!(again.work, None);
                }
                prop_assert_eq!(&scene.patch(json!({})).unwrap().properties, stands);
            }
        }
    }
}
