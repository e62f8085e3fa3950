//! What examples say becomes what a server can take, and what failed is told.

use serde_json::json;

use super::adapt::Adaptation;
use super::known::Known;
use super::report::{Outcome, Report, Row};

fn adaptation(known: &Known) -> Adaptation<'_> {
    Adaptation {
        known,
        subscription: "S".to_owned(),
        group: "G".to_owned(),
        suffix: "7".to_owned(),
        links: "http://127.0.0.1:1".to_owned(),
    }
}

#[test]
fn ids_placeholders_and_links_lead_to_our_own() {
    let known = Known::read().unwrap();
    let adapted = adaptation(&known).value(&json!({
        "source": {"id": "/subscriptions/{subscription-Id}/resourceGroups/other/providers/Microsoft.Compute/galleries/g/images/i"},
        "set": "/subscriptions/x/resourceGroups/other/providers/Microsoft.Compute/diskEncryptionSet/{existing-diskEncryptionSet-name}",
        "uri": "https://account.example/a/os.vhd?{sasKey}",
        "mediaLink": "https://account.example/package?sv=1",
        "publisherUri": "https://example.org",
        "disk": "subscriptions/x/resourceGroups/other/providers/Microsoft.Compute/disks/d",
        "version": "/Subscriptions/x/resourceGroups/other/Providers/Microsoft.Compute/Galleries/g/Images/i",
        "unclosed": "{brace",
        "count": 2,
    }));
    assert_eq!(
        adapted,
        json!({
            "source": {"id": "/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/galleries/g7/images/i"},
            "set": "/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/diskEncryptionSets/existingdiskEncryptionSetname",
            "uri": "http://127.0.0.1:1/os.vhd",
            "mediaLink": "http://127.0.0.1:1/package.zip",
            "publisherUri": "https://example.org",
            "disk": "/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/disks/d",
            "version": "/Subscriptions/S/resourceGroups/G/Providers/Microsoft.Compute/Galleries/g7/Images/i",
            "unclosed": "{brace",
            "count": 2,
        })
    );
}

#[test]
fn parameters_are_ours_where_we_have_some() {
    let known = Known::read().unwrap();
    let adaptation = adaptation(&known);
    let given = json!("given");
    for (name, wanted) in [
        ("subscriptionId", "S"),
        ("resourceGroupName", "G"),
        ("location", "westus"),
        ("galleryName", "given7"),
        ("diskName", "given"),
    ] {
        assert_eq!(adaptation.parameter(name, Some(&given)), wanted, "{name}");
    }
    assert_eq!(adaptation.parameter("diskName", None), "xdiskName");
    for (name, given, wanted) in [
        ("publisherName", "aaaa", "contoso"),
        ("publisherName", "canonical", "canonical"),
        ("$expand", "aaa", "properties"),
        ("$expand", "SharingProfile/Groups", "SharingProfile/Groups"),
        ("diskName", "aa", "aa"),
    ] {
        assert_eq!(adaptation.parameter(name, Some(&json!(given))), wanted, "{name}={given}");
    }
}

#[test]
fn a_failure_makes_the_report_fail_and_is_told() {
    let row = |outcome: Outcome| Row {
        document: "gallery.json".to_owned(),
        operation: "Galleries_Get".to_owned(),
        example: "Gallery_Get.json".to_owned(),
        outcome,
    };
    let mut report = Report::default();
    report.rows.push(row(Outcome::Passed(200)));
    report.rows.push(row(Outcome::Refused("NotImplemented".to_owned())));
    report.rows.push(row(Outcome::OutOfScope("a reason".to_owned())));
    assert!(report.is_clean() && report.passed() == 1);
    report.rows.push(row(Outcome::Failed(vec!["name is missing".to_owned()])));
    assert!(!report.is_clean());
    let told = report.to_string();
    assert!(told.contains("FAIL     Galleries_Get Gallery_Get.json: name is missing"), "{told}");
    assert!(told.contains("gallery.json                      1        1      1      1"), "{told}");
}
