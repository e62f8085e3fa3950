//! Credentials that are known by their shape or by the file they stand in.
//!
//! Shapes are those that the services publish for scanners; what is printed in their manuals is let through.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::scan::{
    begins_a_word, decoded, entropy, is_base64, is_base64_url, is_placeholder, is_word, places, run,
};
use super::{Secret, Severity};

pub(super) const AWS: &str = "SEC-CLOUD-AWS";
pub(super) const AZURE: &str = "SEC-CLOUD-AZURE";
pub(super) const GCP: &str = "SEC-CLOUD-GCP";
pub(super) const TOKENS: &str = "SEC-TOKENS";
pub(super) const ADDRESS: &str = "SEC-ADDRESS-PASSWORD";
pub(super) const OVF_PASSWORD: &str = "SEC-OVF-PASSWORD";

/// Files that are secret as a whole: rule, what they are, where they stand.
pub(super) const FILES: &[(&str, &str, &[&str])] = &[
    (
        AZURE,
        "holds tokens of the Azure CLI",
        &[
            "~/.azure/msal_token_cache.json",
            "~/.azure/msal_token_cache.bin",
            "~/.azure/accessTokens.json",
            "~/.azure/service_principal_entries.json",
            "~/.azure/service_principal_entries.bin",
        ],
    ),
    (
        GCP,
        "holds credentials of gcloud",
        &[
            "~/.config/gcloud/credentials.db",
            "~/.config/gcloud/access_tokens.db",
            "~/.config/gcloud/application_default_credentials.json",
            "~/.config/gcloud/legacy_credentials/**",
        ],
    ),
    (
        TOKENS,
        "is a program's store of credentials",
        &[
            "~/.git-credentials",
            "~/.config/git/credentials",
            "~/.config/hub",
            "~/.vault-token",
            "~/.pgpass",
            "~/.config/gh/hosts.yml",
            "~/.terraform.d/credentials.tfrc.json",
            "~/.local/share/keyrings/*",
            "~/.gnupg/private-keys-v1.d/*",
            "~/.gnupg/secring.gpg",
        ],
    ),
];

/// A prefix, the characters behind it, their least and most number, and what it is.
type Shape = (&'static [u8], fn(u8) -> bool, usize, usize, &'static str);

const SHAPES: &[Shape] = &[
    (b"ghp_", is_word, 36, 36, "a GitHub token"),
    (b"gho_", is_word, 36, 36, "a GitHub token"),
    (b"ghu_", is_word, 36, 36, "a GitHub token"),
    (b"ghs_", is_word, 36, 36, "a GitHub token"),
    (b"ghr_", is_word, 36, 76, "a GitHub token"),
    (b"github_pat_", is_word, 22, 255, "a GitHub token"),
    (b"glpat-", is_base64_url, 20, 64, "a GitLab token"),
    (b"xoxb-", is_base64_url, 20, 255, "a Slack token"),
    (b"xoxp-", is_base64_url, 20, 255, "a Slack token"),
    (b"xoxa-", is_base64_url, 20, 255, "a Slack token"),
    (b"xoxr-", is_base64_url, 20, 255, "a Slack token"),
    (b"xoxs-", is_base64_url, 20, 255, "a Slack token"),
    (b"sk_live_", is_word, 16, 255, "a Stripe key"),
    (b"rk_live_", is_word, 16, 255, "a Stripe key"),
    (b"npm_", is_word, 36, 36, "an npm token"),
    (b"pypi-AgEIcHlwaS5vcmc", is_base64_url, 40, 255, "a PyPI token"),
    (b"AIza", is_base64_url, 35, 35, "a Google API key"),
    (b"hvs.", is_base64_url, 24, 255, "a Vault token"),
    (b"dckr_pat_", is_base64_url, 20, 64, "a Docker token"),
    (b"dop_v1_", is_word, 64, 64, "a DigitalOcean token"),
    (b"hf_", is_word, 34, 40, "a Hugging Face token"),
    (
        b"hooks.slack.com/services/T",
        |byte| is_word(byte) || byte == b'/',
        30,
        80,
        "an address that posts to Slack",
    ),
    (b"shpat_", is_word, 32, 32, "a Shopify token"),
    (b"sk-ant-", is_base64_url, 80, 200, "an Anthropic key"),
    (b"sk-proj-", is_base64_url, 40, 255, "an OpenAI key"),
    (b"SG.", |byte| is_base64_url(byte) || byte == b'.', 60, 80, "a SendGrid key"),
];

/// Words one of which stands in every file that has a secret of a known shape, whatever the file is called.
static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    const OTHERS: &[&[u8]] = &[
        b"AKIA",
        b"ASIA",
        b"AccountKey=",
        b"SharedAccessKey=",
        b"sig=",
        b"Q~",
        b"\"service_account\"",
        b"eyJ",
    ];
    AhoCorasick::new(OTHERS.iter().copied().chain(SHAPES.iter().map(|(prefix, ..)| *prefix))).ok()
});

pub(super) fn find<'t>(path: &[u8], text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    of_known_shape(text, found);
    settings(path, text, found);
    addresses(text, found);
    connections(text, found);
    if path.ends_with(b"ovf-env.xml") {
        ovf_passwords(text, found);
    }
}

/// Secrets that are known wherever they stand.
pub(super) fn of_known_shape<'t>(text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    // One pass tells most texts apart from those that are worth a closer look.
    if MARKS.as_ref().is_none_or(|marks| marks.is_match(text)) {
        aws(text, found);
        azure(text, found);
        gcp(text, found);
        shapes(text, found);
        web_tokens(text, found);
    }
}

fn shapes<'t>(text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    for (prefix, allowed, least, most, what) in SHAPES {
        for at in places(text, prefix).filter(|at| begins_a_word(text, *at)) {
            let body = run(text, at + prefix.len(), *allowed);
            if (*least..=*most).contains(&body.len()) && entropy(body) > 2.5 && !is_placeholder(body) {
                let bytes = text.get(at..at + prefix.len() + body.len()).unwrap_or_default();
                found.push(Secret { rule: TOKENS, what, offset: at, bytes, severity: Severity::Error });
            }
        }
    }
}

/// Access keys, with a secret beside them or alone.
fn aws<'t>(text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    for at in places(text, b"AKIA").chain(places(text, b"ASIA")).filter(|at| begins_a_word(text, *at)) {
        let id = run(text, at, is_word);
        let is_id = id.len() == 20 && id.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
        if !is_id || id.ends_with(b"EXAMPLE") {
            continue;
        }
        let near = text.get(at.saturating_sub(200)..text.len().min(at + 400)).unwrap_or_default();
        let secret = near.split(|byte| !is_base64(*byte) || *byte == b'=').find(|word| {
            word.len() == 40 && entropy(word) > 3.5 && memchr::memmem::find(word, b"EXAMPLE").is_none()
        });
        let (what, severity, bytes) = match secret {
            Some(secret) => ("an AWS access key with its secret", Severity::Error, secret),
            None => ("the name of an AWS access key", Severity::Warning, id),
        };
        found.push(Secret { rule: AWS, what, offset: at, bytes, severity });
    }
}

/// The key of every storage emulator.
const EMULATOR_KEY: &[u8] = b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq";

fn azure<'t>(text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    let mut keep = |what, offset, bytes| {
        found.push(Secret { rule: AZURE, what, offset, bytes, severity: Severity::Error });
    };
    for name in [&b"AccountKey="[..], b"SharedAccessKey="] {
        for at in places(text, name).map(|at| at + name.len()) {
            let key = run(text, at, is_base64);
            let is_key = matches!(key.len(), 44 | 88) && entropy(key) > 3.5;
            if is_key && !key.starts_with(EMULATOR_KEY) {
                keep("a key of an Azure account", at, key);
            }
        }
    }
    for at in places(text, b"sig=").map(|at| at + 4) {
        let signature = run(text, at, |byte| is_base64_url(byte) || matches!(byte, b'%' | b'+' | b'/'));
        let start = at.saturating_sub(600);
        let before = text.get(start..at).unwrap_or_default();
        let behind = text.get(at..text.len().min(at + 600)).unwrap_or_default();
        let line = |bytes: &[u8], name: &[u8]| memchr::memmem::find(bytes, name).is_some();
        let is_shared = line(before, b"sv=20") || line(behind, b"sv=20");
        if signature.len() >= 43 && is_shared {
            keep("a shared access signature", at, signature);
        }
    }
    for at in places(text, b"Q~") {
        // Three characters, the version, "Q~", and 31 to 34 more.
        let Some(start) = at.checked_sub(4) else { continue };
        let is_part = |byte: u8| is_base64_url(byte) || matches!(byte, b'.' | b'~');
        let secret = run(text, start, is_part);
        let head = text.get(start..at).unwrap_or_default();
        let is_secret = (37..=40).contains(&secret.len()) && matches!(head.last(), Some(b'7' | b'8'));
        if is_secret && begins_a_word(text, start) && entropy(secret) > 3.0 {
            keep("a client secret of Entra ID", start, secret);
        }
    }
}

fn gcp<'t>(text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    if let Some(offset) = places(text, b"\"service_account\"").next()
        && let Some(key) = places(text, b"\"private_key\"").next()
    {
        let bytes = text.get(key..).unwrap_or_default();
        let what = "the key of a Google service account";
        found.push(Secret { rule: GCP, what, offset, bytes, severity: Severity::Error });
    }
}

/// JSON web tokens: three parts, the first of which names an algorithm (RFC 7519).
fn web_tokens<'t>(text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    for at in places(text, b"eyJ").filter(|at| begins_a_word(text, *at)) {
        let token = run(text, at, |byte| is_base64_url(byte) || byte == b'.');
        let parts: Vec<&[u8]> = token.split(|byte| *byte == b'.').collect();
        let [head, claims, signature] = parts.as_slice() else { continue };
        let names_algorithm =
            decoded(head).is_some_and(|head| memchr::memmem::find(&head, b"\"alg\"").is_some());
        if names_algorithm && claims.len() > 10 && signature.len() > 20 {
            let what = "a JSON web token";
            found.push(Secret { rule: TOKENS, what, offset: at, bytes: token, severity: Severity::Warning });
        }
    }
}

/// Ends of paths, the word before the secret, and what it is.
const SETTINGS: &[(&[u8], &[u8], &str)] = &[
    (b"/.docker/config.json", b"\"auth\"", "a password of a container registry"),
    (b"/containers/auth.json", b"\"auth\"", "a password of a container registry"),
    (b"/.cargo/credentials.toml", b"token", "a token of a registry of crates"),
    (b"/.composer/auth.json", b"\"password\"", "a password of a Composer repository"),
    (b"/.curlrc", b"user", "a password"),
    (b"/.gem/credentials", b"api_key:", "a key of RubyGems"),
    (b"/.gradle/gradle.properties", b"assword", "a password of a Maven repository"),
    (b"/.m2/settings.xml", b"<password>", "a password of a Maven repository"),
    (b"/.msmtprc", b"password", "a password of a mail server"),
    (b"/.nuget/nuget.config", b"ClearTextPassword\" value", "a password of a NuGet feed"),
    (b"/NuGet.Config", b"ClearTextPassword\" value", "a password of a NuGet feed"),
    (b"/rclone.conf", b"pass", "a password of a remote"),
    (b"/rclone.conf", b"secret_access_key", "a key of a remote"),
    (b"/.smbcredentials", b"password", "a password of a share"),
    (b"/.terraformrc", b"token", "a token of Terraform"),
    (b"/.wgetrc", b"password", "a password"),
    (b"/.yarnrc.yml", b"npmAuthToken:", "an npm token"),
    (b"/SCCcredentials", b"password", "a password of SUSE's customer center"),
    (b"/apt/auth.conf", b"password", "a password of a repository of packages"),
    (b"/bunfig.toml", b"token", "an npm token"),
    (b"/credentials.xml", b"<password>", "a password of Jenkins"),
    (b"/etc/fstab", b",password", "a password of a share"),
    (b"/etc/npmrc", b"_authToken=", "an npm token"),
    (b"/etc/ppp/chap-secrets", b"*", "a password of a connection"),
    (b"/k3s.yaml", b"client-key-data:", "a key of a Kubernetes user"),
    (b"/mysql/debian.cnf", b"password", "a password of MySQL"),
    (b"/kubernetes/admin.conf", b"client-key-data:", "a key of a Kubernetes user"),
    (b"/kubernetes/kubelet.conf", b"client-key-data:", "a key of a Kubernetes user"),
    (b"/terraform.tfstate", b"\"password\"", "a password in the state of Terraform"),
    (b"/tomcat-users.xml", b" password", "a password of Tomcat"),
    (b"/.kube/config", b"client-key-data:", "a key of a Kubernetes user"),
    (b"/.kube/config", b" token:", "a token of a Kubernetes user"),
    (b"/.netrc", b"password", "a password"),
    (b"/.npmrc", b"_authToken=", "an npm token"),
    (b"/.npmrc", b"_auth=", "a password of an npm registry"),
    (b"/.npmrc", b"_password=", "a password of an npm registry"),
    (b"/.pypirc", b"password", "a password of PyPI"),
    (b"/.my.cnf", b"password", "a password of MySQL"),
    (b"/.s3cfg", b"secret_key", "a key of S3"),
    (b"/.aws/credentials", b"aws_session_token", "a session of AWS"),
    (b"/wp-config.php", b"DB_PASSWORD", "a password of a database"),
    (b".repo", b"password", "a password of a repository of packages"),
    (b"/yum.conf", b"proxy_password", "a password of a proxy"),
    (b"/dnf.conf", b"proxy_password", "a password of a proxy"),
    (b"/.env", b"PASSWORD=", "a password"),
    (b"/.env", b"SECRET=", "a secret"),
    (b"/.env", b"SECRET_KEY=", "a secret"),
    (b"/.env", b"TOKEN=", "a token"),
    (b"/.env", b"API_KEY=", "a key"),
    (b"/wpa_supplicant.conf", b"psk=", "a password of a wireless network"),
    (b".nmconnection", b"psk=", "a password of a wireless network"),
];

fn settings<'t>(path: &[u8], text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    for (file, name, what) in SETTINGS {
        if !path.ends_with(file) && !is_below(path, file) {
            continue;
        }
        for at in places(text, name).map(|at| at + name.len()) {
            let gap =
                run(text, at, |byte| matches!(byte, b' ' | b'\t' | b'=' | b':' | b'"' | b'\'' | b',')).len();
            let value = run(text, at + gap, |byte| {
                byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b',' | b'<')
            });
            if value.len() >= 4 && !is_placeholder(value) {
                found.push(Secret {
                    rule: TOKENS,
                    what,
                    offset: at + gap,
                    bytes: value,
                    severity: Severity::Error,
                });
            }
        }
    }
}

/// Whether `path` is a part of the configuration that `file` begins: `/apt/auth.conf.d/NAME` of `/apt/auth.conf`.
fn is_below(path: &[u8], file: &[u8]) -> bool {
    let folder = [file, b".d/"].concat();
    file.ends_with(b".conf") && memchr::memmem::find(path, &folder).is_some()
}

/// Words that manuals write where a name or a password stands.
const MANUAL_WORDS: &[&[u8]] = &[
    b"user",
    b"username",
    b"pass",
    b"password",
    b"passwd",
    b"secret",
    b"login",
    b"name",
    b"pw",
    b"pwd",
    b"foo",
    b"bar",
];

/// `scheme://name:password@host` (RFC 3986, 3.2.1).
fn addresses<'t>(text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    for at in places(text, b"://").map(|at| at + 3) {
        let is_part =
            |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'"' | b'\'' | b'<' | b'>' | b'`');
        let authority = run(text, at, is_part);
        let Some(sign) = authority.iter().rposition(|byte| *byte == b'@') else { continue };
        let user = authority.get(..sign).unwrap_or_default();
        let Some(colon) = user.iter().position(|byte| *byte == b':') else { continue };
        let (name, password) =
            (user.get(..colon).unwrap_or_default(), user.get(colon + 1..).unwrap_or_default());
        let is_of_manual = |word: &[u8]| MANUAL_WORDS.contains(&word.to_ascii_lowercase().as_slice());
        if password.len() >= 3
            && !is_of_manual(password)
            && !is_placeholder(password)
            && !name.contains(&b'(')
        {
            let what = "a password in an address";
            let offset = at + colon + 1;
            found.push(Secret { rule: ADDRESS, what, offset, bytes: password, severity: Severity::Error });
        }
    }
}

/// Passwords in the connection strings of databases: `Server=h;User ID=u;Password=p;`.
fn connections<'t>(text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    for name in [&b"Password="[..], b"Pwd="] {
        for at in places(text, name) {
            let before = text.get(at.saturating_sub(300)..at).unwrap_or_default();
            let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            let is_of = |word: &[u8]| memchr::memmem::find(line, word).is_some();
            if ![&b"Server="[..], b"Data Source=", b"Host="].iter().any(|word| is_of(word)) {
                continue;
            }
            let offset = at + name.len();
            let password = run(text, offset, |byte| {
                byte.is_ascii_graphic() && !matches!(byte, b';' | b'"' | b'\'' | b'<' | b'&')
            });
            let is_of_manual = MANUAL_WORDS.contains(&password.to_ascii_lowercase().as_slice());
            if password.len() >= 4 && !is_of_manual && !is_placeholder(password) {
                let what = "a password of a database";
                found.push(Secret { rule: TOKENS, what, offset, bytes: password, severity: Severity::Error });
            }
        }
    }
}

fn ovf_passwords<'t>(text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    for name in [&b"UserPassword>"[..], b"AdminPassword>", b"AdministratorPassword>"] {
        for at in places(text, name).map(|at| at + name.len()) {
            let value = run(text, at, |byte| byte != b'<');
            if !value.is_empty() && !value.starts_with(b"REDACTED") && !value.iter().all(|byte| *byte == b'*')
            {
                let what = "the password of an administrator";
                found.push(Secret {
                    rule: OVF_PASSWORD,
                    what,
                    offset: at,
                    bytes: value,
                    severity: Severity::Error,
                });
            }
        }
    }
}
