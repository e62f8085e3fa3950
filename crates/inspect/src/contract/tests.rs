//! Declarations against facts, and what each policy makes of the difference.

use rstest::rstest;

use super::{Action, Contract, Policy};
use crate::facts::{Architecture, Facts, Generation, Loader, OsState, OsType, Signal, SignalKind, Unknown};
use crate::findings::{Scene, all};
use crate::report::{Inspection, Report, Verdict};

const CONTRACT: &str = "os-type=linux,os-state=Generalized,generation=V2,architecture=x64";

/// A disk that is what [`CONTRACT`] declares.
fn good() -> Facts {
    let mut facts = Facts {
        os_type: Some(OsType::Linux),
        os_state: Some(OsState::Generalized),
        architecture: Some(Architecture::X64),
        root_count: 1,
        ..Facts::default()
    };
    facts.boot.generations = vec![Generation::V2];
    facts.boot.loaders = vec![loader()];
    facts.layout.table = "gpt".to_owned();
    facts
}

fn loader() -> Loader {
    Loader {
        partition: 1,
        path: "/EFI/BOOT/BOOTX64.EFI".to_owned(),
        architecture: Some(Architecture::X64),
        size_bytes: 1,
        sha256: String::new(),
        signed: true,
        intact: true,
        authorities: vec!["Microsoft UEFI CA 2023".to_owned()],
        sbat: Vec::new(),
    }
}

fn report(facts: &Facts, contract: &str, policy: &str) -> Report {
    let contract: Contract = contract.parse().unwrap();
    let policy = policy.parse().unwrap();
    let (checks, findings) = all(&Scene::new(None, facts, &[], &contract));
    let inspection = Inspection { contract, policy, ..Inspection::default() };
    inspection.report(facts.clone(), checks, findings)
}

fn refusals(facts: &Facts, contract: &str, policy: &str) -> Vec<String> {
    let report = report(facts, contract, policy);
    assert_eq!(report.verdict == Verdict::Refused, !report.reasons.is_empty());
    report.reasons.into_iter().map(|reason| reason.code).collect()
}

#[test]
fn what_is_declared_and_there_is_accepted() {
    assert_eq!(refusals(&good(), CONTRACT, "default"), Vec::<String>::new());
    assert_eq!(
        refusals(&good(), "security-type=TrustedLaunch,generation=V2", "default"),
        Vec::<String>::new()
    );
}

#[rstest]
#[case::other_system("os-type=Windows", "OS-TYPE", |_: &mut Facts| {})]
#[case::no_system("os-type=Linux", "OS-TYPE", |facts: &mut Facts| facts.os_type = None)]
#[case::one_machine("os-state=generalized", "OS-STATE", |facts: &mut Facts| {
    facts.os_state = Some(OsState::Specialized);
    facts.identity = vec![Signal { kind: SignalKind::MachineId, path: "/etc/machine-id".to_owned() }];
})]
#[case::other_generation("generation=v1", "BOOT-GEN", |_: &mut Facts| {})]
#[case::no_loader("generation=V2", "BOOT-GEN", |facts: &mut Facts| facts.boot = crate::facts::Boot::default())]
#[case::loader_for_others("generation=V2,architecture=x64", "BOOT-GEN", |facts: &mut Facts| {
    facts.boot.loaders[0].path = "/EFI/BOOT/BOOTAA64.EFI".to_owned();
    facts.boot.loaders[0].architecture = Some(Architecture::Arm64);
})]
#[case::other_processor("architecture=Arm64", "ARCH-MATCH", |_: &mut Facts| {})]
#[case::too_narrow("architecture=x64", "ARCH-MATCH", |facts: &mut Facts| facts.architecture = Some(Architecture::X86))]
#[case::unsigned("security-type=TrustedLaunch", "BOOT-SECUREBOOT", |facts: &mut Facts| {
    facts.boot.loaders[0].signed = false;
    facts.boot.loaders[0].authorities.clear();
})]
#[case::tampered("security-type=ConfidentialVM", "BOOT-SECUREBOOT", |facts: &mut Facts| facts.boot.loaders[0].intact = false)]
fn what_is_plainly_false_is_refused(
    #[case] contract: &str,
    #[case] rule: &str,
    #[case] make: fn(&mut Facts),
) {
    let mut facts = good();
    make(&mut facts);
    assert_eq!(refusals(&facts, contract, "default"), [rule]);
    assert_eq!(refusals(&facts, contract, "off"), Vec::<String>::new());
    assert_eq!(refusals(&facts, contract, &format!("{rule}=warn")), Vec::<String>::new());
}

#[rstest]
#[case::half_an_identity("os-state=Generalized", OsState::Mixed)]
#[case::nobody("os-state=Specialized", OsState::Generalized)]
fn half_a_state_is_told_and_not_refused(#[case] contract: &str, #[case] state: OsState) {
    let facts = Facts { os_state: Some(state), ..good() };
    let report = report(&facts, contract, "default");
    assert_eq!(report.verdict, Verdict::Accepted);
    assert!(
        report.findings.iter().any(|finding| finding.rule == "OS-STATE" && finding.action == Action::Warn)
    );
    assert_eq!(refusals(&facts, contract, "OS-STATE=refuse"), ["OS-STATE"]);
}

#[test]
fn what_is_not_known_is_neither_true_nor_false() {
    let unknown = vec![Unknown { fact: "osType".to_owned(), why: "partition 1 is encrypted".to_owned() }];
    let facts = Facts { os_type: None, os_state: None, architecture: None, unknown, ..good() };
    assert_eq!(refusals(&facts, CONTRACT, "default"), Vec::<String>::new());
    assert_eq!(refusals(&facts, CONTRACT, "unknown=refuse"), ["OS-TYPE", "OS-STATE", "ARCH-MATCH"]);
}

#[rstest]
#[case("os-type=BeOS", "'BeOS' is no os-type; known are Linux, Windows")]
#[case("generation", "'generation' is no NAME=VALUE")]
#[case("colour=red", "'colour' is not a part of a contract")]
fn a_contract_that_is_not_understood_says_why(#[case] text: &str, #[case] why: &str) {
    let error = text.parse::<Contract>().unwrap_err().to_string();
    assert!(error.starts_with(why), "{error}");
}

#[test]
fn a_policy_names_only_rules_that_exist() {
    assert!("OS-STATS=warn".parse::<Policy>().is_err());
    assert!("OS-STATE=perhaps".parse::<Policy>().is_err());
    let policy: Policy = "default,SEC-TOKENS=refuse,unknown=refuse".parse().unwrap();
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
}

#[test]
fn nvme_needs_its_driver_before_the_root() {
    let contract = "disk-controllers=SCSI+NVMe";
    let mut facts = good();
    let driver = |availability| crate::facts::Driver { name: "nvme".to_owned(), availability };
    facts.drivers = vec![driver(crate::facts::Availability::Module)];
    let found = report(&facts, contract, "default");
    assert!(found.findings.iter().any(|finding| finding.rule == "KRN-NVME"), "{:?}", found.findings);
    facts.drivers = vec![driver(crate::facts::Availability::BuiltIn)];
    let found = report(&facts, contract, "default");
    assert!(!found.findings.iter().any(|finding| finding.rule == "KRN-NVME"), "{:?}", found.findings);
}
