//! Images as people have them: all that was planted in one is found, and nothing else is held against it.
//!
//! `testimages/build` makes them and writes down beside each what it planted; `./x test` has it do so.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use disks::{FileSource, Limits};
use inspect::memory::Memory;
use inspect::report::Inspection;
use rstest::rstest;
use serde::Deserialize;
use serde_json::Value;

/// What was planted, and what must come of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    file: String,
    format: String,
    contract: String,
    verdict: String,
    reasons: Vec<String>,
    /// Whether no rule may warn but those named in `must` and `may`.
    strict: bool,
    /// Rules that must have found something, and where; an empty place is any.
    must: Vec<(String, String)>,
    may: Vec<String>,
    /// Files of which nothing worse than a remark may be said.
    quiet: Vec<String>,
    /// Places in the facts, and what stands there.
    facts: Vec<(String, Value)>,
    /// Contracts under which the image must be refused, and by which rule.
    otherwise: Vec<(String, String)>,
    /// The file with what the package manager itself says of the same root.
    packages: String,
}

fn folder() -> PathBuf {
    let Some(path) = std::env::var_os("GALLERIST_TEST_IMAGES") else {
        panic!("GALLERIST_TEST_IMAGES is not set: run this through `./x test`, which makes the images");
    };
    path.into()
}

fn expected(kind: &str) -> Expected {
    let text = std::fs::read_to_string(folder().join(format!("{kind}.expect.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Inspects an image of those made, as if on the day when the rules were last looked at.
fn inspect(expected: &Expected, contract: &str) -> Value {
    remember(expected, contract, None)
}

/// The same, with what an earlier inspection came to.
fn remember(expected: &Expected, contract: &str, memory: Option<&Memory>) -> Value {
    let file = FileSource::new(File::open(folder().join(&expected.file)).unwrap()).unwrap();
    let disk = disks::open(expected.format.parse().unwrap(), Box::new(file), &Limits::default()).unwrap();
    let contract = contract.parse().unwrap();
    let inspection =
        Inspection { name: &expected.file, today: "2026-11-27", contract, memory, ..Inspection::default() };
    serde_json::to_value(inspection.of(&*disk.blocks)).unwrap()
}

/// Rule, severity and places of every finding.
fn findings(report: &Value) -> Vec<(&str, &str, Vec<&str>)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let told = findings.map(|finding| {
        let evidence = finding["evidence"].as_array().unwrap().iter();
        let places = evidence.map(|one| one["path"].as_str().or(one["volume"].as_str()).unwrap_or_default());
        let word = |name: &str| finding[name].as_str().unwrap_or_default();
        (word("rule"), word("severity"), places.collect())
    });
    told.collect()
}

/// All that is wrong with a report, in words.
fn complaints(expected: &Expected, report: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let found = findings(report);
    if report["verdict"] != *expected.verdict {
        wrong.push(format!("the verdict is {}", report["verdict"]));
    }
    let reasons: Vec<&str> =
        report["reasons"].as_array().unwrap().iter().filter_map(|reason| reason["code"].as_str()).collect();
    if reasons != expected.reasons {
        wrong.push(format!("the reasons are {reasons:?}"));
    }
    for (rule, place) in &expected.must {
        let of_rule = found.iter().filter(|(id, ..)| id == rule);
        let has_place = |places: &Vec<&str>| place.is_empty() || places.contains(&place.as_str());
        if !of_rule.clone().any(|(.., places)| has_place(places)) {
            wrong.push(format!("{rule} missed {place}; it found {:?}", of_rule.collect::<Vec<_>>()));
        }
    }
    for (rule, severity, places) in found.iter().filter(|(_, severity, _)| *severity != "info") {
        if let Some(path) = expected.quiet.iter().find(|path| places.contains(&path.as_str())) {
            wrong.push(format!("{rule} takes the decoy {path} for {severity}"));
        }
        let is_known =
            expected.may.iter().chain(expected.must.iter().map(|(rule, _)| rule)).any(|it| it == rule);
        if expected.strict && !is_known {
            wrong.push(format!("{rule} ({severity}) speaks of {places:?}"));
        }
    }
    for (pointer, value) in &expected.facts {
        let told = report["facts"].pointer(pointer).unwrap_or(&Value::Null);
        if told != value {
            wrong.push(format!("{pointer} is {told}, not {value}"));
        }
    }
    if let Some(unknown) = report["facts"]["unknown"].as_array().filter(|unknown| !unknown.is_empty()) {
        wrong.push(format!("it could not tell {unknown:?}"));
    }
    wrong
}

/// Packages that only one of both sides knows.
fn package_differences(expected: &Expected, report: &Value) -> Vec<String> {
    if expected.packages.is_empty() {
        return Vec::new();
    }
    let text = std::fs::read_to_string(folder().join(&expected.packages)).unwrap();
    let wanted: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    assert!(!wanted.is_empty(), "the list of packages is empty");
    let packages = report["facts"]["packages"].as_array().unwrap().iter();
    let word = |package: &Value, name: &str| package[name].as_str().unwrap_or_default().to_owned();
    let told: BTreeSet<String> = packages
        .map(|it| format!("{} {} {}", word(it, "name"), word(it, "version"), word(it, "architecture")))
        .collect();
    wanted.symmetric_difference(&told).cloned().collect()
}

#[rstest]
#[case::alpine("alpine")]
#[case::arm64("arm64")]
#[case::btrfs("btrfs")]
#[case::dirty_clone("dirty")]
#[case::generation_1("gen1")]
#[case::generation_2("gen2")]
#[case::lvm("lvm")]
#[case::suse("suse")]
#[case::windows("windows")]
#[case::windows_in_use("windows-dirty")]
#[case::xfs("xfs")]
fn an_image_is_seen_for_what_it_is(#[case] kind: &str) {
    let expected = expected(kind);
    let report = inspect(&expected, &expected.contract);
    let wrong = complaints(&expected, &report);
    assert!(wrong.is_empty(), "{kind}:\n  {}", wrong.join("\n  "));
    assert_eq!(package_differences(&expected, &report), Vec::<String>::new(), "{kind}");
    for (contract, rule) in &expected.otherwise {
        let report = inspect(&expected, contract);
        let refuses = |reason: &Value| reason["code"] == **rule;
        assert!(report["reasons"].as_array().unwrap().iter().any(refuses), "{kind} as {contract}: {report}");
    }
}

#[rstest]
#[case::the_same_again("gen2", "gen2")]
#[case::then_one_in_use("gen2", "dirty")]
#[case::then_a_good_one("dirty", "gen2")]
#[case::on_another_file_system("gen1", "xfs")]
fn what_was_seen_before_changes_nothing(#[case] first: &str, #[case] then: &str) {
    let (first, then) = (expected(first), expected(then));
    let memory = Memory::default();
    let looked = remember(&first, &first.contract, Some(&memory));
    assert_eq!(looked, inspect(&first, &first.contract));
    let document = memory.document();
    assert!(document["entries"].as_object().unwrap().len() > 10, "nothing was kept");
    let memory = Memory::of(&document);
    assert_eq!(remember(&then, &then.contract, Some(&memory)), inspect(&then, &then.contract));
}
