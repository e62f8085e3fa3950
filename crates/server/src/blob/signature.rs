//! Shared access signatures: what somebody with a key lets others do, in the query of an address ("Create an account
//! SAS", "Create a service SAS").
//!
//! What a signature limits and we could not check is refused, never ignored.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use providers::Rejection;
use workers::blobs::Account;

use super::address::{Address, Query};
use super::authorize::{Access, Doing};
use super::shared_key::is_signed;

/// The oldest version whose signatures are read, and the first that signs an encryption scope.
const OLDEST: &str = "2018-11-09";
const WITH_SCOPE: &str = "2020-12-06";

/// 403: who it is could not be proven. The reason never repeats what was sent.
pub(super) fn failed(reason: &str) -> Rejection {
    let message = format!(
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature: {reason}."
    );
    Rejection::new(403, "AuthenticationFailed", message)
}

/// 403: it is proven who, and that is not allowed.
pub(super) fn mismatch() -> Rejection {
    let message = "This request is not authorized to perform this operation using this permission.";
    Rejection::new(403, "AuthorizationPermissionMismatch", message)
}

pub(super) fn check(
    query: &Query,
    address: &Address,
    account: &Account,
    doing: Doing,
    now: Timestamp,
) -> Result<Access, Rejection> {
    let word = |name: &str| query.get(name).unwrap_or_default();
    let version = word("sv");
    if version.len() != OLDEST.len() || version < OLDEST || !version.is_ascii() {
        return Err(failed("the version of the signature (sv) is missing or older than 2018-11-09"));
    }
    let is_account = query.get("ss").is_some();
    let message = if is_account {
        of_account(query, address)
    } else {
        of_service(query, address).ok_or_else(|| failed("sr is neither b nor c"))?
    };
    if !is_signed(account, message.as_bytes(), word("sig")) {
        return Err(failed("the signature does not match"));
    }
    if ["si", "skoid", "sdd", "saoid", "suoid"].iter().any(|name| query.get(name).is_some()) {
        return Err(failed("stored policies and user delegation are not known here"));
    }
    let ends = time(word("se")).ok_or_else(|| failed("its end (se) is missing or no time"))?;
    let begins = query.get("st").map(|text| time(text).ok_or_else(|| failed("its begin (st) is no time")));
    if now >= ends || begins.transpose()?.is_some_and(|begins| now < begins) {
        return Err(failed("the signature is not valid in this time frame"));
    }
    if query.get("sip").is_some() {
        let message = "The signature is for some addresses only (sip), which this server does not check. Make one without.";
        return Err(Rejection::new(403, "AuthorizationSourceIPMismatch", message));
    }
    if !matches!(query.get("spr"), None | Some("https" | "https,http" | "http,https")) {
        let message = "This request is not authorized to perform this operation using this protocol.";
        return Err(Rejection::new(403, "AuthorizationProtocolMismatch", message));
    }
    if is_account {
        account_allows(query, doing)?;
    } else {
        service_allows(query, doing)?;
    }
    permitted(word("sp"), doing)
}

/// What an account's signature is of.
fn of_account(query: &Query, address: &Address) -> String {
    let mut message = address.account.clone() + "\n";
    for name in ["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"] {
        message += query.get(name).unwrap_or_default();
        message.push('\n');
    }
    if query.get("sv").unwrap_or_default() >= WITH_SCOPE {
        message += query.get("ses").unwrap_or_default();
        message.push('\n');
    }
    message
}

/// What the signature of a container or blob is of.
fn of_service(query: &Query, address: &Address) -> Option<String> {
    let word = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let container = format!("/blob/{}/{}", address.account, address.container);
    let resource = match query.get("sr")? {
        "b" => format!("{container}/{}", address.blob),
        "c" => container,
        _ => return None,
    };
    let mut lines = vec![word("sp"), word("st"), word("se"), resource];
    lines.extend(["si", "sip", "spr", "sv", "sr"].map(word));
    lines.push(String::new());
    if word("sv").as_str() >= WITH_SCOPE {
        lines.push(word("ses"));
    }
    lines.extend(["rscc", "rscd", "rsce", "rscl", "rsct"].map(word));
    Some(lines.join("\n"))
}

fn account_allows(query: &Query, doing: Doing) -> Result<(), Rejection> {
    let kinds = query.get("srt").unwrap_or_default();
    let kind = match doing {
        Doing::Read | Doing::Write | Doing::Change | Doing::Delete => 'o',
        Doing::List | Doing::ReadContainer | Doing::WriteContainer | Doing::DeleteContainer => 'c',
    };
    if !query.get("ss").unwrap_or_default().contains('b') {
        let message = "This request is not authorized to perform this operation using this service.";
        return Err(Rejection::new(403, "AuthorizationServiceMismatch", message));
    }
    // Containers are listed of the service, blobs of a container.
    if kinds.contains(kind) || (doing == Doing::List && kinds.contains('s')) {
        return Ok(());
    }
    let message = "This request is not authorized to perform this operation using this resource type.";
    Err(Rejection::new(403, "AuthorizationResourceTypeMismatch", message))
}

fn service_allows(query: &Query, doing: Doing) -> Result<(), Rejection> {
    match doing {
        Doing::Read | Doing::Write | Doing::Change | Doing::Delete => Ok(()),
        Doing::List if query.get("sr") == Some("c") => Ok(()),
        Doing::List | Doing::ReadContainer | Doing::WriteContainer | Doing::DeleteContainer => {
            Err(mismatch())
        }
    }
}

fn permitted(letters: &str, doing: Doing) -> Result<Access, Rejection> {
    let any = |wanted: &str| letters.chars().any(|letter| wanted.contains(letter));
    let allowed = match doing {
        Doing::Read => any("r"),
        Doing::Write => any("wc"),
        Doing::Change => any("w"),
        Doing::Delete | Doing::DeleteContainer => any("d"),
        Doing::List => any("l"),
        Doing::ReadContainer => any("rl"),
        Doing::WriteContainer => any("wc"),
    };
    if allowed { Ok(Access { may_replace: any("w") }) } else { Err(mismatch()) }
}

/// A time as signatures have it: to the second, the minute, or a day.
fn time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let date: Date = text.parse().ok()?;
    date.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use arm::ResourceId;
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use rstest::rstest;
    use workers::blobs::Account;

    use super::{Address, Doing, Query, check, of_account, of_service, time};

    fn account() -> Account {
        let id: ResourceId =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acct"
                .parse()
                .unwrap();
        Account {
            id,
            region: None,
            keys: vec![STANDARD.encode([7; 64])],
            allows_keys: true,
            allows_public: false,
        }
    }

    fn address() -> Address {
        Address::of("/acct/vhds/os%20disk.vhd").unwrap()
    }

    /// `query`, signed as it should be.
    fn signed(query: &str) -> String {
        let parsed = Query::of(query).unwrap();
        let message = match parsed.get("ss") {
            Some(_) => of_account(&parsed, &address()),
            None => of_service(&parsed, &address()).unwrap(),
        };
        let key = Key::new(HMAC_SHA256, &[7; 64]);
        let signature = STANDARD.encode(sign(&key, message.as_bytes()));
        let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        format!("{query}&sig={signature}")
    }

    fn code(query: &str, doing: Doing) -> String {
        let now = "2026-11-27T12:00:00Z".parse().unwrap();
        match check(&Query::of(query).unwrap(), &address(), &account(), doing, now) {
            Ok(access) => format!("ok {}", access.may_replace),
            Err(refusal) => refusal.detail.code,
        }
    }

    const SERVICE: &str = "sv=2024-11-04&sr=b&sp=r&se=2026-11-28T00%3A00%3A00Z";
    const ACCOUNT: &str = "sv=2024-11-04&ss=b&srt=o&sp=rwc&se=2026-11-28";

    #[test]
    fn the_text_that_is_signed_is_the_published_one() {
        let query = Query::of(SERVICE).unwrap();
        assert_eq!(
            of_service(&query, &address()).unwrap(),
            "r\n\n2026-11-28T00:00:00Z\n/blob/acct/vhds/os disk.vhd\n\n\n\n2024-11-04\nb\n\n\n\n\n\n\n"
        );
        let query = Query::of(ACCOUNT).unwrap();
        assert_eq!(of_account(&query, &address()), "acct\nrwc\nb\no\n\n2026-11-28\n\n\n2024-11-04\n\n");
        let query = Query::of(&ACCOUNT.replace("2024-11-04", "2019-12-12")).unwrap();
        assert_eq!(of_account(&query, &address()), "acct\nrwc\nb\no\n\n2026-11-28\n\n\n2019-12-12\n");
    }

    #[rstest]
    #[case::reads(SERVICE, Doing::Read, "ok false")]
    #[case::writes_not(SERVICE, Doing::Write, "AuthorizationPermissionMismatch")]
    #[case::lists_not(SERVICE, Doing::List, "AuthorizationPermissionMismatch")]
    #[case::replaces(ACCOUNT, Doing::Write, "ok true")]
    #[case::makes(&ACCOUNT.replace("rwc", "c"), Doing::Write, "ok false")]
    #[case::containers(ACCOUNT, Doing::WriteContainer, "AuthorizationResourceTypeMismatch")]
    #[case::queues(&ACCOUNT.replace("ss=b", "ss=q"), Doing::Read, "AuthorizationServiceMismatch")]
    #[case::over(&SERVICE.replace("28T", "27T"), Doing::Read, "AuthenticationFailed")]
    #[case::not_yet(&format!("{SERVICE}&st=2026-11-27T13:00:00Z"), Doing::Read, "AuthenticationFailed")]
    #[case::no_end("sv=2024-11-04&sr=b&sp=r", Doing::Read, "AuthenticationFailed")]
    #[case::old(&SERVICE.replace("2024", "2014"), Doing::Read, "AuthenticationFailed")]
    #[case::from_somewhere(&format!("{SERVICE}&sip=1.2.3.4"), Doing::Read, "AuthorizationSourceIPMismatch")]
    #[case::a_policy(&format!("{SERVICE}&si=p"), Doing::Read, "AuthenticationFailed")]
    fn a_signature_allows_what_it_says(#[case] query: &str, #[case] doing: Doing, #[case] wanted: &str) {
        assert_eq!(code(&signed(query), doing), wanted);
    }

    #[test]
    fn what_was_changed_after_signing_is_refused() {
        let whole = signed(SERVICE);
        for (from, to) in [("sp=r", "sp=rw"), ("28T", "29T"), ("sr=b", "sr=c"), ("sig=", "sig=A")] {
            assert_eq!(code(&whole.replace(from, to), Doing::Read), "AuthenticationFailed", "{to}");
        }
    }

    #[test]
    fn times_are_read_to_the_second_the_minute_and_the_day() {
        for text in
            ["2026-11-28", "2026-11-28T00:00Z", "2026-11-28T00:00:00Z", "2026-11-28T00:00:00.0000000Z"]
        {
            assert_eq!(time(text), Some("2026-11-28T00:00:00Z".parse().unwrap()), "{text}");
        }
        assert_eq!(time("tomorrow"), None);
    }
}
