//! From an example's idealised values to ones that a server can take: ids, placeholders, addresses.

use serde_json::{Map, Value};

use super::known::Known;

/// Members that hold the address of bytes to be read.
const LINKS: [&str; 6] =
    ["uri", "blobUri", "sourceUri", "mediaLink", "defaultConfigurationLink", "scriptLink"];

/// What the values of one example become.
#[derive(Clone, Debug)]
pub(crate) struct Adaptation<'a> {
    pub(crate) known: &'a Known,
    pub(crate) subscription: String,
    /// The example's own group.
    pub(crate) group: String,
    /// Makes names that must be unique in the subscription so.
    pub(crate) suffix: String,
    /// Where the bytes of links are served, without a trailing slash.
    pub(crate) links: String,
}

impl Adaptation<'_> {
    /// Every text in `value`, adapted.
    pub(crate) fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => Value::Object(self.members(members)),
            other => other.clone(),
        }
    }

    fn members(&self, members: &Map<String, Value>) -> Map<String, Value> {
        let adapted = members.iter().map(|(name, value)| {
            let value = match value.as_str().filter(|_| LINKS.contains(&name.as_str())) {
                Some(address) if address.starts_with("http") => self.link(address).into(),
                _ => self.value(value),
            };
            (self.text(name), value)
        });
        adapted.collect()
    }

    /// A text, adapted: misspellings, placeholders, then the scopes of ids; those begin with a slash on the wire.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for spelling in &self.known.spellings {
            text = text.replace(&spelling.from, &spelling.to);
        }
        let text = self.filled(&text);
        match text.starts_with("subscriptions/") {
            true => self.id(&format!("/{text}")),
            false if is_id(&text) => self.id(&text),
            false => text,
        }
    }

    /// The value of a path's or query's parameter.
    pub(crate) fn parameter(&self, name: &str, example: Option<&Value>) -> String {
        match name {
            "subscriptionId" => return self.subscription.clone(),
            "resourceGroupName" => return self.group.clone(),
            _ => {}
        }
        if let Some(fixed) = self.known.parameters.get(name) {
            return fixed.clone();
        }
        let text = match example {
            Some(Value::String(text)) if is_generated(text) => {
                self.known.generated.get(name).unwrap_or(text).clone()
            }
            Some(Value::String(text)) => self.text(text),
            Some(Value::Null) | None => format!("x{name}"),
            Some(other) => other.to_string(),
        };
        if name == "galleryName" { self.gallery(&text) } else { text }
    }

    /// Gallery names are unique in a subscription.
    fn gallery(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    /// `{placeholder}` to a value.
    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            filled.push_str(before);
            let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            match plain.to_ascii_lowercase().as_str() {
                "subscriptionid" => filled.push_str(&self.subscription),
                "resourcegroup" | "resourcegroupname" => filled.push_str(&self.group),
                "versionname" => filled.push_str("1.0.0"),
                _ => filled.push_str(&plain),
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    /// An id within our subscription, the example's group and its galleries.
    fn id(&self, text: &str) -> String {
        let mut words: Vec<String> = text.split('/').map(str::to_owned).collect();
        for at in 1..words.len().saturating_sub(1) {
            let (kind, name) = (words[at].to_ascii_lowercase(), words[at + 1].clone());
            words[at + 1] = match kind.as_str() {
                "subscriptions" if at == 1 => self.subscription.clone(),
                "resourcegroups" if at == 3 => self.group.clone(),
                "galleries" => self.gallery(&name),
                _ => name,
            };
        }
        words.join("/")
    }

    fn link(&self, address: &str) -> String {
        let path = address.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().filter(|name| name.contains('.')).unwrap_or("package.zip");
        let name: String =
            name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
        format!("{}/{name}", self.links)
    }
}

/// Whether a text is an id in a subscription, in whatever case it is written.
pub(super) fn is_id(text: &str) -> bool {
    text.to_ascii_lowercase().starts_with("/subscriptions/")
}

/// Whether a generator made this value, which knows nothing but its length.
fn is_generated(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|letter| letter == b'a')
}
