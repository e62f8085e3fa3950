//! The table is fresh, and says what the registry says.

use std::path::Path;

use control::Registry;
use rstest::rstest;

use super::{FILE, answer, table};

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/specs");

#[test]
fn the_table_that_is_checked_in_is_fresh() {
    let standing = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(FILE);
    let text = std::fs::read_to_string(&standing).unwrap();
    assert!(text == table(None, &standing).unwrap(), "{FILE} is stale: run `cargo xtask wire-coverage`");
}

#[test]
fn a_table_made_of_documents_is_read_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("table.md");
    let made = table(Some(Path::new(SMALL)), &file).unwrap();
    assert!(
        made.contains("| Galleries_Get | GET |") && made.contains("## gallery.json 2024-03-03: "),
        "{made}"
    );
    std::fs::write(&file, &made).unwrap();
    assert_eq!(table(None, &file).unwrap(), made);
}

#[rstest]
#[case("PUT", "galleries/{galleryName}", "implemented")]
#[case("GET", "galleries", "implemented")]
#[case("POST", "galleries/{galleryName}/explode", "refused: NotImplemented")]
#[case("GET", "toys/{toyName}", "refused: ResourceNotFound")]
#[case("DELETE", "toys/{toyName}", "refused: NotImplemented")]
fn what_is_built_is_asked_of_the_registry(#[case] method: &str, #[case] path: &str, #[case] wanted: &str) {
    let registry = Registry::new(providers::resource_types());
    let group = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}";
    let path = format!("{group}/providers/Microsoft.Compute/{path}");
    assert_eq!(answer(&registry, method, &path, "2024-03-03").unwrap(), wanted);
}

#[rstest]
#[case("publishers", "implemented")]
#[case("edgeZones/{edgeZone}/publishers", "refused: NotFound")]
fn what_can_only_be_refused_is_not_counted_as_built(#[case] path: &str, #[case] wanted: &str) {
    let registry = Registry::new(providers::resource_types());
    let region = "/subscriptions/{subscriptionId}/providers/Microsoft.Compute/locations/{location}";
    assert_eq!(answer(&registry, "GET", &format!("{region}/{path}"), "2024-07-01").unwrap(), wanted);
}
