//! The two keys of an account: made with it, told to who may list them, made anew one by one.

use arm::wire_time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::wire;
use crate::shape::text_at;
use crate::{Act, Acted, Answer, Entropy, Rejection};

/// Where the server's notes have the keys: a list of `{keyName, creationTime, value: {secret}}`.
pub const KEYS: &str = "keys";
const NAMES: [&str; 2] = ["key1", "key2"];

/// The notes of a new account.
pub(super) fn fresh(entropy: &Entropy, now: Timestamp) -> Map<String, Value> {
    let keys: Vec<Value> =
        NAMES.iter().zip(entropy.chunks(64)).map(|(name, bytes)| key(name, bytes, now)).collect();
    Map::from_iter([(KEYS.to_owned(), keys.into())])
}

fn key(name: &str, bytes: &[u8], now: Timestamp) -> Value {
    // Sealed by the engine before it is stored.
    json!({"keyName": name, "creationTime": wire_time(now), "value": {"secret": STANDARD.encode(bytes)}})
}

/// When each key was made, as the account shows it.
pub(super) fn creation_times(internal: &Map<String, Value>) -> Option<Value> {
    let keys = internal.get(KEYS)?.as_array()?;
    let times = keys.iter().filter_map(|key| Some((key["keyName"].as_str()?, key["creationTime"].clone())));
    Some(times.map(|(name, time)| (name.to_owned(), time)).collect::<Map<_, _>>().into())
}

/// Decides `listKeys` and `regenerateKey`.
pub(super) fn act(act: &Act<'_>) -> Result<Acted, Rejection> {
    let document = &act.stored.document;
    let mut keys = document.internal.get(KEYS).and_then(Value::as_array).cloned().unwrap_or_default();
    if act.action == wire::LIST_KEYS {
        return Ok(Acted { answer: answer(&keys), ..Acted::default() });
    }
    let name = text_at(act.body, "keyName").unwrap_or_default();
    let Some(stands) = keys.iter_mut().find(|key| key["keyName"] == name) else {
        let target = "regenerateKey.keyName";
        let message =
            format!("The value of parameter '{target}' is invalid. Allowed values are: key1, key2.");
        return Err(Rejection::invalid(target, message));
    };
    *stands = key(name, &act.entropy[..64], act.now);
    let mut internal = document.internal.clone();
    internal.insert(KEYS.to_owned(), keys.clone().into());
    Ok(Acted { internal: Some(internal), answer: answer(&keys), ..Acted::default() })
}

fn answer(keys: &[Value]) -> Answer {
    let shown: Vec<Value> = keys
        .iter()
        .cloned()
        .map(|mut key| {
            key["permissions"] = "FULL".into();
            key
        })
        .collect();
    Answer::Body(json!({ "keys": shown }))
}
