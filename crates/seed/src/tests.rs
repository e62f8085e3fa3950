//! The disk as another program reads it, and values that must not become others.

use std::process::Command;

use proptest::prelude::*;

use crate::{BYTES, Error, Kind, Provisioning, Salt, words};

fn wanted() -> Provisioning {
    Provisioning {
        instance_id: "i-1".to_owned(),
        host_name: "web01".to_owned(),
        admin: "azureuser".to_owned(),
        password: Some(("p<&>\"'w".to_owned(), Salt::new([7; 16]))),
        ssh_keys: vec!["ssh-ed25519 AAAAC3Nz a comment: with # and \"quotes\"".to_owned()],
        custom_data: Some(b"#!/bin/sh\necho hello\n".to_vec()),
        phone_home: None,
    }
}

/// What mtools, which knows nothing of us, reads from a disk.
fn file_of(disk: &[u8], path: &str) -> Vec<u8> {
    let folder =
        std::env::temp_dir().join(format!("seed-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::write(&folder, disk).unwrap();
    let output = Command::new("mtype").arg("-i").arg(&folder).arg(format!("::/{path}")).output().unwrap();
    std::fs::remove_file(&folder).unwrap();
    assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn another_program_reads_the_files() {
    let disk = wanted().disk(Kind::NoCloud).unwrap();
    assert_eq!(disk.len(), BYTES);
    assert_eq!(disk, wanted().disk(Kind::NoCloud).unwrap());
    assert_eq!(file_of(&disk, "meta-data"), br#"{"instance-id":"i-1","local-hostname":"web01"}"#);
    let ovf = String::from_utf8(file_of(&disk, "ovf-env.xml")).unwrap();
    assert!(ovf.contains("<UserPassword>p&lt;&amp;&gt;&quot;'w</UserPassword>"), "{ovf}");
    let large = Provisioning { custom_data: Some(vec![b'x'; 64 << 10]), ..wanted() };
    let disk = large.disk(Kind::ConfigDrive).unwrap();
    let meta: serde_json::Value =
        serde_json::from_slice(&file_of(&disk, "openstack/latest/meta_data.json")).unwrap();
    assert_eq!(meta["hostname"], "web01");
    assert!(file_of(&disk, "openstack/latest/user_data").starts_with(b"Content-Type: multipart/mixed"));
}

#[test]
fn what_could_become_something_else_is_refused() {
    let hostile = [
        Provisioning { host_name: "a\nb".to_owned(), ..wanted() },
        Provisioning { host_name: "-a".to_owned(), ..wanted() },
        Provisioning { admin: "../etc".to_owned(), ..wanted() },
        Provisioning { admin: "root".to_owned(), ..wanted() },
        Provisioning { ssh_keys: vec!["ssh-ed25519 AAAA\nssh-ed25519 BBBB".to_owned()], ..wanted() },
        Provisioning { ssh_keys: vec!["command=\"id\" ssh-ed25519 AAAA".to_owned()], ..wanted() },
        Provisioning { password: Some(("a\nb".to_owned(), Salt::new([0; 16]))), ..wanted() },
        Provisioning { custom_data: Some(vec![0; (64 << 10) + 1]), ..wanted() },
        Provisioning { phone_home: Some("http://x/\" y".to_owned()), ..wanted() },
    ];
    for one in hostile {
        assert!(matches!(one.disk(Kind::NoCloud), Err(Error::Invalid(_))), "{one:?}");
    }
}

#[test]
fn secrets_are_not_told() {
    assert!(!format!("{:?}", wanted()).contains("p<&>"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// As the specification of YAML reads it.
    #[test]
    fn text_is_ascii_and_comes_back(text in any::<String>()) {
        let written = words::yaml(&serde_json::json!({"k": text}));
        prop_assert!(written.is_ascii() && !written.contains('\n'));
        prop_assert_eq!(unescaped(&written[5..written.len() - 1]), text);
    }
}

/// Reads a double-quoted YAML scalar as its specification says.
fn unescaped(scalar: &str) -> String {
    let mut rest = scalar.strip_prefix('"').unwrap().strip_suffix('"').unwrap().chars();
    let mut out = String::new();
    while let Some(one) = rest.next() {
        assert_ne!(one, '"', "a quote inside");
        if one != '\\' {
            out.push(one);
            continue;
        }
        let digits = match rest.next().unwrap() {
            'u' => 4,
            'U' => 8,
            'n' => {
                out.push('\n');
                continue;
            }
            'r' => {
                out.push('\r');
                continue;
            }
            't' => {
                out.push('\t');
                continue;
            }
            'b' => {
                out.push('\u{8}');
                continue;
            }
            'f' => {
                out.push('\u{c}');
                continue;
            }
            same => {
                out.push(same);
                continue;
            }
        };
        let code: String = rest.by_ref().take(digits).collect();
        out.push(char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap());
    }
    out
}
