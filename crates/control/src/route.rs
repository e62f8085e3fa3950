//! From a path to what it names.

use arm::{ResourceId, TypeName};
use metadata::JobId;
use providers::Rejection;
use uuid::Uuid;

use crate::refusals;

/// What a path names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Route {
    /// One resource, a subscription included.
    Resource(ResourceId),
    /// The resources of one type in or below a scope; without a scope, of the tenant.
    Collection { scope: Option<ResourceId>, type_name: TypeName },
    /// Everything in a subscription or group, of any type.
    Everything { scope: ResourceId },
    /// A long-running operation; `result` is the `Location` form, which answers with the bare outcome.
    Operation { subscription: String, id: JobId, result: bool },
    /// The providers, or one; `register` for the POST that asks to register it.
    Providers { subscription: Option<String>, namespace: Option<String>, register: bool },
    /// A subscription's or the tenant's own documents: `/tenants`, `/subscriptions`, `/subscriptions/S/locations`.
    Directory(DirectoryPath),
    /// An action on a resource.
    Action { id: ResourceId, action: String },
}

/// The documents of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DirectoryPath {
    /// `/tenants`
    Tenants,
    /// `/subscriptions`
    Subscriptions,
    /// `/subscriptions/S`
    Subscription(String),
    /// `/subscriptions/S/locations`
    Locations(String),
}

/// Reads a path: slashes collapsed, each segment percent-decoded once.
///
/// # Errors
/// 404 for paths that name nothing, 400 for names that can be none.
pub(crate) fn parse(path: &str, is_post: bool) -> Result<Route, Rejection> {
    let segments = segments(path)?;
    let words: Vec<&str> = with_deployments(segments.iter().map(String::as_str).collect());
    if let Some(route) = directory(&words).or_else(|| providers(&words)).or_else(|| operation(&words)) {
        return Ok(route);
    }
    let last_provider = words.iter().rposition(|word| is(word, "providers"));
    let odd = words.len() % 2 == 1;
    match (odd, words.split_last()) {
        // A POST to what only lists: `/providers/Microsoft.ResourceGraph/resources`.
        (true, Some((last, front))) if is_post && ends_in_a_provider(front) => collection(front, last),
        (true, Some((action, front))) if is_post => {
            Ok(Route::Action { id: resource_id(front)?, action: (*action).to_owned() })
        }
        (true, Some((last, front))) if is(last, "resources") && last_provider.is_none() => {
            resource_id(front).map(|scope| Route::Everything { scope })
        }
        (true, Some((last, [subscriptions, subscription]))) if is(last, "resourceGroups") => {
            let scope = Some(resource_id(&[subscriptions, subscription])?);
            Ok(Route::Collection { scope, type_name: "Microsoft.Resources/resourceGroups".into() })
        }
        (true, Some((last, front))) if last_provider.is_some() => collection(front, last),
        (false, Some(_)) => resource_id(&words).map(Route::Resource),
        _ => Err(refusals::path_not_found()),
    }
}

/// Deployments are also addressed without their provider: `…/resourcegroups/G/deployments/X/operations`.
fn with_deployments(mut words: Vec<&str>) -> Vec<&str> {
    let at = if words.len() > 2 && is(words[2], "resourceGroups") { 4 } else { 2 };
    let is_scope = words.first().is_some_and(|first| is(first, "subscriptions"));
    if is_scope && words.len() > at && is(words[at], "deployments") {
        words.splice(at..at, ["providers", "Microsoft.Resources"]);
    }
    words
}

fn collection(front: &[&str], last: &str) -> Result<Route, Rejection> {
    // `…/providers/NS/galleries` lists below what stands before `providers`; `…/galleries/g/images` below the gallery.
    let (scope, type_name) = if ends_in_a_provider(front) {
        let above = &front[..front.len() - 2];
        let scope = if above.is_empty() { None } else { Some(resource_id(above)?) };
        (scope, TypeName::new(front[front.len() - 1], &[last]))
    } else {
        let parent = resource_id(front)?;
        let type_name = format!("{}/{last}", parent.type_name());
        (Some(parent), type_name.as_str().into())
    };
    Ok(Route::Collection { scope, type_name })
}

fn ends_in_a_provider(front: &[&str]) -> bool {
    front.len() >= 2 && is(front[front.len() - 2], "providers")
}

fn directory(words: &[&str]) -> Option<Route> {
    let path = match words {
        [one] if is(one, "tenants") => DirectoryPath::Tenants,
        [one] if is(one, "subscriptions") => DirectoryPath::Subscriptions,
        [one, id] if is(one, "subscriptions") => DirectoryPath::Subscription((*id).to_owned()),
        [one, id, two] if is(one, "subscriptions") && is(two, "locations") => {
            DirectoryPath::Locations((*id).to_owned())
        }
        _ => return None,
    };
    Some(Route::Directory(path))
}

fn providers(words: &[&str]) -> Option<Route> {
    let (subscription, rest) = match words {
        [one, id, rest @ ..] if is(one, "subscriptions") => (Some((*id).to_owned()), rest),
        rest => (None, rest),
    };
    let (namespace, register) = match rest {
        [one] if is(one, "providers") => (None, false),
        [one, namespace] if is(one, "providers") => (Some((*namespace).to_owned()), false),
        [one, namespace, verb] if is(one, "providers") && is(verb, "register") => {
            (Some((*namespace).to_owned()), true)
        }
        _ => return None,
    };
    Some(Route::Providers { subscription, namespace, register })
}

fn operation(words: &[&str]) -> Option<Route> {
    let (subscription, rest) = match words {
        [one, id, rest @ ..] if is(one, "subscriptions") => ((*id).to_owned(), rest),
        _ => return None,
    };
    let (id, result) = match rest {
        [one, id] if is(one, "operationresults") => (*id, true),
        [.., one, two, three, _, kind, id]
            if is(one, "providers")
                && is(two, "Microsoft.Resources")
                && is(three, "deployments")
                && is(kind, "operationStatuses") =>
        {
            (*id, false)
        }
        [one, _, two, _, kind, id]
            if is(one, "providers")
                && is(two, "locations")
                && ["capsOperations", "operations", "DiskOperations"].iter().any(|word| is(kind, word)) =>
        {
            (*id, false)
        }
        _ => return None,
    };
    // An id that is no GUID names no operation: the nil id is never given out.
    let id = id.parse::<Uuid>().unwrap_or(Uuid::nil());
    Some(Route::Operation { subscription, id: JobId(id), result })
}

fn resource_id(words: &[&str]) -> Result<ResourceId, Rejection> {
    let shaped = !words.is_empty()
        && words.len().is_multiple_of(2)
        && (is(words[0], "subscriptions") || is(words[0], "providers"))
        && !is(words[words.len() - 2], "providers");
    if !shaped {
        return Err(refusals::path_not_found());
    }
    let pairs = words.chunks_exact(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect();
    ResourceId::from_pairs(pairs).map_err(|error| match error {
        arm::ResourceIdError::Shape => refusals::path_not_found(),
        arm::ResourceIdError::Segment(_) => {
            Rejection::new(400, "InvalidResourceName", format!("The resource id is invalid: {error}."))
        }
    })
}

fn segments(path: &str) -> Result<Vec<String>, Rejection> {
    path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect()
}

/// Percent-decodes one segment, once.
pub(crate) fn decode(segment: &str) -> Result<String, Rejection> {
    let refuse =
        || refusals::invalid_content("The request path or query is not valid percent-encoded UTF-8.");
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let digits = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
            let byte = digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or_else(refuse)?;
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(decoded).map_err(|_error| refuse())
}

fn is(text: &str, word: &str) -> bool {
    text.eq_ignore_ascii_case(word)
}

#[cfg(test)]
mod tests {
    use super::{DirectoryPath, Route, parse};

    fn names(path: &str) -> String {
        match parse(path, false) {
            Ok(Route::Resource(id)) => format!("resource {id}"),
            Ok(Route::Collection { scope, type_name }) => {
                let scope = scope.map_or_else(|| "the tenant".to_owned(), |scope| scope.to_string());
                format!("{type_name} of {scope}")
            }
            Ok(Route::Everything { scope }) => format!("all of {scope}"),
            Ok(Route::Operation { id, result, .. }) => format!("operation {id} {result}"),
            Ok(Route::Providers { namespace, register, .. }) => format!("providers {namespace:?} {register}"),
            Ok(Route::Directory(path)) => format!("{path:?}"),
            Ok(Route::Action { id, action }) => format!("{action} of {id}"),
            Err(no) => no.detail.code,
        }
    }

    #[test]
    fn each_path_names_one_thing() {
        let check = |path: &str, wanted: &str| assert_eq!(names(path), wanted, "{path}");
        check("/subscriptions", "Subscriptions");
        check("/subscriptions/s", "Subscription(\"s\")");
        check("/subscriptions/s/resourcegroups", "Microsoft.Resources/resourceGroups of /subscriptions/s");
        check("/subscriptions/s/resourceGroups/g/", "resource /subscriptions/s/resourceGroups/g");
        check("/subscriptions/s/resourceGroups/g/resources", "all of /subscriptions/s/resourceGroups/g");
        check("/subscriptions/s/providers/M.C/galleries", "M.C/galleries of /subscriptions/s");
        check(
            "/subscriptions/s/resourceGroups/g/providers/M.C//galleries/x",
            "resource /subscriptions/s/resourceGroups/g/providers/M.C/galleries/x",
        );
        check(
            "/subscriptions/s/resourceGroups/g/providers/M.C/galleries/x/images",
            "M.C/galleries/images of /subscriptions/s/resourceGroups/g/providers/M.C/galleries/x",
        );
        check(
            "/subscriptions/s/providers/M.C/locations/l/capsOperations/not-a-guid",
            "operation 00000000-0000-0000-0000-000000000000 false",
        );
        check("/subscriptions/s/providers/M.C", "providers Some(\"M.C\") false");
        check("/providers", "providers None false");
        check("/providers/M.C/things", "M.C/things of the tenant");
        check(
            "/subscriptions/s/providers/M.C/locations/l/publishers/p/artifacttypes/vmimage/offers",
            "M.C/locations/publishers/artifacttypes/offers of /subscriptions/s/providers/M.C/locations/l/publishers/p/artifacttypes/vmimage",
        );
        check(
            "/subscriptions/s/resourcegroups/g/deployments/x/operations",
            "Microsoft.Resources/deployments/operations of /subscriptions/s/resourcegroups/g/providers/Microsoft.Resources/deployments/x",
        );
        check(
            "/subscriptions/s/deployments/x",
            "resource /subscriptions/s/providers/Microsoft.Resources/deployments/x",
        );
        check(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/deployments/x/operationStatuses/y",
            "operation 00000000-0000-0000-0000-000000000000 false",
        );
        check("/nowhere", "NotFound");
        check("/subscriptions/s/resourceGroups/%2e%2e", "InvalidResourceName");
        check("/subscriptions/s/resourceGroups/a%2fb", "InvalidResourceName");
        check("/subscriptions/s/resourceGroups/%zz", "InvalidRequestContent");
        check("/subscriptions/s/resourceGroups/%ff", "InvalidRequestContent");
    }

    #[test]
    fn a_post_ends_in_an_action() {
        let route = parse("/subscriptions/s/resourceGroups/g/providers/M.C/galleries/x/share", true).unwrap();
        assert!(matches!(route, Route::Action { action, .. } if action == "share"));
        let route = parse("/providers/Microsoft.ResourceGraph/resources", true).unwrap();
        assert!(matches!(route, Route::Collection { scope: None, .. }));
        let route = parse("/subscriptions/s/locations", false).unwrap();
        assert_eq!(route, Route::Directory(DirectoryPath::Locations("s".into())));
    }
}
