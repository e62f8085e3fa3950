//! What the engine has for a method and a path, told from the registry and the views alone.
//!
//! The refusals are the engine's own, so a table made of them says what a client would be told.

use arm::{ApiVersion, ResourceId};
use providers::{Rejection, ResourceType};

use crate::route::{self, Route};
use crate::{Method, Registry, refusals, views};

/// Whether a request of this kind reaches something that is built; what stands and who asks is not looked at.
///
/// # Errors
/// What a client is told where nothing is built.
pub fn served(
    registry: &Registry,
    method: Method,
    path: &str,
    api_version: &ApiVersion,
) -> Result<(), Rejection> {
    match route::parse(path, method == Method::Post)? {
        Route::Resource(id) if views::find(&id.type_name()).is_some() => Ok(()),
        Route::Resource(id) => {
            let found = registry.find(&id.type_name(), api_version);
            found.map_err(|refusal| lacking(refusal, method, &id))?;
            if method == Method::Post { Err(refusals::method_not_allowed()) } else { Ok(()) }
        }
        Route::Collection { type_name, .. } if views::find(&type_name).is_some() => Ok(()),
        Route::Collection { type_name, .. } => {
            registry.find(&type_name, api_version)?;
            if method == Method::Get { Ok(()) } else { Err(refusals::method_not_allowed()) }
        }
        Route::Action { id, .. } if views::find(&id.type_name()).is_some() => Ok(()),
        Route::Action { id, action } => {
            let kind = registry.find(&id.type_name(), api_version)?;
            let known = kind.actions().iter().any(|known| known.name.eq_ignore_ascii_case(&action));
            if known { Ok(()) } else { Err(no_action(kind, &action)) }
        }
        Route::Everything { .. }
        | Route::Operation { .. }
        | Route::Providers { .. }
        | Route::Directory(_) => Ok(()),
    }
}

/// The refusal of a type that is not there: whoever only looks whether a resource exists gets a true answer.
pub(crate) fn lacking(refusal: Rejection, method: Method, id: &ResourceId) -> Rejection {
    if refusal.status == 501 && matches!(method, Method::Get | Method::Head) {
        return refusals::not_found(id);
    }
    refusal
}

pub(crate) fn no_action(kind: &dyn ResourceType, action: &str) -> Rejection {
    Rejection::not_implemented(&format!("The action '{action}' on '{}'", kind.name()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::served;
    use crate::{Method, Registry};

    const GALLERIES: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries";

    #[rstest]
    #[case::a_resource(Method::Put, "/x", Ok(()))]
    #[case::a_list(Method::Get, "", Ok(()))]
    #[case::a_list_is_not_written(Method::Put, "", Err("MethodNotAllowed"))]
    #[case::no_action(Method::Post, "/x/reboot", Err("NotImplemented"))]
    #[case::no_such_type_written(Method::Put, "/x/toys/y", Err("NotImplemented"))]
    #[case::no_such_type_listed(Method::Get, "/x/toys", Err("NotImplemented"))]
    #[case::no_such_type_looked_for(Method::Get, "/x/toys/y", Err("ResourceNotFound"))]
    fn what_is_built_is_told_from_the_path(
        #[case] method: Method,
        #[case] below: &str,
        #[case] wanted: Result<(), &str>,
    ) {
        let registry = Registry::new(providers::resource_types());
        let told = served(&registry, method, &format!("{GALLERIES}{below}"), &"2024-03-03".parse().unwrap());
        assert_eq!(told.map_err(|refusal| refusal.detail.code), wanted.map_err(str::to_owned));
    }
}
