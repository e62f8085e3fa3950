//! The little XML that blob storage speaks: written by hand, and one list read.

use providers::Rejection;
use workers::blobs::ListedBlock;

/// Text as it may stand between tags and in quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `<name>text</name>`
pub(super) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

pub(super) const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";

/// Reads `<BlockList><Latest>id</Latest>…</BlockList>`; ids are base64, so nothing in it is ever escaped.
///
/// # Errors
/// 400 `InvalidXmlDocument`.
pub(super) fn block_list(body: &[u8]) -> Result<Vec<ListedBlock>, Rejection> {
    let invalid = || {
        let message = "XML specified is not syntactically valid: expected <BlockList> with <Latest>, <Committed> and <Uncommitted>.";
        Rejection::new(400, "InvalidXmlDocument", message)
    };
    let text = std::str::from_utf8(body).map_err(|_not_text| invalid())?;
    let mut rest = text.trim_start_matches('\u{feff}').trim();
    if let Some(prolog) = rest.strip_prefix("<?xml") {
        rest = prolog.split_once("?>").ok_or_else(invalid)?.1.trim_start();
    }
    if matches!(rest, "<BlockList/>" | "<BlockList />") {
        return Ok(Vec::new());
    }
    let mut rest = rest.strip_prefix("<BlockList>").and_then(|rest| rest.strip_suffix("</BlockList>"));
    let mut listed = Vec::new();
    while let Some(inside) = rest.map(str::trim_start).filter(|inside| !inside.is_empty()) {
        let (name, after) =
            inside.strip_prefix('<').and_then(|inside| inside.split_once('>')).ok_or_else(invalid)?;
        let (id, after) = after.split_once(&format!("</{name}>")).ok_or_else(invalid)?;
        let id = id.trim().to_owned();
        if id.contains(['<', '&']) {
            return Err(invalid());
        }
        listed.push(match name {
            "Latest" => ListedBlock::Latest(id),
            "Committed" => ListedBlock::Committed(id),
            "Uncommitted" => ListedBlock::Uncommitted(id),
            _ => return Err(invalid()),
        });
        rest = Some(after);
    }
    rest.map(|_end| listed).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use workers::blobs::ListedBlock;

    use super::{block_list, escaped};

    #[test]
    fn a_block_list_is_read() {
        let body = "\u{feff}<?xml version='1.0' encoding='utf-8'?>\n<BlockList><Latest>YQ==</Latest>\n<Committed>Yg==</Committed><Uncommitted>Yw==</Uncommitted></BlockList>";
        let wanted = [
            ListedBlock::Latest("YQ==".to_owned()),
            ListedBlock::Committed("Yg==".to_owned()),
            ListedBlock::Uncommitted("Yw==".to_owned()),
        ];
        assert_eq!(block_list(body.as_bytes()).unwrap(), wanted);
        assert_eq!(block_list(b"<BlockList />").unwrap(), []);
        assert_eq!(block_list(b"<BlockList></BlockList>").unwrap(), []);
    }

    #[test]
    fn what_is_no_block_list_is_refused() {
        for body in [
            "",
            "<BlockList>",
            "<BlockList><Latest>YQ==</BlockList>",
            "<BlockList><Oldest>YQ==</Oldest></BlockList>",
            "<BlockList>YQ==</BlockList>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]><BlockList></BlockList>",
            "<BlockList><Latest>&a;</Latest></BlockList>",
        ] {
            assert_eq!(block_list(body.as_bytes()).unwrap_err().detail.code, "InvalidXmlDocument", "{body}");
        }
        assert!(block_list(&[0xff]).is_err());
    }

    #[test]
    fn text_cannot_become_a_tag() {
        assert_eq!(escaped("<a b=\"c\">&\u{1}"), "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}");
    }
}
