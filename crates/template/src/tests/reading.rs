//! JSON as clients send it.

use serde_json::{Value, json};

use super::message;
use crate::read;

#[test]
fn what_clients_send_is_read() {
    for (text, wanted) in [
        (
            "{\"properties\": {\"parameters\": {}, template:{\"a\": 1}}}",
            json!({"properties": {"parameters": {}, "template": {"a": 1}}}),
        ),
        ("// before\n{\"a\": /* between */ 1 // after\n}\n\n", json!({"a": 1})),
        ("\u{feff}{'single': 'it\\'s'}", json!({"single": "it's"})),
        ("{\"a\": [1, 2,], \"b\": {\"c\": 1,},}", json!({"a": [1, 2], "b": {"c": 1}})),
        ("{\"a\": \"two\nlines\"}", json!({"a": "two\nlines"})),
        ("{\"a\": \"\\u00fc\\ud83d\\ude00\\n\"}", json!({"a": "ü😀\n"})),
        ("[true, false, null, -1, 1.5, 1e3]", json!([true, false, null, -1, 1.5, 1000.0])),
        ("{\"url\": \"http://x//y\", $schema: 's'}", json!({"url": "http://x//y", "$schema": "s"})),
        ("  7  ", json!(7)),
    ] {
        assert_eq!(read(text.as_bytes()).unwrap(), wanted, "{text}");
    }
}

#[test]
fn what_is_no_json_is_refused_where_it_is() {
    for (text, part) in [
        ("", "Unexpected end of content. Line 1, position 1"),
        ("{\n  \"a\": }", "Line 2, position 8"),
        ("{\"a\" 1}", "A colon is expected after the name 'a'"),
        ("{\"a\": 1 \"b\": 2}", "A comma or '}' is expected"),
        ("{\"a\": 1, \"A\": 2}", "The member 'A' stands twice"),
        ("[1, 2", "A comma or ']' is expected"),
        ("{\"a\": \"x", "not closed"),
        ("/* x", "A comment is not closed"),
        ("{} x", "additional text"),
        ("{\"a\": yes}", "Unexpected text"),
        ("{\"a\": \"\\x\"}", "Bad escape"),
        ("{\"a\": \"\\ud800\"}", "Half a character"),
        ("{\"a\": 1x}", "'1x' is no number"),
    ] {
        let found = message(read(text.as_bytes()));
        assert!(found.contains(part), "{text}: {found}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert!(message(read(b"{\"a\": \"\xff\"}")).contains("not UTF-8 from byte 7"));
}

#[test]
fn strict_json_is_read_as_what_it_is() {
    let value: Value = json!({"a": [1, {"b": "[concat('x')]"}], "c": null});
    assert_eq!(read(value.to_string().as_bytes()).unwrap(), value);
}
