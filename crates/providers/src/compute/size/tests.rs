//! The table that is built in, and what an operator's may not say.

use rstest::rstest;
use serde_json::{Value, json};

use super::{DISK_SKUS, Sizes, size_of, sku_of};

fn family(change: &Value) -> Value {
    let mut family = json!({
        "name": "own", "architecture": "x64", "generations": ["V1"], "diskControllers": ["SCSI"],
        "premiumIO": true, "acceleratedNetworking": true, "trustedLaunch": false, "ephemeralOSDisk": true,
        "encryptionAtHost": true, "sizes": [size(&json!({}))],
    });
    family.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    family
}

fn size(change: &Value) -> Value {
    let mut size = json!({"name": "Own_1", "vCPUs": 1, "memoryMB": 1536, "maxDataDisks": 2, "maxNics": 2});
    size.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    size
}

fn read(families: &Value) -> Result<Sizes, String> {
    Sizes::parse(&json!({ "families": families }).to_string()).map_err(|error| error.to_string())
}

fn capability(sku: &Value, name: &str) -> Value {
    let all = sku["capabilities"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).map_or(Value::Null, |one| one["value"].clone())
}

#[test]
fn the_built_in_table_knows_the_families_in_use() {
    let sizes = Sizes::built_in();
    assert!(sizes.iter().count() > 400);
    for (name, wanted) in [
        ("standard_d2s_v5", ["2", "8", "4", "V1,V2", "SCSI", "x64"]),
        ("Standard_DS1_v2", ["1", "3.5", "4", "V1,V2", "SCSI", "x64"]),
        ("Standard_D4ps_v6", ["4", "16", "12", "V2", "SCSI,NVMe", "Arm64"]),
        ("Standard_E8s_v6", ["8", "64", "24", "V2", "NVMe", "x64"]),
    ] {
        let (family, size) = sizes.find(name).unwrap();
        let sku = sku_of(family, size, "westeurope");
        let names = [
            "vCPUs",
            "MemoryGB",
            "MaxDataDiskCount",
            "HyperVGenerations",
            "DiskControllerTypes",
            "CpuArchitectureType",
        ];
        assert_eq!(names.map(|name| capability(&sku, name)), wanted.map(Value::from), "{name}");
    }
    let (family, size) = sizes.find("Standard_DC2as_v5").unwrap();
    assert_eq!(capability(&sku_of(family, size, "x"), "ConfidentialComputingType"), "SNP");
    let (family, size) = sizes.find("Standard_D2ps_v5").unwrap();
    assert_eq!(capability(&sku_of(family, size, "x"), "TrustedLaunchDisabled"), "True");
    assert!(sizes.find("Standard_Z9").is_none());
}

#[test]
fn a_size_is_shown_in_azures_words() {
    let sizes = read(&json!([family(&json!({}))])).unwrap();
    let (family, size) = sizes.find("OWN_1").unwrap();
    insta::assert_json_snapshot!([size_of(size), sku_of(family, size, "westeurope")]);
}

#[test]
fn every_disk_tier_begins_where_the_one_below_ends() {
    let mut below: Option<&super::DiskSku> = None;
    for sku in DISK_SKUS {
        if let (Some(performance), Some(before)) =
            (sku.performance, below.filter(|below| below.name == sku.name))
        {
            assert_eq!(performance.above_gib, before.performance.unwrap().most_gib, "{}", sku.size);
        }
        below = Some(sku).filter(|sku| sku.performance.is_some());
    }
    assert_eq!(DISK_SKUS[0].item("westeurope")["size"], "S4");
}

#[rstest]
#[case::stranger(json!([family(&json!({"colour": 1}))]), "unknown field `colour`")]
#[case::no_sizes(json!([family(&json!({"sizes": []}))]), "at least one")]
#[case::no_generation(json!([family(&json!({"generations": []}))]), "at least one")]
#[case::other_generation(json!([family(&json!({"generations": ["V3"]}))]), "unknown variant `V3`")]
#[case::arm_from_bios(json!([family(&json!({"architecture": "Arm64"}))]), "generation V2")]
#[case::confidential_from_bios(json!([family(&json!({"confidential": "TDX"}))]), "generation V2")]
#[case::name(json!([family(&json!({"sizes": [size(&json!({"name": "a b"}))]}))]), "the name 'a b' is invalid")]
#[case::no_processor(json!([family(&json!({"sizes": [size(&json!({"vCPUs": 0}))]}))]), "vCPUs of the size 'Own_1' is 0")]
#[case::negative(json!([family(&json!({"sizes": [size(&json!({"vCPUs": -1}))]}))]), "line 1 column")]
#[case::nothing(json!([]), "no size")]
#[case::twice(json!([family(&json!({})), family(&json!({"sizes": [size(&json!({"name": "OWN_1"}))]}))]), "'OWN_1' stands twice")]
fn what_a_table_may_not_say(#[case] families: Value, #[case] words: &str) {
    let refusal = read(&families).unwrap_err();
    assert!(refusal.contains(words), "{refusal}");
}

#[test]
fn a_file_without_end_is_refused() {
    let text = " ".repeat((4 << 20) + 1);
    assert!(Sizes::parse(&text).unwrap_err().to_string().contains("larger than"));
}
