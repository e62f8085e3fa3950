//! Signatures of what is handed to clients and comes back later: HMAC-SHA256 with a key of its own.
//!
//! A signature fits one purpose and one list of parts; no other division of the same text into parts has it.

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What the derived key is for; another purpose takes another text.
const PURPOSE: &str = "gallerist 2026-11 signatures of grants";

/// Signs and verifies.
pub(crate) struct Signer(Key);

impl Signer {
    /// A signer whose key is derived from the installation's.
    pub(crate) fn new(installation_key: &[u8; 32]) -> Self {
        Self(Key::new(HMAC_SHA256, &blake3::derive_key(PURPOSE, installation_key)))
    }

    pub(crate) fn sign(&self, purpose: &str, parts: &[&str]) -> String {
        STANDARD.encode(hmac::sign(&self.0, &message(purpose, parts)))
    }

    /// Compares in constant time.
    pub(crate) fn verify(&self, purpose: &str, parts: &[&str], signature: &str) -> bool {
        let signature = STANDARD.decode(signature).unwrap_or_default();
        hmac::verify(&self.0, &message(purpose, parts), &signature).is_ok()
    }
}

/// Each part behind its length, so that parts cannot run into each other.
fn message(purpose: &str, parts: &[&str]) -> Vec<u8> {
    let all = std::iter::once(purpose).chain(parts.iter().copied());
    all.flat_map(|part| format!("{}:{part}", part.len()).into_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::Signer;

    #[test]
    fn a_signature_fits_only_what_was_signed() {
        let signer = Signer::new(&[7; 32]);
        let signature = signer.sign("sas", &["/disks/d", "r"]);
        assert_eq!(signature.len(), 44);
        assert!(signer.verify("sas", &["/disks/d", "r"], &signature));
        for (purpose, parts) in [
            ("sas", ["/disks/d", "rw"]),
            ("sas", ["/disks/e", "r"]),
            ("sas", ["/disks/", "dr"]),
            ("sas", ["/disks/d1:", "r"]),
            ("other", ["/disks/d", "r"]),
        ] {
            assert!(!signer.verify(purpose, &parts, &signature), "{purpose} {parts:?}");
        }
        assert!(!signer.verify("sas", &["/disks/d"], &signature));
        assert!(!Signer::new(&[8; 32]).verify("sas", &["/disks/d", "r"], &signature));
        for forged in ["", "====", &signature[1..], &signature.to_lowercase(), &format!("{signature} ")] {
            assert!(!signer.verify("sas", &["/disks/d", "r"], forged), "{forged}");
        }
    }
}
