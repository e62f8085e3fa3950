//! What a first start makes, and what later starts find.

use std::fs;

use rstest::rstest;

use super::world::{ENDPOINT, World, owner_token};
use crate::home::Error;
use crate::identity::{Directory, HashedSecret, Origin, Secret, Subscription};

#[test]
fn the_first_start_makes_an_owner_who_can_be_found_again() {
    let world = World::new();
    let first = world.start();
    let told = world.connection();
    assert_eq!(told.arm_endpoint.as_str(), ENDPOINT);
    assert_eq!(told.tenant_id, first.directory().tenant().id);
    assert_eq!(told.subscription_id, first.directory().first_subscription().id);
    assert_eq!(told.client_id, first.directory().owner().client_id);
    assert!(first.directory().owner().has_secret(&told.client_secret));
    assert_eq!(told.client_secret.expose().len(), 64, "256 bits in hexadecimal");

    drop(first);
    let second = world.start_at("https://127.0.0.1:9000").unwrap();
    let told_again = world.connection();
    assert_eq!(told_again.arm_endpoint.as_str(), "https://127.0.0.1:9000");
    assert_eq!(told_again.client_secret, told.client_secret);
    assert_eq!(told_again.client_id, told.client_id);
    assert_eq!(second.directory().owner().object_id, world.start().directory().owner().object_id);
}

#[test]
fn subscriptions_are_added_once_renamed_and_never_lost() {
    let world = World::new();
    let start = |more: &[(u128, &str)]| {
        let more: Vec<Subscription> = more
            .iter()
            .map(|(id, name)| Subscription {
                id: uuid::Uuid::from_u128(*id),
                display_name: (*name).to_owned(),
            })
            .collect();
        let identity = world.start_with(ENDPOINT, &more).unwrap();
        let found = identity.directory().subscriptions().iter().map(|found| found.display_name.clone());
        (found.collect::<Vec<_>>(), identity.directory().first_subscription().id)
    };
    let (names, first) = start(&[(7, "seven")]);
    assert_eq!(names, ["Gallerist", "seven"]);
    assert_eq!(
        start(&[(8, "eight"), (7, "sieben")]),
        (["Gallerist", "sieben", "eight"].map(str::to_owned).to_vec(), first)
    );
    assert_eq!(start(&[]).0, ["Gallerist", "sieben", "eight"]);
    assert_eq!(world.connection().subscription_id, first);
}

#[test]
fn the_secret_stands_in_one_file_only() {
    let world = World::new();
    world.start();
    let secret = world.connection().client_secret;
    let holding: Vec<_> = fs::read_dir(world.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .filter(|entry| String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).contains(secret.expose()))
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(holding, ["connection.json"]);
    assert_eq!(format!("{:?}", world.connection().client_secret), "[secret]");
    assert!(!format!("{:?}", world.connection()).contains(secret.expose()));
}

#[rstest]
#[case::file_removed(None)]
#[case::secret_changed(Some("\"clientSecret\": \"something else\""))]
fn a_lost_secret_is_replaced_and_the_old_one_stops_working(#[case] line: Option<&str>) {
    let world = World::new();
    let first = world.start();
    let (old, owner) = (world.connection().client_secret, first.directory().owner().object_id);
    let path = world.folder.path().join("connection.json");
    match line {
        None => fs::remove_file(&path).unwrap(),
        Some(line) => {
            let text = fs::read_to_string(&path).unwrap();
            let kept = format!("\"clientSecret\": \"{}\"", old.expose());
            fs::write(&path, text.replace(&kept, line)).unwrap();
        }
    }
    let second = world.start();
    assert_eq!(second.directory().owner().object_id, owner);
    assert!(!second.directory().owner().has_secret(&old));
    assert!(second.directory().owner().has_secret(&world.connection().client_secret));
}

#[tokio::test]
async fn a_token_outlives_a_restart() {
    let world = World::new();
    let first = world.start();
    let token = owner_token(&world, &first).await;
    drop(first);
    let principal = world.start().verify(&format!("Bearer {token}")).unwrap();
    assert_eq!(principal.client_id, world.connection().client_id);
}

#[rstest]
#[case("identity.json", "")]
#[case("identity.json", "{\"schema\":1}")]
#[case("identity.json", "[1,2]")]
#[case("signing-key.der", "")]
#[case("signing-key.der", "not a key")]
#[case("connection.json", "{\"armEndpoint\":\"http://example.org\"}")]
fn a_damaged_file_is_named(#[case] file: &str, #[case] content: &str) {
    let world = World::new();
    world.start();
    fs::write(world.folder.path().join(file), content).unwrap();
    let error = world.start_at(ENDPOINT).unwrap_err();
    assert!(matches!(&error, Error::Damaged { file: named, .. } if named == file), "{error}");
}

#[rstest]
#[case("\"schema\": 1", "\"schema\": 2", "another release")]
#[case("pbkdf2-sha256", "md5", "hashed with")]
#[case("\"rounds\": 10000", "\"rounds\": 0", "sensible")]
#[case("\"rounds\": 10000", "\"rounds\": 4000000000", "sensible")]
#[case("\"salt\": \"", "\"salt\": \"AAAA", "salt")]
fn a_directory_that_was_tampered_with_is_refused(
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: &str,
) {
    let world = World::new();
    world.start();
    let path = world.folder.path().join("identity.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from));
    fs::write(&path, text.replace(from, to)).unwrap();
    let error = world.start_at(ENDPOINT).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[rstest]
#[case::made(Origin::Made)]
#[case::chosen(Origin::Chosen)]
fn a_hash_knows_its_secret_and_no_other(#[case] origin: Origin) {
    let world = World::new();
    let secret = Secret::random(world.randomness.as_ref()).unwrap();
    let other = Secret::random(world.randomness.as_ref()).unwrap();
    let hash = HashedSecret::of(&secret, origin, world.randomness.as_ref()).unwrap();
    assert!(hash.is(&secret));
    assert!(!hash.is(&other));
    assert!(!HashedSecret::of_nothing(origin).is(&secret));
    let written = serde_json::to_string(&hash).unwrap();
    assert!(!written.contains(secret.expose()));
    assert!(serde_json::from_str::<HashedSecret>(&written).unwrap().is(&secret));
}

#[test]
fn users_are_found_in_any_case() {
    let world = World::new();
    let randomness = world.randomness.as_ref();
    let (mut directory, _secret) = Directory::found(randomness, randomness).unwrap();
    directory
        .add_user("Ada@gallerist.local", &"a password".to_owned().into(), randomness, randomness)
        .unwrap();
    let found = directory.user("ADA@GALLERIST.LOCAL").unwrap();
    assert_eq!(directory.user_by_id(found.object_id).unwrap().principal_name, "Ada@gallerist.local");
    assert!(directory.user("bob@gallerist.local").is_none());
}
