//! Paths, methods and api-versions that name nothing, or nothing that we have.

use control::Method;
use rstest::rstest;

use crate::world::{
    Ask, SUBSCRIPTION, World, body, code, compute, definition, gallery, group, located, message,
};

#[rstest]
#[case::missing("?", 400, "MissingApiVersionParameter")]
#[case::empty("?api-version=", 400, "MissingApiVersionParameter")]
#[case::word("?api-version=latest", 400, "InvalidApiVersionParameter")]
#[case::no_date("?api-version=2024-13-03", 400, "InvalidApiVersionParameter")]
#[case::nul("?api-version=2024-03-03%00", 400, "InvalidApiVersionParameter")]
#[case::twice("?api-version=2024-03-03&api-version=2024-03-03", 400, "InvalidRequestContent")]
#[case::older_than_all("?api-version=2015-06-15", 400, "NoRegisteredProviderFound")]
#[case::between("?api-version=2022-08-01", 400, "NoRegisteredProviderFound")]
#[case::published("?api-version=2018-06-01", 200, "")]
#[case::newest("?api-version=2026-03-03", 200, "")]
#[case::newer("?api-version=2031-01-01", 200, "")]
#[case::preview("?api-version=2024-03-03-Preview", 200, "")]
#[case::escaped("?api%2Dversion=2024%2d03-03", 200, "")]
#[case::odd_case("?API-VERSION=2024-03-03", 200, "")]
#[tokio::test]
async fn an_api_version_is_asked_for_and_answered(
    #[case] query: &str,
    #[case] status: u16,
    #[case] refusal: &str,
) {
    let world = World::furnished().await;
    // The empty option keeps the asker from adding an api-version of its own.
    let query = query.replace("?", "?not-api-version&");
    let reply = world.get(&format!("{}{query}", gallery())).await;
    assert_eq!((reply.status, code(&reply)), (status, refusal), "{reply:?}");
}

#[tokio::test]
async fn an_unknown_api_version_is_told_the_known_ones() {
    let world = World::furnished().await;
    let reply = world.get(&format!("{}?api-version=2022-08-01", gallery())).await;
    let said = message(&reply);
    assert!(said.starts_with("No registered resource provider found for location"), "{said}");
    assert!(
        said.contains("'2022-08-01' for type 'galleries'") && said.contains("2026-03-03, 2025-12-03"),
        "{said}"
    );
}

#[rstest]
#[case::show(Method::Get, "virtualMachines/vm", 404, "ResourceNotFound")]
#[case::exists(Method::Head, "virtualMachines/vm", 404, "ResourceNotFound")]
#[case::put(Method::Put, "virtualMachines/vm", 501, "NotImplemented")]
#[case::patch(Method::Patch, "virtualMachines/vm", 501, "NotImplemented")]
#[case::delete(Method::Delete, "virtualMachines/vm", 501, "NotImplemented")]
#[case::list(Method::Get, "virtualMachines", 501, "NotImplemented")]
#[case::action(Method::Post, "virtualMachines/vm/start", 501, "NotImplemented")]
#[case::action_of_ours(Method::Post, "galleries/g/rotate", 501, "NotImplemented")]
#[case::action_of_none(Method::Post, "galleries/none/share", 404, "ResourceNotFound")]
#[case::post_to_a_resource(Method::Post, "galleries/g", 405, "MethodNotAllowed")]
#[case::put_to_a_list(Method::Put, "galleries", 405, "MethodNotAllowed")]
#[case::delete_of_a_list(Method::Delete, "galleries/g/images", 405, "MethodNotAllowed")]
#[tokio::test]
async fn what_azure_has_and_we_lack_is_not_implemented(
    #[case] method: Method,
    #[case] path: &str,
    #[case] status: u16,
    #[case] refusal: &str,
) {
    let world = World::furnished().await;
    let reply = world.send(Ask::new(method, &compute(path)).json(&located())).await;
    assert_eq!((reply.status, code(&reply)), (status, refusal), "{reply:?}");
}

#[rstest]
#[case::get(Method::Get)]
#[case::put(Method::Put)]
#[case::delete(Method::Delete)]
#[tokio::test]
async fn what_nobody_has_is_not_found(#[case] method: Method) {
    let world = World::furnished().await;
    for (provider, refusal) in [
        ("Contoso.Things/widgets", "InvalidResourceNamespace"),
        ("Gallerist.Images/none", "InvalidResourceType"),
    ] {
        let reply = world
            .send(Ask::new(method, &format!("{}/providers/{provider}/x", group())).json(&located()))
            .await;
        assert_eq!((reply.status, code(&reply)), (404, refusal), "{provider}");
    }
}

#[rstest]
#[case::root("/", 404)]
#[case::tenant_resource("/tenants/x", 404)]
#[case::no_name("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute", 404)]
#[case::dots("/subscriptions/s/resourceGroups/%2e%2e", 400)]
#[case::plain_dots("/subscriptions/s/resourceGroups/..", 400)]
#[case::slash("/subscriptions/s/resourceGroups/a%2fb", 400)]
#[case::backslash("/subscriptions/s/resourceGroups/a%5cb", 400)]
#[case::nul("/subscriptions/s/resourceGroups/a%00", 400)]
#[case::twice_escaped("/subscriptions/s/resourceGroups/%252e%252e", 400)]
#[case::no_escape("/subscriptions/s/resourceGroups/%zz", 400)]
#[case::cut_escape("/subscriptions/s/resourceGroups/%2", 400)]
#[case::no_utf8("/subscriptions/s/resourceGroups/%ff", 400)]
#[tokio::test]
async fn a_path_that_names_nothing_is_refused(
    #[case] path: &str,
    #[case] status: u16,
    #[values(Method::Get, Method::Put, Method::Delete, Method::Post)] method: Method,
) {
    let world = World::furnished().await;
    let reply = world.send(Ask::new(method, path).json(&located())).await;
    assert_eq!(reply.status, status, "{reply:?}");
}

#[rstest]
#[case("..")]
#[case("%2e%2e")]
#[case("trailing.")]
#[case("g%C4%B1")]
#[case("%F0%9F%98%80")]
#[case("%E2%80%AEg")]
#[case("has%20space")]
#[case("a;b=c")]
#[case("-leading")]
#[tokio::test]
async fn a_name_that_the_type_does_not_allow_is_refused(#[case] name: &str) {
    let world = World::furnished().await;
    for path in [
        compute(&format!("galleries/{name}")),
        compute(&format!("galleries/g/images/{name}")),
        compute(&format!("galleries/g/images/d/versions/{name}")),
    ] {
        let reply = world.put(&path, &located()).await;
        assert_eq!(reply.status, 400, "{path}: {reply:?}");
    }
}

#[tokio::test]
async fn doubled_slashes_and_odd_case_name_the_same() {
    let world = World::furnished().await;
    let shown = world.get(&gallery()).await;
    for path in [
        gallery().replace("/galleries", "//galleries"),
        gallery().replace("/providers", "///PROVIDERS"),
        gallery().replace("resourceGroups", "resourcegroups"),
        gallery().to_uppercase(),
        format!("/{}/", gallery()),
        gallery().replace("/g", "/%67"),
    ] {
        assert_eq!(world.get(&path).await.body, shown.body, "{path}");
    }
}

#[tokio::test]
async fn the_directory_and_the_providers_are_listed() {
    let world = World::furnished().await;
    for path in
        ["/tenants", "/subscriptions", SUBSCRIPTION, &format!("{SUBSCRIPTION}/locations"), "/providers"]
    {
        let reply = world.get(path).await;
        assert_eq!(reply.status, 200, "{path}");
        let refused = world.send(Ask::new(Method::Delete, path)).await;
        assert_eq!((refused.status, code(&refused)), (405, "MethodNotAllowed"), "{path}");
    }
    let compute = world.get(&format!("{SUBSCRIPTION}/providers/microsoft.compute")).await;
    assert_eq!(body(&compute)["registrationState"], "Registered");
    let types = body(&compute)["resourceTypes"].as_array().unwrap();
    let names: Vec<&str> = types.iter().map(|kind| kind["resourceType"].as_str().unwrap()).collect();
    assert!(names.is_sorted(), "{names:?}");
    for name in ["galleries", "galleries/images", "galleries/images/versions"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let register = Ask::new(Method::Post, &format!("{SUBSCRIPTION}/providers/Microsoft.Network/register"));
    assert_eq!(body(&world.send(register).await)["registrationState"], "Registered");
}

#[tokio::test]
async fn an_internal_error_keeps_its_cause_to_itself() {
    let world = World::furnished().await;
    world.rows.close().await;
    let reply = world.get(&definition()).await;
    assert_eq!((reply.status, code(&reply)), (500, "InternalServerError"));
    assert_eq!(
        message(&reply),
        format!(
            "An internal error occurred. Quote the correlation id '{}' to the operator.",
            crate::world::CORRELATION
        )
    );
}

#[rstest]
#[case::in_a_subscription(&format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/galleries/x"))]
#[case::nowhere("/providers/Microsoft.Compute/galleries/x")]
#[tokio::test]
async fn what_has_a_location_stands_in_a_group(#[case] path: &str) {
    let world = World::furnished().await;
    let reply = world.put(path, &located()).await;
    assert_eq!((reply.status, code(&reply)), (404, "NotFound"), "{reply:?}");
    assert_eq!(world.get(path).await.status, 404);
}
