//! The real program against examples of our own, by the harness that replays Azure's.

use std::path::Path;

use xtask::conformance::{self, Outcome, Target};

use crate::server::{Server, Start};

/// A small description of the wire in our own words.
const SPECS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../xtask/specs");

#[tokio::test]
async fn the_wire_is_what_its_documents_say() {
    let server = Server::start(Start { config: conformance::CONFIG.to_owned(), ..Start::default() });
    let target = Target::sign_in(&server.data().join("connection.json")).await.unwrap();
    let report = conformance::run(Path::new(SPECS), &target, "").await.unwrap();
    assert!(report.is_clean(), "{report}\n{}", server.log());
    for example in [
        "Gallery_Create.json",
        "GalleryImageVersion_Create_FromADisk.json",
        "GalleryApplicationVersion_Create_WithConfiguration.json",
    ] {
        assert_eq!(report.outcome(example), Some(&Outcome::Passed(201)), "{example}");
    }
    for example in [
        "GallerySoftDeletedResource_ListByArtifactName.json",
        "VirtualMachineImage_List_Generated.json",
        "VirtualMachineImage_Get_Generated.json",
    ] {
        assert_eq!(report.outcome(example), Some(&Outcome::Passed(200)), "{example}");
    }
    let no_zone = report.outcome("VirtualMachineImagesEdgeZone_ListPublishers_Generated.json");
    assert_eq!(no_zone, Some(&Outcome::Refused("NotFound".to_owned())));
    let refused = report.outcome("GalleryImageVersion_Create_InEdgeZones.json");
    assert!(matches!(refused, Some(Outcome::Refused(_))), "{report}");
    assert!(report.passed() >= 24, "{report}");
}
