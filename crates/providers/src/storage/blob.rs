//! Blobs: rows below their container that no address of Azure Resource Manager leads to.
//!
//! A blob's name may be any text, case counts in it, and it may be longer than a segment of an id: the row's name is
//! the digest of it, and the row says the name itself.

use arm::ResourceId;
use url::Url;

use super::container;

/// The type of their rows.
pub const TYPE: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";

/// Longest name, in characters ("Naming and Referencing Containers, Blobs, and Metadata").
pub const LONGEST_NAME: usize = 1024;

/// The row of the blob `name` in `container`; `None` when no blob can be called so.
#[must_use]
pub fn id_of(container: &ResourceId, name: &str) -> Option<ResourceId> {
    // What no XML may hold could not be listed.
    let plain = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    let fits = !name.is_empty() && name.chars().count() <= LONGEST_NAME && name.chars().all(plain);
    let digest = blake3::hash(name.as_bytes()).to_hex();
    container.child("blobs", &digest).ok().filter(|_| fits)
}

/// The row of the blob that `uri` names when it points into `account`: `https://host/account/container/blob`.
///
/// The host is not looked at: whoever asks has named the account besides.
#[must_use]
pub fn own_blob(account: &ResourceId, uri: &str) -> Option<ResourceId> {
    let url = Url::parse(uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let path = url.path().strip_prefix('/')?;
    let (named, path) = path.split_once('/')?;
    let (container, blob) = path.split_once('/')?;
    let is_ours = account.type_name().is("Microsoft.Storage/storageAccounts");
    if !is_ours || !named.eq_ignore_ascii_case(account.name()) {
        return None;
    }
    id_of(&container::id_of(account, container)?, &decoded(blob)?)
}

/// Percent-decodes a path, once; `None` when it is no text then.
#[must_use]
pub fn decoded(path: &str) -> Option<String> {
    let mut bytes = path.bytes();
    let mut decoded = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let value = digit(bytes.next())? * 16 + digit(bytes.next())?;
                u8::try_from(value).ok()?
            }
            byte => byte,
        };
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use arm::ResourceId;
    use rstest::rstest;

    use super::{id_of, own_blob};
    use crate::storage::container;
    use crate::testing::GROUP;

    fn account() -> ResourceId {
        format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/acct").parse().unwrap()
    }

    #[rstest]
    #[case::plain("https://127.0.0.1:8443/acct/vhds/os.vhd", "os.vhd")]
    #[case::signed("https://127.0.0.1:8443/acct/vhds/os.vhd?sv=1&sig=x", "os.vhd")]
    #[case::a_folder("https://h/acct/vhds/a/b//c.vhd", "a/b//c.vhd")]
    #[case::escaped("https://h/acct/vhds/a%20b%2Fc%C3%BC", "a b/cü")]
    fn an_address_names_its_blob(#[case] uri: &str, #[case] name: &str) {
        let container = container::id_of(&account(), "vhds").unwrap();
        assert_eq!(own_blob(&account(), uri), Some(id_of(&container, name).unwrap()));
    }

    #[rstest]
    #[case("https://h/other/vhds/os.vhd")]
    #[case("https://acct.blob.core.windows.net/vhds/os.vhd")]
    #[case("https://h/acct/vhds/")]
    #[case("https://h/acct/vhds")]
    #[case("https://h/acct/V/os.vhd")]
    #[case("https://h/acct/vhds/%ff")]
    #[case("https://h/acct/vhds/%4")]
    #[case("https://h/acct/vhds/a%00b")]
    #[case("ftp://h/acct/vhds/os.vhd")]
    #[case("os.vhd")]
    fn other_addresses_name_none(#[case] uri: &str) {
        assert_eq!(own_blob(&account(), uri), None);
    }

    #[test]
    fn names_differ_by_case_and_may_be_long() {
        let container = container::id_of(&account(), "vhds").unwrap();
        assert_ne!(id_of(&container, "a"), id_of(&container, "A"));
        assert!(id_of(&container, &"ü".repeat(1024)).is_some());
        assert!(id_of(&container, &"ü".repeat(1025)).is_none());
    }
}
