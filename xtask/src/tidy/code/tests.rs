//! Code told from text.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case::plain("let a = 1;", "let a = 1;")]
#[case::line_comment("a // no\nb", "a      \nb")]
#[case::nested_comment("a /* x /* y */ z */ b", "a                   b")]
#[case::string(r#"f("no", b)"#, "f(    , b)")]
#[case::escaped_quote(r#"f("n\"o") b"#, "f(      ) b")]
#[case::byte_string(r#"f(b"no") b"#, "f(b    ) b")]
#[case::raw_string(r##"f(r"a\") b"##, "f(r    ) b")]
#[case::raw_string_with_hashes(r###"f(r#"a"b"#) b"###, "f(r       ) b")]
#[case::raw_byte_string(r###"f(br#"a"#) b"###, "f(br     ) b")]
#[case::raw_name("r#type = b", "r#type = b")]
#[case::word_ending_in_r(r#"for"x" b"#, "for    b")]
#[case::character("'\"' b", "    b")]
#[case::escaped_character(r"'\'' b", "     b")]
#[case::unicode_character(r"'\u{1F600}' b", "            b")]
#[case::byte("b'x' b", "b    b")]
#[case::lifetime("&'a str // x", "&'a str     ")]
#[case::static_lifetime("&'static str", "&'static str")]
#[case::unfinished("a \"b", "a   ")]
fn comments_and_literals_are_blanked(#[case] text: &str, #[case] code: &str) {
    assert_eq!(only(text), code);
}

proptest! {
    #[test]
    fn any_text_keeps_its_lines(text in "[ a-z/*\"'#\\\\\nrb]{0,60}") {
        let code = only(&text);
        prop_assert_eq!(code.chars().count(), text.chars().count());
        prop_assert_eq!(code.lines().count(), text.lines().count());
    }
}
