//! Resources: ids, loops, conditions, order, bodies.

use rstest::rstest;
use serde_json::{Value, json};

use super::{SUBSCRIPTION, Standing, message, program};
use crate::{Nothing, Plan};

fn resource(name: &str, more: &Value) -> Value {
    let mut resource = json!({"type": "Microsoft.Compute/galleries", "apiVersion": "2023-07-03", "name": name, "location": "westeurope"});
    for (name, value) in more.as_object().unwrap() {
        resource[name] = value.clone();
    }
    resource
}

fn planned(resources: &Value) -> Result<Plan, crate::Error> {
    program(&json!({ "resources": resources }), &json!({}))?.plan()
}

/// The names of a plan in order.
fn names(resources: &Value) -> Vec<String> {
    planned(resources).unwrap().resources.into_iter().map(|resource| resource.name).collect()
}

fn id(tail: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/G/providers/{tail}")
}

#[test]
fn dependencies_are_found_by_id_type_name_and_reference() {
    for dependency in [
        json!({"dependsOn": ["[resourceId('Microsoft.Compute/galleries', 'b')]"]}),
        json!({"dependsOn": ["b"]}),
        json!({"dependsOn": ["microsoft.compute/GALLERIES/b"]}),
        json!({"properties": {"x": "[reference('b').y]"}}),
        json!({"properties": {"x": ["[concat('a', reference(resourceId('Microsoft.Compute/galleries', 'b')).y)]"]}}),
    ] {
        let resources = json!([resource("a", &dependency), resource("b", &json!({}))]);
        assert_eq!(names(&resources), ["b", "a"], "{dependency}");
    }
}

#[test]
fn a_nested_type_is_named_in_both_ways() {
    for word in ["Microsoft.Compute/galleries/images/g/i", "Microsoft.Compute/galleries/g/images/i", "g/i"] {
        let image =
            json!({"type": "Microsoft.Compute/galleries/images", "apiVersion": "2023-07-03", "name": "g/i"});
        let plan = planned(&json!([resource("a", &json!({"dependsOn": [word]})), image])).unwrap();
        assert_eq!(plan.resources[0].id, id("Microsoft.Compute/galleries/g/images/i"), "{word}");
        assert_eq!(plan.resources[1].depends_on, [0]);
    }
}

#[test]
fn nested_resources_stand_below_their_parents() {
    let version =
        json!({"type": "versions", "apiVersion": "2024-03-03", "name": "1.0.0", "dependsOn": ["i"]});
    let image = json!({"type": "images", "apiVersion": "2023-07-03", "name": "[toLower('I')]", "resources": [version]});
    let mut version_free = image.clone();
    version_free["resources"][0]["dependsOn"] = json!([]);
    let plan =
        planned(&json!([resource("[concat('g', '1')]", &json!({"resources": [version_free]}))])).unwrap();
    let ids: Vec<&str> = plan.resources.iter().map(|resource| resource.id.as_str()).collect();
    let gallery = id("Microsoft.Compute/galleries/g1");
    assert_eq!(
        ids,
        [gallery.clone(), format!("{gallery}/images/i"), format!("{gallery}/images/i/versions/1.0.0")]
    );
}

#[test]
fn loops_are_unrolled_in_parallel_or_in_turn() {
    let copy = |mode: Value| {
        let mut more = json!({"copy": {"name": "loop", "count": 4}});
        for (name, value) in mode.as_object().unwrap() {
            more["copy"][name] = value.clone();
        }
        json!([
            resource("last", &json!({"dependsOn": ["loop"]})),
            resource("[concat('g', copyIndex(1))]", &more)
        ])
    };
    let plan = planned(&copy(json!({}))).unwrap();
    let names: Vec<&str> = plan.resources.iter().map(|resource| resource.name.as_str()).collect();
    assert_eq!(names, ["g1", "g2", "g3", "g4", "last"]);
    assert_eq!(plan.resources[4].depends_on, [0, 1, 2, 3]);
    assert!(plan.resources[..4].iter().all(|resource| resource.depends_on.is_empty()));
    let waits = |mode: Value| -> Vec<Vec<usize>> {
        planned(&copy(mode)).unwrap().resources.into_iter().map(|resource| resource.depends_on).collect()
    };
    assert_eq!(waits(json!({"mode": "serial"}))[..4], [vec![], vec![0], vec![1], vec![2]]);
    assert_eq!(
        waits(json!({"mode": "Serial", "batchSize": 2}))[..4],
        [vec![], vec![], vec![0, 1], vec![0, 1]]
    );
}

#[test]
fn what_is_not_wanted_is_left_out_and_waited_for_by_none() {
    let resources = json!([
        resource("a", &json!({"dependsOn": ["b", "none"]})),
        resource("b", &json!({"condition": "[equals(1, 2)]"})),
        resource("c", &json!({"copy": {"name": "none", "count": 0}})),
    ]);
    assert_eq!(names(&resources), ["a"]);
}

#[test]
fn symbols_name_resources_and_loops() {
    let resources = json!({
        "last": resource("z", &json!({"dependsOn": ["many", "first"]})),
        "many": resource("[format('m{0}', copyIndex())]", &json!({"copy": {"name": "many", "count": 2}})),
        "first": resource("f", &json!({"existing": true})),
    });
    let plan = planned(&resources).unwrap();
    assert_eq!(plan.resources[3].name, "z");
    assert!(plan.resources.iter().any(|resource| resource.name == "f" && resource.is_existing));
    let program = program(&json!({"languageVersion": "2.0", "resources": resources, "outputs": {"o": {"type": "string", "value": "[reference('many[1]', '', 'full').id]"}}}), &json!({})).unwrap();
    let outputs = program.outputs(&program.plan().unwrap(), &Standing(json!({}))).unwrap();
    assert_eq!(outputs["o"]["value"], id("Microsoft.Compute/galleries/m1"));
}

#[test]
fn a_body_is_what_the_resource_is_sent() {
    let more = json!({
        "dependsOn": [], "comments": "x", "tags": {"[concat('a', 'b')]": "[parameters('p')]"},
        "properties": {
            "nothing": null, "literal": "[[x]", "index": "[copyIndex()]",
            "copy": [{"name": "list", "count": 2, "input": {"n": "[copyIndex('list', 1)]", "of": "[copyIndex()]"}}],
            "asked": "[reference('other').a]",
        },
        "copy": {"name": "loop", "count": 2},
    });
    let resources = json!([resource("other", &json!({})), resource("[concat('g', copyIndex())]", &more)]);
    let program = program(
        &json!({"parameters": {"p": {"type": "int", "defaultValue": 5}}, "resources": resources}),
        &json!({}),
    )
    .unwrap();
    let plan = program.plan().unwrap();
    let body = program.body(&plan, &plan.resources[2], &Standing(json!({"a": "answer"}))).unwrap();
    assert_eq!(
        body,
        json!({
            "location": "westeurope", "tags": {"ab": 5},
            "properties": {"nothing": null, "literal": "[x]", "index": 1, "list": [{"n": 1, "of": 1}, {"n": 2, "of": 1}], "asked": "answer"},
        })
    );
    assert!(matches!(program.body(&plan, &plan.resources[2], &Nothing), Err(crate::Error::Needs(_))));
}

#[test]
fn deployments_within_see_their_own_scope_or_the_outer_one() {
    let nested = |scope: &str| {
        json!({
            "type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inner", "resourceGroup": "H",
            "properties": {
                "mode": "Incremental", "expressionEvaluationOptions": {"scope": scope},
                "parameters": {"q": {"value": "[parameters('p')]"}},
                "template": {"resources": ["[parameters('p')]", "[concat(reference('x').y, parameters('p'))]", "[[z]"]},
            },
        })
    };
    let body = |scope: &str| {
        let program = program(&json!({"parameters": {"p": {"type": "string", "defaultValue": "[[v]"}}, "resources": [nested(scope)]}), &json!({})).unwrap();
        let plan = program.plan().unwrap();
        assert_eq!(
            plan.resources[0].id,
            format!(
                "/subscriptions/{SUBSCRIPTION}/resourceGroups/H/providers/Microsoft.Resources/deployments/inner"
            )
        );
        program.body(&plan, &plan.resources[0], &Nothing).unwrap()["properties"].clone()
    };
    let inner = body("inner");
    assert_eq!(inner["parameters"]["q"]["value"], "[v]");
    assert_eq!(
        inner["template"]["resources"],
        json!(["[parameters('p')]", "[concat(reference('x').y, parameters('p'))]", "[[z]"])
    );
    let outer = body("outer");
    assert_eq!(outer["template"]["resources"], json!(["[[v]", "[concat(reference('x').y, '[v]')]", "[[z]"]));
    assert_eq!(outer["expressionEvaluationOptions"], Value::Null);
}

#[test]
fn scopes_move_the_id() {
    let lock = |more: Value| {
        let mut lock =
            json!({"type": "Microsoft.Authorization/locks", "apiVersion": "2016-09-01", "name": "l"});
        for (name, value) in more.as_object().unwrap() {
            lock[name] = value.clone();
        }
        planned(&json!([lock])).unwrap().resources[0].id.clone()
    };
    assert_eq!(lock(json!({})), id("Microsoft.Authorization/locks/l"));
    assert_eq!(
        lock(json!({"scope": "Microsoft.Compute/galleries/g"})),
        id("Microsoft.Compute/galleries/g/providers/Microsoft.Authorization/locks/l")
    );
    assert_eq!(
        lock(json!({"scope": "/subscriptions/s"})),
        "/subscriptions/s/providers/Microsoft.Authorization/locks/l"
    );
    let below = json!({"type": "Microsoft.Compute/galleries/providers/locks", "apiVersion": "2016-09-01", "name": "g/Microsoft.Authorization/l"});
    assert_eq!(
        planned(&json!([below])).unwrap().resources[0].id,
        id("Microsoft.Compute/galleries/g/providers/Microsoft.Authorization/locks/l")
    );
}

#[rstest]
#[case(json!([resource("a", &json!({"dependsOn": ["a"]}))]), "Circular dependency detected on resource")]
#[case(json!([resource("a", &json!({"dependsOn": ["b"]})), resource("b", &json!({"dependsOn": ["a"]}))]), "Circular dependency detected on resource")]
#[case(json!([resource("a", &json!({"properties": {"x": "[reference('b')]"}})), resource("b", &json!({"dependsOn": ["a"]}))]), "Circular dependency")]
#[case(json!([resource("a", &json!({"dependsOn": ["nobody"]}))]), "The resource 'nobody' is not defined in the template")]
#[case(json!([resource("a", &json!({})), resource("A", &json!({}))]), "defined multiple times")]
#[case(json!([resource("a/b", &json!({}))]), "incorrect segment lengths")]
#[case(json!([resource("", &json!({}))]), "incorrect segment lengths")]
#[case(json!([{"type": "M.C/x", "name": "a"}]), "missing the 'apiVersion' property")]
#[case(json!([resource("a", &json!({"condition": "yes"}))]), "must be a boolean")]
#[case(json!([resource("a", &json!({"copy": {"name": "c", "count": 801}}))]), "limit exceeded. Limit: '800' and actual: '801'")]
#[case(json!([resource("a", &json!({"copy": {"name": "c", "count": -1}}))]), "whole number of at least 0")]
#[case(json!([resource("a", &json!({"copy": {"count": 1}}))]), "needs a 'name'")]
#[case(json!([resource("[nothing()]", &json!({}))]), "The template function 'nothing' is not valid")]
#[case(json!([resource("[reference('b').x]", &json!({}))]), "The resource 'b' is not defined")]
#[case(json!(["x"]), "must be an object")]
fn a_plan_is_refused(#[case] resources: Value, #[case] part: &str) {
    let found = message(planned(&resources));
    assert!(found.contains(part), "{found}");
}
