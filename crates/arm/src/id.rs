//! Resource ids: pairs of segments below a subscription, a group, or the tenant.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::TypeName;

/// A parsed resource id; it keeps its spelling and compares without case (ASCII).
///
/// Every id is a chain of pairs: `subscriptions/S`, `resourceGroups/G`, `providers/NS`, `type/name`…
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceId {
    pairs: Vec<(String, String)>,
}

/// Most pairs an id may have.
const MAX_PAIRS: usize = 24;
/// Most bytes a segment may have; each type's own rule is tighter.
const MAX_SEGMENT_BYTES: usize = 260;

/// The text is no resource id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ResourceIdError {
    /// It does not have the shape of an id.
    #[error(
        "expected a fully qualified resource id that starts with '/subscriptions/{{subscriptionId}}' or '/providers/{{namespace}}/'"
    )]
    Shape,
    /// A segment holds what no name may hold.
    #[error("the segment '{0}' is not a valid name")]
    Segment(String),
}

impl ResourceId {
    /// The id of a subscription.
    ///
    /// # Errors
    /// When `subscription` is no valid segment.
    pub fn subscription_scope(subscription: &str) -> Result<Self, ResourceIdError> {
        Self::from_pairs(vec![("subscriptions".to_owned(), subscription.to_owned())])
    }

    /// An id from its pairs, checked.
    ///
    /// # Errors
    /// When a segment is no valid name or the chain has no valid shape.
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, ResourceIdError> {
        if pairs.is_empty() || pairs.len() > MAX_PAIRS {
            return Err(ResourceIdError::Shape);
        }
        for (kind, name) in &pairs {
            check_segment(kind)?;
            check_segment(name)?;
        }
        let starts_well = is(&pairs[0].0, "subscriptions") || is(&pairs[0].0, "providers");
        let ends_well = pairs.last().is_some_and(|(kind, _)| !is(kind, "providers"));
        let groups_stand_second =
            pairs.iter().enumerate().all(|(at, (kind, _))| !is(kind, "resourceGroups") || at == 1);
        let typed_under_a_provider = pairs.iter().enumerate().all(|(at, (kind, _))| {
            is(kind, "providers")
                || pairs[..at].iter().any(|(before, _)| is(before, "providers"))
                || (at == 0 && is(kind, "subscriptions"))
                || (at == 1 && is(kind, "resourceGroups"))
        });
        if !(starts_well && ends_well && groups_stand_second && typed_under_a_provider) {
            return Err(ResourceIdError::Shape);
        }
        Ok(Self { pairs })
    }

    /// The id of a child, `type/name`, or of an extension when `type` is `providers`.
    ///
    /// # Errors
    /// When a segment is no valid name.
    pub fn child(&self, kind: &str, name: &str) -> Result<Self, ResourceIdError> {
        let mut pairs = self.pairs.clone();
        pairs.push((kind.to_owned(), name.to_owned()));
        Self::from_pairs(pairs)
    }

    /// The id of a resource of `namespace` below this scope.
    ///
    /// # Errors
    /// When a segment is no valid name.
    pub fn provider(&self, namespace: &str, kind: &str, name: &str) -> Result<Self, ResourceIdError> {
        let mut pairs = self.pairs.clone();
        pairs.push(("providers".to_owned(), namespace.to_owned()));
        pairs.push((kind.to_owned(), name.to_owned()));
        Self::from_pairs(pairs)
    }

    /// The subscription's id, unless it is a tenant-level id.
    #[must_use]
    pub fn subscription(&self) -> Option<&str> {
        self.pairs.first().filter(|(kind, _)| is(kind, "subscriptions")).map(|(_, name)| name.as_str())
    }

    /// The resource group's name, when below one.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.pairs.get(1).filter(|(kind, _)| is(kind, "resourceGroups")).map(|(_, name)| name.as_str())
    }

    /// The id of the resource group it is in, or is.
    #[must_use]
    pub fn group_id(&self) -> Option<Self> {
        self.group().map(|_| Self { pairs: self.pairs[..2].to_vec() })
    }

    /// The last name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.pairs.last().map_or("", |(_, name)| name)
    }

    /// The type of the resource; groups and subscriptions are types of `Microsoft.Resources`.
    #[must_use]
    pub fn type_name(&self) -> TypeName {
        let provider = self.pairs.iter().rposition(|(kind, _)| is(kind, "providers"));
        match provider {
            Some(at) => {
                let types: Vec<&str> = self.pairs[at + 1..].iter().map(|(kind, _)| kind.as_str()).collect();
                TypeName::new(&self.pairs[at].1, &types)
            }
            None if self.pairs.len() == 2 => TypeName::new("Microsoft.Resources", &["resourceGroups"]),
            None => TypeName::new("Microsoft.Resources", &["subscriptions"]),
        }
    }

    /// The names of the last provider's chain: `[gallery, definition, version]`.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let provider = self.pairs.iter().rposition(|(kind, _)| is(kind, "providers")).map_or(0, |at| at + 1);
        self.pairs[provider..].iter().map(|(_, name)| name.as_str()).collect()
    }

    /// What contains it: the parent resource, else the group, else the subscription.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let mut pairs = self.pairs[..self.pairs.len() - 1].to_vec();
        if pairs.last().is_some_and(|(kind, _)| is(kind, "providers")) {
            pairs.pop();
        }
        (!pairs.is_empty()).then_some(Self { pairs })
    }

    /// Whether it is nested below another resource of the same provider (`galleries/images`).
    #[must_use]
    pub fn is_nested(&self) -> bool {
        self.names().len() > 1 && self.pairs.len() > 2
    }

    /// Whether it lies in `scope`, or is it.
    #[must_use]
    pub fn is_within(&self, scope: &Self) -> bool {
        scope.pairs.len() <= self.pairs.len()
            && scope.pairs.iter().zip(&self.pairs).all(|(a, b)| is(&a.0, &b.0) && is(&a.1, &b.1))
    }

    /// The form for maps and rows: the id in lower case.
    #[must_use]
    pub fn key(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }

    /// The pairs in order, in their spelling.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }
}

fn is(text: &str, word: &str) -> bool {
    text.eq_ignore_ascii_case(word)
}

fn check_segment(segment: &str) -> Result<(), ResourceIdError> {
    let refused = || ResourceIdError::Segment(segment.chars().filter(|c| !c.is_control()).take(80).collect());
    let plain = segment
        .chars()
        .all(|c| !c.is_control() && !matches!(c, '/' | '\\' | '%' | '?' | '#' | '&' | '<' | '>' | ':' | ' '));
    let fits = !segment.is_empty() && segment.len() <= MAX_SEGMENT_BYTES && segment != "." && segment != "..";
    if plain && fits { Ok(()) } else { Err(refused()) }
}

impl FromStr for ResourceId {
    type Err = ResourceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix('/').ok_or(ResourceIdError::Shape)?;
        let segments: Vec<&str> = rest.strip_suffix('/').unwrap_or(rest).split('/').collect();
        if !segments.len().is_multiple_of(2) || segments.len() > MAX_PAIRS * 2 {
            return Err(ResourceIdError::Shape);
        }
        Self::from_pairs(
            segments.chunks_exact(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect(),
        )
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pairs.iter().try_for_each(|(kind, name)| write!(f, "/{kind}/{name}"))
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.pairs.len() == other.pairs.len() && self.is_within(other)
    }
}

impl Eq for ResourceId {}

impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl TryFrom<String> for ResourceId {
    type Error = ResourceIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ResourceId;

    const VERSION: &str =
        "/subscriptions/s/resourceGroups/G/providers/Microsoft.Compute/galleries/g/images/d/versions/1.0.0";

    fn id(text: &str) -> ResourceId {
        text.parse().unwrap()
    }

    #[test]
    fn a_version_knows_its_place() {
        let version = id(VERSION);
        assert_eq!(version.type_name().as_str(), "Microsoft.Compute/galleries/images/versions");
        assert_eq!(version.names(), ["g", "d", "1.0.0"]);
        assert_eq!(version.group(), Some("G"));
        let gallery = version.parent().and_then(|d| d.parent()).unwrap();
        assert_eq!(
            gallery.to_string(),
            "/subscriptions/s/resourceGroups/G/providers/Microsoft.Compute/galleries/g"
        );
        assert_eq!(gallery.parent().unwrap(), id("/subscriptions/s/resourceGroups/g"));
        assert!(version.is_within(&gallery) && !gallery.is_nested() && version.is_nested());
    }

    #[test]
    fn an_extension_hangs_below_its_target() {
        let lock = id(VERSION).provider("Microsoft.Authorization", "locks", "keep").unwrap();
        assert_eq!(lock.type_name().as_str(), "Microsoft.Authorization/locks");
        assert_eq!(lock.parent().unwrap(), id(VERSION));
    }

    #[test]
    fn ids_compare_without_case_and_keep_their_spelling() {
        let other = id(&VERSION.to_uppercase());
        assert_eq!(other, id(VERSION));
        assert_eq!(other.key(), id(VERSION).key());
        assert_ne!(other.to_string(), VERSION);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "/",
            "subscriptions/s",
            "/subscriptions",
            "/subscriptions/s/resourceGroups",
            "/subscriptions//resourceGroups/g",
            "/subscriptions/s/galleries/g",
            "/subscriptions/s/resourceGroups/../providers/a/b/c",
            "/subscriptions/s/resourceGroups/a%2fb",
            "/subscriptions/s/providers/Microsoft.Compute",
            "/tenants/t",
            "/subscriptions/s/resourceGroups/g\u{0}",
        ] {
            assert!(text.parse::<ResourceId>().is_err(), "{text:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_reads_back(text in "\\PC{0,80}") {
            if let Ok(id) = text.parse::<ResourceId>() {
                prop_assert_eq!(id.to_string().parse::<ResourceId>().unwrap(), id);
            }
        }
    }
}
