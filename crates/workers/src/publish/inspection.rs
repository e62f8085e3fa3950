//! The step between finding an image and copying it: whether its OS disk is what the definition says.
//!
//! The disk is read where it is, before a region that lacks it gets a byte of it. The report is kept whatever it
//! says. A version that stands complete somewhere is not judged again: a contract is asked when a version is published.

use std::sync::Arc;
use std::thread;

use arm::{ErrorDetail, ResourceId};
use control::stored_of;
use inspect::contract::{Action, Contract, Policy};
use inspect::memory::Memory;
use inspect::report::{Inspection, Report, Verdict};
use jiff::Timestamp;
use metadata::Change;
use providers::Document;
use providers::images::contract::{OFF, WARN};
use providers::images::inspection::REPORT;
use providers::shape::text_at;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::image::Image;
use crate::job::{Running, Stop};
use crate::replicas;
use crate::runner::Contracts;

/// The facet of a definition that keeps what the last inspection of its versions came to.
const MEMORY: &str = "inspection/memory";
/// The stack of the thread that reads a foreign disk.
const STACK_BYTES: usize = 16 << 20;
/// Findings that a refusal tells; the report has them all.
const MOST_DETAILS: usize = 50;
/// Longest report that is kept whole, in bytes of JSON; of a longer one the facts are left out.
const MOST_REPORT_BYTES: usize = 16 << 20;

/// Ends the job with a refusal when the image is not what the version's definition says.
pub(super) async fn prove(running: &mut Running, document: &Document, image: &Image) -> Result<(), Stop> {
    if running.output("inspect").is_some() {
        return Ok(());
    }
    let rows = running.engine.metadata().clone();
    if !replicas::complete_regions(rows.as_ref(), &running.job.target).await?.is_empty() {
        return Ok(());
    }
    let definition_id = running.job.target.parent().ok_or(Stop::LeaseLost)?;
    let definition = rows.row(&definition_id).await?.ok_or(Stop::LeaseLost)?;
    let definition = stored_of(&definition)?.document.properties;
    let contract_id: ResourceId = format!("{definition_id}/providers/Gallerist.Images/contracts/default")
        .parse()
        .map_err(|_shape| Error::Document("the definition's id takes no contract".to_owned()))?;
    let wanted = match rows.row(&contract_id).await? {
        Some(row) => Some(stored_of(&row)?.document.properties),
        None => None,
    };
    let Some(policy) = policy(running.settings.contracts, wanted.as_ref(), running.clock.now()) else {
        rows.report(running.job.id, &running.worker, REPORT, None).await?;
        return Ok(());
    };
    let remembered = rows.facets(&definition_id, MEMORY).await?.pop().map(|(_, document)| document);
    let memory = Arc::new(remembered.as_ref().map(Memory::of).unwrap_or_default());
    let report = look(running, document, image, contract(&definition), policy, &memory).await?;
    // Nothing hangs on it: another version may write its own over it, and without it all is looked at.
    rows.put_facet(&definition_id, MEMORY, &memory.document()).await.ok();
    let kept = kept(&report);
    rows.report(running.job.id, &running.worker, REPORT, Some(&kept)).await?;
    if report.verdict == Verdict::Refused {
        tracing::warn!(rules = ?rules(&report), "the image is not what its definition says");
        return Err(Stop::Failed(refusal(&running.job.target, &definition_id, &report), Box::default()));
    }
    let findings = report.findings.len();
    running.record("inspect", json!({"findings": findings}), Change::default()).await
}

/// Reads the disk on a thread of its own; a fault in there is an unknown, not the end of the worker.
async fn look(
    running: &Running,
    document: &Document,
    image: &Image,
    contract: Contract,
    policy: Policy,
    memory: &Arc<Memory>,
) -> Result<Report, Stop> {
    let (root, size_bytes) = (image.root, image.size_bytes);
    let store = store_of(running, document, root)?;
    let id = &running.job.target;
    let name = format!(
        "{}/{}",
        id.parent().map(|definition| definition.name().to_owned()).unwrap_or_default(),
        id.name()
    );
    let today = running.clock.now().strftime("%Y-%m-%d").to_string();
    let memory = Arc::clone(memory);
    let looked = running.blocking(move || -> Result<Report, Error> {
        let disk = store.image(root, size_bytes)?;
        let memory = Some(&*memory);
        let inspection =
            Inspection { name: &name, today: &today, contract, policy, memory, ..Inspection::default() };
        let joined = thread::scope(|scope| {
            let looking = thread::Builder::new().name("inspect".to_owned()).stack_size(STACK_BYTES);
            looking.spawn_scoped(scope, || inspection.of(&disk)).map(thread::ScopedJoinHandle::join)
        });
        Ok(match joined {
            Ok(Ok(report)) => report,
            Ok(Err(_panic)) => inspection.unknown("the inspector failed on this image"),
            Err(_no_thread) => inspection.unknown("there was no thread to spare"),
        })
    });
    Ok(looked.await??)
}

/// Where the image is read: at home, or wherever its source lies.
fn store_of(running: &Running, document: &Document, root: store::Digest) -> Result<store::Region, Stop> {
    let home = running.regions.store(&running.home(document)?)?;
    if home.has(&root) {
        return Ok(home.clone());
    }
    let mut others = running.regions.iter().filter_map(|(_, store)| store.ok());
    Ok(others.find(|store| store.has(&root)).unwrap_or(home).clone())
}

/// What follows from findings; `None` when nothing is to be looked at.
fn policy(default: Contracts, contract: Option<&Map<String, Value>>, now: Timestamp) -> Option<Policy> {
    let Some(contract) = contract else {
        return match default {
            Contracts::Default => Some(Policy::default()),
            Contracts::Warn => Some(Policy::off()),
            Contracts::Off => None,
        };
    };
    let mut policy = match text_at(contract, "mode") {
        Some(OFF) => return None,
        Some(WARN) => Policy::off(),
        _ => Policy::default(),
    };
    let action = |word: &Value| serde_json::from_value::<Action>(word.clone()).ok();
    policy.unknown = contract.get("unknown").and_then(action).unwrap_or(policy.unknown);
    let rules = contract.get("rules").and_then(Value::as_object).into_iter().flatten();
    policy.rules.extend(rules.filter_map(|(rule, word)| Some((rule.clone(), action(word)?))));
    let waivers = contract.get("waivers").and_then(Value::as_array).into_iter().flatten();
    for waiver in waivers.filter(|waiver| !is_over(waiver, now)) {
        let rule = waiver["rule"].as_str().unwrap_or_default().to_owned();
        // What is ignored stays ignored.
        let waived = policy.rules.entry(rule).or_default();
        if *waived == Action::Refuse {
            *waived = Action::Warn;
        }
    }
    Some(policy)
}

/// Whether a waiver has ended.
fn is_over(waiver: &Value, now: Timestamp) -> bool {
    let end = waiver.get("expiresOn").and_then(Value::as_str).and_then(|end| end.parse::<Timestamp>().ok());
    end.is_some_and(|end| end <= now)
}

/// What a definition declares. A generation or architecture that it does not name is Azure's default.
fn contract(definition: &Map<String, Value>) -> Contract {
    let feature = |name: &str| {
        let features = definition.get("features").and_then(Value::as_array).into_iter().flatten();
        let mut named = features
            .filter(|feature| feature["name"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(name)));
        named.find_map(|feature| feature["value"].as_str().map(str::to_owned))
    };
    let word = |name: &str| text_at(definition, name).map(str::to_owned);
    let controllers = feature("DiskControllerTypes").map(|list| {
        let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        names.join("+")
    });
    let members = [
        ("os-type", word("osType")),
        ("os-state", word("osState")),
        ("generation", word("hyperVGeneration").or_else(|| Some("V1".to_owned()))),
        ("architecture", word("architecture").or_else(|| Some("x64".to_owned()))),
        ("security-type", feature("SecurityType")),
        ("disk-controllers", controllers),
    ];
    let mut declared = String::new();
    for (name, value) in members {
        let Some(value) = value else { continue };
        let longer = format!("{declared},{name}={value}");
        // A feature of tomorrow is not compared.
        if longer.parse::<Contract>().is_ok() {
            declared = longer;
        }
    }
    declared.parse().unwrap_or_default()
}

fn kept(report: &Report) -> Value {
    let mut document = serde_json::to_value(report).unwrap_or_default();
    if document.to_string().len() > MOST_REPORT_BYTES {
        document["facts"] = json!({});
    }
    document
}

fn rules(report: &Report) -> Vec<&str> {
    let mut rules: Vec<&str> = report.reasons.iter().map(|reason| reason.code.as_str()).collect();
    rules.dedup();
    rules
}

fn refusal(version: &ResourceId, definition: &ResourceId, report: &Report) -> ErrorDetail {
    let message = format!(
        "The image is not what the image definition '{}' says ({}). Nothing was replicated. Mend the image or publish it under another definition, and put the version again; what follows from each rule is set by PUT {definition}/providers/Gallerist.Images/contracts/default. The whole report: GET {version}/providers/Gallerist.Images/inspectionReports/default.",
        definition.name(),
        rules(report).join(", "),
    );
    let details = report.reasons.iter().take(MOST_DETAILS);
    let details = details.map(|reason| ErrorDetail::new(reason.code.clone(), reason.message.clone()));
    ErrorDetail { details: details.collect(), ..ErrorDetail::new("ImageContractMismatch", message) }
}
