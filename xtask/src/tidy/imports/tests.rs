//! The import table on small made-up workspaces.

use rstest::rstest;
use serde_json::json;

use super::*;

/// A workspace with every crate of the table, and one dependency added to one of them.
fn workspace(importer: &str, dependency: &serde_json::Value) -> Workspace {
    let packages: Vec<_> = MAY_IMPORT
        .iter()
        .map(|(name, _)| {
            let dependencies = if *name == importer { json!([dependency]) } else { json!([]) };
            json!({ "name": name, "dependencies": dependencies })
        })
        .collect();
    serde_json::from_value(json!({ "packages": packages, "workspace_root": "." })).unwrap()
}

fn ours(name: &str, kind: Option<&str>) -> serde_json::Value {
    json!({ "name": name, "kind": kind, "path": format!("crates/{name}") })
}

fn theirs(name: &str) -> serde_json::Value {
    json!({ "name": name, "kind": null, "path": null })
}

#[rstest]
#[case::down("store", ours("disks", None))]
#[case::two_floors_down("workers", ours("arm", None))]
#[case::from_a_registry("disks", theirs("flate2"))]
#[case::sql_in_metadata("metadata", theirs("sqlx"))]
#[case::tests_may_use_anything("disks", ours("server", Some("dev")))]
#[case::tests_use_the_testkit("arm", ours("testkit", Some("dev")))]
fn an_allowed_import_passes(#[case] importer: &str, #[case] dependency: serde_json::Value) {
    assert_eq!(check(&workspace(importer, &dependency)), []);
}

#[rstest]
#[case::up("disks", ours("store", None), "disks may not import store. It may import: nothing of ours")]
#[case::sideways("providers", ours("metadata", None), "It may import: arm, template.")]
#[case::in_a_build_script("store", ours("arm", Some("build")), "store may not import arm")]
#[case::testkit_in_code("server", ours("testkit", None), "make it a dev-dependency of server")]
#[case::sql_elsewhere("server", theirs("sqlx"), "only metadata speaks SQL")]
fn a_forbidden_import_is_found(
    #[case] importer: &str,
    #[case] dependency: serde_json::Value,
    #[case] message: &str,
) {
    let findings = check(&workspace(importer, &dependency));
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].place, format!("{importer}/Cargo.toml"));
    assert!(findings[0].problem.contains(message), "{}", findings[0]);
}

#[test]
fn a_crate_without_a_row_and_a_row_without_a_crate_are_found() {
    let mut workspace = workspace("arm", &theirs("serde"));
    workspace.packages[0].name = "barm".to_owned();
    let places: Vec<_> = check(&workspace).into_iter().map(|finding| finding.place).collect();
    assert_eq!(places, ["barm", "arm"]);
}

#[test]
fn the_table_names_only_its_own_rows_and_has_no_circle() {
    // Removing crates that import nothing that is left must in the end remove all of them.
    let mut left: Vec<_> = MAY_IMPORT.to_vec();
    for (_, allowed) in MAY_IMPORT {
        assert!(allowed.iter().all(|name| left.iter().any(|(row, _)| row == name)), "{allowed:?}");
    }
    while !left.is_empty() {
        let names: Vec<_> = left.iter().map(|(name, _)| *name).collect();
        left.retain(|(_, allowed)| allowed.iter().any(|name| names.contains(name)));
        assert!(left.len() < names.len(), "a circle among {names:?}");
    }
}
