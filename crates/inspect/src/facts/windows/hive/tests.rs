//! Made hives, whole and damaged; other tests make theirs with what is here.

use rstest::rstest;

use super::Hive;
use crate::guest::Guest;
use crate::testing::Files;

/// What stands in a key of a made hive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Key {
    name: &'static str,
    values: Vec<(&'static str, u32, Vec<u8>)>,
    keys: Vec<Self>,
}

/// A key with keys below it.
pub(crate) fn key(name: &'static str, keys: Vec<Key>) -> Key {
    Key { name, keys, ..Key::default() }
}

impl Key {
    /// With another key below it.
    pub(crate) fn below(mut self, other: Self) -> Self {
        self.keys.push(other);
        self
    }

    /// With a text.
    pub(crate) fn text(mut self, name: &'static str, text: &str) -> Self {
        let bytes = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        self.values.push((name, 1, bytes));
        self
    }

    /// With a number.
    pub(crate) fn number(mut self, name: &'static str, number: u32) -> Self {
        self.values.push((name, 4, number.to_le_bytes().to_vec()));
        self
    }
}

/// The bytes of a hive whose root is `root`.
pub(crate) fn hive(root: &Key) -> Vec<u8> {
    let mut cells = vec![0; 32];
    let at = write(root, &mut cells);
    let mut bytes = b"regf".to_vec();
    bytes.resize(4096, 0);
    bytes[0x24..0x28].copy_from_slice(&at.to_le_bytes());
    [bytes, cells].concat()
}

fn cell(content: &[u8], cells: &mut Vec<u8>) -> u32 {
    let at = u32::try_from(cells.len()).unwrap();
    let size = i32::try_from((content.len() + 4).next_multiple_of(8)).unwrap();
    cells.extend_from_slice(&(-size).to_le_bytes());
    cells.extend_from_slice(content);
    cells.resize(cells.len().next_multiple_of(8), 0);
    at
}

fn write(key: &Key, cells: &mut Vec<u8>) -> u32 {
    let count = |count: usize| u32::try_from(count).unwrap().to_le_bytes();
    let short = |count: usize| u16::try_from(count).unwrap().to_le_bytes();
    let mut list = [b"lh".to_vec(), short(key.keys.len()).to_vec()].concat();
    for below in &key.keys {
        let at = write(below, cells);
        list.extend_from_slice(&at.to_le_bytes());
        list.extend_from_slice(&[0; 4]);
    }
    let keys_at = cell(&list, cells);
    let mut values = Vec::new();
    for (name, kind, bytes) in &key.values {
        let mut content = vec![0; 0x14];
        content[..2].copy_from_slice(b"vk");
        content[2..4].copy_from_slice(&short(name.len()));
        content[0x0C..0x10].copy_from_slice(&kind.to_le_bytes());
        content[0x10] = 1;
        content.extend_from_slice(name.as_bytes());
        if bytes.len() <= 4 {
            content[4..8].copy_from_slice(&(0x8000_0000 | u32::try_from(bytes.len()).unwrap()).to_le_bytes());
            content[8..8 + bytes.len()].copy_from_slice(bytes);
        } else {
            content[4..8].copy_from_slice(&count(bytes.len()));
            let data = cell(bytes, cells);
            content[8..12].copy_from_slice(&data.to_le_bytes());
        }
        values.extend_from_slice(&cell(&content, cells).to_le_bytes());
    }
    let values_at = cell(&values, cells);
    let mut content = vec![0; 0x4C];
    content[..2].copy_from_slice(b"nk");
    content[2] = 0x20;
    content[0x14..0x18].copy_from_slice(&count(key.keys.len()));
    content[0x1C..0x20].copy_from_slice(&keys_at.to_le_bytes());
    content[0x24..0x28].copy_from_slice(&count(key.values.len()));
    content[0x28..0x2C].copy_from_slice(&values_at.to_le_bytes());
    content[0x48..0x4A].copy_from_slice(&short(key.name.len()));
    content.extend_from_slice(key.name.as_bytes());
    cell(&content, cells)
}

fn sample() -> Vec<u8> {
    let deep = key("Current", vec![]).text("ProductName", "Windows Server 2022").number("UBR", 2113);
    hive(&key("ROOT", vec![key("Other", vec![]), key("Microsoft", vec![deep])]))
}

#[rstest]
#[case("ProductName", Some("Windows Server 2022"))]
#[case("productname", Some("Windows Server 2022"))]
#[case("UBR", None)]
#[case("Nothing", None)]
fn values_are_found_in_any_case(#[case] name: &str, #[case] text: Option<&str>) {
    let files = Files::new().file("/Windows/System32/config/SOFTWARE", sample());
    let hive = Hive::open(&Guest::new(&files), "/windows/system32/CONFIG/software").unwrap().unwrap();
    assert_eq!(hive.text(&["microsoft", "CURRENT"], name).unwrap().as_deref(), text);
    assert_eq!(hive.number(&["Microsoft", "Current"], "UBR").unwrap(), Some(2113));
    assert_eq!(hive.value(&["Microsoft", "Nowhere"], name).unwrap(), None);
}

#[test]
fn any_damage_ends_without_a_panic() {
    let whole = sample();
    let mut noticed = 0;
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xA5;
        let files = Files::new().file("/SOFTWARE", bytes);
        let read = Hive::open(&Guest::new(&files), "/SOFTWARE").and_then(|hive| {
            hive.map(|hive| hive.text(&["Microsoft", "Current"], "ProductName")).transpose()
        });
        noticed += usize::from(read != Ok(Some(Some("Windows Server 2022".to_owned()))));
    }
    assert!(noticed > 0, "no damage was noticed");
}
