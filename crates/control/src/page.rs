//! Paging: opaque tokens that only fit the list they came from.

use metadata::Cursor;
use providers::Rejection;

use crate::refusals;

/// Turns cursors into `$skiptoken` values and back; a token is authenticated and bound to its list.
#[derive(Clone)]
pub(crate) struct Tokens {
    key: [u8; 32],
}

impl Tokens {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The token for the page after `cursor` of `list` (any text that identifies the list).
    pub(crate) fn issue(&self, list: &str, cursor: &Cursor) -> String {
        let content = format!("{}\n{}", cursor.sort_key, cursor.id_key);
        format!("{}{}", self.tag(list, &content), hex(content.as_bytes()))
    }

    /// The cursor in `token`, if it was issued for `list`.
    pub(crate) fn redeem(&self, list: &str, token: &str) -> Result<Cursor, Rejection> {
        let refuse = refusals::skip_token_invalid;
        let (tag, body) = token.split_at_checked(TAG_CHARS).ok_or_else(refuse)?;
        let content = unhex(body).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(refuse)?;
        // blake3's Hash compares in constant time; the hex texts are compared through it.
        let genuine = blake3::hash(self.tag(list, &content).as_bytes()) == blake3::hash(tag.as_bytes());
        let (sort_key, id_key) = content.split_once('\n').filter(|_| genuine).ok_or_else(refuse)?;
        Ok(Cursor { sort_key: sort_key.to_owned(), id_key: id_key.to_owned() })
    }

    fn tag(&self, list: &str, content: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(list.to_ascii_lowercase().as_bytes()).update(&[0]).update(content.as_bytes());
        hex(&hasher.finalize().as_bytes()[..16])
    }
}

const TAG_CHARS: usize = 32;

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// At most 32 KiB of text: a token, or the longest address with its seal.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) || text.len() > (32 << 10) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use metadata::Cursor;

    use super::Tokens;

    #[test]
    fn a_token_fits_only_its_own_list_and_only_unchanged() {
        let tokens = Tokens::new([7; 32]);
        let cursor = Cursor { sort_key: "0001".into(), id_key: "/subscriptions/s/x".into() };
        let token = tokens.issue("list-a", &cursor);
        assert_eq!(tokens.redeem("LIST-A", &token).unwrap(), cursor);
        assert!(tokens.redeem("list-b", &token).is_err());
        assert!(Tokens::new([8; 32]).redeem("list-a", &token).is_err());
        for forged in
            ["", "zz", &token[1..], &format!("{token}00"), &token.replacen('a', "b", 1).replacen('0', "1", 1)]
        {
            assert!(tokens.redeem("list-a", forged).is_err(), "{forged}");
        }
    }
}
