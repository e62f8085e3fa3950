//! The data folder against other users, links, damage and a second server.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rstest::rstest;

use super::{Connection, Error, Home};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn connection(endpoint: &str) -> Connection {
    Connection {
        arm_endpoint: endpoint.parse().unwrap(),
        ca_file: "/srv/gallerist/ca.pem".into(),
        tenant_id: uuid::Uuid::from_u128(1),
        subscription_id: uuid::Uuid::from_u128(2),
        client_id: uuid::Uuid::from_u128(3),
        client_secret: "a secret".to_owned().into(),
    }
}

#[test]
fn a_new_folder_is_closed_to_others() {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("a/b");
    let home = Home::open(&path).unwrap();
    assert_eq!(home.path(), path);
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("lock")), 0o600);
}

#[test]
fn an_empty_folder_made_by_hand_is_closed() {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("data");
    fs::create_dir(&path).unwrap();
    set_mode(&path, 0o755);
    Home::open(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
}

#[test]
fn a_used_folder_open_to_others_is_refused_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("something"), "").unwrap();
    set_mode(folder.path(), 0o750);
    let error = Home::open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Exposed { .. }), "{error}");
    assert!(error.to_string().contains("chmod 700"), "{error}");
    assert_eq!(mode(folder.path()), 0o750);
}

#[test]
fn a_file_is_no_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    assert!(matches!(Home::open(&path).unwrap_err(), Error::Io { .. }));
}

#[test]
fn only_one_holds_a_folder_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Home::open(folder.path()).unwrap();
    let error = Home::open(folder.path()).unwrap_err();
    let us = std::process::id();
    assert!(matches!(error, Error::Busy { process: Some(id) } if id == us), "{error}");
    assert!(error.to_string().contains("--data"), "{error}");
    drop(first);
    Home::open(folder.path()).unwrap();
}

#[test]
fn what_is_announced_can_be_read_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    assert_eq!(home.announced().unwrap(), None);
    assert!(matches!(Connection::read(folder.path()).unwrap_err(), Error::NeverStarted));
    home.announce(&connection("https://127.0.0.1:1")).unwrap();
    home.announce(&connection("https://127.0.0.1:2")).unwrap();
    assert_eq!(Connection::read(folder.path()).unwrap(), connection("https://127.0.0.1:2"));
    let path = folder.path().join("connection.json");
    assert_eq!(mode(&path), 0o600);
    let text = fs::read_to_string(&path).unwrap();
    let names: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let names: Vec<_> = names.keys().map(String::as_str).collect();
    let expected = ["armEndpoint", "caFile", "clientId", "clientSecret", "subscriptionId", "tenantId"];
    assert_eq!(sorted(names), expected);
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

#[test]
fn a_missing_folder_was_never_started() {
    let folder = tempfile::tempdir().unwrap();
    let error = Connection::read(&folder.path().join("absent")).unwrap_err();
    assert!(matches!(error, Error::NeverStarted), "{error}");
    assert!(error.to_string().contains("gallerist serve"), "{error}");
}

#[rstest]
#[case::readable_by_the_group(0o640)]
#[case::readable_by_all(0o604)]
#[case::writable_by_the_group(0o620)]
fn a_secret_that_others_can_reach_is_not_used(#[case] bits: u32) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    home.announce(&connection("https://127.0.0.1:1")).unwrap();
    let path = folder.path().join("connection.json");
    set_mode(&path, bits);
    let error = Connection::read(folder.path()).unwrap_err();
    assert!(error.to_string().contains("chmod 600 connection.json"), "{error}");
    // Writing it again puts a closed one in its place.
    home.announce(&connection("https://127.0.0.1:2")).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn links_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o700);
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "untouched").unwrap();
    let home = Home::open(folder.path()).unwrap();
    symlink(&elsewhere, folder.path().join("connection.json")).unwrap();
    symlink(&elsewhere, folder.path().join(".connection.json.new")).unwrap();
    assert!(matches!(home.announced().unwrap_err(), Error::Foreign { .. }));
    home.announce(&connection("https://127.0.0.1:1")).unwrap();
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "untouched");
    assert_eq!(home.announced().unwrap(), Some(connection("https://127.0.0.1:1")));
}

#[test]
fn a_link_in_place_of_the_lock_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o700);
    symlink("/dev/null", folder.path().join("lock")).unwrap();
    assert!(matches!(Home::open(folder.path()).unwrap_err(), Error::Io { .. }));
}

#[test]
fn what_is_no_plain_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    fs::create_dir(folder.path().join("connection.json")).unwrap();
    assert!(matches!(home.announced().unwrap_err(), Error::Foreign { .. }));
    assert!(matches!(home.announce(&connection("https://127.0.0.1:1")).unwrap_err(), Error::Io { .. }));
}

#[test]
fn a_file_far_too_large_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    let path = folder.path().join("connection.json");
    fs::write(&path, vec![b' '; 5 * 1024 * 1024]).unwrap();
    set_mode(&path, 0o600);
    assert!(matches!(home.announced().unwrap_err(), Error::Damaged { .. }));
}

#[test]
fn an_inner_folder_is_closed_and_not_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    home.folder().inner("tls").unwrap();
    assert_eq!(mode(&folder.path().join("tls")), 0o700);
    symlink(folder.path().join("tls"), folder.path().join("other")).unwrap();
    assert!(matches!(home.folder().inner("other").unwrap_err(), Error::Foreign { .. }));
    set_mode(&folder.path().join("tls"), 0o755);
    assert!(matches!(home.folder().inner("tls").unwrap_err(), Error::Exposed { .. }));
}
