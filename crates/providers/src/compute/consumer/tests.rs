//! What consumers see, whole.

use arm::Region;
use serde_json::{Value, json};

use super::{Missing, Offer, Offered, names_a_version, not_found};
use crate::Stored;
use crate::testing::{compute, stored};

fn region() -> Region {
    "eastus2".parse().unwrap()
}

fn gallery() -> Stored {
    stored(
        &compute("galleries/g"),
        json!({"description": "ours", "sharingProfile": {"permissions": "Community", "communityGalleryInfo": {
            "publisherUri": "u", "publisherContact": "c", "eula": "e", "publicNamePrefix": "contoso",
            "publicNames": ["contoso-1"], "communityGalleryEnabled": true,
        }}}),
    )
}

fn definition() -> Stored {
    stored(
        &compute("galleries/g/images/Ubuntu"),
        json!({
            "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2", "architecture": "x64",
            "identifier": {"publisher": "p", "offer": "o", "sku": "s"}, "description": "for us",
            "features": [{"name": "SecurityType", "value": "TrustedLaunchSupported"}], "eula": "e",
        }),
    )
}

fn version() -> Stored {
    let profile = json!({
        "publishedDate": "2026-01-01T00:00:00+00:00", "excludeFromLatest": false, "replicaCount": 3,
        "targetRegions": [{"name": "East US 2", "excludeFromLatest": true}],
    });
    let storage = json!({
        "osDiskImage": {"sizeInGB": 30, "hostCaching": "ReadWrite", "source": {"id": "/subscriptions/ours"}},
        "dataDiskImages": [{"lun": 1, "sizeInGB": 10, "hostCaching": "None", "source": {"id": "/subscriptions/ours"}}],
    });
    stored(
        &compute("galleries/g/images/Ubuntu/versions/1.0.0"),
        json!({"publishingProfile": profile, "storageProfile": storage, "safetyProfile": {}}),
    )
}

#[test]
fn a_shared_gallery_shows_nothing_of_its_owner() {
    let region = region();
    let offered = Offered { offer: Offer::Shared, name: "S-G", region: &region };
    let entity = |name: &str, path: &str, properties: Value| {
        json!({
            "name": name, "location": "eastus2", "properties": properties,
            "identifier": {"uniqueId": format!("/SharedGalleries/S-G{path}")},
        })
    };
    assert_eq!(offered.gallery(&gallery()), entity("S-G", "", json!({})));
    assert_eq!(offered.gallery_entry().get("properties"), None);
    let properties = json!({
        "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2", "architecture": "x64",
        "identifier": {"publisher": "p", "offer": "o", "sku": "s"}, "recommended": {}, "eula": "e",
        "features": [{"name": "SecurityType", "value": "TrustedLaunchSupported"}],
    });
    assert_eq!(offered.image(&definition()), entity("Ubuntu", "/Images/Ubuntu", properties));
    let properties = json!({
        "publishedDate": "2026-01-01T00:00:00+00:00", "excludeFromLatest": true, "imageState": "Active",
        "storageProfile": {
            "osDiskImage": {"diskSizeGB": 30, "hostCaching": "ReadWrite"},
            "dataDiskImages": [{"lun": 1, "diskSizeGB": 10, "hostCaching": "None"}],
        },
    });
    let path = "/Images/Ubuntu/Versions/1.0.0";
    assert_eq!(offered.version("Ubuntu", &version()), entity("1.0.0", path, properties));
}

#[test]
fn a_community_gallery_tells_who_publishes_it() {
    let region = region();
    let offered = Offered { offer: Offer::Community, name: "contoso-1", region: &region };
    let metadata =
        json!({"publisherUri": "u", "publisherContact": "c", "eula": "e", "publicNames": ["contoso-1"]});
    let disclaimer = "https://aka.ms/community-gallery-disclaimer";
    assert_eq!(
        offered.gallery(&gallery()),
        json!({
            "name": "contoso-1", "location": "eastus2", "communityMetadata": metadata,
            "identifier": {"uniqueId": "/CommunityGalleries/contoso-1"},
            "properties": {"disclaimer": disclaimer, "communityMetadata": metadata},
        })
    );
    let image = offered.image(&definition());
    assert_eq!(image["properties"]["identifier"], json!({"publisher": "", "offer": "", "sku": ""}));
    assert_eq!(image["properties"]["disclaimer"], disclaimer);
    assert_eq!(image["identifier"]["uniqueId"], "/CommunityGalleries/contoso-1/Images/Ubuntu");
    assert_eq!(offered.version("Ubuntu", &version())["properties"]["disclaimer"], disclaimer);
}

#[test]
fn what_is_not_found_is_said_without_saying_why() {
    for (missing, target) in [
        (Missing::Gallery, "gallery.name"),
        (Missing::Image, "galleryImage.name"),
        (Missing::Version, "galleryImageVersion.name"),
    ] {
        let refusal = not_found(missing);
        assert_eq!((refusal.status, refusal.detail.code.as_str()), (404, "NotFound"));
        assert_eq!(refusal.detail.target.as_deref(), Some(target));
        assert_eq!(refusal.detail.message, "The entity was not found in this Azure location.");
    }
}

#[test]
fn a_version_is_named_by_number_or_as_the_latest() {
    for (name, wanted) in [("1.0.0", true), ("Latest", true), ("recent", false), ("1.0", false)] {
        assert_eq!(names_a_version(name), wanted, "{name}");
    }
}
