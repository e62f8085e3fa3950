//! A catalogue file, read whole: what is wrong in it is told with its line and column.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use server::marketplace::Catalogue;

/// Most bytes of a file: some hundred thousand versions.
const FILE_BYTES: u64 = 256 << 20;

/// Reads and checks `file`.
///
/// # Errors
/// When it cannot be read, or says what no catalogue may say.
pub(super) fn read(file: &Path) -> anyhow::Result<Catalogue> {
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let mut bytes = Vec::new();
    let read = opened.take(FILE_BYTES + 1).read_to_end(&mut bytes);
    read.with_context(|| format!("cannot read {}", file.display()))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES) {
        bail!("{} is larger than {} MiB; split it", file.display(), FILE_BYTES >> 20);
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
        anyhow::anyhow!("{}:{}:{}: {reason}", file.display(), error.line(), error.column())
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_slip_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.json");
        let shown = file.display().to_string();
        for (text, wanted) in [
            ("{\n  \"publishers\": [\n    {\"name\": \"a b\"}]}", ":3:19: 'a b' is no name here"),
            ("{\n  \"publishers\": [{\"name\": \"a\"}, {\"name\": \"A\"}]}", ":2:46: 'a' stands twice"),
            ("{\"publishers\": [\n\n", ":3:0: EOF while parsing"),
        ] {
            std::fs::write(&file, text).unwrap();
            let error = read(&file).unwrap_err().to_string();
            assert!(error.starts_with(&shown) && error.contains(wanted), "{error}");
        }
        std::fs::remove_file(&file).unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("cannot open"));
    }
}
