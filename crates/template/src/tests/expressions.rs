//! Expressions, as tables of what is written and what it means.

use serde_json::{Value, json};

use super::{evaluated, message};

fn check(cases: &[(&str, Value)]) {
    for (expression, wanted) in cases {
        let found = evaluated(expression);
        assert_eq!(found.as_ref().ok(), Some(wanted), "{expression}: {found:?}");
    }
}

#[test]
fn texts() {
    check(&[
        ("'it''s'", json!("it's")),
        ("concat('a', 'b', 'c')", json!("abc")),
        ("concat('a', 1, true())", json!("a1true")),
        ("CONCAT('a')", json!("a")),
        ("toLower('ABC')", json!("abc")),
        ("toUpper('abc')", json!("ABC")),
        ("trim('  x ')", json!("x")),
        ("startsWith('abcdef', 'AB')", json!(true)),
        ("startsWith('abcdef', 'e')", json!(false)),
        ("endsWith('abcdef', 'EF')", json!(true)),
        ("endsWith('abcdef', 'e')", json!(false)),
        ("indexOf('abcdef', 'CD')", json!(2)),
        ("indexOf('abcdef', 'z')", json!(-1)),
        ("indexOf('', '')", json!(0)),
        ("lastIndexOf('test', 't')", json!(3)),
        ("lastIndexOf('test', 'z')", json!(-1)),
        ("replace('123-123-1234', '-', '')", json!("1231231234")),
        ("replace('123-123-1234', '1234', 'xxxx')", json!("123-123-xxxx")),
        ("substring('one two three', 4, 3)", json!("two")),
        ("substring('abc', 1)", json!("bc")),
        ("substring('abc', 3)", json!("")),
        ("padLeft('123', 10, '0')", json!("0000000123")),
        ("padLeft(7, 3)", json!("  7")),
        ("padLeft('1234', 2)", json!("1234")),
        ("split('one,two,three', ',')", json!(["one", "two", "three"])),
        ("split('one;two,three', createArray(',', ';'))", json!(["one", "two", "three"])),
        ("split('', ',')", json!([""])),
        ("split(',a', ',')", json!(["", "a"])),
        ("join(createArray('a', 'b'), ', ')", json!("a, b")),
        ("join(createArray(1, 2), '')", json!("12")),
        ("string(createObject('a', 1))", json!("{\"a\":1}")),
        ("string(createArray('a'))", json!("[\"a\"]")),
        ("string(true())", json!("true")),
        ("string(12)", json!("12")),
        ("base64('one, two, three')", json!("b25lLCB0d28sIHRocmVl")),
        ("base64ToString('b25lLCB0d28sIHRocmVl')", json!("one, two, three")),
        ("base64ToJson(base64('{\"one\": \"a\"}'))", json!({"one": "a"})),
        ("length('one two three')", json!(13)),
        ("length('ü')", json!(1)),
        ("first('One')", json!("O")),
        ("last('One')", json!("e")),
        ("first('')", json!("")),
        ("take('one two', 3)", json!("one")),
        ("take('abc', 9)", json!("abc")),
        ("take('abc', -1)", json!("")),
        ("skip('one two', 4)", json!("two")),
        ("skip('abc', 9)", json!("")),
        ("contains('OneTwo', 'e')", json!(true)),
        ("contains('OneTwo', 'z')", json!(false)),
        ("contains('OneTwo', 'TWO')", json!(false)),
        ("empty('')", json!(true)),
        ("empty('a')", json!(false)),
        ("format('Hello {0}', 'you')", json!("Hello you")),
        ("format('{0}, {1}. {0}', 'a', 2)", json!("a, 2. a")),
        ("format('{{{0}}}', 'x')", json!("{x}")),
        ("format('{0:D4}', 42)", json!("0042")),
        ("format('{0:000}', 7)", json!("007")),
        ("format('{0:N0}', 8175133)", json!("8,175,133")),
        ("format('{0:N1}', -1234)", json!("-1,234.0")),
        ("format('{0:X}', 255)", json!("FF")),
        ("format('{0:x4}', 255)", json!("00ff")),
        ("format('{0,5}|{0,-3}|', 'a')", json!("    a|a  |")),
        ("format('{0}', true())", json!("True")),
        ("uri('http://contoso.org/firstpath', 'myscript.sh')", json!("http://contoso.org/myscript.sh")),
        (
            "uri('http://contoso.org/firstpath/', 'myscript.sh')",
            json!("http://contoso.org/firstpath/myscript.sh"),
        ),
        (
            "uri('http://contoso.org/firstpath', '/azuredeploy.json')",
            json!("http://contoso.org/azuredeploy.json"),
        ),
        ("uri('http://contoso.org', 'x')", json!("http://contoso.org/x")),
        ("uriComponent('http://c.com/a b.json')", json!("http%3A%2F%2Fc.com%2Fa%20b.json")),
        ("uriComponentToString('http%3A%2F%2Fc.com%2Fa%20b')", json!("http://c.com/a b")),
        ("dataUri('Hello')", json!("data:text/plain;charset=utf8;base64,SGVsbG8=")),
        ("dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", json!("Hello, World!")),
        ("dataUriToString('data:,a%20b')", json!("a b")),
        ("length(uniqueString('a'))", json!(13)),
        ("equals(uniqueString('a', 'b'), uniqueString('a', 'b'))", json!(true)),
        ("equals(uniqueString('a'), uniqueString('b'))", json!(false)),
        ("length(guid('a'))", json!(36)),
        ("substring(guid('a', 'b'), 14, 1)", json!("5")),
    ]);
}

#[test]
fn numbers_truth_and_comparison() {
    check(&[
        ("add(5, 3)", json!(8)),
        ("sub(7, 3)", json!(4)),
        ("mul(5, -3)", json!(-15)),
        ("div(8, 3)", json!(2)),
        ("mod(7, 3)", json!(1)),
        ("int('4')", json!(4)),
        ("int(4)", json!(4)),
        ("int(float('4.7'))", json!(4)),
        ("float('3.5')", json!(3.5)),
        ("min(createArray(0, 3, 2, 5, 4))", json!(0)),
        ("min(3, 1, 2)", json!(1)),
        ("max(createArray(0, 3, 2, 5, 4))", json!(5)),
        ("max(-1, -2)", json!(-1)),
        ("range(5, 3)", json!([5, 6, 7])),
        ("range(1, 0)", json!([])),
        ("true()", json!(true)),
        ("false()", json!(false)),
        ("null()", json!(null)),
        ("bool('true')", json!(true)),
        ("bool('FALSE')", json!(false)),
        ("bool(1)", json!(true)),
        ("bool(0)", json!(false)),
        ("not(true())", json!(false)),
        ("and(true(), false())", json!(false)),
        ("and(true(), true(), true())", json!(true)),
        ("or(false(), true())", json!(true)),
        ("or(false(), false())", json!(false)),
        ("and(false(), fail('not reached'))", json!(false)),
        ("or(true(), fail('not reached'))", json!(true)),
        ("if(true(), 'a', fail('not reached'))", json!("a")),
        ("if(false(), fail('not reached'), 'b')", json!("b")),
        ("equals(1, 1)", json!(true)),
        ("equals('a', 'A')", json!(false)),
        ("equals(createArray('a', 'b'), createArray('a', 'b'))", json!(true)),
        ("equals(createObject('a', 1), createObject('a', 2))", json!(false)),
        ("equals(1, '1')", json!(false)),
        ("equals(null(), null())", json!(true)),
        ("less(1, 2)", json!(true)),
        ("less('banana', 'apple')", json!(false)),
        ("lessOrEquals(2, 2)", json!(true)),
        ("greater(1, 2)", json!(false)),
        ("greater('banana', 'apple')", json!(true)),
        ("greaterOrEquals(2, 3)", json!(false)),
        ("coalesce(null(), null(), 'x')", json!("x")),
        ("coalesce(null())", json!(null)),
        ("coalesce('a', fail('not reached'))", json!("a")),
    ]);
}

#[test]
fn lists_and_objects() {
    check(&[
        ("createArray(1, 'a')", json!([1, "a"])),
        ("createArray()", json!([])),
        ("array('a')", json!(["a"])),
        ("array(createArray(1))", json!([1])),
        ("concat(createArray(1), createArray(2, 3))", json!([1, 2, 3])),
        ("length(createArray('a', 'b'))", json!(2)),
        ("length(createObject('a', 1, 'b', 2))", json!(2)),
        ("first(createArray('a', 'b'))", json!("a")),
        ("last(createArray('a', 'b'))", json!("b")),
        ("first(createArray())", json!(null)),
        ("take(createArray(1, 2, 3), 2)", json!([1, 2])),
        ("skip(createArray(1, 2, 3), 2)", json!([3])),
        ("skip(createArray(1, 2), -1)", json!([1, 2])),
        ("contains(createArray('one', 'two'), 'two')", json!(true)),
        ("contains(createArray(1, 2), '1')", json!(false)),
        ("contains(createObject('one', 'a'), 'ONE')", json!(true)),
        ("contains(createObject('one', 'a'), 'two')", json!(false)),
        ("empty(createArray())", json!(true)),
        ("empty(createObject())", json!(true)),
        ("empty(null())", json!(true)),
        ("empty(createArray(1))", json!(false)),
        ("union(createArray('one', 'two'), createArray('two', 'three'))", json!(["one", "two", "three"])),
        ("union(createObject('a', 1, 'b', 2), createObject('b', 3))", json!({"a": 1, "b": 3})),
        (
            "union(createObject('o', createObject('a', 1)), createObject('o', createObject('b', 2)))",
            json!({"o": {"a": 1, "b": 2}}),
        ),
        ("intersection(createArray(1, 2, 3), createArray(2, 3, 4))", json!([2, 3])),
        ("intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3))", json!({"a": 1})),
        ("flatten(createArray(createArray(1, 2), createArray(3), 4))", json!([1, 2, 3, 4])),
        ("indexOf(createArray('a', 'b', 'a'), 'a')", json!(0)),
        ("lastIndexOf(createArray('a', 'b', 'a'), 'a')", json!(2)),
        ("indexOf(createArray(1), 2)", json!(-1)),
        ("indexFromEnd(createArray(1, 2, 3), 1)", json!(3)),
        ("tryIndexFromEnd(createArray(1), 2)", json!(null)),
        ("createObject('a', 1, 'b', createArray(true()))", json!({"a": 1, "b": [true]})),
        ("json('{\"a\": [1, null]}').a", json!([1, null])),
        ("json('null')", json!(null)),
        ("objectKeys(createObject('b', 1, 'a', 2))", json!(["a", "b"])),
        ("items(createObject('b', 1, 'a', 2))", json!([{"key": "a", "value": 2}, {"key": "b", "value": 1}])),
        (
            "shallowMerge(createArray(createObject('a', 1), createObject('a', 2, 'b', 3)))",
            json!({"a": 2, "b": 3}),
        ),
        ("tryGet(createObject('a', createArray(1, 2)), 'a', 1)", json!(2)),
        ("tryGet(createObject('a', 1), 'b', 'c')", json!(null)),
        ("tryGet(createArray(1), 5)", json!(null)),
        ("createObject('a', createObject('B', 5)).A.b", json!(5)),
        ("createArray(4, 5)[1]", json!(5)),
        ("createArray(createArray(1, 2))[0][1]", json!(2)),
        ("createObject('x', 1)['x']", json!(1)),
        ("createObject('a', 1).?b", json!(null)),
        ("createObject('a', 1).?b.?c", json!(null)),
        ("createArray(1)[?7]", json!(null)),
    ]);
}

#[test]
fn lambdas() {
    check(&[
        ("map(createArray(1, 2), lambda('n', add(lambdaVariables('n'), 10)))", json!([11, 12])),
        (
            "map(createArray('a', 'b'), lambda('v', 'i', concat(lambdaVariables('v'), lambdaVariables('i'))))",
            json!(["a0", "b1"]),
        ),
        ("filter(createArray(1, 5, 9), lambda('n', greater(lambdaVariables('n'), 4)))", json!([5, 9])),
        (
            "reduce(range(1, 4), 0, lambda('sum', 'n', add(lambdaVariables('sum'), lambdaVariables('n'))))",
            json!(10),
        ),
        (
            "sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))",
            json!([1, 2, 3]),
        ),
        ("toObject(createArray('a', 'b'), lambda('n', lambdaVariables('n')))", json!({"a": "a", "b": "b"})),
        (
            "toObject(createArray('a'), lambda('n', lambdaVariables('n')), lambda('n', length(lambdaVariables('n'))))",
            json!({"a": 1}),
        ),
        (
            "groupBy(createArray('ab', 'ac', 'b'), lambda('n', first(lambdaVariables('n'))))",
            json!({"a": ["ab", "ac"], "b": ["b"]}),
        ),
        ("mapValues(createObject('a', 'x'), lambda('v', toUpper(lambdaVariables('v'))))", json!({"a": "X"})),
        (
            "map(createArray(1), lambda('x', map(createArray(2), lambda('y', add(lambdaVariables('x'), lambdaVariables('y'))))))",
            json!([[3]]),
        ),
    ]);
}

#[test]
fn times_and_ranges() {
    check(&[
        ("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", json!("2023-04-07 14:53:14Z")),
        ("dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')", json!("2020-03-29 14:53:14Z")),
        ("dateTimeAdd('2020-04-07 14:53:14Z', 'PT1H')", json!("2020-04-07 15:53:14Z")),
        ("dateTimeAdd('2020-01-31T00:00:00Z', 'P1M', 'yyyy-MM-dd')", json!("2020-02-29")),
        ("dateTimeFromEpoch(1683040573)", json!("2023-05-02T15:16:13Z")),
        ("dateTimeToEpoch('2023-05-02T15:16:13Z')", json!(1_683_040_573)),
        ("dateTimeToEpoch(dateTimeFromEpoch(0))", json!(0)),
        ("parseCidr('10.144.0.0/20').lastUsable", json!("10.144.15.254")),
        ("parseCidr('10.144.0.0/20').netmask", json!("255.255.240.0")),
        ("cidrSubnet('10.144.0.0/20', 24, 0)", json!("10.144.0.0/24")),
        ("cidrSubnet('10.144.0.0/20', 24, 3)", json!("10.144.3.0/24")),
        ("cidrSubnet('fdad::/48', 64, 1)", json!("fdad:0:0:1::/64")),
        ("cidrHost('10.144.3.0/24', 0)", json!("10.144.3.1")),
        ("cidrHost('10.144.3.0/24', 4)", json!("10.144.3.5")),
    ]);
}

#[test]
fn scopes() {
    let base = "/subscriptions/11111111-1111-1111-1111-111111111111";
    check(&[
        ("subscription().subscriptionId", json!("11111111-1111-1111-1111-111111111111")),
        ("subscription().id", json!(base)),
        ("resourceGroup().location", json!("westeurope")),
        ("resourceGroup().name", json!("G")),
        ("resourceGroup().tags.env", json!("test")),
        ("deployment().name", json!("dep")),
        ("tenant().tenantId", json!("22222222-2222-2222-2222-222222222222")),
        ("environment().resourceManager", json!("https://h/")),
        ("providers('Microsoft.Compute', 'galleries').apiVersions[0]", json!("2024-03-03")),
        (
            "resourceId('Microsoft.Compute/galleries', 'g')",
            json!(format!("{base}/resourceGroups/G/providers/Microsoft.Compute/galleries/g")),
        ),
        (
            "resourceId('Microsoft.Compute/galleries/images', 'g', 'i')",
            json!(format!("{base}/resourceGroups/G/providers/Microsoft.Compute/galleries/g/images/i")),
        ),
        (
            "resourceId('other', 'Microsoft.Compute/galleries', 'g')",
            json!(format!("{base}/resourceGroups/other/providers/Microsoft.Compute/galleries/g")),
        ),
        (
            "resourceId('s2', 'other', 'M.C/x', 'g')",
            json!("/subscriptions/s2/resourceGroups/other/providers/M.C/x/g"),
        ),
        ("subscriptionResourceId('M.A/roles', 'r')", json!(format!("{base}/providers/M.A/roles/r"))),
        ("subscriptionResourceId('s2', 'M.A/roles', 'r')", json!("/subscriptions/s2/providers/M.A/roles/r")),
        ("tenantResourceId('M.A/roles', 'r')", json!("/providers/M.A/roles/r")),
        ("extensionResourceId('/x/y', 'M.A/locks', 'l')", json!("/x/y/providers/M.A/locks/l")),
        ("pickZones('Microsoft.Compute', 'virtualMachines', 'westeurope')", json!([])),
    ]);
}

#[test]
fn what_is_wrong_is_said() {
    for (expression, part) in [
        ("nothing('a')", "The template function 'nothing' is not valid"),
        ("concat(", "ends too early"),
        ("concat('a'", "expected token 'RightParenthesis'"),
        ("concat 'a'", "expected token 'LeftParenthesis' at position '7'"),
        ("'a", "not terminated"),
        ("add(1, 2) 3", "expected end of expression at position '10'"),
        ("add(1)", "function requires 2 argument(s) while '1' were provided"),
        ("add('1', 2)", "of type 'Integer'. The provided value is of type 'String'"),
        ("div(1, 0)", "divides by zero"),
        ("add(9223372036854775807, 1)", "overflows"),
        ("substring('abc', 2, 5)", "must refer to a location within the string"),
        ("parameters('x')", "The template parameter 'x' is not found"),
        ("variables('x')", "The template variable 'x' is not found"),
        ("createObject('a', 1).b", "property 'b' doesn't exist, available properties are 'a'"),
        ("createArray(1)[1]", "index '1' is out of bounds"),
        ("'a'.b", "a value of type 'String' has no such member"),
        ("if('yes', 1, 2)", "expects boolean parameters"),
        ("if(true(), 1)", "requires three argument(s)"),
        ("copyIndex()", "not expected at this location"),
        ("utcNow()", "only be used in the default value of a parameter"),
        ("newGuid()", "only be used in the default value of a parameter"),
        ("managementGroup()", "not implemented"),
        ("fail('on purpose')", "on purpose"),
        ("json('{')", "not JSON"),
        ("base64ToString('ü')", "not base64"),
        (
            "resourceId('Microsoft.Compute/galleries', 'a', 'b')",
            "requires '1' resource name argument(s) while '2'",
        ),
        ("resourceId('galleries', 'a')", "a resource type such as"),
        ("lambdaVariables('x')", "lambda variable 'x' is not found"),
        ("map(createArray(1), 'x')", "a lambda"),
        ("sort(createArray(1, 2), lambda('a', 1))", "lambda of 2 variable(s)"),
        ("dateTimeAdd('now', 'P1D')", "no ISO 8601 time"),
        ("dateTimeAdd('2020-01-01T00:00:00Z', 'soon')", "no ISO 8601 duration"),
        ("cidrSubnet('10.0.0.0/24', 8, 0)", "not in the network"),
        ("parseCidr('10.0.0.0')", "no address range"),
        ("reference('nothing')", "The resource 'nothing' is not defined in the template"),
        ("range(0, 10001)", "within '0' and '10000'"),
        ("1.5", "a name is expected at position '2'"),
        ("#", "the character '#' is not expected"),
    ] {
        let found = message(evaluated(expression));
        assert!(found.starts_with("Deployment template validation failed: '"), "{expression}: {found}");
        assert!(found.contains(part), "{expression}: {found}");
    }
}
