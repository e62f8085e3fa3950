//! What az is told when it asks for what may not be: exit code, code and words, rule by rule.

mod cases;

use std::sync::Mutex;

use self::cases::{BODIES, DEFINITIONS, GROUPS_AND_GALLERIES, VERSIONS};
use super::Az;
use crate::clients::disk::write_raw;
use crate::server::Server;

#[test]
fn az_is_told_what_is_wrong() {
    let az = Az::sign_in(Server::with_defaults());
    prepare(&az);
    let tables = [
        ("", GROUPS_AND_GALLERIES),
        ("sig image-definition ", DEFINITIONS),
        ("sig image-version ", VERSIONS),
        ("rest --method put --url {shelf}/images", BODIES),
    ];
    let cases = tables.iter().flat_map(|(begin, table)| table.iter().map(move |case| (begin, case)));
    let todo = Mutex::new(cases);
    let others = Mutex::new(Vec::new());
    // az computes most of its time: as many at once as it pays.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((begin, (line, exit, code, words))) = { todo.lock().unwrap().next() } {
                    let line = spelled_out(&format!("{begin}{line}"));
                    let other = az.other_than(&line, *exit, code, words);
                    others.lock().unwrap().extend(other);
                }
            });
        }
    });
    let others = others.into_inner().unwrap();
    assert!(others.is_empty(), "{} refusals are not as they should be:\n{}", others.len(), others.join("\n"));
    nothing_came_of_it(&az);
}

/// A shelf with a version that may not be deleted yet, and definitions of other kinds.
fn prepare(az: &Az) {
    let disk = az.server.scratch("disk.raw");
    write_raw(&disk, 16 << 20, 3);
    let place = ["--target-regions", "westeurope,eastus"];
    let output = az.server.publish(&disk, "raw", "1.0.0", &place).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    az.json("group create -n other -l westeurope");
    for line in [
        "-i windows -s windows --os-type Windows",
        "-i special -s special --os-type Linux --os-state Specialized",
        "-i gen1 -s gen1 --os-type Linux --hyper-v-generation V1 --features ''",
    ] {
        az.json(&format!("sig image-definition create -g images -r shelf -p example -f linux {line}"));
    }
    az.json(&spelled_out(
        "sig image-version create {to} -e 7.0.0 {from} --end-of-life-date 2040-01-01 --block-deletion-before-end-of-life true",
    ));
}

fn spelled_out(line: &str) -> String {
    let sixty_five = "s".repeat(65);
    [
        ("{to}", "-g images -r shelf -i linux"),
        ("{from}", "--image-version {shelf}/images/linux/versions/1.0.0"),
        ("{vhd}", "--os-vhd-uri http://127.0.0.1:9/os.vhd --os-vhd-storage-account disks"),
        ("{shelf}", "{group}/providers/Microsoft.Compute/galleries/shelf"),
        ("{snap}", "{group}/providers/Microsoft.Compute/snapshots"),
        ("{des}", "{group}/providers/Microsoft.Compute/diskEncryptionSets"),
        ("{v}", "api-version=2024-03-03"),
        ("{65}", &sixty_five),
    ]
    .into_iter()
    .fold(line.to_owned(), |line, (short, long)| line.replace(short, long))
}

/// No refusal left anything behind, besides the versions whose sources only reading could refuse.
fn nothing_came_of_it(az: &Az) {
    let names = |line: &str| az.json(&format!("{line} --query '[].[name, provisioningState]'")).to_string();
    assert_eq!(names("sig list"), r#"[["shelf","Succeeded"]]"#);
    let definitions = names("sig image-definition list -g images -r shelf");
    assert_eq!(
        definitions,
        r#"[["gen1","Succeeded"],["linux","Succeeded"],["special","Succeeded"],["windows","Succeeded"]]"#
    );
    let versions = names("sig image-version list -g images -r shelf -i linux");
    assert_eq!(
        versions,
        r#"[["1.0.0","Succeeded"],["2.0.1","Failed"],["7.0.0","Succeeded"],["8.0.0","Failed"]]"#
    );
}
