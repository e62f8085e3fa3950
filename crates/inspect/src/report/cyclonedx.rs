//! The packages and loaders of an image as a CycloneDX 1.6 document.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Report, purl};

impl Report {
    /// The software bill of materials in CycloneDX 1.6.
    #[must_use]
    pub fn cyclonedx(&self) -> Value {
        let distribution = self.facts.distribution.as_ref();
        let mut components: Vec<Value> = Vec::new();
        if let Some(distribution) = distribution {
            components.push(json!({
                "type": "operating-system",
                "bom-ref": "operating-system",
                "name": distribution.id,
                "version": distribution.version,
                "description": distribution.name,
            }));
        }
        for package in &self.facts.packages {
            let address = purl::of(package, distribution);
            let mut component = json!({
                "type": "library",
                "bom-ref": address,
                "name": package.name,
                "version": package.version,
                "purl": address,
                "properties": [
                    {"name": "gallerist:sourceName", "value": package.source},
                    {"name": "gallerist:sourceVersion", "value": package.source_version},
                ],
            });
            if !package.licence.is_empty() {
                component["licenses"] = json!([{"license": {"name": package.licence}}]);
            }
            components.push(component);
        }
        for loader in &self.facts.boot.loaders {
            components.push(json!({
                "type": "firmware",
                "bom-ref": format!("loader:{}:{}", loader.partition, loader.path),
                "name": loader.path,
                "hashes": [{"alg": "SHA-256", "content": loader.sha256}],
            }));
        }
        json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": format!("urn:uuid:{}", self.document_id()),
            "version": 1,
            "metadata": {
                "timestamp": format!("{}T00:00:00Z", self.inspected_on),
                "tools": {"components": [{"type": "application", "name": "gallerist", "version": env!("CARGO_PKG_VERSION")}]},
                "component": {"type": "container", "bom-ref": "image", "name": self.image_name()},
            },
            "components": components,
        })
    }

    /// What the image is called in documents that must name it.
    pub(super) fn image_name(&self) -> &str {
        if self.name.is_empty() { "image" } else { &self.name }
    }

    /// An identifier that follows from what the document says, so that the same image has the same one (RFC 9562, v8).
    pub(super) fn document_id(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(self.name.as_bytes());
        digest.update(self.inspected_on.as_bytes());
        for package in &self.facts.packages {
            for text in [&package.name, &package.version, &package.architecture] {
                digest.update(text.as_bytes());
                digest.update([0]);
            }
        }
        for loader in &self.facts.boot.loaders {
            digest.update(loader.sha256.as_bytes());
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(digest.finalize().get(..16).unwrap_or(&[0; 16]));
        bytes[6] = (bytes[6] & 0x0F) | 0x80;
        bytes[8] = (bytes[8] & 0x3F) | 0x80;
        crate::text::uuid(bytes)
    }
}
