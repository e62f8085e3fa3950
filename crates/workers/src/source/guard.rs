//! Which addresses may be read: checked on the address that is connected to, after resolution.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use url::{Host, Url};

use super::SourceError;

/// Something the operator allows: `host`, `host:port`, or a network such as `10.1.0.0/16`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// A host by name or address, on one port or any.
    Host(String, Option<u16>),
    /// Every address whose first bits are these, on any port.
    Network(IpAddr, u8),
}

/// The text allows nothing.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is no host, host:port or network such as 10.1.0.0/16")]
pub struct AllowedError(String);

impl FromStr for Allowed {
    type Err = AllowedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || AllowedError(text.to_owned());
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr = address.parse().map_err(|_error| refuse())?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.parse::<u8>().ok().filter(|bits| *bits <= most).ok_or_else(refuse)?;
            return Ok(Self::Network(address, bits));
        }
        if let Ok(socket) = text.parse::<SocketAddr>() {
            return Ok(Self::Host(socket.ip().to_string(), Some(socket.port())));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Host(address.to_string(), None));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_error| refuse())?)),
            None => (text, None),
        };
        let named =
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
        if named { Ok(Self::Host(host.to_ascii_lowercase(), port)) } else { Err(refuse()) }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host, None) => f.write_str(host),
            Self::Host(host, Some(port)) => write!(f, "{host}:{port}"),
            Self::Network(address, bits) => write!(f, "{address}/{bits}"),
        }
    }
}

/// Parses a source address; one parser for the check and for the use.
///
/// # Errors
/// [`SourceError::Malformed`] for anything that does not print as it was written.
pub(crate) fn parse(text: &str) -> Result<Url, SourceError> {
    let url = Url::parse(text).map_err(|_error| SourceError::Malformed)?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && text.is_ascii()
        && !text.contains(['\\', '@', '\t', '\n', '\r', ' ']);
    // `127.1`, `0x7f.1`, `%65xample` and capitals print differently from what was written.
    let printed = url.as_str() == text || url.as_str() == format!("{text}/");
    if plain && printed { Ok(url) } else { Err(SourceError::Malformed) }
}

/// The address to connect to for `url`, out of those its host resolved to; every one must be allowed.
///
/// # Errors
/// [`SourceError::NotAllowed`]; the same whatever was wrong with the address.
pub(crate) fn choose(
    url: &Url,
    resolved: &[SocketAddr],
    allow: &[Allowed],
) -> Result<SocketAddr, SourceError> {
    let port = url.port_or_known_default().ok_or(SourceError::NotAllowed)?;
    let host = match url.host() {
        Some(Host::Domain(name)) => name.trim_end_matches('.').to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return Err(SourceError::NotAllowed),
    };
    let first = resolved.first().ok_or(SourceError::NotAllowed)?;
    let permitted = resolved.iter().all(|address| {
        let listed = allow.iter().any(|allowed| lists(allowed, &host, address.ip(), port));
        listed || (is_public(address.ip()) && matches!(port, 80 | 443))
    });
    if permitted { Ok(SocketAddr::new(first.ip(), port)) } else { Err(SourceError::NotAllowed) }
}

fn lists(allowed: &Allowed, host: &str, address: IpAddr, port: u16) -> bool {
    match allowed {
        Allowed::Host(name, only) => name.eq_ignore_ascii_case(host) && only.is_none_or(|only| only == port),
        Allowed::Network(network, bits) => is_within(address, *network, *bits),
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let same = |a: u128, b: u128, width: u32| {
        let shift = width - u32::from(bits).min(width);
        shift >= 128 || a >> shift == b >> shift
    };
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(u32::from(a).into(), u32::from(b).into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(u128::from(a), u128::from(b), 128),
        _ => false,
    }
}

/// Whether an address belongs to the public internet (IANA special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || (a == 192 && b == 0 && c == 0);
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let words = address.segments();
    // 2000::/3 is what is given out; inside it documentation, 6to4 and Teredo lead elsewhere.
    let global = words[0] & 0xe000 == 0x2000;
    let elsewhere = (words[0] == 0x2001 && (words[1] == 0x0db8 || words[1] < 0x0200)) || words[0] == 0x2002;
    global && !elsewhere
}
