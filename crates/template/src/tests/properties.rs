//! What holds for any input: no panic, and what is printed is read as it was meant.

use proptest::prelude::*;
use serde_json::json;

use super::{evaluated, program};
use crate::{Expression, Nothing, read};

fn expression() -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        "[ -~ü]{0,8}".prop_map(Expression::Text),
        any::<i64>().prop_map(Expression::Integer),
        Just(Expression::Call { name: "createArray".to_owned(), arguments: Vec::new() }),
    ];
    let names = [
        "concat",
        "union",
        "take",
        "split",
        "format",
        "if",
        "map",
        "lambda",
        "json",
        "string",
        "range",
        "substring",
        "padLeft",
        "replace",
        "min",
        "my.own",
        "tryGet",
        "items",
        "dateTimeAdd",
        "cidrSubnet",
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            (prop::sample::select(names.to_vec()), prop::collection::vec(inner.clone(), 0..4))
                .prop_map(|(name, arguments)| Expression::Call { name: name.to_owned(), arguments }),
            (inner.clone(), inner, any::<bool>()).prop_map(|(of, at, is_safe)| Expression::Member {
                of: Box::new(of),
                at: Box::new(at),
                is_safe
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_printed_is_parsed_as_it_was_meant(expression in expression()) {
        prop_assert_eq!(Expression::parse(&expression.to_string()).unwrap(), expression);
    }

    #[test]
    fn no_expression_panics(expression in expression()) {
        let program = program(&json!({}), &json!({})).unwrap();
        let value = program.evaluate(&expression, &Nothing);
        prop_assert!(value.is_ok() || !value.unwrap_err().to_string().is_empty());
    }

    #[test]
    fn no_text_panics(text in "[ -~\\n\"'{}\\[\\],:/*ü]{0,64}") {
        if let Ok(value) = read(text.as_bytes()) {
            prop_assert_eq!(read(value.to_string().as_bytes()).unwrap(), value);
        }
        let value = evaluated(&text);
        prop_assert!(value.is_ok() || !value.unwrap_err().to_string().is_empty());
    }
}
