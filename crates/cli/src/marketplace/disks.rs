//! The disks of a catalogue: each is published to the gallery that its SKU names, and then is its version's bytes.

use std::path::Path;

use anyhow::Context;
use disks::InputFormat;
use server::marketplace::{Catalogue, Disk, Gallery, Sku, Version};

use super::Common;
use crate::publish::{self, NewDefinition, NewImage, Place, Publish};
use crate::terminal::{Output, note};

/// Publishes every disk of `catalogue`, which was read from `file`.
///
/// # Errors
/// When one cannot be published; those before it are.
pub(super) async fn publish(catalogue: &mut Catalogue, file: &Path, common: &Common) -> anyhow::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    for publisher in &mut catalogue.publishers {
        for offer in &mut publisher.offers {
            for sku in &mut offer.skus {
                let Some(gallery) = sku.gallery.take() else { continue };
                let names =
                    [publisher.name.as_str(), offer.name.as_str(), sku.name.as_str()].map(str::to_owned);
                let described = definition(sku, &names)?;
                for version in &mut sku.versions {
                    let Some(disk) = version.disk.take() else { continue };
                    let urn = format!("{}:{}", names.join(":"), version.name);
                    let image = image(&gallery, &described, &disk, version, folder)
                        .with_context(|| format!("the disk of {urn} cannot be published"))?;
                    if common.output == Output::Table {
                        note(&format!("publishing {urn}"));
                    }
                    let args = Publish::of(image, common.connect.clone(), common.output);
                    let done =
                        publish::publish(&args).await.with_context(|| format!("{urn} was not published"))?;
                    version.image_version = Some(done.id.parse()?);
                }
            }
        }
    }
    Ok(())
}

/// How the definition of a SKU is made where it is missing.
struct Described {
    os_type: String,
    generation: String,
    architecture: String,
    identifier: [String; 3],
}

fn definition(sku: &Sku, names: &[String; 3]) -> anyhow::Result<Described> {
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    Ok(Described {
        os_type: word(serde_json::to_value(sku.os_type)?),
        generation: word(serde_json::to_value(sku.generation.unwrap_or_default())?),
        architecture: word(serde_json::to_value(sku.architecture.unwrap_or_default())?),
        identifier: names.clone(),
    })
}

fn image(
    gallery: &Gallery,
    described: &Described,
    disk: &Disk,
    version: &Version,
    folder: &Path,
) -> anyhow::Result<NewImage> {
    let number = disk.gallery_version.or_else(|| version.name.of_gallery());
    let number = number.with_context(|| {
        format!(
            "'{}' is no number that a gallery takes (X.Y.Z); give galleryVersion beside the file",
            version.name
        )
    })?;
    let format: InputFormat = disk.format.parse()?;
    let definition =
        gallery.definition.as_ref().map_or(described.identifier[2].as_str(), |name| name.as_str());
    Ok(NewImage {
        file: folder.join(&disk.file),
        format,
        place: Place {
            resource_group: gallery.resource_group.to_string(),
            gallery: gallery.gallery.to_string(),
            definition: definition.to_owned(),
            version: number.to_string(),
        },
        target_regions: gallery.target_regions.clone(),
        definition: NewDefinition {
            os_type: described.os_type.clone(),
            hyper_v_generation: described.generation.clone(),
            architecture: described.architecture.clone(),
            identifier: described.identifier.clone(),
        },
    })
}
