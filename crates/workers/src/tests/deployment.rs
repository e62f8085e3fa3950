//! Deployments from end to end: what they make, how they fail, and that they go on wherever the process died.

use control::{Method, Reply};
use serde_json::{Value, json};

use super::disk::Disk;
use super::rows::Fate;
use super::world::{SUBSCRIPTION, World, group, upload, version_body};

const LATER_SECONDS: i64 = 3600;

fn deployment(name: &str) -> String {
    format!("{}/providers/Microsoft.Resources/deployments/{name}", group(SUBSCRIPTION))
}

fn compute(tail: &str) -> String {
    format!("{}/providers/Microsoft.Compute/{tail}", group(SUBSCRIPTION))
}

fn ask(world: &World, method: Method, id: &str, body: &Value) -> Reply {
    world.ask(method, id, "api-version=2025-04-01", body)
}

fn deploy(world: &World, name: &str, mode: &str, template: &Value, parameters: &Value) {
    let properties = json!({"mode": mode, "template": template, "parameters": parameters});
    let reply = ask(world, Method::Put, &deployment(name), &json!({ "properties": properties }));
    assert!(matches!(reply.status, 200 | 201), "{reply:?}");
}

fn properties(world: &World, name: &str) -> Value {
    let reply = ask(world, Method::Get, &deployment(name), &Value::Null);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body.unwrap()["properties"].clone()
}

fn template(resources: &Value, outputs: &Value) -> Value {
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"shelf": {"type": "string"}, "key": {"type": "securestring", "defaultValue": "canary"}},
        "resources": resources,
        "outputs": outputs,
    })
}

/// A gallery with two definitions, the way users write it.
fn shelf() -> Value {
    template(
        &json!([
            {
                "type": "Microsoft.Compute/galleries/images", "apiVersion": "2023-07-03",
                "name": "[concat(parameters('shelf'), '/image', copyIndex(1))]", "location": "[resourceGroup().location]",
                "copy": {"name": "images", "count": 2},
                "dependsOn": ["[resourceId('Microsoft.Compute/galleries', parameters('shelf'))]"],
                "properties": {
                    "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2",
                    "identifier": {"publisher": "p", "offer": "o", "sku": "[concat('s', copyIndex())]"},
                },
            },
            {
                "type": "Microsoft.Compute/galleries", "apiVersion": "2023-07-03", "name": "[parameters('shelf')]",
                "location": "[resourceGroup().location]", "properties": {"description": "from a template"},
            },
            {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2022-01-01", "name": "none", "condition": false},
        ]),
        &json!({"said": {"type": "string", "value": "[reference(parameters('shelf')).description]"}}),
    )
}

fn shelf_name() -> Value {
    json!({"shelf": {"value": "deployed"}})
}

fn is_deployed(world: &World) {
    let shown = properties(world, "d");
    assert_eq!(shown["provisioningState"], "Succeeded", "{shown}");
    assert_eq!(shown["outputs"], json!({"said": {"type": "String", "value": "from a template"}}));
    assert_eq!(shown["outputResources"].as_array().unwrap().len(), 3);
    for tail in ["galleries/deployed", "galleries/deployed/images/image1", "galleries/deployed/images/image2"]
    {
        assert_eq!(world.state(&compute(tail)), "Succeeded", "{tail}");
    }
    let operations =
        ask(world, Method::Get, &format!("{}/operations", deployment("d")), &Value::Null).body.unwrap();
    let states: Vec<&Value> = operations["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["properties"]["provisioningState"])
        .collect();
    assert_eq!(states, ["Succeeded", "Succeeded", "Succeeded"], "{operations}");
}

#[test]
fn a_template_makes_what_it_says_and_can_be_put_again() {
    let world = World::new();
    for _ in 0..2 {
        deploy(&world, "d", "incremental", &shelf(), &shelf_name());
        assert_eq!(properties(&world, "d")["provisioningState"], "Running");
        world.run_due();
        is_deployed(&world);
    }
    assert!(!properties(&world, "d").to_string().contains("canary"));
}

#[test]
fn a_deployment_resumes_wherever_the_process_died() {
    let ready = || {
        let world = World::new();
        deploy(&world, "d", "Incremental", &shelf(), &shelf_name());
        world
    };
    let undisturbed = ready();
    undisturbed.rows.arm(None);
    undisturbed.run_due();
    is_deployed(&undisturbed);
    let calls = undisturbed.rows.count();
    assert!(calls > 20, "{calls}");
    for at in 0..calls {
        for fate in [Fate::DiesBefore, Fate::DiesAfter, Fate::Fails] {
            let mut world = ready();
            world.rows.arm(Some((at, fate)));
            world.run(async {
                tokio::select! {
                    _ = world.life().workers.run_due() => {}
                    () = world.rows.died() => {}
                }
            });
            world.restart();
            for _ in 0..3 {
                world.clock.advance(LATER_SECONDS);
                world.run_due();
            }
            is_deployed(&world);
        }
    }
}

#[test]
fn what_fails_is_told_and_the_rest_is_made() {
    let world = World::new();
    let mut failing = shelf();
    failing["resources"][2]["condition"] = json!(true);
    failing["resources"][2]["location"] = json!("westeurope");
    deploy(&world, "d", "Incremental", &failing, &shelf_name());
    world.run_due();
    let shown = properties(&world, "d");
    assert_eq!(shown["provisioningState"], "Failed", "{shown}");
    assert_eq!(shown["error"]["code"], "DeploymentFailed");
    assert_eq!(shown["error"]["details"][0]["code"], "NotImplemented");
    assert_eq!(world.state(&compute("galleries/deployed/images/image2")), "Succeeded");
    // Put again without what failed, it is whole.
    deploy(&world, "d", "Incremental", &shelf(), &shelf_name());
    world.run_due();
    is_deployed(&world);
    assert_eq!(properties(&world, "d")["error"], Value::Null);
}

#[test]
fn a_template_that_makes_no_sense_fails_through_its_operation() {
    let world = World::new();
    for (template, parameters, code) in [
        (json!({"resources": []}), json!({}), "InvalidTemplate"),
        (shelf(), json!({}), "InvalidTemplate"),
        (
            template(&json!([{"type": "M.C/x", "apiVersion": "1", "name": "[nothing()]"}]), &json!({})),
            shelf_name(),
            "InvalidTemplate",
        ),
    ] {
        deploy(&world, "d", "Incremental", &template, &parameters);
        world.run_due();
        let shown = properties(&world, "d");
        assert_eq!(
            (&shown["provisioningState"], &shown["error"]["code"]),
            (&json!("Failed"), &json!(code)),
            "{shown}"
        );
    }
}

#[test]
fn complete_mode_leaves_only_what_the_template_names() {
    let world = World::new();
    deploy(&world, "d", "Complete", &shelf(), &shelf_name());
    world.run_due();
    is_deployed(&world);
    let gone = world.ask(Method::Get, &compute("galleries/shelf"), "api-version=2024-03-03", &Value::Null);
    assert_eq!(gone.status, 404);
    assert_eq!(ask(&world, Method::Get, &deployment("d"), &Value::Null).status, 200);
}

#[test]
fn a_deployment_waits_for_the_jobs_of_its_resources_and_can_be_canceled() {
    let waiting = || {
        let world = World::new();
        world.upload(SUBSCRIPTION, "1.0.0", &Disk::new(1, 4));
        let mut body = version_body("1.0.0", &["westeurope"]);
        body["properties"]["storageProfile"]["osDiskImage"]["source"]["id"] =
            upload(SUBSCRIPTION, "1.0.0").into();
        for (name, value) in [
            ("type", "Microsoft.Compute/galleries/images/versions"),
            ("apiVersion", "2024-03-03"),
            ("name", "shelf/linux/1.0.0"),
        ] {
            body[name] = value.into();
        }
        let after = json!({"type": "Microsoft.Compute/galleries", "apiVersion": "2023-07-03", "name": "after", "location": "westeurope", "dependsOn": ["shelf/linux/1.0.0"]});
        deploy(&world, "d", "Incremental", &template(&json!([body, after]), &json!({})), &shelf_name());
        world
    };
    let world = waiting();
    world.run_due();
    assert_eq!(properties(&world, "d")["provisioningState"], "Running");
    assert_eq!(ask(&world, Method::Delete, &deployment("d"), &Value::Null).status, 409);
    world.clock.advance(2);
    world.run_due();
    assert_eq!(properties(&world, "d")["provisioningState"], "Succeeded");
    assert_eq!(world.state(&compute("galleries/after")), "Succeeded");
    let cancel = format!("{}/cancel", deployment("d"));
    assert_eq!(ask(&world, Method::Post, &cancel, &Value::Null).status, 409);

    let world = waiting();
    assert_eq!(ask(&world, Method::Post, &cancel, &Value::Null).status, 204);
    world.run_due();
    assert_eq!(properties(&world, "d")["provisioningState"], "Canceled");
    deploy(&world, "d", "Incremental", &shelf(), &shelf_name());
    world.run_due();
    is_deployed(&world);
}

#[test]
fn deployments_nest_and_what_if_only_looks() {
    let world = World::new();
    let mut inner = shelf();
    inner["outputs"] = json!({});
    let nested = json!({
        "type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inner",
        "properties": {
            "mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "template": inner,
            "parameters": {"shelf": {"value": "[parameters('shelf')]"}},
        },
    });
    let outer = template(
        &json!([nested]),
        &json!({"state": {"type": "string", "value": "[reference('inner').provisioningState]"}}),
    );
    deploy(&world, "outer", "Incremental", &outer, &shelf_name());
    for _ in 0..3 {
        world.run_due();
        world.clock.advance(2);
    }
    let shown = properties(&world, "outer");
    assert_eq!(shown["outputs"]["state"]["value"], "Succeeded", "{shown}");

    let mut secretive = shelf();
    secretive["resources"][1]["properties"]["description"] = json!("[parameters('key')]");
    let body = json!({"properties": {"mode": "Incremental", "template": secretive, "parameters": {"shelf": {"value": "other"}}}});
    let reply = ask(&world, Method::Post, &format!("{}/whatIf", deployment("w")), &body);
    assert_eq!(reply.status, 202, "{reply:?}");
    world.run_due();
    let location = reply.headers.iter().find(|(name, _)| *name == "location").unwrap().1.clone();
    let (path, query) = location.strip_prefix("https://gallerist.example").unwrap().split_once('?').unwrap();
    let answer = world.ask(Method::Get, path, query, &Value::Null);
    let answer = answer.body.unwrap();
    let kinds: Vec<&Value> = answer["properties"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| &change["changeType"])
        .collect();
    assert_eq!(kinds, ["Create", "Create", "Create"], "{answer}");
    assert!(answer.to_string().contains("*******"), "{answer}");
    assert!(!answer.to_string().contains("canary"), "{answer}");
    let job = metadata::JobId(path.rsplit('/').next().unwrap().parse().unwrap());
    let job = world.run(metadata::Store::job(world.rows.as_ref(), job)).unwrap().unwrap();
    assert!(!format!("{job:?}").contains("canary"));
    assert_eq!(ask(&world, Method::Get, &deployment("w"), &Value::Null).status, 404);
    assert_eq!(
        world.ask(Method::Get, &compute("galleries/other"), "api-version=2024-03-03", &Value::Null).status,
        404
    );
}

#[test]
fn validate_answers_at_once_and_export_gives_the_template_back() {
    let world = World::new();
    let validate = format!("{}/validate", deployment("v"));
    let check = |template: &Value| {
        let body =
            json!({"properties": {"mode": "Incremental", "template": template, "parameters": shelf_name()}});
        let reply = ask(&world, Method::Post, &validate, &body);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body.unwrap()
    };
    let valid = check(&shelf());
    assert_eq!(valid["properties"]["validatedResources"].as_array().unwrap().len(), 3, "{valid}");
    assert_eq!(check(&json!({"resources": []}))["error"]["code"], "InvalidTemplate");
    let network =
        json!([{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2022-01-01", "name": "n"}]);
    let refused = check(&template(&network, &json!({})));
    assert_eq!(refused["error"]["code"], "InvalidTemplateDeployment");
    assert_eq!(refused["error"]["details"][0]["code"], "NotImplemented");

    deploy(&world, "d", "Incremental", &shelf(), &shelf_name());
    let export = ask(&world, Method::Post, &format!("{}/exportTemplate", deployment("d")), &Value::Null);
    assert_eq!(export.body.unwrap(), json!({"template": shelf()}));
}

#[test]
fn a_stranger_deploys_nothing_with_the_rights_of_another() {
    let world = World::new();
    let mut request = super::world::request(
        Method::Put,
        &deployment("d"),
        "api-version=2025-04-01",
        &json!({"properties": {"template": shelf(), "parameters": shelf_name()}}),
    );
    request.caller =
        request.caller.map(|caller| control::Principal { object_id: "stranger".to_owned(), ..caller });
    assert_eq!(world.run(world.life().engine.handle(&request)).status, 403);
}
