//! Parameters, variables, functions and outputs.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Standing, message, program};
use crate::{Nothing, Runtime};

fn outputs(members: &Value, sent: &Value, runtime: &dyn Runtime) -> Result<Value, crate::Error> {
    let program = program(members, sent)?;
    Ok(Value::Object(program.outputs(&program.plan()?, runtime)?))
}

/// The value of an output `o` of that expression.
fn output(members: Value, sent: &Value, kind: &str, expression: &str) -> Value {
    let mut members = members;
    members["outputs"] = json!({"o": {"type": kind, "value": expression}});
    outputs(&members, sent, &Nothing).unwrap()["o"]["value"].clone()
}

#[test]
fn parameters_have_values_and_defaults() {
    let members = json!({"parameters": {
        "a": {"type": "string"},
        "b": {"type": "int", "defaultValue": 3},
        "c": {"type": "string", "defaultValue": "[concat(parameters('a'), parameters('B'))]"},
        "d": {"type": "string", "nullable": true},
        "e": {"type": "string", "defaultValue": "[[literal]"},
    }});
    let sent = json!({"A": {"value": "x"}});
    let check = |expression: &str, kind: &str, wanted: Value| {
        assert_eq!(output(members.clone(), &sent, kind, expression), wanted, "{expression}");
    };
    check("[parameters('a')]", "string", json!("x"));
    check("[parameters('b')]", "int", json!(3));
    check("[parameters('c')]", "string", json!("x3"));
    check("[coalesce(parameters('d'), 'none')]", "string", json!("none"));
    check("[parameters('e')]", "string", json!("[literal]"));
}

#[rstest]
#[case(json!({"type": "string"}), json!({}), "The value for the template parameter 'p' is not provided")]
#[case(json!({"type": "string"}), json!({"q": {"value": 1}}), "The template parameters 'q' in the parameters file are not valid")]
#[case(json!({"type": "string"}), json!({"p": {"value": 1}}), "Expected 'String'. Actual 'Integer'")]
#[case(json!({"type": "int"}), json!({"p": {"value": "1"}}), "Expected 'Int'. Actual 'String'")]
#[case(json!({"type": "bool"}), json!({"p": {"value": "true"}}), "Expected 'Bool'. Actual 'String'")]
#[case(json!({"type": "array"}), json!({"p": {"value": {}}}), "Expected 'Array'. Actual 'Object'")]
#[case(json!({"type": "object"}), json!({"p": {"value": []}}), "Expected 'Object'. Actual 'Array'")]
#[case(json!({"type": "securestring"}), json!({"p": {"value": null}}), "Actual 'Null'")]
#[case(json!({"type": "number"}), json!({"p": {"value": 1}}), "The type 'number' is not valid")]
#[case(json!({"type": "string", "allowedValues": ["a", "b"]}), json!({"p": {"value": "c"}}), "not part of the allowed value(s): 'a,b'")]
#[case(json!({"type": "string", "minLength": 3}), json!({"p": {"value": "ab"}}), "The length of the value must be within '3'")]
#[case(json!({"type": "array", "maxLength": 1}), json!({"p": {"value": [1, 2]}}), "it is '2'")]
#[case(json!({"type": "int", "minValue": 2}), json!({"p": {"value": 1}}), "The value must be within '2'")]
#[case(json!({"type": "int", "maxValue": 2}), json!({"p": {"value": 3}}), "it is '3'")]
#[case(json!({"type": "string"}), json!({"p": "x"}), "must be sent as an object with the member 'value'")]
#[case(json!({"type": "string"}), json!({"p": {"reference": {}}}), "not implemented in this release")]
#[case(json!({"type": "string", "defaultValue": "[parameters('p')]"}), json!({}), "Circular dependency detected on template parameter 'p'")]
#[case(json!({"type": "string", "defaultValue": "[reference('x')]"}), json!({}), "The resource 'x' is not defined")]
fn a_parameter_is_refused(#[case] declaration: Value, #[case] sent: Value, #[case] part: &str) {
    let found = message(program(&json!({"parameters": {"p": declaration}}), &sent));
    assert!(found.contains(part), "{found}");
}

#[test]
fn a_secure_value_is_used_and_never_shown() {
    let members = json!({
        "parameters": {"p": {"type": "secureString"}, "o": {"type": "SecureObject", "defaultValue": {"a": "canary"}}},
        "outputs": {"shown": {"type": "int", "value": "[length(parameters('p'))]"}, "hidden": {"type": "securestring", "value": "[parameters('p')]"}},
    });
    let program = program(&members, &json!({"p": {"value": "canary"}})).unwrap();
    assert_eq!(
        program.shown_parameters(),
        json!({"p": {"type": "SecureString"}, "o": {"type": "SecureObject"}})
    );
    let outputs = Value::Object(program.outputs(&program.plan().unwrap(), &Nothing).unwrap());
    assert_eq!(outputs, json!({"shown": {"type": "Int", "value": 6}, "hidden": {"type": "SecureString"}}));
}

#[test]
fn words_of_secure_parameters_are_masked_wherever_they_stand() {
    let members = json!({"parameters": {
        "key": {"type": "secureString"}, "keys": {"type": "secureObject"}, "name": {"type": "string"}, "empty": {"type": "secureString"},
    }});
    let sent = json!({
        "key": {"value": "canary"}, "keys": {"value": {"list": ["canary-long", 1]}}, "name": {"value": "open"}, "empty": {"value": ""},
    });
    let program = program(&members, &sent).unwrap();
    let shown = program.masked(json!({"a": ["x canary y", {"b": "canary-long"}], "open": "open", "n": 1}));
    assert_eq!(shown, json!({"a": ["x ******* y", {"b": "*******"}], "open": "open", "n": 1}));
}

#[test]
fn time_and_chance_are_those_of_the_deployment() {
    let members = json!({"parameters": {
        "now": {"type": "string", "defaultValue": "[utcNow()]"},
        "day": {"type": "string", "defaultValue": "[utcNow('d')]"},
        "one": {"type": "string", "defaultValue": "[newGuid()]"},
        "two": {"type": "string", "defaultValue": "[newGuid()]"},
    }});
    let first = program(&members, &json!({})).unwrap();
    assert_eq!(first.parameters["now"], "20261127T102030Z");
    assert_eq!(first.parameters["day"], "11/27/2026");
    assert_ne!(first.parameters["one"], first.parameters["two"]);
    assert_eq!(first.parameters, program(&members, &json!({})).unwrap().parameters);
}

#[test]
fn variables_and_their_loops() {
    let members = json!({"variables": {
        "a": "x",
        "b": "[concat(variables('A'), variables('later'))]",
        "later": "y",
        "o": {"inner": "[variables('a')]", "copy": [{"name": "list", "count": 2, "input": "[copyIndex('list', 1)]"}]},
        "copy": [{"name": "names", "count": "[length('abc')]", "input": "[concat('n', copyIndex('names'))]"}],
    }});
    assert_eq!(output(members.clone(), &json!({}), "string", "[variables('b')]"), "xy");
    assert_eq!(
        output(members.clone(), &json!({}), "object", "[variables('o')]"),
        json!({"inner": "x", "list": [1, 2]})
    );
    assert_eq!(output(members, &json!({}), "array", "[variables('names')]"), json!(["n0", "n1", "n2"]));
}

#[test]
fn functions_of_the_template() {
    let functions = json!([{"namespace": "my", "members": {
        "unique": {"parameters": [{"name": "p", "type": "string"}], "output": {"type": "string", "value": "[concat(toLower(parameters('p')), '!')]"}},
        "outside": {"parameters": [], "output": {"type": "string", "value": "[variables('v')]"}},
        "again": {"parameters": [], "output": {"type": "string", "value": "[my.again()]"}},
    }}]);
    let members = json!({"functions": functions, "variables": {"v": "x"}});
    assert_eq!(output(members.clone(), &json!({}), "string", "[MY.unique('ABC')]"), "abc!");
    for (expression, part) in [
        ("[my.unique()]", "requires 1 argument(s)"),
        ("[my.outside()]", "cannot use its variables"),
        ("[my.again()]", "nested too deep"),
        ("[my.nothing()]", "'my.nothing' is not valid"),
    ] {
        let mut members = members.clone();
        members["outputs"] = json!({"o": {"type": "string", "value": expression}});
        let found = message(outputs(&members, &json!({}), &Nothing));
        assert!(found.contains(part), "{expression}: {found}");
    }
}

#[test]
fn outputs_have_types_conditions_and_loops() {
    let members = json!({"outputs": {
        "yes": {"type": "string", "value": "a", "condition": true},
        "no": {"type": "string", "value": "[fail('not reached')]", "condition": "[false()]"},
        "loop": {"type": "array", "copy": {"count": 2, "input": "[copyIndex()]"}},
    }});
    let wanted = json!({"yes": {"type": "String", "value": "a"}, "loop": {"type": "Array", "value": [0, 1]}});
    assert_eq!(outputs(&members, &json!({}), &Nothing).unwrap(), wanted);
    let wrong = json!({"outputs": {"o": {"type": "int", "value": "a"}}});
    assert!(message(outputs(&wrong, &json!({}), &Nothing)).contains("Expected 'Int'. Actual 'String'"));
}

#[test]
fn the_running_deployment_answers_references() {
    let gallery = json!({"type": "Microsoft.Compute/galleries", "apiVersion": "2023-07-03", "name": "g"});
    let value = |expression: &str| json!({"resources": [gallery.clone()], "outputs": {"o": {"type": "object", "value": expression}}});
    let runtime = Standing(json!({"a": 1}));
    let check = |expression: &str, wanted: Value| {
        let found = outputs(&value(expression), &json!({}), &runtime).unwrap()["o"]["value"].clone();
        assert_eq!(found, wanted, "{expression}");
    };
    check("[reference('g')]", json!({"a": 1}));
    let id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/G/providers/Microsoft.Compute/galleries/g";
    check(
        "[reference('g', '2024-03-03', 'Full')]",
        json!({"id": id, "apiVersion": "2024-03-03", "properties": {"a": 1}}),
    );
    check(
        "[reference(resourceId('Microsoft.Compute/galleries', 'g'), '', 'full')]",
        json!({"id": id, "apiVersion": "2023-07-03", "properties": {"a": 1}}),
    );
    check(
        "[listKeys('g', '2023-01-01', createObject('b', 1))]",
        json!({"did": "listKeys", "body": "{\"b\":1}"}),
    );
    let waiting = outputs(&value("[reference('g')]"), &json!({}), &Nothing).unwrap_err();
    assert!(
        matches!(waiting, crate::Error::Needs(call) if call.id == id && call.api_version == "2023-07-03")
    );
}

#[rstest]
#[case(json!({"parameters": []}), "The section 'parameters' of the template must be an object")]
#[case(json!({"resources": 1}), "must be an array or an object")]
#[case(json!({"variables": {"a": "[variables('b')]", "b": "[variables('a')]"}}), "Circular dependency detected on template variable 'a'")]
#[case(json!({"functions": {}}), "must be an array")]
#[case(json!({"$schema": 1}), "must name its '$schema'")]
fn a_template_is_refused(#[case] members: Value, #[case] part: &str) {
    let found = message(program(&members, &json!({})).and_then(|program| program.plan()));
    assert!(found.contains(part), "{found}");
}
