//! Databases of every package manager, those of rpm as its own tools wrote their content.

use rstest::rstest;

use super::{Ecosystem, Inventory, read};
use crate::guest::Guest;
use crate::testing::Files;

const SQLITE: &[u8] = include_bytes!("../../testdata/rpm/rpmdb.sqlite");
const SQLITE_LOG: &[u8] = include_bytes!("../../testdata/rpm/rpmdb.sqlite-wal");
const NDB: &[u8] = include_bytes!("../../testdata/rpm/Packages.db");
const BDB: &[u8] = include_bytes!("../../testdata/rpm/Packages");

fn inventory(files: &Files) -> Inventory {
    read(&Guest::new(files))
}

fn told(files: &Files) -> Vec<String> {
    let found = inventory(files);
    assert_eq!(found.unread, []);
    let line = |package: &super::Package| {
        let super::Package { name, version, architecture, source, source_version, .. } = package;
        format!("{name} {version} {architecture} {source} {source_version}")
    };
    found.packages.iter().map(line).collect()
}

#[test]
fn dpkg_tells_what_is_installed() {
    let status = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0.20-1)\n\
                  Version: 3.0.20-1~deb12u2\nDescription: text\n Version: 9\n\n\
                  Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n\
                  Package: torn\nStatus: install ok half-configured\nArchitecture: all\nVersion: 1\n\n\
                  Package: adduser\nStatus: hold ok installed\nArchitecture: all\nVersion: 3.134\n";
    let files = Files::new()
        .file("/var/lib/dpkg/status", status)
        .file("/var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2026a-1\nArchitecture: all\n")
        .file("/var/lib/dpkg/status.d/tzdata.md5sums", "Package: no\n");
    assert_eq!(
        told(&files),
        [
            "adduser 3.134 all adduser 3.134",
            "libssl3 3.0.20-1~deb12u2 amd64 openssl 3.0.20-1",
            "tzdata 2026a-1 all tzdata 2026a-1",
        ]
    );
    assert_eq!(inventory(&files).halfway, ["torn"]);
}

#[test]
fn apk_and_pacman_tell_theirs() {
    let apk = "C:Q1abc=\nP:libcrypto3\nV:3.3.2-r0\nA:x86_64\no:openssl\nL:Apache-2.0\n\nP:musl\nV:1.2.5-r0\nA:x86_64\n";
    assert_eq!(
        told(&Files::new().file("/lib/apk/db/installed", apk)),
        ["libcrypto3 3.3.2-r0 x86_64 openssl 3.3.2-r0", "musl 1.2.5-r0 x86_64 musl 1.2.5-r0"]
    );
    let desc = "%NAME%\ngcc-libs\n\n%VERSION%\n14.2.1-1\n\n%BASE%\ngcc\n\n%ARCH%\nx86_64\n";
    assert_eq!(
        told(&Files::new().file("/var/lib/pacman/local/gcc-libs-14.2.1-1/desc", desc)),
        ["gcc-libs 14.2.1-1 x86_64 gcc 14.2.1-1"]
    );
}

const RPMS: [&str; 3] = [
    "pkg4 1.4-4.el9 noarch pkg4 1.4-4.el9",
    "pkg5 1:1.5-5.el9 noarch pkg5 1.5-5.el9",
    "pkg6 1.6-6.el9 noarch pkg6 1.6-6.el9",
];

#[rstest]
#[case::ndb("/usr/lib/sysimage/rpm/Packages.db", NDB)]
#[case::berkeley("/var/lib/rpm/Packages", BDB)]
fn every_rpm_database_tells_the_same(#[case] path: &str, #[case] database: &[u8]) {
    assert_eq!(told(&Files::new().file(path, database)), RPMS);
}

#[test]
fn sqlite_is_read_with_what_its_log_adds() {
    let files = Files::new().file("/var/lib/rpm/rpmdb.sqlite", SQLITE);
    assert_eq!(told(&files), RPMS[1..]);
    let files = files.file("/var/lib/rpm/rpmdb.sqlite-wal", SQLITE_LOG);
    assert_eq!(told(&files), RPMS);
    let mut torn = SQLITE_LOG.to_vec();
    torn[600] ^= 1;
    assert_eq!(told(&files.file("/var/lib/rpm/rpmdb.sqlite-wal", torn)), RPMS[1..]);
}

#[rstest]
#[case::sqlite("/var/lib/rpm/rpmdb.sqlite", SQLITE)]
#[case::ndb("/var/lib/rpm/Packages.db", NDB)]
#[case::berkeley("/var/lib/rpm/Packages", BDB)]
fn a_damaged_database_is_unknown_or_read_but_never_a_panic(#[case] path: &str, #[case] database: &[u8]) {
    let mut unread = 0;
    for seed in 0..database.len() {
        let mut bytes = database.to_vec();
        bytes[seed] = bytes[seed].wrapping_add(127);
        if seed % 7 == 0 {
            bytes.truncate(seed);
        }
        let found = inventory(&Files::new().file(path, bytes));
        unread += found.unread.len();
        assert!(found.packages.len() < 100);
    }
    assert!(unread > 0, "no damage was noticed");
}

#[test]
fn an_ecosystem_is_spelled_in_reports() {
    assert_eq!(serde_json::to_string(&Ecosystem::Pacman).unwrap(), "\"pacman\"");
}
