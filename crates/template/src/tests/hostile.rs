//! What is made to take long, or much memory, or the stack: refused within the limits.

use serde_json::{Value, json};

use super::{evaluated, message, program};
use crate::{Limits, read};

#[test]
fn depth_is_bounded_everywhere() {
    let deep = 10_000;
    assert!(message(read("[".repeat(deep).as_bytes())).contains("nested deeper"));
    assert!(message(read("{\"a\":".repeat(deep).as_bytes())).contains("nested deeper"));
    assert!(message(evaluated(&"not(".repeat(deep))).contains("length limit exceeded"));
    assert!(message(evaluated(&"not(".repeat(5000))).contains("nested deeper"));
    assert!(message(evaluated(&format!("null(){}", ".a".repeat(5000)))).contains("nested too deep"));
    assert!(message(evaluated(&format!("createArray(1){}", "[0".repeat(5000)))).contains("nested deeper"));
}

#[test]
fn large_templates_are_read_and_larger_ones_refused() {
    let template = |bytes: usize| format!("{{\"a\": \"{}\"}}", "x".repeat(bytes));
    assert!(read(template(2 << 20).as_bytes()).is_ok());
    assert!(message(read(template(Limits::TEMPLATE_BYTES).as_bytes())).contains("larger than the limit"));
    let many = format!("[{}]", "[],".repeat(700_000));
    assert_eq!(read(many.as_bytes()).unwrap().as_array().unwrap().len(), 700_000);
}

#[test]
fn values_that_double_are_stopped() {
    let mut variables = json!({"v0": "x".repeat(64)});
    for at in 1..60 {
        variables[format!("v{at}")] =
            format!("[concat(variables('v{0}'), variables('v{0}'))]", at - 1).into();
    }
    assert!(message(program(&json!({ "variables": variables }), &json!({}))).contains("bytes to evaluate"));
    let mut variables = json!({"v0": [1]});
    for at in 1..60 {
        variables[format!("v{at}")] =
            format!("[createArray(variables('v{0}'), variables('v{0}'))]", at - 1).into();
    }
    assert!(message(program(&json!({ "variables": variables }), &json!({}))).contains("bytes to evaluate"));
}

#[test]
fn loops_within_loops_are_stopped() {
    let inner = |input: Value| json!({"copy": [{"name": "x", "count": 800, "input": input}]});
    let variables = json!({"v": inner(inner(inner(json!("[copyIndex('x')]"))))});
    assert!(message(program(&json!({ "variables": variables }), &json!({}))).contains("steps to evaluate"));
    let mut lambdas = "1".to_owned();
    for _ in 0..6 {
        lambdas = format!("map(range(0, 10000), lambda('x', {lambdas}))");
    }
    let found = message(evaluated(&lambdas));
    assert!(found.contains("steps to evaluate") || found.contains("bytes to evaluate"), "{found}");
}

#[test]
fn no_single_call_makes_too_much() {
    for expression in [
        "padLeft('a', 999999999999)",
        "format('{0,2000000000}', 'a')",
        "join(range(0, 10000), padLeft('a', 100000))",
        "replace(padLeft('a', 100000, 'a'), 'a', padLeft('a', 100000))",
    ] {
        assert!(message(evaluated(expression)).contains("longer than the limit"), "{expression}");
    }
}

#[test]
fn counts_are_bounded() {
    let many = |count: usize, value: Value| -> Value {
        (0..count).map(|at| (format!("p{at}"), value.clone())).collect()
    };
    let parameters = json!({"parameters": many(257, json!({"type": "int", "defaultValue": 1}))});
    assert!(message(program(&parameters, &json!({}))).contains("parameters limit exceeded"));
    assert!(
        message(program(&json!({"variables": many(257, json!(1))}), &json!({})))
            .contains("variables limit exceeded")
    );
    let outputs =
        program(&json!({"outputs": many(65, json!({"type": "int", "value": 1}))}), &json!({})).unwrap();
    let refused = outputs.outputs(&outputs.plan().unwrap(), &crate::Nothing);
    assert!(message(refused).contains("outputs limit exceeded"));
    let resource = json!({"type": "M.C/x", "apiVersion": "2020-01-01", "name": "[copyIndex()]"});
    let resources: Vec<Value> = vec![resource; 801];
    let refused = program(&json!({ "resources": resources }), &json!({})).unwrap().plan();
    assert!(message(refused).contains("resources limit exceeded"));
}

#[test]
fn a_ring_of_800_resources_is_found() {
    let resource = |at: usize| json!({"type": "M.C/x", "apiVersion": "2020-01-01", "name": format!("r{at}"), "dependsOn": [format!("r{}", (at + 1) % 800)]});
    let resources: Vec<Value> = (0..800).map(resource).collect();
    let refused = program(&json!({ "resources": resources }), &json!({})).unwrap().plan();
    assert!(message(refused).contains("Circular dependency"));
}
