//! Which addresses may be read, in every spelling.

use std::net::{Ipv4Addr, SocketAddr};

use tokio_util::sync::CancellationToken;

use super::guard::{choose, parse};
use super::{Allowed, Remote, SourceError, SourceSettings};

fn address(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 0)
}

#[test]
fn only_plain_absolute_addresses_are_understood() {
    for text in [
        "file:///etc/passwd",
        "ftp://h/x",
        "gopher://h/x",
        "unix:/run/s",
        "//h/x",
        "x",
        "http://ok@evil/",
        "http://h\\@e/",
        "http://h/#@e",
        "http://h\t/x",
        "http://2130706433/",
        "http://0177.1/",
        "http://0x7f.1/",
        "http://ok%2eevil/",
        "http://ex\u{e4}mple/",
        "HTTP://h/",
        "http://H/",
    ] {
        assert!(matches!(parse(text), Err(SourceError::Malformed)), "{text}");
    }
    for text in [
        "http://example.org",
        "https://example.org:8443/a/b.vhd?sv=1&sig=a%2Fb",
        "http://127.0.0.1:8080/x.vhd",
        "http://[::1]/x",
    ] {
        assert!(parse(text).is_ok(), "{text}");
    }
}

#[test]
fn private_addresses_are_refused_in_every_spelling() {
    for ip in [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "fe80::1",
        "fd00::1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "ff02::1",
    ] {
        let chosen = choose(&parse("http://name.example/x").unwrap(), &[address(ip)], &[]);
        assert!(matches!(chosen, Err(SourceError::NotAllowed)), "{ip}");
    }
    let url = parse("https://name.example/x").unwrap();
    assert_eq!(choose(&url, &[address("93.184.216.34")], &[]).unwrap().port(), 443);
    assert!(
        choose(&url, &[address("93.184.216.34"), address("10.0.0.1")], &[]).is_err(),
        "one bad address spoils all"
    );
    assert!(choose(&url, &[], &[]).is_err());
    assert!(
        choose(&parse("https://name.example:22/x").unwrap(), &[address("93.184.216.34")], &[]).is_err(),
        "an odd port"
    );
}

#[test]
fn what_the_operator_allows_is_read() {
    let check = |allow: &str, url: &str, ip: &str, wanted: bool| {
        let chosen = choose(&parse(url).unwrap(), &[address(ip)], &[allow.parse::<Allowed>().unwrap()]);
        assert_eq!(chosen.is_ok(), wanted, "{allow} {url} {ip}");
    };
    check("127.0.0.1", "http://127.0.0.1:9000/x", "127.0.0.1", true);
    check("127.0.0.1:9000", "http://127.0.0.1:9000/x", "127.0.0.1", true);
    check("127.0.0.1:9001", "http://127.0.0.1:9000/x", "127.0.0.1", false);
    check("10.1.0.0/16", "http://files.local:81/x", "10.1.9.9", true);
    check("10.1.0.0/16", "http://files.local:81/x", "10.2.9.9", false);
    check("files.local", "http://files.local/x", "10.2.9.9", true);
    check("files.local", "http://other.local/x", "10.2.9.9", false);
    for text in ["", "a b", "10.0.0.0/33", "host:port", "http://x"] {
        assert!(text.parse::<Allowed>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn loopback_is_refused_before_anything_is_sent() {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/x.vhd", listener.local_addr().unwrap());
    let error = Remote::open(&url, &SourceSettings::default(), CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, SourceError::NotAllowed), "{error}");
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody connected");
}
