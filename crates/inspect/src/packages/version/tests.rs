//! Versions in the order of their tools: tables, and dpkg itself.

use std::cmp::Ordering::{self, Equal, Greater, Less};
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rstest::rstest;

use super::super::Ecosystem::{self, Apk, Deb, Rpm};
use super::compare;

#[rstest]
#[case(Deb, "1.0", Less, "1.0-1")]
#[case(Deb, "1.0", Equal, "1.0-0")]
#[case(Deb, "1.0~rc1", Less, "1.0")]
#[case(Deb, "1.0~~", Less, "1.0~")]
#[case(Deb, "0:1", Equal, "1")]
#[case(Deb, "1:0", Greater, "999")]
#[case(Deb, "3.0.20-1~deb12u2", Less, "3.0.22-1~deb12u2")]
#[case(Deb, "1.0a", Less, "1.0+")]
#[case(Deb, "1.2.9", Less, "1.2.10")]
#[case(Deb, "1.0-1-1", Greater, "1.0-1")]
#[case(Deb, "1-00000000000000000000000000000002", Greater, "1-1")]
#[case(Rpm, "1.0", Equal, "1.0")]
#[case(Rpm, "2.0.1a", Greater, "2.0.1")]
#[case(Rpm, "5.5p1", Less, "5.5p10")]
#[case(Rpm, "10xyz", Less, "10.1xyz")]
#[case(Rpm, "xyz10", Less, "xyz10.1")]
#[case(Rpm, "xyz.4", Less, "8")]
#[case(Rpm, "5.5p2", Less, "5.6p1")]
#[case(Rpm, "6.0.rc1", Greater, "6.0")]
#[case(Rpm, "10b2", Greater, "10a1")]
#[case(Rpm, "1.0~rc1", Less, "1.0")]
#[case(Rpm, "1.0~rc1~git123", Less, "1.0~rc1")]
#[case(Rpm, "1.0^", Greater, "1.0")]
#[case(Rpm, "1.0^git1", Less, "1.01")]
#[case(Rpm, "1.0^20160101", Less, "1.0.1")]
#[case(Rpm, "1.0~rc1^git1", Greater, "1.0~rc1")]
#[case(Rpm, "1.0^git1~pre", Less, "1.0^git1")]
#[case(Rpm, "2_0", Equal, "2.0")]
#[case(Rpm, "a+", Equal, "a_")]
#[case(Rpm, "1:1-1", Greater, "2-1")]
#[case(Rpm, "1-1", Less, "1-2")]
#[case(Rpm, "1-1", Equal, "1")]
#[case(Apk, "2.34", Greater, "0.1.0_alpha")]
#[case(Apk, "0.1.0_alpha", Less, "0.1.3_alpha")]
#[case(Apk, "1.0.4", Less, "1.0.4_p1")]
#[case(Apk, "1.0_rc1", Less, "1.0")]
#[case(Apk, "1.0", Less, "1.0a")]
#[case(Apk, "1.0a", Less, "1.0.1")]
#[case(Apk, "1.0-r1", Less, "1.0-r10")]
#[case(Apk, "1.0-r0", Greater, "1.0")]
#[case(Apk, "1.1", Greater, "1.09")]
#[case(Apk, "6.0_pre1", Less, "6.0_rc1")]
#[case(Apk, "1.2_alpha2", Greater, "1.2_alpha1")]
#[case(Apk, "1.2_git20240101", Greater, "1.2")]
fn versions_stand_in_their_tools_order(
    #[case] ecosystem: Ecosystem,
    #[case] left: &str,
    #[case] order: Ordering,
    #[case] right: &str,
) {
    assert_eq!(compare(ecosystem, left, right), order, "{left} against {right}");
    assert_eq!(compare(ecosystem, right, left), order.reverse(), "{right} against {left}");
}

/// What dpkg accepts as a version, with the parts that make the order hard close together.
fn debian_version() -> impl Strategy<Value = String> {
    "([0-2]:)?[0-9][0-2a-bAZ.+~]{0,5}(-[0-2a-b+.~]{1,4}){0,2}"
}

#[test]
fn the_order_agrees_with_dpkg() {
    let mut runner = TestRunner::new(ProptestConfig { cases: 600, ..ProptestConfig::default() });
    runner
        .run(&(debian_version(), debian_version()), |(left, right)| {
            let dpkg = |relation| {
                let asked =
                    Command::new("dpkg").args(["--compare-versions", &left, relation, &right]).status();
                asked.expect("this test asks dpkg, which Debian and Ubuntu have").success()
            };
            let expected = match compare(Deb, &left, &right) {
                Less => "lt",
                Equal => "eq",
                Greater => "gt",
            };
            prop_assert!(dpkg(expected), "dpkg denies {left} {expected} {right}");
            Ok(())
        })
        .unwrap();
}

proptest! {
    #[test]
    fn any_text_has_its_place(left in "[0-9a-z.~^_:-]{0,12}", right in "\\PC{0,12}") {
        for ecosystem in [Deb, Rpm, Apk] {
            prop_assert_eq!(compare(ecosystem, &left, &left), Equal);
            prop_assert_eq!(compare(ecosystem, &left, &right), compare(ecosystem, &right, &left).reverse());
        }
    }
}
