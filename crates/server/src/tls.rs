//! TLS with a certificate authority of our own: made once, trusted by clients through `ca.pem`.
//!
//! The authority's key stays in the data folder. The server's certificate lives in memory only: it is
//! issued at each start for the names of that start, and again, without a restart, before it expires.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use control::Clock;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::home::{CA_FILE, Error, Folder, Home};

#[cfg(test)]
mod tests;

const FOLDER: &str = "tls";
const AUTHORITY_FILE: &str = "authority.json";

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Clients hold the authority's certificate in their configuration, so it should not change under them.
const AUTHORITY_LIFE: SignedDuration = SignedDuration::from_hours(24 * 3650);
/// Some platforms refuse server certificates of more than 398 days.
const LEAF_LIFE: SignedDuration = SignedDuration::from_hours(24 * 365);
const LEAF_RENEWAL: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Reachable in every configuration, whatever the server listens on.
const LOCAL_NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

/// Sets up TLS for a server reached as 127.0.0.1, as localhost, and by each of `names` (IP or host).
///
/// The first call on a data folder makes the authority; every call writes `ca.pem` for clients.
///
/// # Errors
/// [`Error::Tls`] for a name that no certificate can carry; [`Error::Damaged`] or [`Error::Io`] for
/// the kept authority.
pub fn server_config(
    home: &Home,
    names: &[String],
    clock: Arc<dyn Clock>,
) -> Result<Arc<ServerConfig>, Error> {
    let authority = Authority::load_or_make(&home.folder().inner(FOLDER)?, clock.now())?;
    home.folder().replace_public(CA_FILE, authority.kept.certificate_pem.as_bytes())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let leaves = Leaves::issue(authority, subject_names(names)?, clock, Arc::clone(&provider))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(tls)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(leaves));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The authority as it is kept: key, certificate and expiry together, so that they cannot disagree.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    key_pem: String,
    certificate_pem: String,
    not_after: Timestamp,
}

struct Authority {
    kept: Kept,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn load_or_make(folder: &Folder, now: Timestamp) -> Result<Self, Error> {
        if let Some(content) = folder.read_private(AUTHORITY_FILE)? {
            let kept: Kept = serde_json::from_slice(&content)
                .map_err(|error| Error::damaged("tls/authority.json", error))?;
            // It must outlive any certificate that it signs from now on.
            if after(now, LEAF_LIFE)? < kept.not_after {
                return Self::of(kept);
            }
            tracing::warn!(
                "the certificate authority is near its end and is replaced; clients must load ca.pem again"
            );
        }
        let key = KeyPair::generate().map_err(tls)?;
        let not_after = after(now, AUTHORITY_LIFE)?;
        let mut params = authority_params(&key);
        date(&mut params, now, not_after)?;
        let certificate_pem = params.self_signed(&key).map_err(tls)?.pem();
        let kept = Kept { key_pem: key.serialize_pem(), certificate_pem, not_after };
        let content =
            serde_json::to_vec_pretty(&kept).map_err(|error| Error::damaged(AUTHORITY_FILE, error))?;
        folder.replace_private(AUTHORITY_FILE, &content)?;
        Self::of(kept)
    }

    fn of(kept: Kept) -> Result<Self, Error> {
        let key =
            KeyPair::from_pem(&kept.key_pem).map_err(|error| Error::damaged("tls/authority.json", error))?;
        Ok(Self { issuer: Issuer::new(authority_params(&key), key), kept })
    }

    fn issue(&self, names: &[SanType], now: Timestamp, provider: &CryptoProvider) -> Result<Leaf, Error> {
        let key = KeyPair::generate().map_err(tls)?;
        let not_after = after(now, LEAF_LIFE)?;
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.to_vec();
        params.distinguished_name = named("Gallerist server");
        date(&mut params, now, not_after)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate: CertificateDer<'static> =
            params.signed_by(&key, &self.issuer).map_err(tls)?.der().clone();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signer = provider.key_provider.load_private_key(private).map_err(tls)?;
        let certified = Arc::new(CertifiedKey::new(vec![certificate], signer));
        Ok(Leaf { certified, renew_at: after(not_after, -LEAF_RENEWAL)? })
    }
}

struct Leaf {
    certified: Arc<CertifiedKey>,
    renew_at: Timestamp,
}

/// Hands out the current certificate, issuing the next when its time has come.
struct Leaves {
    authority: Authority,
    names: Vec<SanType>,
    clock: Arc<dyn Clock>,
    provider: Arc<CryptoProvider>,
    current: Mutex<Leaf>,
}

impl Leaves {
    fn issue(
        authority: Authority,
        names: Vec<SanType>,
        clock: Arc<dyn Clock>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let current = Mutex::new(authority.issue(&names, clock.now(), &provider)?);
        Ok(Self { authority, names, clock, provider, current })
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let now = self.clock.now();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= current.renew_at {
            match self.authority.issue(&self.names, now, &self.provider) {
                Ok(next) => *current = next,
                // The old one is good for weeks yet, and the next connection tries again.
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "certificate not renewed");
                }
            }
        }
        Arc::clone(&current.certified)
    }
}

impl ResolvesServerCert for Leaves {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaves").field("names", &self.names).finish_non_exhaustive()
    }
}

fn authority_params(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    // Named after its key, so that a client may trust the authorities of several servers at once.
    let print: String =
        Sha256::digest(key.der_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    params.distinguished_name = named(&format!("Gallerist authority {print}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn subject_names(names: &[String]) -> Result<Vec<SanType>, Error> {
    let mut subjects: Vec<SanType> = Vec::new();
    for name in LOCAL_NAMES.into_iter().chain(names.iter().map(String::as_str)) {
        let subject = match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            // Listening everywhere is not a name that anyone can ask for.
            Ok(address) if address.is_unspecified() => continue,
            Ok(address) => SanType::IpAddress(address),
            Err(_) => {
                SanType::DnsName(name.to_ascii_lowercase().try_into().map_err(|_why: rcgen::Error| {
                    Error::Tls { detail: format!("\"{name}\" is neither an IP address nor a host name") }
                })?)
            }
        };
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    Ok(subjects)
}

fn after(time: Timestamp, duration: SignedDuration) -> Result<Timestamp, Error> {
    time.checked_add(duration).map_err(tls)
}

/// Certificates are dated by the day (UTC), from the day before, for clients whose clock is behind.
fn date(params: &mut CertificateParams, now: Timestamp, not_after: Timestamp) -> Result<(), Error> {
    let midnight = |time: Timestamp| {
        let date = time.to_zoned(TimeZone::UTC).date();
        let part = |number: i8| u8::try_from(number).map_err(tls);
        Ok(rcgen::date_time_ymd(i32::from(date.year()), part(date.month())?, part(date.day())?))
    };
    params.not_before = midnight(after(now, -DAY)?)?;
    params.not_after = midnight(not_after)?;
    Ok(())
}

fn tls(error: impl fmt::Display) -> Error {
    Error::Tls { detail: error.to_string() }
}
