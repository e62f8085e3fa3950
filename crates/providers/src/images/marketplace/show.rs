//! An image of the marketplace in Azure's words (azure-api 11).

use arm::wire_time;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Deprecation, ImageState, Sku, Version};
use crate::Document;
use crate::shape::at;

/// What is known of an image, wherever it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// `Linux`.
    pub os_type: String,
    /// `V2`.
    pub generation: String,
    /// `x64`.
    pub architecture: String,
    /// Names and values.
    pub features: Vec<(String, String)>,
    /// Whose terms have to be accepted.
    pub plan: Option<PlanNames>,
    /// Size of the system disk.
    pub size_bytes: Option<u64>,
    /// Data disks: number and size.
    pub data_disks: Vec<(u64, u64)>,
    /// Whether it is still offered.
    pub deprecation: Deprecation,
    /// Whether scale sets may bring it up to date by themselves.
    pub automatic_os_upgrade: bool,
}

/// What a plan is named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanNames {
    /// Its publisher.
    pub publisher: String,
    /// The offer it is of.
    pub product: String,
    /// Its own name.
    pub name: String,
}

impl Facts {
    /// What a catalogue says of a version, with what the gallery knows of its bytes.
    #[must_use]
    pub fn of_catalogue(
        publisher: &str,
        offer: &str,
        sku: &Sku,
        version: &Version,
        bytes: Option<&Document>,
    ) -> Self {
        let word = |value: Option<Value>| {
            value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
        };
        let features = sku.features.iter().map(|feature| (feature.name.clone(), feature.value.clone()));
        let plan = sku.plan.as_ref().map(|plan| PlanNames {
            publisher: publisher.to_owned(),
            product: offer.to_owned(),
            name: plan.name.to_string(),
        });
        let data_disks = version.data_disks.iter().map(|disk| (u64::from(disk.lun), disk.size_in_bytes));
        Self {
            os_type: word(sku.os_type.map(|os| json!(os))),
            generation: word(Some(json!(sku.generation.unwrap_or_default()))),
            architecture: word(Some(json!(sku.architecture.unwrap_or_default()))),
            features: features.collect(),
            plan,
            size_bytes: bytes.and_then(size_of).or(version.size_in_bytes),
            data_disks: data_disks.collect(),
            deprecation: version.deprecation.clone().or_else(|| sku.deprecation.clone()).unwrap_or_default(),
            automatic_os_upgrade: sku.automatic_os_upgrade,
        }
    }

    /// What a gallery says of a version of a definition, at `now`.
    #[must_use]
    pub fn of_gallery(definition: &Document, version: &Document, now: Timestamp) -> Self {
        let text = |name: &str, otherwise: &str| {
            definition.properties.get(name).and_then(Value::as_str).unwrap_or(otherwise).to_owned()
        };
        let features = definition.properties.get("features").and_then(Value::as_array).into_iter().flatten();
        let member = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let end = at(&version.properties, "publishingProfile.endOfLifeDate")
            .or_else(|| definition.properties.get("endOfLifeDate"))
            .and_then(Value::as_str)
            .and_then(|text| text.parse::<Timestamp>().ok());
        let disks = at(&version.properties, "storageProfile.dataDiskImages").and_then(Value::as_array);
        let data_disks = disks.into_iter().flatten().map(|disk| {
            let gib = disk["sizeInGB"].as_u64().unwrap_or(0);
            (disk["lun"].as_u64().unwrap_or(0), gib.saturating_mul(1 << 30))
        });
        Self {
            os_type: text("osType", "Linux"),
            generation: text("hyperVGeneration", "V1"),
            architecture: text("architecture", "x64"),
            features: features.map(|feature| (member(feature, "name"), member(feature, "value"))).collect(),
            plan: PlanNames::of_definition(definition),
            size_bytes: size_of(version),
            data_disks: data_disks.collect(),
            deprecation: ending(end, now),
            automatic_os_upgrade: false,
        }
    }

    /// `properties` of the version itself, and of lists that ask for all of it.
    #[must_use]
    pub fn properties(&self) -> Map<String, Value> {
        let pair = |(name, value): &(String, String)| json!({"name": name, "value": value});
        let disk = |(lun, size): &(u64, u64)| json!({"lun": lun, "sizeInBytes": size});
        let mut os_disk = json!({"operatingSystem": self.os_type});
        if let Some(size) = self.size_bytes {
            os_disk["sizeInBytes"] = size.into();
        }
        let mut properties = json!({
            "hyperVGeneration": self.generation,
            "architecture": self.architecture,
            "replicaType": "Unmanaged",
            "disallowed": {"vmDiskType": "None"},
            "automaticOSUpgradeProperties": {"automaticOSUpgradeSupported": self.automatic_os_upgrade},
            "imageDeprecationStatus": status(&self.deprecation),
            "features": self.features.iter().map(pair).collect::<Vec<_>>(),
            "osDiskImage": os_disk,
            "dataDiskImages": self.data_disks.iter().map(disk).collect::<Vec<_>>(),
        });
        if let Some(plan) = &self.plan {
            properties["plan"] =
                json!({"publisher": plan.publisher, "name": plan.name, "product": plan.product});
        }
        properties.as_object().cloned().unwrap_or_default()
    }

    /// `properties` of lists that ask whether images are still offered.
    #[must_use]
    pub fn deprecation_alone(&self) -> Map<String, Value> {
        let mut status = status(&self.deprecation);
        if status.get("scheduledDeprecationTime").is_none() {
            status["scheduledDeprecationTime"] = Value::Null;
        }
        let properties = json!({
            "imageDeprecationStatus": status,
            "hyperVGeneration": self.generation,
            "architecture": self.architecture,
            "replicaType": "Unmanaged",
            "replicaCount": null,
            "goLiveDate": null,
        });
        properties.as_object().cloned().unwrap_or_default()
    }
}

impl PlanNames {
    /// The plan that the versions of a definition need, if they need one.
    #[must_use]
    pub fn of_definition(definition: &Document) -> Option<Self> {
        let plan = definition.properties.get("purchasePlan")?;
        let member = |name: &str| plan[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Self { publisher: member("publisher")?, product: member("product")?, name: member("name")? })
    }
}

/// The terms of a plan as a subscription sees them; `terms` are the members of the plan's row.
#[must_use]
pub fn agreement(
    names: &PlanNames,
    terms: &Map<String, Value>,
    signature: &str,
    accepted: bool,
    retrieved: Timestamp,
) -> Value {
    let link = |name: &str| terms.get(name).and_then(Value::as_str).unwrap_or_default();
    json!({
        "publisher": names.publisher,
        "product": names.product,
        "plan": names.name,
        "licenseTextLink": link("licenseTextLink"),
        "privacyPolicyLink": link("privacyPolicyLink"),
        "retrieveDatetime": wire_time(retrieved),
        "signature": signature,
        "accepted": accepted,
    })
}

fn ending(end: Option<Timestamp>, now: Timestamp) -> Deprecation {
    let image_state = match end {
        None => ImageState::Active,
        Some(end) if end <= now => ImageState::Deprecated,
        Some(_) => ImageState::ScheduledForDeprecation,
    };
    Deprecation { image_state, scheduled_deprecation_time: end, alternative_option: None }
}

fn status(deprecation: &Deprecation) -> Value {
    let mut status = json!({"imageState": deprecation.image_state});
    if let Some(time) = deprecation.scheduled_deprecation_time {
        status["scheduledDeprecationTime"] = wire_time(time).into();
    }
    if let Some(option) = &deprecation.alternative_option {
        status["alternativeOption"] = json!({"type": option.kind, "value": option.value});
    }
    status
}

fn size_of(version: &Document) -> Option<u64> {
    version.internal.get("sizeBytes").and_then(Value::as_u64)
}
