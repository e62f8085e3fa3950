//! The JSON of a storage account: what it is and may be set; what only a larger cloud can do is kept as sent.

use arm::wire_time;
use serde_json::{Map, Value, json};

use crate::shape::{Field, Kind, object_in};
use crate::{Action, Put, Rejection};

/// The action that tells the keys.
pub(super) const LIST_KEYS: &str = "listKeys";

pub(super) const ACTIONS: &[Action] = &[
    Action { name: LIST_KEYS, body: &[] },
    Action { name: "regenerateKey", body: &[Field::new("keyName", Kind::Text(64))] },
];

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("accessTier", Kind::Choice(&["Hot", "Cool", "Premium", "Cold"])),
    Field::new("allowBlobPublicAccess", Kind::Bool),
    Field::new("allowCrossTenantReplication", Kind::Bool),
    Field::new("allowSharedKeyAccess", Kind::Bool),
    Field::new("allowedCopyScope", Kind::Text(32)),
    Field::new("creationTime", Kind::Time).read_only(),
    Field::new("customDomain", Kind::Object(CUSTOM_DOMAIN)),
    Field::new("defaultToOAuthAuthentication", Kind::Bool),
    Field::new("dnsEndpointType", Kind::Text(32)),
    Field::new("enableExtendedGroups", Kind::Bool),
    Field::new("encryption", Kind::Object(ENCRYPTION)),
    Field::new("isHnsEnabled", Kind::Bool).fixed(),
    Field::new("isLocalUserEnabled", Kind::Bool),
    Field::new("isNfsV3Enabled", Kind::Bool).fixed(),
    Field::new("isSftpEnabled", Kind::Bool),
    Field::new("keyPolicy", Kind::Object(KEY_POLICY)),
    Field::new("largeFileSharesState", Kind::Text(16)),
    Field::new("minimumTlsVersion", Kind::Choice(&["TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"])),
    Field::new("networkAcls", Kind::Object(NETWORK_ACLS)),
    Field::new("publicNetworkAccess", Kind::Choice(&["Enabled", "Disabled", "SecuredByPerimeter"])),
    Field::new("routingPreference", Kind::Object(ROUTING)),
    Field::new("sasPolicy", Kind::Object(SAS_POLICY)),
    Field::new("supportsHttpsTrafficOnly", Kind::Bool),
];

const CUSTOM_DOMAIN: &[Field] =
    &[Field::new("name", Kind::Text(253)), Field::new("useSubDomainName", Kind::Bool)];

const KEY_POLICY: &[Field] = &[Field::new("keyExpirationPeriodInDays", Kind::Integer(0, 36_500))];

const ROUTING: &[Field] = &[
    Field::new("routingChoice", Kind::Choice(&["MicrosoftRouting", "InternetRouting"])),
    Field::new("publishMicrosoftEndpoints", Kind::Bool),
    Field::new("publishInternetEndpoints", Kind::Bool),
];

const SAS_POLICY: &[Field] = &[
    Field::new("sasExpirationPeriod", Kind::Text(32)),
    Field::new("expirationAction", Kind::Choice(&["Log", "Block"])),
];

const IP_RULE: &[Field] = &[Field::new("value", Kind::Text(64)), Field::new("action", Kind::Text(16))];

const NETWORK_RULE: &[Field] = &[
    Field::new("id", Kind::Text(2048)),
    Field::new("action", Kind::Text(16)),
    Field::new("state", Kind::Text(32)),
];

const RESOURCE_RULE: &[Field] =
    &[Field::new("tenantId", Kind::Text(64)), Field::new("resourceId", Kind::Text(2048))];

const ENCRYPTION: &[Field] = &[
    Field::new("keySource", Kind::Choice(&["Microsoft.Storage"])),
    Field::new("services", Kind::Object(ENCRYPTED_SERVICES)),
    Field::new("requireInfrastructureEncryption", Kind::Bool),
];

const ENCRYPTED_SERVICES: &[Field] = &[
    Field::new("blob", Kind::Object(ENCRYPTED_SERVICE)),
    Field::new("file", Kind::Object(ENCRYPTED_SERVICE)),
    Field::new("queue", Kind::Object(ENCRYPTED_SERVICE)),
    Field::new("table", Kind::Object(ENCRYPTED_SERVICE)),
];

const ENCRYPTED_SERVICE: &[Field] = &[
    Field::new("enabled", Kind::Bool),
    Field::new("keyType", Kind::Choice(&["Service", "Account"])),
    Field::new("lastEnabledTime", Kind::Time).read_only(),
];

const NETWORK_ACLS: &[Field] = &[
    Field::new("bypass", Kind::Text(64)),
    Field::new("defaultAction", Kind::Choice(&["Allow", "Deny"])),
    Field::new("ipRules", Kind::List(&Kind::Object(IP_RULE))),
    Field::new("virtualNetworkRules", Kind::List(&Kind::Object(NETWORK_RULE))),
    Field::new("resourceAccessRules", Kind::List(&Kind::Object(RESOURCE_RULE))),
];

pub(super) const ENVELOPE: &[Field] = &[
    Field::new(
        "sku",
        Kind::Object(&[
            Field::new(
                "name",
                Kind::Choice(&[
                    "Standard_LRS",
                    "Standard_GRS",
                    "Standard_RAGRS",
                    "Standard_ZRS",
                    "Premium_LRS",
                    "Premium_ZRS",
                    "Standard_GZRS",
                    "Standard_RAGZRS",
                ]),
            ),
            Field::new("tier", Kind::Text(16)).read_only(),
        ]),
    ),
    Field::new(
        "kind",
        Kind::Choice(&["Storage", "StorageV2", "BlobStorage", "BlockBlobStorage", "FileStorage"]),
    ),
    Field::new("identity", Kind::Any),
    Field::new("extendedLocation", Kind::Any),
    Field::new("zones", Kind::List(&Kind::Text(16))),
];

/// The members beside `properties`: what is left out stays, and the tier follows from the name.
pub(super) fn settled_envelope(put: &Put<'_>) -> Result<Map<String, Value>, Rejection> {
    let mut envelope = put.envelope.clone();
    let stands = put.current.map(|current| &current.document.envelope);
    for name in ["sku", "kind"] {
        if let Some(value) =
            stands.and_then(|stands| stands.get(name)).filter(|_| !envelope.contains_key(name))
        {
            envelope.insert(name.to_owned(), value.clone());
        }
    }
    envelope.entry("kind").or_insert_with(|| "StorageV2".into());
    if envelope["kind"] == "FileStorage" {
        return Err(Rejection::not_implemented("A storage account of the kind 'FileStorage'"));
    }
    let sku = object_in(&mut envelope, "sku");
    let name = sku.entry("name").or_insert_with(|| "Standard_LRS".into());
    let tier =
        if name.as_str().is_some_and(|name| name.starts_with("Premium")) { "Premium" } else { "Standard" };
    sku.insert("tier".to_owned(), tier.into());
    Ok(envelope)
}

/// The properties with Azure's defaults; what an update leaves out stays.
pub(super) fn settled(put: &Put<'_>) -> Map<String, Value> {
    let mut properties = put.wanted.clone();
    if let Some(current) = put.current {
        for (name, value) in &current.document.properties {
            properties.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    let mut fill = |name: &str, value: Value| {
        properties.entry(name).or_insert(value);
    };
    fill("creationTime", wire_time(put.now).into());
    fill("accessTier", "Hot".into());
    fill("allowBlobPublicAccess", false.into());
    fill("supportsHttpsTrafficOnly", true.into());
    fill("minimumTlsVersion", "TLS1_2".into());
    fill("publicNetworkAccess", "Enabled".into());
    fill(
        "networkAcls",
        json!({"bypass": "AzureServices", "virtualNetworkRules": [], "ipRules": [], "defaultAction": "Allow"}),
    );
    fill(
        "encryption",
        json!({"keySource": "Microsoft.Storage", "services": {"blob": {"enabled": true, "keyType": "Account"}}}),
    );
    properties
}
