//! `…/versions/V/providers/Gallerist.Images/inspectionReports/default`: what was found in the bytes of a version, and
//! below it `sbom?format=`, `sarif`, and `diff?against=` another version.
//!
//! Read from the facet that publishing keeps; the rows of versions never carry it.

use arm::ResourceId;
use async_trait::async_trait;
use providers::Rejection;
use providers::images::inspection::REPORT;
use serde_json::{Value, json};

use super::{View, Viewed};
use crate::engine::only;
use crate::reports::ReportForm;
use crate::{Engine, Error, Method, Reply, refusals};

const REPORTS: &str = "Gallerist.Images/inspectionReports";
const DIFF: &str = "Gallerist.Images/inspectionReports/diff";
const SARIF: &str = "Gallerist.Images/inspectionReports/sarif";
const SBOM: &str = "Gallerist.Images/inspectionReports/sbom";
const VERSIONS: &str = "Microsoft.Compute/galleries/images/versions";

pub(super) struct InspectionReports;

#[async_trait]
impl View for InspectionReports {
    fn types(&self) -> &'static [&'static str] {
        &[REPORTS, DIFF, SARIF, SBOM]
    }

    async fn answer(&self, engine: &Engine, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        only(viewed.asked.request, &[Method::Get])?;
        let id = viewed.id.as_ref().ok_or_else(refusals::path_not_found)?;
        let kind = &viewed.type_name;
        if viewed.is_list && kind.is(REPORTS) {
            let reports = match kept(engine, &version(id)?).await? {
                Some(report) => vec![summary(id, &report)],
                None => Vec::new(),
            };
            return Ok(Reply::json(200, json!({ "value": reports })));
        }
        // What stands below a report is one document, not a list of named ones.
        let (report_id, below) = if kind.is(REPORTS) { (id, false) } else { (id, true) };
        if below != viewed.is_list || !report_id.name().eq_ignore_ascii_case("default") {
            return Err(refusals::not_found(id).into());
        }
        let version = version(&report_id.parent().ok_or_else(refusals::path_not_found)?)?;
        let report = existing(engine, &version).await?;
        let body = if kind.is(DIFF) {
            difference(engine, viewed, &version, &report).await?
        } else if kind.is(REPORTS) {
            envelope(&version, &report)
        } else {
            let form = if kind.is(SARIF) { ReportForm::Sarif } else { bill_of_materials(viewed)? };
            engine.reports.told(&report, form).ok_or_else(|| outdated(&version))?
        };
        Ok(Reply::json(200, body))
    }
}

/// Reports are of image versions.
fn version(id: &ResourceId) -> Result<ResourceId, Error> {
    if id.type_name().is(VERSIONS) { Ok(id.clone()) } else { Err(refusals::path_not_found().into()) }
}

/// The report of a version that exists, if it has one.
async fn kept(engine: &Engine, version: &ResourceId) -> Result<Option<Value>, Error> {
    let Some(row) = engine.metadata.row(version).await? else {
        engine.group_exists(version).await?;
        return Err(refusals::not_found(version).into());
    };
    let facets = engine.metadata.facets(&row.id, REPORT).await?;
    Ok(facets.into_iter().find(|(name, _)| name == REPORT).map(|(_, report)| report))
}

async fn existing(engine: &Engine, version: &ResourceId) -> Result<Value, Error> {
    kept(engine, version).await?.ok_or_else(|| {
        let message = format!(
            "The version '{}' has no inspection report: it is being published, or inspection was off when it was.",
            version.name()
        );
        Rejection::new(404, "InspectionReportNotFound", message).into()
    })
}

/// A report that an earlier release kept in another form.
fn outdated(version: &ResourceId) -> Error {
    let message = format!(
        "The inspection report of version '{}' was made by another release, and this form cannot be made of it.",
        version.name()
    );
    Rejection::conflict("InspectionReportOutdated", message).into()
}

fn envelope(version: &ResourceId, report: &Value) -> Value {
    json!({
        "id": format!("{version}/providers/{REPORTS}/default"),
        "name": "default",
        "type": REPORTS,
        "properties": report,
    })
}

/// A report without its facts, which a list does not carry.
fn summary(version: &ResourceId, report: &Value) -> Value {
    let mut report = report.clone();
    if let Some(members) = report.as_object_mut() {
        members.remove("facts");
        members.remove("checks");
    }
    envelope(version, &report)
}

fn bill_of_materials(viewed: &Viewed<'_>) -> Result<ReportForm, Error> {
    match viewed.asked.options.format.as_deref().unwrap_or("cyclonedx") {
        word if word.eq_ignore_ascii_case("cyclonedx") => Ok(ReportForm::CycloneDx),
        word if word.eq_ignore_ascii_case("spdx") => Ok(ReportForm::Spdx),
        word => {
            let shown: String = word.chars().filter(|c| !c.is_control()).take(40).collect();
            let message =
                format!("The format '{shown}' is not one of a bill of materials. Use 'cyclonedx' or 'spdx'.");
            Err(Rejection::invalid("format", message).into())
        }
    }
}

/// What changed from the version named by `against` to this one.
async fn difference(
    engine: &Engine,
    viewed: &Viewed<'_>,
    version: &ResourceId,
    report: &Value,
) -> Result<Value, Error> {
    let against = viewed.asked.options.against.as_deref().filter(|text| !text.is_empty());
    let against = against.ok_or_else(|| {
        let message = "Say with 'against' which version to compare with: a name in the same definition, or a resource id.";
        Rejection::invalid("against", message)
    })?;
    let other: Option<ResourceId> = if against.starts_with('/') {
        against.parse().ok()
    } else {
        version.parent().and_then(|definition| definition.child("versions", against).ok())
    };
    let other = other.filter(|id| id.type_name().is(VERSIONS)).ok_or_else(|| {
        let message = "'against' is neither the name nor the resource id of an image version.";
        Rejection::invalid("against", message)
    })?;
    engine.authority.check(viewed.asked.principal, &format!("{REPORTS}/read"), &other)?;
    let old = existing(engine, &other).await?;
    let changes = engine.reports.difference(&old, report).ok_or_else(|| outdated(version))?;
    Ok(json!({
        "id": format!("{version}/providers/{REPORTS}/default/diff"),
        "type": DIFF,
        "properties": {"from": other.to_string(), "to": version.to_string(), "changes": changes},
    }))
}
