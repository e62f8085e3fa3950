//! The packages and loaders of an image as an SPDX 2.3 document in JSON.

use serde_json::{Value, json};

use super::{Report, purl};

impl Report {
    /// The software bill of materials in SPDX 2.3.
    #[must_use]
    pub fn spdx(&self) -> Value {
        let distribution = self.facts.distribution.as_ref();
        let mut packages = vec![json!({
            "SPDXID": "SPDXRef-Image",
            "name": self.image_name(),
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false,
            "primaryPackagePurpose": "OPERATING-SYSTEM",
        })];
        let mut relationships = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image")];
        for (index, package) in self.facts.packages.iter().enumerate() {
            let id = format!("SPDXRef-Package-{index}");
            packages.push(json!({
                "SPDXID": id,
                "name": package.name,
                "versionInfo": package.version,
                "downloadLocation": "NOASSERTION",
                "filesAnalyzed": false,
                "sourceInfo": format!("built from {} {}", package.source, package.source_version),
                "licenseConcluded": "NOASSERTION",
                "licenseDeclared": "NOASSERTION",
                "licenseComments": package.licence,
                "copyrightText": "NOASSERTION",
                "externalRefs": [{
                    "referenceCategory": "PACKAGE-MANAGER",
                    "referenceType": "purl",
                    "referenceLocator": purl::of(package, distribution),
                }],
            }));
            relationships.push(relationship("SPDXRef-Image", "CONTAINS", &id));
        }
        let mut files = Vec::new();
        for (index, loader) in self.facts.boot.loaders.iter().enumerate() {
            let id = format!("SPDXRef-Loader-{index}");
            files.push(json!({
                "SPDXID": id,
                "fileName": loader.path,
                "fileTypes": ["BINARY"],
                // The specification asks for SHA-1, which is not computed here; readers take SHA-256 as well.
                "checksums": [{"algorithm": "SHA256", "checksumValue": loader.sha256}],
                "licenseConcluded": "NOASSERTION",
                "copyrightText": "NOASSERTION",
            }));
            relationships.push(relationship("SPDXRef-Image", "CONTAINS", &id));
        }
        json!({
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": self.image_name(),
            "documentNamespace": format!("urn:uuid:{}", self.document_id()),
            "creationInfo": {
                "created": format!("{}T00:00:00Z", self.inspected_on),
                "creators": [format!("Tool: gallerist-{}", env!("CARGO_PKG_VERSION"))],
            },
            "packages": packages,
            "files": files,
            "relationships": relationships,
        })
    }
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}
