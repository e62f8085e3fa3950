//! Every type, every verb, and who may: one table made from the registry.

use std::fmt::Write as _;

use arm::TypeName;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{TestServer, answer, definition_body, located};

/// The path of a resource of this type; its parents stand when the earlier types of the registry do.
fn path(server: &TestServer, name: &TypeName) -> String {
    let instance = |kind: &str| {
        let name = match kind {
            "versions" => "1.0.0",
            "storageAccounts" => "acct",
            "blobServices" => "default",
            "containers" => "vhds",
            _ => "x",
        };
        name.to_owned()
    };
    let typed = |kind: &str| format!("{kind}/{}", instance(kind));
    if name.is("Microsoft.Resources/resourceGroups") {
        return server.group();
    }
    let below = match name.namespace() {
        "Gallerist.Images" => server.compute("galleries/x/images/x"),
        _ => server.group(),
    };
    let types: Vec<String> = match name.path() {
        "contracts" => vec!["contracts/default".to_owned()],
        path => path.split('/').map(typed).collect(),
    };
    format!("{below}/providers/{}/{}", name.namespace(), types.join("/"))
}

fn body(name: &TypeName) -> Value {
    if name.is("Microsoft.Compute/images") {
        let os =
            json!({"osType": "Linux", "osState": "Generalized", "blobUri": "https://127.0.0.1:1/disk.vhd"});
        return json!({"location": "westeurope", "properties": {"storageProfile": {"osDisk": os}}});
    }
    let of = |properties: Value| json!({"location": "westeurope", "properties": properties});
    let published = |profile: Value| of(json!({ "publishingProfile": profile }));
    let link = "https://127.0.0.1:1/bytes";
    match name.path() {
        "galleries/applications" | "galleries/scripts" => of(json!({"supportedOSType": "Linux"})),
        "galleries/applications/versions" => published(
            json!({"source": {"mediaLink": link}, "manageActions": {"install": "i", "remove": "r"}}),
        ),
        "galleries/images" => definition_body(),
        "galleries/inVMAccessControlProfiles" => {
            of(json!({"osType": "Linux", "applicableHostEndpoint": "IMDS"}))
        }
        "galleries/inVMAccessControlProfiles/versions" => {
            of(json!({"mode": "Audit", "defaultAccess": "Deny"}))
        }
        "galleries/scripts/versions" => published(json!({"source": {"scriptLink": link}})),
        "galleries/images/versions" => {
            let source = json!({"uri": "https://127.0.0.1:1/disk.vhd"});
            json!({"location": "westeurope", "properties": {"storageProfile": {"osDiskImage": {"source": source}}}})
        }
        "uploads" => {
            json!({"location": "westeurope", "properties": {"format": "raw", "sizeBytes": 4096}})
        }
        "disks" | "snapshots" => {
            let creation = json!({"createOption": "Empty"});
            json!({"location": "westeurope", "properties": {"creationData": creation, "diskSizeGB": 1}})
        }
        "deployments" => json!({"properties": {"mode": "Incremental", "template": {}}}),
        _ => located(),
    }
}

/// Waits until the deployment has ended: a running one is not deleted.
async fn has_ended(server: &TestServer, path: &str) {
    loop {
        let request = server.request(Method::GET, path).bearer_auth(server.owner());
        if answer(request).await.json()["properties"]["provisioningState"] != "Running" {
            return;
        }
    }
}

#[tokio::test]
async fn every_type_and_verb_is_decided_for_owner_stranger_and_nobody() {
    let server = TestServer::start().await;
    let stranger = server.stranger().await;
    let callers = [None, Some(stranger.as_str()), Some(server.owner())];
    let mut table =
        format!("{:<44} {:<8} {:>6} {:>8} {:>6}\n", "type", "verb", "nobody", "stranger", "owner");
    let kinds = providers::resource_types();
    let names: Vec<TypeName> = kinds.iter().map(|kind| kind.name()).collect();
    let mut rows = Vec::new();
    let query = |at: usize| format!("?api-version={}", kinds[at].api_versions()[0]);
    for (at, name) in names.iter().enumerate() {
        let (path, query) = (path(&server, name), query(at));
        let list = format!("{}{query}", path.rsplit_once('/').unwrap().0);
        let action = format!("{path}/share{query}");
        let path = format!("{path}{query}");
        rows.extend([
            (name, "put", Method::PUT, path.clone(), body(name)),
            (name, "get", Method::GET, path.clone(), Value::Null),
            (name, "head", Method::HEAD, path.clone(), Value::Null),
            (name, "patch", Method::PATCH, path.clone(), json!({})),
            (name, "list", Method::GET, list, Value::Null),
            (name, "post", Method::POST, path.clone(), json!({})),
            (name, "action", Method::POST, action, json!({})),
        ]);
    }
    for (at, name) in names.iter().enumerate().rev() {
        let path = format!("{}{}", path(&server, name), query(at));
        rows.push((name, "delete", Method::DELETE, path, Value::Null));
    }
    for (name, verb, method, path, body) in rows {
        if verb == "delete" && name.is("Microsoft.Resources/deployments") {
            has_ended(&server, &path).await;
        }
        let mut row = format!("{:<44} {verb:<8}", name.as_str());
        for (caller, width) in callers.iter().zip([6, 8, 6]) {
            let mut request = server.request(method.clone(), &path);
            if let Some(token) = caller {
                request = request.bearer_auth(token);
            }
            if !body.is_null() {
                request = request.json(&body);
            }
            write!(row, " {:>width$}", answer(request).await.status.as_u16()).unwrap();
        }
        writeln!(table, "{row}").unwrap();
    }
    insta::assert_snapshot!(table);
}
