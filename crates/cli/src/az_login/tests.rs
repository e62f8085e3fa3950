//! How `az` is called, seen by a stand-in for it.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::{AzLogin, find, in_path, quoted, registered, run, script};
use server::home::{Connection, Home};

fn connection(folder: &Path) -> Connection {
    Connection {
        arm_endpoint: "https://127.0.0.1:8443".parse().unwrap(),
        ca_file: folder.join("ca.pem"),
        tenant_id: uuid::Uuid::from_u128(1),
        subscription_id: uuid::Uuid::from_u128(2),
        client_id: uuid::Uuid::from_u128(3),
        client_secret: "the-secret".to_owned().into(),
    }
}

/// A data folder with a `connection.json`, and beside it a stand-in for az that notes how it is called
/// and answers `az cloud list` with `clouds`.
struct Bench {
    folder: TempDir,
    args: AzLogin,
}

impl Bench {
    fn new(clouds: &serde_json::Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("it's data");
        Home::open(&data).unwrap().announce(&connection(&data)).unwrap();
        fs::write(folder.path().join("clouds"), clouds.to_string()).unwrap();
        let bench = Self { args: AzLogin { data, print: false, az: Some(folder.path().join("az")) }, folder };
        bench.az("echo \"$* [$REQUESTS_CA_BUNDLE]\" >> calls\n\
             case \"$2\" in list) cat clouds;; esac\n\
             case \"$*\" in *@-*) cat > secret;; esac");
        bench
    }

    fn az(&self, body: &str) {
        let path = self.folder.path().join("az");
        let place = quoted(&self.folder.path().to_string_lossy());
        let program = format!("#!/bin/sh\ncd {place}\n{body}\n");
        // Written by another process: one that this process holds open for writing, however shortly,
        // may be inherited by a concurrent test's child and then cannot be executed.
        let write = Command::new("sh")
            .args(["-c", "printf %s \"$1\" > \"$2\" && chmod 700 \"$2\"", "sh", &program])
            .arg(&path)
            .status()
            .unwrap();
        assert!(write.success());
    }

    fn noted(&self, file: &str) -> String {
        fs::read_to_string(self.folder.path().join(file)).unwrap_or_default()
    }

    fn verbs(&self) -> Vec<String> {
        let verb = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        self.noted("calls").lines().map(verb).collect()
    }
}

fn check(clouds: &serde_json::Value, expected: &[&str]) {
    let bench = Bench::new(clouds);
    run(&bench.args).unwrap();
    assert_eq!(bench.verbs(), expected);
    assert_eq!(bench.noted("secret"), "the-secret");
    let calls = bench.noted("calls");
    assert!(!calls.contains("the-secret"), "{calls}");
    assert_eq!(calls.matches("/it's data/ca.pem]").count(), expected.len(), "{calls}");
}

#[test]
fn a_new_cloud_is_registered() {
    let others =
        json!([{ "name": "AzureCloud", "endpoints": { "resourceManager": "https://127.0.0.1:8443" } }]);
    check(&others, &["cloud list", "cloud register", "cloud set", "login --service-principal"]);
}

#[test]
fn a_cloud_that_has_moved_is_updated() {
    let moved = json!([{ "name": "Gallerist", "endpoints": { "resourceManager": "https://127.0.0.1:1" } }]);
    check(&moved, &["cloud list", "cloud update", "cloud set", "login --service-principal"]);
}

#[test]
fn a_cloud_that_is_right_is_left_alone() {
    let right =
        json!([{ "name": "Gallerist", "endpoints": { "resourceManager": "https://127.0.0.1:8443/" } }]);
    check(&right, &["cloud list", "cloud set", "login --service-principal"]);
}

#[test]
fn a_failing_command_is_named_with_its_reason() {
    let bench = Bench::new(&json!([]));
    bench.az("case \"$2\" in list) echo '[]';; *) echo 'no route' >&2; exit 1;; esac");
    let error = run(&bench.args).unwrap_err().to_string();
    assert!(error.starts_with("az cloud register failed: no route"), "{error}");
    assert!(error.contains("Is the server running?"), "{error}");
}

#[test]
fn an_answer_that_is_not_json_is_no_surprise() {
    let bench = Bench::new(&json!([]));
    bench.az("echo hello");
    let error = run(&bench.args).unwrap_err().to_string();
    assert!(error.contains("did not answer with JSON"), "{error}");
}

#[test]
fn a_server_that_never_ran_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let args = AzLogin { data: folder.path().to_path_buf(), print: false, az: None };
    let error = run(&args).unwrap_err().to_string();
    assert!(error.contains("gallerist serve"), "{error}");
}

#[test]
fn a_missing_az_comes_with_the_way_to_install_it() {
    let error = find(Some(Path::new("/nowhere/az"))).unwrap_err().to_string();
    assert!(error.contains("--az"), "{error}");
    assert_eq!(in_path(None), None);
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::join_paths([Path::new("/nowhere"), folder.path()]).unwrap();
    assert_eq!(in_path(Some(&path)), None);
    fs::write(folder.path().join("az"), "").unwrap();
    assert_eq!(in_path(Some(&path)), Some(folder.path().join("az")));
    assert_eq!(in_path(Some(OsStr::new(""))), None);
}

#[test]
fn the_printed_commands_do_the_same_in_a_shell() {
    let bench = Bench::new(&json!([]));
    let text = script(&bench.args.data, &connection(&bench.args.data));
    assert!(!text.contains("the-secret"), "{text}");
    let path = format!("{}:/usr/bin:/bin", bench.folder.path().display());
    let output = Command::new("sh").arg("-ec").arg(&text).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(bench.verbs(), ["cloud register", "cloud set", "login --service-principal"]);
    assert_eq!(bench.noted("secret").trim_end(), "the-secret");
    assert!(bench.noted("calls").contains("/it's data/ca.pem]"));
}

#[test]
fn foreign_shapes_of_a_cloud_list_are_no_cloud() {
    for list in [json!(null), json!({}), json!([1, "x", {}]), json!([{ "name": "Other" }])] {
        assert_eq!(registered(&list), None, "{list}");
    }
    assert_eq!(registered(&json!([{ "name": "Gallerist" }])), Some(""));
}

#[test]
fn a_shell_word_survives_its_quotes() {
    for text in ["plain", "it's", "a b", "$(x)", "'", ""] {
        let echo = Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(text))).output().unwrap();
        assert_eq!(String::from_utf8(echo.stdout).unwrap(), text);
    }
}
