//! Secrets of every kind, and what only looks like one.

use rstest::rstest;

use super::super::Severity;
use super::search;
use crate::guest::Guest;
use crate::memory::Memory;
use crate::testing::Files;

/// Rule and severity of everything found in one file.
fn found(path: &str, text: &str) -> Vec<(&'static str, Severity)> {
    let files = Files::new().file(path, text);
    let secrets = search(&Guest::new(&files), None, &["/root".to_owned()]).unwrap();
    secrets.found.iter().map(|(rule, hit)| (*rule, hit.severity.unwrap_or(Severity::Error))).collect()
}

/// A text in the form of a key whose body is `bytes`.
fn pem(label: &str, bytes: &[u8], headers: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut body = String::new();
    for three in bytes.chunks(3) {
        let word =
            u32::from_be_bytes([0, three[0], *three.get(1).unwrap_or(&0), *three.get(2).unwrap_or(&0)]);
        for shift in [18, 12, 6, 0].iter().take(three.len() + 1) {
            body.push(char::from(ALPHABET[usize::try_from(word >> shift & 63).unwrap()]));
        }
        body.push_str(if three.len() < 3 {
            "==\n"
        } else if body.len().is_multiple_of(64) {
            "\n"
        } else {
            ""
        });
    }
    format!("-----BEGIN {label}-----\n{headers}{body}\n-----END {label}-----\n")
}

const BODY: &[u8] = b"0123456789 a body of a key 0123456789 0123456789";
const KEY: &str = "SEC-PRIVATE-KEY";

#[rstest]
#[case::rsa("/root/.ssh/id_rsa", pem("RSA PRIVATE KEY", BODY, ""), Severity::Error)]
#[case::pkcs8("/etc/ssl/private/site.key", pem("PRIVATE KEY", BODY, ""), Severity::Error)]
#[case::openssh("/home/a/.ssh/id", pem("OPENSSH PRIVATE KEY", &[b"openssh-key-v1\0\0\0\0\x04none", BODY].concat(), ""), Severity::Error)]
#[case::openssh_encrypted("/home/a/.ssh/id", pem("OPENSSH PRIVATE KEY", &[b"openssh-key-v1\0\0\0\0\x0aaes256-ctr", BODY].concat(), ""), Severity::Warning)]
#[case::encrypted("/root/k", pem("ENCRYPTED PRIVATE KEY", BODY, ""), Severity::Warning)]
#[case::old_encrypted(
    "/root/k",
    pem("RSA PRIVATE KEY", BODY, "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\n"),
    Severity::Warning
)]
#[case::snakeoil("/etc/ssl/private/ssl-cert-snakeoil.key", pem("PRIVATE KEY", BODY, ""), Severity::Warning)]
#[case::of_a_test("/opt/app/tests/key.pem", pem("PRIVATE KEY", BODY, ""), Severity::Info)]
fn private_keys_are_found(#[case] path: &str, #[case] text: String, #[case] severity: Severity) {
    assert_eq!(found(path, &text), [(KEY, severity)]);
}

#[rstest]
#[case::only_the_words("/usr/local/bin/tool", "-----BEGIN RSA PRIVATE KEY-----\0-----END RSA PRIVATE KEY-----".to_owned())]
#[case::words_in_a_program("/usr/local/bin/tool", "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n".to_owned())]
#[case::public("/root/k.pub", pem("PUBLIC KEY", BODY, ""))]
#[case::certificate("/root/k.crt", pem("CERTIFICATE", BODY, ""))]
#[case::of_a_package("/usr/share/doc/x/key.pem", pem("PRIVATE KEY", BODY, ""))]
#[case::host_key("/etc/ssh/ssh_host_rsa_key", pem("RSA PRIVATE KEY", BODY, ""))]
#[case::example_of_aws("/root/.aws/credentials", "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n".to_owned())]
#[case::emulator("/opt/app/config", "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==".to_owned())]
#[case::address_of_manual("/etc/apt/apt.conf.d/proxy", "# Acquire::http::Proxy \"http://user:password@proxy:3128\";".to_owned())]
#[case::address_of_variables("/etc/profile.d/p.sh", "http_proxy=http://$USER:$PASS@proxy".to_owned())]
#[case::short_token("/root/x", "ghp_tooshort".to_owned())]
#[case::redacted("/var/lib/waagent/ovf-env.xml", "<ns1:UserPassword>REDACTED</ns1:UserPassword>".to_owned())]
#[case::not_below("/etc/apt/auth.conf/x", "machine h login me password s3cr3tw0rd".to_owned())]
#[case::connection_of_manual("/opt/app/web.config", "Server=db;User ID=app;Password=password;".to_owned())]
#[case::empty_setting("/root/.my.cnf", "[client]\npassword=\n".to_owned())]
fn what_is_no_secret_is_let_through(#[case] path: &str, #[case] text: String) {
    assert_eq!(found(path, &text), []);
}

#[rstest]
#[case(
    "SEC-CLOUD-AWS",
    "/root/.aws/credentials",
    "aws_access_key_id=AKIAQ3EGRIXXB5Z2T7WL\naws_secret_access_key=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\n"
)]
#[case(
    "SEC-CLOUD-AZURE",
    "/opt/app/settings.json",
    "DefaultEndpointsProtocol=https;AccountKey=u1Kp9zQ7vB3xN5mT8wR2yL6cF4hJ0dS1gA7eV9iO3kU5pX8bZ2nM4tQ6rW0yC1fHjD3lG5sE7aI9oK2vP4xB6Q==;"
)]
#[case(
    "SEC-CLOUD-AZURE",
    "/root/deploy.sh",
    "export AZURE_CLIENT_SECRET=aB38Q~kLmN0pQrStUvWxYz1234567890abCdEfGh\n"
)]
#[case(
    "SEC-CLOUD-AZURE",
    "/root/x.sh",
    "curl 'https://a.blob.core.windows.net/c/b?sv=2024-05-04&se=2027&sr=b&sp=r&sig=q7Yv1o%2BKx3mZp0R8tW5uB2nC4dE6fG9hJ1kL3aS5dF7g%3D'"
)]
#[case("SEC-CLOUD-GCP", "/root/sa.json", "{\"type\": \"service_account\", \"private_key\": \"x\"}")]
#[case("SEC-TOKENS", "/root/.config/x", "token: ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8\n")]
#[case("SEC-TOKENS", "/home/a/.npmrc", "//registry/:_authToken=3f2c8b1a-77de-4c1b\n")]
#[case("SEC-TOKENS", "/root/.docker/config.json", "{\"auths\": {\"r\": {\"auth\": \"dXNlcjpwYXNz\"}}}")]
#[case("SEC-TOKENS", "/srv/app/.env", "DB_PASSWORD=hunter2hunter\n")]
#[case("SEC-TOKENS", "/root/.netrc", "machine h login me password s3cr3tw0rd\n")]
#[case(
    "SEC-ADDRESS-PASSWORD",
    "/etc/apt/sources.list",
    "deb https://ci:Tr0ub4dor@repo.corp/debian stable main\n"
)]
#[case("SEC-TOKENS", "/etc/apt/auth.conf", "machine repo.corp login ci password Tr0ub4dor\n")]
#[case("SEC-TOKENS", "/etc/apt/auth.conf.d/ci.conf", "machine repo.corp login ci password Tr0ub4dor\n")]
#[case("SEC-TOKENS", "/root/.cargo/credentials.toml", "[registry]\ntoken = \"cioABCDEFGH\"\n")]
#[case("SEC-TOKENS", "/home/a/.m2/settings.xml", "<server><password>s3cr3tw0rd</password></server>")]
#[case("SEC-TOKENS", "/etc/yum.repos.d/ci.repo", "[ci]\nusername=ci\npassword=Tr0ub4dor\n")]
#[case("SEC-TOKENS", "/srv/app/appsettings.json", "{\"db\": \"Server=db;User ID=app;Password=Tr0ub4dor;\"}")]
#[case("SEC-KEYTAB", "/opt/app/http.keytab", "\x05\x02\0\0\0\x3e\0\x01\0\x04")]
#[case("SEC-OVF-PASSWORD", "/var/lib/waagent/ovf-env.xml", "<ns1:UserPassword>P4ss!</ns1:UserPassword>")]
fn credentials_are_found(#[case] rule: &str, #[case] path: &str, #[case] text: &str) {
    assert_eq!(found(path, text), [(rule, Severity::Error)]);
}

#[test]
fn of_a_secret_only_length_and_digest_are_kept() {
    let text = "password at https://ci:Tr0ub4dor-canary@repo.corp/\n";
    let files = Files::new().file("/etc/environment", text);
    let secrets = search(&Guest::new(&files), None, &[]).unwrap();
    let [(_, hit)] = secrets.found.as_slice() else { panic!("one secret was planted") };
    let told = serde_json::to_string(&hit.evidence).unwrap();
    assert!(!told.contains("canary") & !told.contains("Tr0ub"), "{told}");
    assert_eq!((hit.evidence.offset, hit.evidence.length_bytes), (Some(23), Some(16)));
    assert_eq!(hit.evidence.sha256.as_ref().map(String::len), Some(16));
}

#[test]
fn a_place_that_cannot_be_listed_is_no_clean_place() {
    let files = Files::new().file("/root/x", "y").broken("/root");
    assert!(search(&Guest::new(&files), None, &[]).is_err());
}

#[rstest]
#[case("eyJ.")]
#[case("xoxb-")]
#[case("aQ~")]
#[case("-----BEGIN PRIVATE KEY-----")]
#[case("PuTTY-User-Key-File-")]
#[case("sig=sv=20")]
#[case("x://a:b@")]
#[case("\"service_account\"")]
fn a_file_of_nothing_but_beginnings_is_no_secret(#[case] beginning: &str) {
    assert!(found("/root/x", &beginning.repeat((1 << 20) / beginning.len())).len() <= 500);
}

/// The first bytes of a PKCS#12 store, or of one of Java's.
#[rstest]
#[case::pkcs12("/opt/app/site.pfx", &[0x30, 0x82, 9, 0xA1, 2, 1, 3, 0x30, 0x82], true)]
#[case::java("/opt/app/site.jks", &[0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2], true)]
#[case::certificate("/opt/app/site.der", &[0x30, 0x82, 9, 0xA1, 0x30, 0x82, 8, 0x89, 2], false)]
#[case::trusted("/opt/jdk/lib/security/cacerts", &[0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2], false)]
fn stores_of_keys_are_known_by_how_they_begin(
    #[case] path: &str,
    #[case] bytes: &[u8],
    #[case] is_store: bool,
) {
    let files = Files::new().file(path, bytes);
    let secrets = search(&Guest::new(&files), None, &[]).unwrap();
    assert_eq!(secrets.found.iter().filter(|(rule, _)| *rule == KEY).count(), usize::from(is_store));
}

proptest::proptest! {
    /// Whatever changes between one look and the next, remembering tells the same as looking.
    #[test]
    fn a_memory_changes_nothing(edits in proptest::collection::vec((0..6_usize, 0..4_usize), 1..40)) {
        let names = ["/root/a", "/root/b", "/etc/c", "/opt/tests/d", "/srv/e", "/root/.ssh/id"];
        let texts = [String::new(), "nothing to see".to_owned(), pem("PRIVATE KEY", BODY, ""), "password=\nhunter".to_owned()];
        let mut memory = Memory::default();
        let mut files = Files::new();
        for (name, text) in edits {
            files = files.file(names[name], &texts[text]);
            let told = |guest: Guest<'_>| format!("{:?}", search(&guest, None, &["/root".to_owned()]).unwrap().found);
            let looked = told(Guest::new(&files));
            proptest::prop_assert_eq!(&told(Guest::new(&files).remembering(Some(&memory))), &looked);
            memory = Memory::of(&memory.document());
            proptest::prop_assert_eq!(&told(Guest::new(&files).remembering(Some(&memory))), &looked);
        }
    }
}
