//! What a request names: account, container and blob out of the path, and the query as pairs.

use providers::Rejection;
use providers::storage::blob::decoded;

/// Most pairs of a query.
const MOST_PAIRS: usize = 64;

/// What a path names; empty where it names nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) account: String,
    pub(super) container: String,
    pub(super) blob: String,
}

impl Address {
    /// Reads `/account/container/blob`; only the blob's name is percent-decoded, once.
    pub(super) fn of(path: &str) -> Result<Self, Rejection> {
        let mut words = path.strip_prefix('/').unwrap_or(path).splitn(3, '/');
        let mut next = || words.next().unwrap_or_default();
        let (account, container, blob) = (next(), next(), next());
        let text = |word: &str| {
            let refused = || {
                let message = "The request URI is invalid: it is no percent-encoded UTF-8.";
                Rejection::new(400, "InvalidUri", message)
            };
            decoded(word).ok_or_else(refused)
        };
        Ok(Self { account: account.to_owned(), container: text(container)?, blob: text(blob)? })
    }
}

/// The query's pairs, decoded, names in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(query: &str) -> Result<Self, Rejection> {
        let invalid = || {
            let message = "The query of the request is invalid: it is no percent-encoded UTF-8, or names a parameter twice.";
            Rejection::new(400, "InvalidQueryParameterValue", message)
        };
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name).ok_or_else(invalid)?.to_ascii_lowercase();
            let value = decoded(value).ok_or_else(invalid)?;
            if pairs.len() == MOST_PAIRS || pairs.iter().any(|(known, _)| *known == name) {
                return Err(invalid());
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All pairs, by name.
    pub(super) fn sorted(&self) -> Vec<&(String, String)> {
        let mut pairs: Vec<&(String, String)> = self.0.iter().collect();
        pairs.sort();
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Query};

    #[test]
    fn a_blobs_name_is_decoded_once_and_keeps_its_slashes() {
        let address = Address::of("/acct/vhds/a//b%2520c%2Fd").unwrap();
        assert_eq!((address.account.as_str(), address.container.as_str()), ("acct", "vhds"));
        assert_eq!(address.blob, "a//b%20c/d");
        assert_eq!(Address::of("/acct").unwrap().container, "");
        assert_eq!(Address::of("/acct/vhds/").unwrap().blob, "");
        assert_eq!(Address::of("/acct/vhds/%ff").unwrap_err().detail.code, "InvalidUri");
    }

    #[test]
    fn a_parameter_stands_once() {
        let query = Query::of("Comp=page&sig=a%2Bb%3D&x").unwrap();
        assert_eq!(
            (query.get("comp"), query.get("sig"), query.get("x")),
            (Some("page"), Some("a+b="), Some(""))
        );
        for query in ["a=1&A=2", "a=%zz", &"a=1&".repeat(65)] {
            assert_eq!(Query::of(query).unwrap_err().detail.code, "InvalidQueryParameterValue");
        }
    }
}
