//! The forms that agents read: YAML that is nearly JSON, and MIME.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Between the parts; no base64 can hold it.
const BOUNDARY: &str = "==gallerist-seed==";

/// How custom data begins that cloud-init knows what to do with.
const FORMS: &[(&[u8], &str)] = &[
    (b"#!", "text/x-shellscript"),
    (b"#cloud-config", "text/cloud-config"),
    (b"#include", "text/x-include-url"),
    (b"#cloud-boothook", "text/cloud-boothook"),
    (b"## template: jinja", "text/jinja2"),
];

/// JSON in ASCII, with the escapes that YAML has: what every YAML parser reads back as it was.
pub(crate) fn yaml(value: &Value) -> String {
    let mut out = String::new();
    for one in value.to_string().chars() {
        match u32::from(one) {
            0x20..0x7f => out.push(one),
            // JSON would write two halves here, which YAML takes for two characters.
            code => out.push_str(&format!("\\U{code:08X}")),
        }
    }
    out
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// What cloud-init would take custom data for; nothing if it would not touch it.
pub(crate) fn content_type(data: &[u8]) -> Option<&'static str> {
    FORMS.iter().find(|(begins, _)| data.starts_with(begins)).map(|(_, kind)| *kind)
}

/// User data of one or two parts, each in base64.
pub(crate) fn multipart(ours: &[u8], theirs: Option<(&str, &[u8])>) -> Vec<u8> {
    let mut out = format!("Content-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\nMIME-Version: 1.0\n\n");
    part(&mut out, "text/cloud-config", "", ours);
    if let Some((kind, data)) = theirs {
        part(&mut out, kind, "X-Merge-Type: list(append)+dict(no_replace,recurse_list)+str()\n", data);
    }
    out.push_str(&format!("--{BOUNDARY}--\n"));
    out.into_bytes()
}

fn part(out: &mut String, kind: &str, header: &str, bytes: &[u8]) {
    out.push_str(&format!(
        "--{BOUNDARY}\nContent-Type: {kind}\nContent-Transfer-Encoding: base64\n{header}\n"
    ));
    let coded = base64(bytes);
    for line in coded.as_bytes().chunks(76) {
        out.extend(line.iter().copied().map(char::from));
        out.push('\n');
    }
}
