//! What a disk of a size and kind of storage can do, as Azure publishes it ("Azure managed disk types").
//!
//! Nothing here is enforced: the numbers are shown because clients show and compare them.

use serde_json::{Map, Value};

use crate::Document;

/// Largest GiB of a size class, its name, IOPS and MB/s.
type Class = (u64, &'static str, u64, u64);

const PREMIUM: &[Class] = &[
    (4, "P1", 120, 25),
    (8, "P2", 120, 25),
    (16, "P3", 120, 25),
    (32, "P4", 120, 25),
    (64, "P6", 240, 50),
    (128, "P10", 500, 100),
    (256, "P15", 1100, 125),
    (512, "P20", 2300, 150),
    (1024, "P30", 5000, 200),
    (2048, "P40", 7500, 250),
    (4096, "P50", 7500, 250),
    (8192, "P60", 16_000, 500),
    (16_384, "P70", 18_000, 750),
    (u64::MAX, "P80", 20_000, 900),
];

const STANDARD_SSD: &[Class] = &[
    (4096, "E", 500, 100),
    (8192, "E60", 2000, 400),
    (16_384, "E70", 4000, 600),
    (u64::MAX, "E80", 6000, 750),
];

const STANDARD: &[Class] = &[(4096, "S", 500, 60), (8192, "S60", 1300, 300), (u64::MAX, "S70", 2000, 500)];

/// The members that are a disk's class and not its own.
const OF_CLASS: [&str; 4] =
    ["diskIOPSReadOnly", "diskIOPSReadWrite", "diskMBpsReadOnly", "diskMBpsReadWrite"];

/// The properties, with tier, IOPS and throughput of the disk's class.
pub(super) fn shown(document: &Document) -> Map<String, Value> {
    let mut properties = document.properties.clone();
    if let Some((_, name, iops, throughput)) = class(&properties, &document.envelope) {
        properties.insert("diskIOPSReadWrite".to_owned(), (*iops).into());
        properties.insert("diskMBpsReadWrite".to_owned(), (*throughput).into());
        if name.starts_with('P') {
            properties.entry("tier").or_insert_with(|| (*name).into());
        }
    }
    properties
}

/// Clients send back what they were shown: what follows from the class is not stored, or it would not change with it.
pub(super) fn drop_shown(properties: &mut Map<String, Value>, envelope: &Map<String, Value>) {
    if classes(envelope).is_some() {
        properties.retain(|name, _| !OF_CLASS.contains(&name.as_str()));
    }
    let own = class(properties, envelope).map(|class| class.1);
    if own.is_some() && properties.get("tier").and_then(Value::as_str) == own {
        properties.remove("tier");
    }
}

fn class(properties: &Map<String, Value>, envelope: &Map<String, Value>) -> Option<&'static Class> {
    let gib = properties.get("diskSizeGB").and_then(Value::as_u64)?;
    classes(envelope)?.iter().find(|class| gib <= class.0)
}

/// The classes of a kind of storage; what Ultra and Premium v2 disks can do is chosen for each.
fn classes(envelope: &Map<String, Value>) -> Option<&'static [Class]> {
    let sku = envelope.get("sku").and_then(|sku| sku["name"].as_str()).unwrap_or_default();
    match sku.split('_').next()? {
        "Premium" => Some(PREMIUM),
        "StandardSSD" => Some(STANDARD_SSD),
        "Standard" => Some(STANDARD),
        _ => None,
    }
}
