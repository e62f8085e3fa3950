//! `ovf-env.xml`, as Azure hands it to its own agents.

use crate::Provisioning;
use crate::words::base64;

/// The document.
pub(crate) fn environment(wanted: &Provisioning) -> String {
    let mut set = element("ConfigurationSetType", "LinuxProvisioningConfiguration");
    set.push_str(&element("HostName", &wanted.host_name));
    set.push_str(&element("UserName", &wanted.admin));
    if let Some((password, _)) = &wanted.password {
        set.push_str(&element("UserPassword", password));
    }
    set.push_str(&element(
        "DisableSshPasswordAuthentication",
        if wanted.password.is_none() { "true" } else { "false" },
    ));
    let path = format!("/home/{}/.ssh/authorized_keys", wanted.admin);
    let keys: String = wanted.ssh_keys.iter().map(|key| public_key(&path, key)).collect();
    set.push_str(&format!("<SSH><PublicKeys>{keys}</PublicKeys></SSH>\n"));
    if let Some(data) = &wanted.custom_data {
        set.push_str(&element("CustomData", &base64(data)));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <Environment xmlns=\"http://schemas.dmtf.org/ovf/environment/1\" \
         xmlns:wa=\"http://schemas.microsoft.com/windowsazure\">\n\
         <wa:ProvisioningSection><wa:Version>1.0</wa:Version>\n\
         <LinuxProvisioningConfigurationSet xmlns=\"http://schemas.microsoft.com/windowsazure\">\n\
         {set}</LinuxProvisioningConfigurationSet></wa:ProvisioningSection>\n\
         </Environment>\n"
    )
}

fn public_key(path: &str, key: &str) -> String {
    format!("<PublicKey>\n{}{}</PublicKey>\n", element("Path", path), element("Value", key))
}

fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>\n", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // What XML cannot hold at all; values with such were refused before.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(one),
        }
    }
    out
}
