//! One package's header: an index of tags and the bytes they point into (the rpm file format, v4 header structure).

use crate::bytes::{Fields, as_usize};
use crate::packages::{Ecosystem, Package};
use crate::text::plain;
use crate::tree::Error;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const LICENCE: u32 = 1014;
const ARCHITECTURE: u32 = 1022;
const SOURCE_RPM: u32 = 1044;

/// Most tags of one header.
const MOST_TAGS: u32 = 65_536;

/// Reads a header as it stands in a database: without the magic that it has in a file.
pub(super) fn package(blob: &[u8]) -> Result<Package, Error> {
    let fields = Fields::new("rpm header", blob);
    let (tags, length) = (fields.be_u32(0)?, fields.be_u32(4)?);
    if tags > MOST_TAGS {
        return Err(Error::Damaged(format!("an rpm header with {tags} tags")));
    }
    let (tags, length) = (as_usize(u64::from(tags)), as_usize(u64::from(length)));
    let data = Fields::new("rpm header's data", fields.slice(8 + tags * 16, length)?);
    let (mut name, mut version, mut release, mut epoch) = (None, None, None, None);
    let (mut licence, mut architecture, mut source) = (None, None, None);
    for index in 0..tags {
        let at = 8 + index * 16;
        let place = as_usize(u64::from(fields.be_u32(at + 8)?));
        let text = match fields.be_u32(at)? {
            NAME => &mut name,
            VERSION => &mut version,
            RELEASE => &mut release,
            LICENCE => &mut licence,
            ARCHITECTURE => &mut architecture,
            SOURCE_RPM => &mut source,
            EPOCH => {
                epoch = Some(data.be_u32(place)?);
                continue;
            }
            _ => continue,
        };
        let rest = data.slice(place, length.saturating_sub(place))?;
        *text = Some(plain(rest.split(|byte| *byte == 0).next().unwrap_or_default()));
    }
    let name = name.ok_or_else(|| Error::Damaged("an rpm header without a name".to_owned()))?;
    let release = release.unwrap_or_default();
    let bare = format!("{}-{release}", version.unwrap_or_default());
    let version = match epoch {
        Some(epoch) if epoch > 0 => format!("{epoch}:{bare}"),
        _ => bare,
    };
    let (source, source_version) = source_of(source.as_deref().unwrap_or_default());
    Ok(Package {
        ecosystem: Ecosystem::Rpm,
        source: source.unwrap_or_else(|| name.clone()),
        source_version: source_version.unwrap_or_else(|| version.clone()),
        name,
        version,
        architecture: architecture.unwrap_or_default(),
        licence: licence.unwrap_or_default(),
    })
}

/// Name and version out of `name-version-release.src.rpm`.
fn source_of(file: &str) -> (Option<String>, Option<String>) {
    let stem = file.trim_end_matches(".src.rpm").trim_end_matches(".nosrc.rpm");
    let mut parts = stem.rsplitn(3, '-');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(release), Some(version), Some(name)) => {
            (Some(name.to_owned()), Some(format!("{version}-{release}")))
        }
        _ => (None, None),
    }
}
