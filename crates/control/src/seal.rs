//! Secrets at rest: sealed before they reach a row or a job, opened only for the work that needs them.
//!
//! A resource type marks a secret by the member name `secret` in what it hands to its job or notes for the server;
//! the text under it is replaced by `{"sealed": …}`. Sealed with a key of its own, drawn from the installation's;
//! without that key a copy of the database gives nothing away.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use providers::Accepted;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::page::{hex, unhex};

const SECRET: &str = "secret";
const SEALED: &str = "sealed";
/// Beside a secret: its text is JSON, and is told as what it means.
const PARSED: &str = "parsed";
/// What the derived key is for; another purpose takes another text.
const PURPOSE: &str = "gallerist 2026-11 secrets at rest";

/// Seals and opens; AES-256-GCM with random nonces.
pub(crate) struct Seal(RandomizedNonceKey);

impl Seal {
    /// A seal whose key is derived from the installation's.
    pub(crate) fn new(installation_key: &[u8; 32]) -> Self {
        let key = blake3::derive_key(PURPOSE, installation_key);
        Self(RandomizedNonceKey::new(&AES_256_GCM, &key).expect("the key is 32 bytes long"))
    }

    /// Seals every secret in what a type has accepted.
    pub(crate) fn cover(&self, accepted: &mut Accepted) -> Result<(), Error> {
        if let Some(internal) = &mut accepted.internal {
            self.cover_members(internal)?;
        }
        accepted.work.as_mut().map_or(Ok(()), |work| self.cover_value(&mut work.input))
    }

    /// The text of a value that was sealed here; `None` for anything else.
    pub(crate) fn reveal(&self, value: &Value) -> Option<String> {
        let mut bytes = unhex(value.get(SEALED)?.as_str()?)?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.0.open_in_place(nonce, Aad::empty(), sealed).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }

    /// Seals every secret in `value`, at any depth.
    pub(crate) fn cover_value(&self, value: &mut Value) -> Result<(), Error> {
        match value {
            Value::Object(members) => self.cover_members(members),
            Value::Array(values) => values.iter_mut().try_for_each(|value| self.cover_value(value)),
            _ => Ok(()),
        }
    }

    /// `value` as the client it is for reads it: every `{"secret": …}` becomes the text that was sealed.
    pub(crate) fn opened(&self, value: Value) -> Value {
        match value {
            Value::Object(members) => match members.get(SECRET) {
                Some(secret)
                    if members.len() == 1 || (members.len() == 2 && members.contains_key(PARSED)) =>
                {
                    let text = secret.as_str().map(str::to_owned).or_else(|| self.reveal(secret));
                    match text {
                        Some(text) if members.len() == 2 => serde_json::from_str(&text).unwrap_or_default(),
                        text => text.map_or(Value::Null, Value::from),
                    }
                }
                _ => members.into_iter().map(|(name, value)| (name, self.opened(value))).collect(),
            },
            Value::Array(values) => values.into_iter().map(|value| self.opened(value)).collect(),
            value => value,
        }
    }

    /// Seals every secret in `members`, at any depth.
    pub(crate) fn cover_members(&self, members: &mut Map<String, Value>) -> Result<(), Error> {
        for (name, value) in members {
            match value {
                Value::String(text) if name == SECRET => *value = self.sealed(text)?,
                value => self.cover_value(value)?,
            }
        }
        Ok(())
    }

    fn sealed(&self, text: &str) -> Result<Value, Error> {
        let mut sealed = text.as_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::empty(), &mut sealed);
        let nonce = nonce.map_err(|_refused| Error::Internal("a secret could not be sealed".into()))?;
        Ok(json!({ SEALED: format!("{}{}", hex(nonce.as_ref()), hex(&sealed)) }))
    }
}

#[cfg(test)]
mod tests {
    use providers::{Accepted, Work};
    use serde_json::{Value, json};

    use super::Seal;

    fn covered(seal: &Seal, input: Value) -> Value {
        let work = Some(Work { kind: "job", input });
        let mut accepted = Accepted { work, ..Accepted::default() };
        seal.cover(&mut accepted).unwrap();
        accepted.work.unwrap().input
    }

    #[test]
    fn a_secret_is_opened_with_its_key_only() {
        let seal = Seal::new(&[1; 32]);
        let input = json!({"source": {"uri": "https://h/x", "secret": "https://h/x?sig=canary"}});
        let stored = covered(&seal, input.clone());
        assert_eq!(stored["source"]["uri"], "https://h/x");
        assert!(!stored.to_string().contains("canary"));
        let secret = &stored["source"]["secret"];
        assert_eq!(seal.reveal(secret).as_deref(), Some("https://h/x?sig=canary"));
        assert_eq!(Seal::new(&[1; 32]).reveal(secret).as_deref(), Some("https://h/x?sig=canary"));
        assert_eq!(Seal::new(&[2; 32]).reveal(secret), None);
        assert_ne!(covered(&seal, input), stored, "nonces are fresh");
        assert_eq!(covered(&seal, stored.clone()), stored, "what is sealed stays as it is");
    }

    #[test]
    fn what_is_told_to_a_client_is_opened_whole() {
        let seal = Seal::new(&[1; 32]);
        let mut answer = json!({"keys": [{"keyName": "key1", "value": {"secret": "canary"}}], "plain": 1});
        let wanted = json!({"keys": [{"keyName": "key1", "value": "canary"}], "plain": 1});
        assert_eq!(seal.opened(answer.clone()), wanted);
        seal.cover_value(&mut answer).unwrap();
        assert!(!answer.to_string().contains("canary"));
        assert_eq!(seal.opened(answer.clone()), wanted);
        assert_eq!(Seal::new(&[2; 32]).opened(answer)["keys"][0]["value"], Value::Null);
        let mut parsed = json!({"template": {"secret": "{\"a\": [1]}", "parsed": true}});
        seal.cover_value(&mut parsed).unwrap();
        assert_eq!(seal.opened(parsed), json!({"template": {"a": [1]}}));
    }

    #[test]
    fn what_was_changed_or_is_no_seal_is_not_opened() {
        let seal = Seal::new(&[1; 32]);
        let sealed = covered(&seal, json!({"secret": "x"}))["secret"]["sealed"].as_str().unwrap().to_owned();
        let flipped = sealed.replace(sealed.chars().last().unwrap(), "g");
        for text in ["", "00", "zz", &sealed[2..], &sealed[..sealed.len() - 2], &flipped] {
            assert_eq!(seal.reveal(&json!({ "sealed": text })), None, "{text}");
        }
        assert_eq!(seal.reveal(&json!("x")), None);
    }
}
