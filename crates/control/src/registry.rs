//! The types by name, and the api-versions they answer.

use std::collections::{BTreeMap, HashMap};

use arm::{ApiVersion, TypeName};
use providers::{Rejection, ResourceType};

use crate::refusals;

/// Every resource type, by name without case.
pub struct Registry {
    types: HashMap<String, &'static dyn ResourceType>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.types.keys()).finish()
    }
}

impl Registry {
    /// A registry of `types`.
    #[must_use]
    pub fn new(types: &[&'static dyn ResourceType]) -> Self {
        Self { types: types.iter().map(|kind| (kind.name().key(), *kind)).collect() }
    }

    /// The type of that name, whatever the api-version.
    pub(crate) fn named(&self, name: &TypeName) -> Option<&'static dyn ResourceType> {
        self.types.get(&name.key()).copied()
    }

    /// The type of that name.
    ///
    /// # Errors
    /// 404 when no such namespace or type exists.
    pub(crate) fn find(
        &self,
        name: &TypeName,
        api_version: &ApiVersion,
    ) -> Result<&'static dyn ResourceType, Rejection> {
        if let Some(kind) = self.types.get(&name.key()) {
            return Ok(*kind);
        }
        let namespace = name.namespace();
        if known_to_azure(namespace) {
            return Err(Rejection::not_implemented(&format!("The resource type '{name}'")));
        }
        if self.namespaces().contains_key(&namespace.to_ascii_lowercase()) {
            return Err(refusals::invalid_resource_type(namespace, name.path(), &api_version.to_string()));
        }
        Err(refusals::invalid_namespace(namespace))
    }

    /// The types whose resources go with what they hang on.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &'static dyn ResourceType> {
        self.types.values().copied().filter(|kind| kind.goes_with_parent())
    }

    /// The types by namespace (lower case), with the namespace's spelling, each list ordered by name.
    pub(crate) fn namespaces(&self) -> BTreeMap<String, (String, Vec<&'static dyn ResourceType>)> {
        let mut namespaces: BTreeMap<String, (String, Vec<_>)> = BTreeMap::new();
        for kind in self.types.values() {
            let name = kind.name();
            let entry = namespaces
                .entry(name.namespace().to_ascii_lowercase())
                .or_insert_with(|| (name.namespace().to_owned(), Vec::new()));
            entry.1.push(*kind);
        }
        for (_, kinds) in namespaces.values_mut() {
            kinds.sort_by_key(|kind| kind.name().key());
        }
        namespaces
    }
}

/// Refuses an api-version that `kind` does not answer: published ones and anything newer are answered in the newest shape.
///
/// # Errors
/// 400 `NoRegisteredProviderFound` naming what is supported.
pub(crate) fn check_api_version(
    kind: &dyn ResourceType,
    api_version: &ApiVersion,
    locations: &str,
) -> Result<(), Rejection> {
    let published = kind.api_versions();
    let known = published.iter().any(|known| *known == api_version.to_string());
    let newest = published.iter().max().copied().unwrap_or_default();
    let oldest = published.iter().min().copied().unwrap_or_default();
    // Previews between published versions were real once; only what no client can mean is refused.
    let preview = api_version.is_preview() && api_version.date() >= oldest;
    if known || preview || api_version.date() > newest {
        return Ok(());
    }
    let name = kind.name();
    Err(refusals::api_version_unknown(&api_version.to_string(), name.path(), published, locations))
}

/// Azure's own providers: a type of theirs that we lack is not implemented rather than unknown.
fn known_to_azure(namespace: &str) -> bool {
    namespace.to_ascii_lowercase().starts_with("microsoft.")
}
