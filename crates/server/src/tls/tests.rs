//! Whole handshakes in memory, over years of a clock turned by hand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use control::Clock;
use rstest::rstest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

use super::{Authority, FOLDER, Leaves, server_config, subject_names};
use crate::home::{Error, Home};
use crate::identity::tests::world::{HandClock, START};

const DAY_SECONDS: i64 = 24 * 3600;

#[derive(Debug)]
struct FixedTime(u64);

impl rustls::time_provider::TimeProvider for FixedTime {
    fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
        Some(rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(self.0)))
    }
}

/// A whole handshake in memory, by a client that trusts `ca.pem` and nothing else.
fn shake_hands(
    home: &Home,
    server: Arc<ServerConfig>,
    name: &str,
    at: i64,
) -> Result<Vec<u8>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(home.ca_file()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let time = Arc::new(FixedTime(u64::try_from(at).unwrap()));
    let mut client = ClientConfig::builder_with_details(provider, time)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(server).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(server.alpn_protocol().unwrap().to_vec())
}

#[rstest]
#[case("127.0.0.1", true)]
#[case("localhost", true)]
#[case("gallery.example.org", true)]
#[case("192.0.2.7", true)]
#[case("::1", true)]
#[case("other.example.org", false)]
#[case("192.0.2.8", false)]
fn the_certificate_holds_for_the_names_of_the_server(#[case] name: &str, #[case] holds: bool) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    let names = ["gallery.example.org", "192.0.2.7", "[::1]", "0.0.0.0", "localhost"].map(str::to_owned);
    let config = server_config(&home, &names, HandClock::started()).unwrap();
    let outcome = shake_hands(&home, config, name, START);
    assert_eq!(outcome.is_ok(), holds, "{outcome:?}");
    if holds {
        assert_eq!(outcome.unwrap(), b"h2");
    }
}

#[test]
fn the_authority_is_made_once_and_its_key_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    server_config(&home, &[], HandClock::started()).unwrap();
    let first = fs::read(home.ca_file()).unwrap();
    let config = server_config(&home, &["new.example.org".to_owned()], HandClock::started()).unwrap();
    assert_eq!(fs::read(home.ca_file()).unwrap(), first);
    shake_hands(&home, config, "new.example.org", START).unwrap();
    let key = folder.path().join("tls/authority.json");
    assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!String::from_utf8(first).unwrap().contains("PRIVATE"));
}

#[test]
fn a_server_that_runs_for_years_renews_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    let clock = HandClock::started();
    let config = server_config(&home, &[], Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    for days in [0, 330, 340, 700, 1500] {
        clock.advance(START + days * DAY_SECONDS - clock.now().as_second());
        shake_hands(&home, Arc::clone(&config), "localhost", clock.now().as_second()).unwrap();
    }
}

#[test]
fn a_certificate_is_kept_until_a_month_before_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    let clock = HandClock::started();
    let authority = Authority::load_or_make(&home.folder().inner(FOLDER).unwrap(), clock.now()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let leaves =
        Leaves::issue(authority, subject_names(&[]).unwrap(), Arc::clone(&clock) as Arc<dyn Clock>, provider)
            .unwrap();
    let first = leaves.current();
    clock.advance(335 * DAY_SECONDS - 1);
    assert!(Arc::ptr_eq(&first, &leaves.current()));
    clock.advance(1);
    let second = leaves.current();
    assert!(!Arc::ptr_eq(&first, &second));
    assert!(Arc::ptr_eq(&second, &leaves.current()));
}

#[test]
fn an_authority_near_its_end_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    let clock = HandClock::started();
    server_config(&home, &[], Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    let first = fs::read(home.ca_file()).unwrap();
    clock.advance(3300 * DAY_SECONDS);
    let config = server_config(&home, &[], Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    assert_ne!(fs::read(home.ca_file()).unwrap(), first);
    shake_hands(&home, config, "localhost", clock.now().as_second()).unwrap();
}

#[rstest]
#[case("")]
#[case("{}")]
#[case("{\"keyPem\":\"x\",\"certificatePem\":\"y\",\"notAfter\":\"2099-01-01T00:00:00Z\"}")]
fn a_damaged_authority_is_named(#[case] content: &str) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    server_config(&home, &[], HandClock::started()).unwrap();
    fs::write(folder.path().join("tls/authority.json"), content).unwrap();
    let error = server_config(&home, &[], HandClock::started()).unwrap_err();
    assert!(matches!(&error, Error::Damaged { file, .. } if file == "tls/authority.json"), "{error}");
}

#[test]
fn a_name_that_no_certificate_can_carry_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    let error = server_config(&home, &["grüße".to_owned()], HandClock::started()).unwrap_err();
    assert!(error.to_string().contains("host name"), "{error}");
}
