//! Every image of the corpus gets the verdict it must get; that it does so within bounds is seen to by
//! `cargo xtask hostile`, which runs the real program.

use std::collections::BTreeSet;

use corpus::{Case, Expect, FAMILIES, Workshop};
use disks::{Error, Limits};
use inspect::contract::Policy;
use inspect::findings::Outcome;
use inspect::report::{Inspection, Report};
use rstest::rstest;

/// What `gallerist inspect` does with an image.
fn look(case: &Case) -> Report {
    let inspection = Inspection { policy: Policy::off(), today: "2026-01-01", ..Inspection::default() };
    let image = case.image().expect("the tools that the corpus needs are there");
    let disk = disks::open(case.format, Box::new(image), &Limits::default());
    match disk.and_then(|disk| disk.blocks.prove().map(|()| disk)) {
        Ok(disk) => inspection.of(disk.blocks.as_ref()),
        Err(Error::Refused { reason, message }) => inspection.refused(reason.as_str(), &message),
        Err(error) => panic!("{}: {error:?}", case.name),
    }
}

/// What is wrong with a verdict.
fn complaint(case: &Case) -> Option<String> {
    let report = look(case);
    let text = serde_json::to_string(&report).expect("a report is plain data") + &report.table();
    if text.chars().any(|it| it.is_control() && it != '\n') {
        return Some(format!("{}: a control character is told raw", case.name));
    }
    let reason = report.reasons.first().map(|reason| reason.code.as_str());
    let has_unknowns =
        !report.facts.unknown.is_empty() || report.checks.iter().any(|it| it.outcome == Outcome::Unknown);
    let is_right = match case.expect {
        Expect::Refused(wanted) => reason == Some(wanted.as_str()),
        Expect::Accepted => reason.is_none(),
        Expect::Unreadable => reason.is_none() && has_unknowns,
    };
    (!is_right)
        .then(|| format!("{}: {reason:?}, not {}; {:?}", case.name, case.expect.word(), report.reasons))
}

#[rstest]
#[case("others")]
#[case("qcow2")]
#[case("raw")]
#[case("systems")]
#[case("tables")]
#[case("trees")]
#[case("vhd")]
#[case("vhdx")]
#[case("vmdk")]
fn every_image_gets_its_verdict(#[case] family: &str) {
    let (_, cases) = FAMILIES.iter().find(|(name, _)| *name == family).unwrap();
    let cases = cases(&Workshop::new().unwrap()).unwrap();
    let complaints: Vec<_> = cases.iter().filter_map(complaint).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn no_family_is_left_out_and_no_name_is_used_twice() {
    let workshop = Workshop::new().unwrap();
    let mut names = BTreeSet::new();
    for (family, cases) in FAMILIES {
        for case in cases(&workshop).unwrap() {
            assert!(case.name.starts_with(family), "{}", case.name);
            assert!(names.insert(case.name.clone()), "{} is there twice", case.name);
        }
    }
    assert!(names.len() > 600, "{}", names.len());
    let tested = include_str!("verdicts.rs");
    for (family, _) in FAMILIES {
        assert!(tested.contains(&format!("#[case(\"{family}\")]")), "{family} is not tested");
    }
}
