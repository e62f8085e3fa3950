//! The descriptor: a text that says what kind of VMDK this is and which extents it has.
//!
//! It is read strictly. What another program might understand differently is refused, because between two
//! readings there is room for a second disk.

use crate::Error;

/// The kinds that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    MonolithicSparse,
    StreamOptimized,
    MonolithicFlat,
}

/// What is needed of a descriptor: the name of its one extent is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub(super) kind: Kind,
    pub(super) sectors: u64,
}

const FIRST_LINE: &str = "# Disk DescriptorFile";
const KNOWN_KEYS: &[&str] = &["version", "encoding", "CID", "parentCID", "isNativeSnapshot", "createType"];
/// Keys whose value is the name of another file.
const NAMING_KEYS: &[&str] = &["parentFileNameHint", "changeTrackPath"];
const ACCESS_WORDS: &[&str] = &["RW", "RDONLY", "NOACCESS"];

/// What has been read so far.
#[derive(Default)]
struct Draft<'a> {
    seen: Vec<&'a str>,
    kind: Option<Kind>,
    /// Type and sectors of the extent.
    extent: Option<(&'a str, u64)>,
}

impl Descriptor {
    /// Reads a descriptor that may be padded with NULs.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let (text, padding) = bytes.split_at(end);
        if padding.iter().any(|byte| *byte != 0) {
            return Err(Error::corrupt("the VMDK descriptor goes on behind its end"));
        }
        let text =
            str::from_utf8(text).map_err(|_detail| Error::corrupt("the VMDK descriptor is not text"))?;
        if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\t' | '\r' | '\n')) {
            return Err(Error::corrupt("the VMDK descriptor has control characters"));
        }
        let mut lines = text.lines().map(str::trim).enumerate();
        if lines.next().is_none_or(|(_, line)| line != FIRST_LINE) {
            return Err(Error::corrupt(format!("the VMDK descriptor does not begin with \"{FIRST_LINE}\"")));
        }
        let mut draft = Draft::default();
        for (index, line) in lines {
            if !line.is_empty() && !line.starts_with('#') {
                draft.line(index + 1, line)?;
            }
        }
        draft.finish()
    }
}

impl<'a> Draft<'a> {
    fn line(&mut self, number: usize, line: &'a str) -> Result<(), Error> {
        let unknown = || Error::corrupt(format!("line {number} of the VMDK descriptor is not understood"));
        let word = line.split_whitespace().next().unwrap_or_default();
        if ACCESS_WORDS.iter().any(|access| access.eq_ignore_ascii_case(word)) {
            return self.extent_line(number, line);
        }
        let (key, value) = line.split_once('=').ok_or_else(unknown)?;
        let (key, value) = (key.trim(), value.trim());
        if NAMING_KEYS.iter().any(|naming| naming.eq_ignore_ascii_case(key)) {
            return Err(Error::external_reference(
                "the VMDK descriptor names another file that it depends on",
            ));
        }
        if !line.is_ascii() {
            return Err(unknown());
        }
        if key.starts_with("ddb.") {
            return Ok(());
        }
        if !KNOWN_KEYS.contains(&key) {
            return Err(unknown());
        }
        if self.seen.contains(&key) {
            return Err(Error::corrupt(format!("line {number} of the VMDK descriptor says something again")));
        }
        self.seen.push(key);
        self.value(key, value.trim_matches('"'))
    }

    fn value(&mut self, key: &str, value: &str) -> Result<(), Error> {
        match key {
            "createType" => {
                self.kind = Some(match value {
                    "monolithicSparse" => Kind::MonolithicSparse,
                    "streamOptimized" => Kind::StreamOptimized,
                    "monolithicFlat" => Kind::MonolithicFlat,
                    _ => {
                        return Err(Error::external_reference(
                            "the VMDK is of a type that keeps data in other files; convert it to streamOptimized",
                        ));
                    }
                });
                Ok(())
            }
            "parentCID" if !value.eq_ignore_ascii_case("ffffffff") => {
                Err(Error::external_reference("the VMDK is a delta and needs its parent"))
            }
            "version" if !matches!(value, "1" | "2" | "3" | "4") => {
                Err(Error::unsupported("the VMDK descriptor is of a version that is not known"))
            }
            _ => Ok(()),
        }
    }

    /// `RW 4192256 SPARSE "name"`, and an offset behind the name of a flat one.
    fn extent_line(&mut self, number: usize, line: &'a str) -> Result<(), Error> {
        let broken = || Error::corrupt(format!("line {number} of the VMDK descriptor is not a good extent"));
        if self.extent.is_some() {
            return Err(Error::external_reference(
                "the VMDK has several extents; convert it to streamOptimized",
            ));
        }
        let (front, behind) = line.split_once('"').ok_or_else(broken)?;
        let (name, offset) = behind.rsplit_once('"').ok_or_else(broken)?;
        if name.is_empty() || name.contains(['/', '\\', ':']) {
            return Err(Error::external_reference("the extent of the VMDK is somewhere else"));
        }
        let words: Vec<&str> = front.split_whitespace().collect();
        let [access, sectors, kind] = words[..] else { return Err(broken()) };
        if !matches!(access, "RW" | "RDONLY") || name.contains('"') {
            return Err(broken());
        }
        let is_number = !sectors.is_empty() && sectors.bytes().all(|byte| byte.is_ascii_digit());
        let sectors = sectors.parse().ok().filter(|_| is_number).ok_or_else(broken)?;
        match (kind, offset.trim()) {
            ("SPARSE", "") | ("FLAT", "" | "0") => {}
            ("SPARSE" | "FLAT", _) => return Err(broken()),
            _ => {
                return Err(Error::external_reference(
                    "the extent of the VMDK is neither sparse nor flat; convert it to streamOptimized",
                ));
            }
        }
        self.extent = Some((kind, sectors));
        Ok(())
    }

    fn finish(self) -> Result<Descriptor, Error> {
        let kind = self.kind.ok_or_else(|| Error::corrupt("the VMDK descriptor has no createType"))?;
        let (extent, sectors) =
            self.extent.ok_or_else(|| Error::corrupt("the VMDK descriptor has no extent"))?;
        if (extent == "FLAT") != (kind == Kind::MonolithicFlat) {
            return Err(Error::external_reference(
                "the VMDK's type and that of its extent contradict each other",
            ));
        }
        Ok(Descriptor { kind, sectors })
    }
}
