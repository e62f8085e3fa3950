//! The text that LVM keeps its metadata in: sections in braces, keys with numbers, texts or lists.

use crate::text::plain;
use crate::tree::Error;

/// Deepest nesting; LVM itself uses four levels.
const MOST_DEPTH: usize = 8;
/// Most keys, sections and values of one text.
const MOST_VALUES: usize = 200_000;

/// A section: what stands between braces, in the order it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    members: Vec<(String, Value)>,
}

/// What a key has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Number(u64),
    Text(String),
    List(Vec<Self>),
    Section(Section),
}

impl Section {
    fn get(&self, key: &str) -> Option<&Value> {
        self.members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(super) fn number(&self, key: &str) -> Result<u64, Error> {
        match self.get(key) {
            Some(Value::Number(number)) => Ok(*number),
            _ => Err(missing(key)),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<&str, Error> {
        match self.get(key) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(missing(key)),
        }
    }

    /// The members of a list; none when there is no such list.
    pub(super) fn list(&self, key: &str) -> &[Value] {
        match self.get(key) {
            Some(Value::List(values)) => values,
            _ => &[],
        }
    }

    pub(super) fn texts(&self, key: &str) -> impl Iterator<Item = &str> {
        self.list(key).iter().filter_map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            Value::Number(_) | Value::List(_) | Value::Section(_) => None,
        })
    }

    pub(super) fn section(&self, key: &str) -> Option<&Self> {
        match self.get(key) {
            Some(Value::Section(section)) => Some(section),
            _ => None,
        }
    }

    pub(super) fn sections(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.members.iter().filter_map(|(name, value)| match value {
            Value::Section(section) => Some((name.as_str(), section)),
            Value::Number(_) | Value::Text(_) | Value::List(_) => None,
        })
    }
}

fn missing(key: &str) -> Error {
    Error::Damaged(format!("the LVM metadata lacks {key}"))
}

/// Reads a whole text.
pub(super) fn parse(text: &[u8]) -> Result<Section, Error> {
    let text = String::from_utf8_lossy(text);
    let mut reader = Reader { rest: text.trim_end_matches('\0'), values: 0 };
    reader.section(0)
}

struct Reader<'t> {
    rest: &'t str,
    values: usize,
}

impl<'t> Reader<'t> {
    /// Members up to a closing brace, or up to the end on the outside.
    fn section(&mut self, depth: usize) -> Result<Section, Error> {
        if depth > MOST_DEPTH {
            return Err(Error::Damaged("the LVM metadata is nested too deeply".to_owned()));
        }
        let mut section = Section::default();
        loop {
            self.skip();
            if self.rest.is_empty() && depth == 0 || depth > 0 && self.take('}') {
                return Ok(section);
            }
            let name = self.name()?;
            self.skip();
            let value = if self.take('{') {
                Value::Section(self.section(depth + 1)?)
            } else if self.take('=') {
                self.value(depth)?
            } else {
                return Err(self.odd());
            };
            self.count()?;
            section.members.push((name, value));
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        self.count()?;
        self.skip();
        if depth > MOST_DEPTH {
            return Err(self.odd());
        }
        if self.take('"') {
            return self.quoted().map(Value::Text);
        }
        if self.take('[') {
            let mut values = Vec::new();
            loop {
                self.skip();
                if self.take(']') {
                    return Ok(Value::List(values));
                }
                values.push(self.value(depth + 1)?);
                self.skip();
                // The comma after the last one may be there or not.
                self.take(',');
            }
        }
        let end = self.rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let number = digits.parse().map_err(|_not_a_number| self.odd())?;
        self.rest = rest;
        Ok(Value::Number(number))
    }

    fn quoted(&mut self) -> Result<String, Error> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Ok(text);
                }
                '\\' => text.extend(letters.next().map(|(_, escaped)| escaped)),
                _ => text.push(letter),
            }
        }
        Err(self.odd())
    }

    fn name(&mut self) -> Result<String, Error> {
        let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "_-+.".contains(letter);
        let end = self.rest.find(|letter| !is_of_name(letter)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() {
            return Err(self.odd());
        }
        self.rest = rest;
        Ok(name.to_owned())
    }

    /// Passes over white space and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if !self.rest.starts_with('#') {
                return;
            }
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.rest = self.rest.get(end..).unwrap_or_default();
        }
    }

    fn take(&mut self, letter: char) -> bool {
        let rest = self.rest.strip_prefix(letter);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn count(&mut self) -> Result<(), Error> {
        self.values += 1;
        if self.values > MOST_VALUES { Err(Error::Budget("values of LVM metadata")) } else { Ok(()) }
    }

    fn odd(&self) -> Error {
        let near: String = self.rest.chars().take(20).collect();
        Error::Damaged(format!("the LVM metadata cannot be read near {:?}", plain(near.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn every_kind_of_value_is_read() {
        let text = b"# one\nvg {\n n = 12 # two\n t = \"a \\\"b\\\"\"\n l = [\"x\", 3,\n]\n e = []\n s { m = 1 }\n}\n\0";
        let root = parse(text).unwrap();
        let vg = root.section("vg").unwrap();
        assert_eq!((vg.number("n"), vg.text("t")), (Ok(12), Ok("a \"b\"")));
        assert_eq!(vg.list("l"), [Value::Text("x".to_owned()), Value::Number(3)]);
        assert_eq!(vg.list("e"), []);
        assert_eq!(vg.section("s").unwrap().number("m"), Ok(1));
        assert!(vg.number("t").is_err() && vg.text("gone").is_err());
    }

    #[rstest]
    #[case("vg {")]
    #[case("}")]
    #[case("a = ")]
    #[case("a = -1")]
    #[case("a = 99999999999999999999")]
    #[case("a = \"unclosed")]
    #[case("a = [1, 2")]
    #[case("= 1")]
    #[case("a 1")]
    fn what_is_no_metadata_is_refused(#[case] text: &str) {
        assert!(matches!(parse(text.as_bytes()), Err(Error::Damaged(_))));
    }

    #[rstest]
    #[case("a {", "}")]
    #[case("a = [", "]")]
    #[case("a = [[", "]]")]
    fn deep_nesting_is_refused(#[case] open: &str, #[case] close: &str) {
        let text = open.repeat(100_000) + &close.repeat(100_000);
        assert!(matches!(parse(text.as_bytes()), Err(Error::Damaged(_))));
    }

    #[test]
    fn too_many_values_are_refused() {
        assert!(matches!(parse("a = 1\n".repeat(200_001).as_bytes()), Err(Error::Budget(_))));
    }
}
