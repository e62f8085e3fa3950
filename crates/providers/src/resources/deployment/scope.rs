//! Where a deployment runs, as its template sees it.

use arm::{ErrorDetail, Region, ResourceId};
use jiff::Timestamp;
use serde_json::{Map, Value};
use template::{Context, Group, ProviderType, Subscription};

use crate::{Stored, resource_types};

/// Who asked for a deployment, as it is noted for the job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The tenant that vouches for them.
    pub tenant_id: String,
    /// `https://host:port` as they reached us.
    pub base: String,
}

/// What the template of a deployment may know.
#[must_use]
pub fn context(
    id: &ResourceId,
    group: Option<&Stored>,
    caller: &Caller,
    noted: &Map<String, Value>,
    now: Timestamp,
) -> Context {
    let text = |name: &str| noted.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let subscription = id.subscription().unwrap_or_default().to_owned();
    let group = group.map(|group| Group {
        name: group.id.name().to_owned(),
        location: group.document.location.clone().unwrap_or_default(),
        tags: group
            .document
            .tags
            .iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect(),
    });
    let mut seed = [0; 16];
    for (byte, character) in seed.iter_mut().zip(text("seed").bytes()) {
        *byte = character;
    }
    let types = resource_types().iter().map(|kind| {
        let mut api_versions: Vec<String> =
            kind.api_versions().iter().map(|&version| version.to_owned()).collect();
        api_versions.sort_unstable_by(|a, b| b.cmp(a));
        ProviderType { name: kind.name().as_str().to_owned(), api_versions, locations: Vec::new() }
    });
    Context {
        subscription: Subscription {
            display_name: subscription.clone(),
            id: subscription,
            tenant_id: caller.tenant_id.clone(),
        },
        group,
        deployment: id.name().to_owned(),
        location: Some(text("location")).filter(|location| location.parse::<Region>().is_ok()),
        mode: text("mode"),
        base: caller.base.clone(),
        types: types.collect(),
        now,
        seed,
    }
}

/// What is wrong with a template, as ARM says it.
#[must_use]
pub fn violation(error: &template::Error) -> ErrorDetail {
    match error {
        template::Error::Invalid { code, message } => ErrorDetail::new(*code, message.clone()),
        error @ template::Error::Needs(_) => ErrorDetail::new(
            template::Error::INVALID_TEMPLATE,
            format!("Deployment template validation failed: '{error}'."),
        ),
    }
}
