//! The key that signs tokens: RSA of 2048 bits, made once and kept, so that tokens outlive a restart.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::home::{Error, Folder};

const FILE: &str = "signing-key.der";
/// DER (RFC 8017 RSAPublicKey) of a key of 2048 bits, up to its modulus…
const BEFORE_MODULUS: [u8; 9] = [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
/// …and after it: the exponent 65537.
const AFTER_MODULUS: [u8; 5] = [0x02, 0x03, 0x01, 0x00, 0x01];
const EXPONENT: [u8; 3] = [0x01, 0x00, 0x01];

/// Signs tokens, and recognises its own signatures.
pub(crate) struct SigningKey {
    pair: KeyPair,
    id: String,
    modulus: Vec<u8>,
}

impl SigningKey {
    pub(crate) fn load_or_make(folder: &Folder) -> Result<Self, Error> {
        if let Some(content) = folder.read_private(FILE)? {
            let pair = KeyPair::from_pkcs8(&content).map_err(|error| Error::damaged(FILE, error))?;
            return Self::of(pair);
        }
        let refused = |_unspecified| Error::Crypto { action: "make the key that signs tokens" };
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(refused)?;
        let content = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(refused)?;
        folder.replace_private(FILE, content.as_ref())?;
        Self::of(pair)
    }

    fn of(pair: KeyPair) -> Result<Self, Error> {
        let public = pair.public_key().as_ref();
        let modulus = public
            .strip_prefix(BEFORE_MODULUS.as_slice())
            .and_then(|rest| rest.strip_suffix(AFTER_MODULUS.as_slice()))
            .ok_or_else(|| Error::damaged(FILE, "it is not an RSA key of 2048 bits"))?
            .to_vec();
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(public));
        Ok(Self { pair, id, modulus })
    }

    /// The key's name in token headers.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// An RS256 signature of `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_unspecified| Error::Crypto { action: "sign a token" })?;
        Ok(signature)
    }

    /// Whether `signature` is an RS256 signature of `message` by this key.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref())
            .verify(message, signature)
            .is_ok()
    }

    /// The public half as a JSON Web Key Set (RFC 7517).
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": [{
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.id,
            "n": URL_SAFE_NO_PAD.encode(&self.modulus),
            "e": URL_SAFE_NO_PAD.encode(EXPONENT),
        }]})
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}
