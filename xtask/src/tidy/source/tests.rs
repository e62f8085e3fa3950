//! Each rule on a small sample that breaks it and on one that does not.

use rstest::rstest;

use super::*;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

/// What is found in one module that begins as it should, as `line: problem`.
fn found(path: &str, code: &str) -> Vec<String> {
    let findings = check(&[file(path, &format!("//! A module.\n{code}\n"))]);
    let prefix = format!("{path}:");
    findings.iter().map(|finding| finding.to_string().replacen(&prefix, "", 1)).collect()
}

#[rstest]
#[case::ignored_test("crates/arm/src/tests.rs", "#[ignore = \"later\"]", "repair it or delete it")]
#[case::unfinished("crates/arm/src/id.rs", "fn f() { todo!() }", "finish it")]
#[case::unimplemented("crates/arm/src/id.rs", "unimplemented!(\"later\")", "finish it")]
#[case::debugging("crates/arm/src/id.rs", "dbg!(x)", "tracing")]
#[case::sleeping("crates/server/src/lib.rs", "std::thread::sleep(d);", "wait on a condition")]
#[case::sql_elsewhere("crates/control/src/lib.rs", "use sqlx::Row;", "only metadata speaks SQL")]
#[case::arm_in_store("crates/store/src/lib.rs", "use arm::Region;", "resources meet bytes in workers")]
#[case::id_in_disks("crates/disks/src/lib.rs", "fn f(id: &ResourceId) {}", "resources meet bytes in workers")]
#[case::clock("crates/control/src/lib.rs", "jiff::Timestamp::now()", "take a Clock")]
#[case::system_clock("crates/arm/src/time.rs", "SystemTime::now()", "take a Clock")]
fn banned_code_is_found_on_its_line(#[case] path: &str, #[case] code: &str, #[case] message: &str) {
    let findings = found(path, code);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].starts_with("2: ") && findings[0].contains(message), "{}", findings[0]);
}

#[rstest]
#[case::in_a_comment("crates/arm/src/id.rs", "// no todo!() here, nor #[ignore]")]
#[case::in_a_string("crates/arm/src/id.rs", "let s = \"dbg!(x)\";")]
#[case::part_of_a_name("crates/arm/src/id.rs", "fn my_todo!(x); struct Notsqlx;")]
#[case::sql_at_home("crates/metadata/src/sqlite/mod.rs", "use sqlx::Row;")]
#[case::arm_elsewhere("crates/workers/src/lib.rs", "use arm::ResourceId;")]
#[case::harmless_word("crates/store/src/lib.rs", "let alarm = warm(charm);")]
#[case::clock_at_home("crates/server/src/clock.rs", "Timestamp::now()")]
fn other_code_passes(#[case] path: &str, #[case] code: &str) {
    assert_eq!(found(path, code), Vec::<String>::new());
}

#[test]
fn the_server_reads_the_clock_once() {
    let module =
        |name: &str| file(&format!("crates/server/src/{name}.rs"), "//! A module.\nTimestamp::now()\n");
    assert_eq!(check(&[module("clock")]), []);
    let places: Vec<_> =
        check(&[module("clock"), module("edge")]).into_iter().map(|finding| finding.place).collect();
    assert_eq!(places, ["crates/server/src/clock.rs:2", "crates/server/src/edge.rs:2"]);
}

#[test]
fn a_module_says_what_it_is() {
    let findings = check(&[file("crates/arm/src/id.rs", "// An id.\nstruct Id;\n")]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].place, "crates/arm/src/id.rs:1");
}

#[rstest]
#[case::rust("crates/arm/src/id.rs", "//! An id.\n", 600, true)]
#[case::rust_too_long("crates/arm/src/id.rs", "//! An id.\n", 601, false)]
#[case::script_too_long("x", "#!/usr/bin/env bash\n", 601, false)]
#[case::data("docs/table.json", "[]\n", 601, true)]
fn programs_are_at_most_600_lines(
    #[case] path: &str,
    #[case] first: &str,
    #[case] line_count: usize,
    #[case] passes: bool,
) {
    let text = format!("{first}{}", "\n".repeat(line_count - 1));
    let findings = check(&[file(path, &text)]);
    assert_eq!(findings.is_empty(), passes, "{findings:?}");
}

#[rstest]
#[case::linux("home", "ann/src", true)]
#[case::mac("Users", "ann", true)]
#[case::root("root", ".cargo", true)]
#[case::azure_example("home", "azureuser/.ssh", false)]
#[case::no_name("home", "", false)]
fn homes_of_people_are_found(#[case] folder: &str, #[case] rest: &str, #[case] is_found: bool) {
    let findings = check(&[file("docs/a.md", &format!("Look into /{folder}/{rest} first.\n"))]);
    assert_eq!(!findings.is_empty(), is_found, "{findings:?}");
    // The same words further down a path belong to nobody.
    let deeper = format!("https://example.org/{folder}/{rest}");
    assert_eq!(check(&[file("docs/a.md", &deeper)]), []);
    // Homes inside an image are of a guest.
    let of_guest = file("crates/inspect/src/a.rs", &format!("//! Reads /{folder}/{rest}.\n"));
    assert_eq!(check(&[of_guest]), []);
    let planted = file("testimages/a.sh", &format!("# Leaves a file in an image.\nleave /{folder}/{rest}\n"));
    assert_eq!(check(&[planted]), []);
}

#[test]
fn a_repository_is_read_without_its_build_output() {
    let root = tempfile::tempdir().unwrap();
    for path in ["x", "crates/arm/src/lib.rs", "target/debug/out.rs", ".git/config", ".ci/run", "logo.png"] {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes: &[u8] = if path.ends_with("logo.png") { &[0xff, 0xfe] } else { b"text" };
        fs::write(path, bytes).unwrap();
    }
    let paths: Vec<_> = load(root.path()).unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(paths, [".ci/run", "crates/arm/src/lib.rs", "x"]);
}
