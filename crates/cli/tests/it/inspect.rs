//! Looking into disk images, without a server: verdicts, exit codes, forms.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gallerist");
const MIB: u64 = 1 << 20;

fn gallerist(arguments: &[&str], files: &[&Path]) -> Output {
    let (command, rest) = arguments.split_first().unwrap();
    Command::new(PROGRAM).arg(command).args(files).args(rest).output().unwrap()
}

/// The report as JSON, and the exit code.
fn inspect(file: &Path, arguments: &[&str]) -> (Value, i32) {
    let output = gallerist(&[&["inspect", "--output", "json"], arguments].concat(), &[file]);
    let shown = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {shown}"));
    (report, output.status.code().unwrap())
}

/// Runs a tool of e2fsprogs on a disk.
fn tool(name: &str, arguments: &[&str], disk: &Path) {
    let path = std::env::var("PATH").unwrap_or_default();
    let ended = Command::new(name)
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .args(arguments)
        .arg(disk)
        .output()
        .unwrap_or_else(|error| panic!("this test needs {name} (e2fsprogs): {error}"));
    assert!(ended.status.success(), "{name}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// A disk that is one ext4 with these files; `mkfs.ext4` makes it.
pub(crate) fn disk(folder: &TempDir, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = folder.path().join(format!("{name}.root"));
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let disk = folder.path().join(format!("{name}.raw"));
    std::fs::File::create(&disk).unwrap().set_len(16 * MIB).unwrap();
    tool("mkfs.ext4", &["-q", "-d", root.to_str().unwrap()], &disk);
    disk
}

pub(crate) const RELEASE: (&str, &str) =
    ("etc/os-release", "ID=debian\nVERSION_ID=13\nPRETTY_NAME=\"Debian 13\"\n");
const STATUS: &str = "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: ";

#[test]
fn a_contract_is_proven_or_refused() {
    let folder = TempDir::new().unwrap();
    let file = disk(&folder, "debian", &[RELEASE]);
    let (report, code) =
        inspect(&file, &["--format", "raw", "--contract", "os-type=linux,os-state=generalized"]);
    assert_eq!((report["verdict"].as_str(), code), (Some("accepted"), 0), "{report}");
    assert_eq!(report["facts"]["distribution"]["id"], "debian");
    let (report, code) = inspect(&file, &["--format", "raw", "--contract", "os-type=Windows,generation=V2"]);
    assert_eq!((report["verdict"].as_str(), code), (Some("refused"), 3));
    let codes: Vec<&str> =
        report["reasons"].as_array().unwrap().iter().filter_map(|reason| reason["code"].as_str()).collect();
    assert_eq!(codes, ["OS-TYPE", "BOOT-GEN"]);
    let (report, code) =
        inspect(&file, &["--format", "raw", "--contract", "os-type=Windows", "--policy", "off"]);
    assert_eq!((report["verdict"].as_str(), code), (Some("accepted"), 0));
    assert!(report["findings"].as_array().unwrap().iter().any(|finding| finding["rule"] == "OS-TYPE"));
}

#[test]
fn one_machine_is_not_anybodys() {
    let folder = TempDir::new().unwrap();
    let machine = ("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    let key = ("etc/ssh/ssh_host_ed25519_key", "c4n4ry");
    let file = disk(&folder, "clone", &[RELEASE, machine, key]);
    let (report, code) = inspect(&file, &["--format", "raw", "--contract", "os-state=Generalized"]);
    assert_eq!((report["reasons"][0]["code"].as_str(), code), (Some("OS-STATE"), 3));
    assert!(!report.to_string().contains("c4n4ry"), "a key is in the report");
    let (_, code) = inspect(&file, &["--format", "raw", "--contract", "os-state=Specialized"]);
    assert_eq!(code, 0);
}

#[test]
fn what_was_deleted_is_found_in_free_blocks() {
    let folder = TempDir::new().unwrap();
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        "QUJDREVGR0hJSktMTU5PUA".repeat(10)
    );
    let file = disk(&folder, "used", &[RELEASE, ("opt/app.key", &key)]);
    let (report, _) = inspect(&file, &["--format", "raw"]);
    assert_eq!(places(&report, "SEC-PRIVATE-KEY"), ["/opt/app.key"]);
    assert_eq!(places(&report, "SEC-DELETED"), Vec::<&str>::new());
    tool("debugfs", &["-w", "-R", "rm /opt/app.key"], &file);
    let (report, code) = inspect(&file, &["--format", "raw"]);
    assert_eq!(places(&report, "SEC-PRIVATE-KEY"), Vec::<&str>::new());
    assert_eq!((places(&report, "SEC-DELETED"), code), (vec!["the whole disk"], 0));
    let (_, code) = inspect(&file, &["--format", "raw", "--policy", "SEC-DELETED=refuse"]);
    assert_eq!(code, 3);
}

/// Where a rule has found something: files, or volumes.
pub(crate) fn places<'r>(report: &'r Value, rule: &str) -> Vec<&'r str> {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == rule);
    let evidence = findings.flat_map(|finding| finding["evidence"].as_array().unwrap());
    evidence.filter_map(|evidence| evidence["path"].as_str().or(evidence["volume"].as_str())).collect()
}

#[test]
fn a_hostile_container_is_refused_with_its_reason() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("backed.qcow2");
    let mut header = b"QFI\xFB\0\0\0\x02".to_vec();
    header.resize(1024, 0);
    header[8..16].copy_from_slice(&512_u64.to_be_bytes());
    header[16..20].copy_from_slice(&11_u32.to_be_bytes());
    header[20..24].copy_from_slice(&16_u32.to_be_bytes());
    header[24..32].copy_from_slice(&MIB.to_be_bytes());
    header[512..523].copy_from_slice(b"/etc/passwd");
    std::fs::write(&file, &header).unwrap();
    let (report, code) = inspect(&file, &["--format", "qcow2"]);
    assert_eq!((report["reasons"][0]["code"].as_str(), code), (Some("ImageHasExternalReference"), 3));
    assert!(!report.to_string().contains("/etc/passwd"), "{report}");
}

#[test]
fn errors_of_use_have_their_own_exit_codes() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing.raw");
    let code = |arguments: &[&str]| gallerist(arguments, &[&missing]).status.code();
    assert_eq!(code(&["inspect", "--format", "raw"]), Some(1));
    assert_eq!(code(&["inspect", "--format", "floppy"]), Some(2));
    assert_eq!(code(&["inspect", "--format", "raw", "--contract", "os-type=BeOS"]), Some(2));
    assert_eq!(code(&["inspect", "--format", "raw", "--policy", "strict"]), Some(2));
    assert_eq!(code(&["inspect"]), Some(2));
}

#[test]
fn what_changed_is_told_of_images_and_of_reports() {
    let folder = TempDir::new().unwrap();
    let of = |name, version| {
        disk(&folder, name, &[RELEASE, ("var/lib/dpkg/status", &format!("{STATUS}{version}\n"))])
    };
    let (old, new) = (of("old", "3.0.20-1"), of("new", "3.0.22-1"));
    let kept = folder.path().join("old.json");
    std::fs::write(&kept, inspect(&old, &["--format", "raw"]).0.to_string()).unwrap();
    for before in [&old, &kept] {
        let output = gallerist(&["diff", "--format", "raw"], &[before, &new]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains("~ openssl:amd64 3.0.20-1 -> 3.0.22-1"), "{shown}");
    }
}

#[test]
fn every_form_is_whole() {
    let folder = TempDir::new().unwrap();
    let file = disk(&folder, "debian", &[RELEASE, ("var/lib/dpkg/status", &format!("{STATUS}3.0.22-1\n"))]);
    for (form, member, value) in
        [("sbom", "specVersion", "1.6"), ("spdx", "spdxVersion", "SPDX-2.3"), ("sarif", "version", "2.1.0")]
    {
        let output = gallerist(&["inspect", "--format", "raw", "--output", form], &[&file]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document[member], value, "{form}");
    }
    let output = gallerist(&["inspect", "--format", "raw"], &[&file]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.starts_with("operating system  Linux\n"), "{shown}");
    assert!(shown.contains("\naccepted: "), "{shown}");
}

#[test]
fn a_memory_is_kept_and_used_and_nothing_else_is_taken_for_one() {
    let folder = TempDir::new().unwrap();
    let file = disk(&folder, "debian", &[RELEASE, ("etc/app.conf", "nothing to see")]);
    let memory = folder.path().join("memory");
    let with = ["--format", "raw", "--memory", memory.to_str().unwrap()];
    let (first, code) = inspect(&file, &with);
    assert_eq!(code, 0);
    let kept = std::fs::read(&memory).unwrap();
    assert!(serde_json::from_slice::<Value>(&kept).unwrap()["entries"].as_object().unwrap().len() > 1);
    assert_eq!(inspect(&file, &with), (first, 0));
    assert_eq!(std::fs::read(&memory).unwrap(), kept);
    std::fs::write(&memory, "no memory").unwrap();
    let refused = gallerist(&[&["inspect"], &with[..]].concat(), &[&file]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is no memory of an inspection"));
}
