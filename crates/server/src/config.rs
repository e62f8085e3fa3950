//! What an operator sets: defaults in code, a TOML file over them. Unknown keys are refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arm::Region;
use providers::Limits;
use providers::compute::size::Sizes;
use serde::Deserialize;
use uuid::Uuid;
use workers::source::{Allowed, SourceSettings};
use workers::{Contracts, Settings};

use crate::identity::Subscription;

/// The configuration of a server.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The regions; the first three of Azure's Atlantic unless set.
    #[serde(rename = "region")]
    pub regions: Vec<RegionConfig>,
    /// Further names or addresses in the certificate and in links, besides 127.0.0.1 and localhost.
    pub names: Vec<String>,
    /// Which blob sources may be read.
    pub source: SourceConfig,
    /// Copies to regions.
    pub replication: ReplicationConfig,
    /// What images are looked at for.
    pub inspection: InspectionConfig,
    /// Jobs that run at once.
    pub jobs_at_once: usize,
    /// How many resources of a kind a subscription may have in one region; Azure's defaults unless set.
    pub limits: BTreeMap<String, u64>,
    /// The sizes of machines.
    pub sizes: SizesConfig,
    /// Subscriptions besides the one made at the first start.
    #[serde(rename = "subscription", alias = "subscriptions")]
    pub subscriptions: Vec<SubscriptionConfig>,
}

/// One more subscription.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionConfig {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
}

/// Most subscriptions that may be configured.
const MOST_SUBSCRIPTIONS: usize = 1000;
/// Longest name of a subscription, in bytes.
const MOST_NAME_BYTES: usize = 128;

/// One region.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionConfig {
    /// Its name, `westeurope`.
    pub name: Region,
    /// Its folder; below the data folder unless set.
    pub folder: Option<PathBuf>,
}

/// `[source]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceConfig {
    /// Hosts, `host:port` pairs and networks that may be read although they are not public.
    pub allow: Vec<String>,
}

/// `[inspection]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InspectionConfig {
    /// What holds for versions whose definition has no contract: `default`, `warn` or `off`.
    pub contracts: Contracts,
}

/// `[sizes]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SizesConfig {
    /// A file in place of the sizes that are built in.
    pub file: Option<PathBuf>,
}

/// `[replication]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReplicationConfig {
    /// Tries of one region within one operation.
    pub attempts: u32,
    /// Milliseconds before the second try; doubles each time.
    pub pause_ms: u64,
    /// Seconds before a failed region is taken up again by itself.
    pub heal_after_seconds: u64,
}

impl Default for ReplicationConfig {
    fn default() -> Self {
        let settings = Settings::default();
        let pause_ms = u64::try_from(settings.region_pause.as_millis()).unwrap_or(500);
        Self {
            attempts: settings.region_attempts,
            pause_ms,
            heal_after_seconds: settings.heal_after.as_secs(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let names = ["westeurope", "northeurope", "eastus"];
        let regions =
            names.iter().filter_map(|name| name.parse().ok()).map(|name| RegionConfig { name, folder: None });
        Self {
            regions: regions.collect(),
            names: Vec::new(),
            source: SourceConfig::default(),
            replication: ReplicationConfig::default(),
            inspection: InspectionConfig::default(),
            jobs_at_once: Settings::default().jobs_at_once,
            limits: BTreeMap::new(),
            sizes: SizesConfig::default(),
            subscriptions: Vec::new(),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file")]
    Unreadable(#[source] std::io::Error),
    /// It is not what it must be; the message has line and column.
    #[error("the configuration is wrong: {0}")]
    Wrong(String),
}

impl Config {
    /// Reads `file`, or takes the defaults.
    ///
    /// # Errors
    /// [`ConfigError`], naming the key.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(file) = file else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(file).map_err(ConfigError::Unreadable)?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| ConfigError::Wrong(error.to_string()))?;
        let distinct: BTreeSet<&Region> = config.regions.iter().map(|region| &region.name).collect();
        if distinct.is_empty() || distinct.len() != config.regions.len() {
            return Err(ConfigError::Wrong("give at least one [[region]], each name once".to_owned()));
        }
        if config.jobs_at_once == 0 || config.replication.attempts == 0 {
            return Err(ConfigError::Wrong(
                "jobs_at_once and replication.attempts must be at least 1".to_owned(),
            ));
        }
        config.limits()?;
        config.subscriptions_are_distinct()?;
        config.settings().map(|_settings| config)
    }

    fn subscriptions_are_distinct(&self) -> Result<(), ConfigError> {
        let distinct: BTreeSet<Uuid> = self.subscriptions.iter().map(|found| found.id).collect();
        let are_named = self.subscriptions.iter().all(|found| {
            let name = found.name.trim();
            !found.id.is_nil()
                && !name.is_empty()
                && name.len() <= MOST_NAME_BYTES
                && !name.chars().any(char::is_control)
        });
        if distinct.len() != self.subscriptions.len() || !are_named || distinct.len() > MOST_SUBSCRIPTIONS {
            return Err(ConfigError::Wrong(format!(
                "give at most {MOST_SUBSCRIPTIONS} of [[subscription]], each id once, each with a name of 1 to {MOST_NAME_BYTES} bytes"
            )));
        }
        Ok(())
    }

    /// The subscriptions that are to be there besides the first.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<Subscription> {
        let named = |found: &SubscriptionConfig| Subscription {
            id: found.id,
            display_name: found.name.trim().to_owned(),
        };
        self.subscriptions.iter().map(named).collect()
    }

    /// Each region and its folder, below `data` unless set.
    #[must_use]
    pub fn folders(&self, data: &Path) -> Vec<(Region, PathBuf)> {
        let place = |region: &RegionConfig| {
            region.folder.clone().unwrap_or_else(|| data.join("regions").join(region.name.as_str()))
        };
        self.regions.iter().map(|region| (region.name.clone(), place(region))).collect()
    }

    /// How much a subscription may have.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] for a name that no limit has.
    pub fn limits(&self) -> Result<Limits, ConfigError> {
        Limits::with(&self.limits).map_err(|error| ConfigError::Wrong(format!("limits: {error}")))
    }

    /// The sizes of machines: those built in, or the file's.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] with line and column of what the file has wrong.
    pub fn sizes(&self) -> Result<Sizes, ConfigError> {
        let Some(file) = &self.sizes.file else { return Ok(Sizes::built_in()) };
        let mut text = String::new();
        let read =
            File::open(file).and_then(|file| file.take(Sizes::FILE_BYTES + 1).read_to_string(&mut text));
        read.map_err(|error| ConfigError::Wrong(format!("sizes.file cannot be read: {error}")))?;
        Sizes::parse(&text).map_err(|error| ConfigError::Wrong(format!("sizes.file: {error}")))
    }

    /// The workers' settings.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] for an entry of `source.allow` that allows nothing.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let allow = self.source.allow.iter().map(|text| text.parse::<Allowed>());
        let allow = allow
            .collect::<Result<_, _>>()
            .map_err(|error| ConfigError::Wrong(format!("source.allow: {error}")))?;
        Ok(Settings {
            jobs_at_once: self.jobs_at_once,
            region_attempts: self.replication.attempts,
            region_pause: Duration::from_millis(self.replication.pause_ms),
            heal_after: Duration::from_secs(self.replication.heal_after_seconds),
            source: SourceSettings { allow, ..SourceSettings::default() },
            contracts: self.inspection.contracts,
            ..Settings::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Config;

    #[test]
    fn sizes_come_from_a_file_that_is_read_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sizes.json");
        let config = Config::parse(&format!("[sizes]\nfile = {:?}", file.display().to_string())).unwrap();
        let missing = config.sizes().unwrap_err().to_string();
        assert!(missing.contains("sizes.file cannot be read"), "{missing}");
        std::fs::write(&file, "{\"families\": [\n  {\"colour\": 1}]}").unwrap();
        let wrong = config.sizes().unwrap_err().to_string();
        assert!(wrong.contains("unknown field `colour`") && wrong.contains("line 2 column"), "{wrong}");
        assert!(!wrong.contains(&folder.path().display().to_string()), "{wrong}");
        assert!(Config::default().sizes().unwrap().find("standard_d2S_V5").is_some());
    }

    #[test]
    fn a_file_overrides_and_unknown_keys_are_refused() {
        let config = Config::parse("[[region]]\nname = \"West US\"\n[[region]]\nname = \"edge1\"\nfolder = \"/mnt/edge\"\n[source]\nallow = [\"127.0.0.1:9000\"]").unwrap();
        let folders = config.folders(Path::new("/data"));
        assert_eq!(folders[0].1, Path::new("/data/regions/westus"));
        assert_eq!(folders[1].1, Path::new("/mnt/edge"));
        assert_eq!(config.settings().unwrap().source.allow.len(), 1);
        assert!(config.subscriptions().is_empty());
        let config = Config::parse(
            "[[subscription]]\nid = \"22222222-2222-2222-2222-222222222222\"\nname = \"Team two\"",
        )
        .unwrap();
        let subscriptions = config.subscriptions();
        assert_eq!(subscriptions[0].id.to_string(), "22222222-2222-2222-2222-222222222222");
        assert_eq!(subscriptions[0].display_name, "Team two");
        for text in [
            "colour = 1",
            "region = []",
            "[source]\nallow = [\"a b\"]",
            "[[region]]\nname = \"a\"\n[[region]]\nname = \"A\"",
            "jobs_at_once = 0",
            "[limits]\ncolours = 1",
            "[limits]\ngalleries = -1",
            "[[subscription]]\nid = \"images\"\nname = \"a\"",
            "[[subscription]]\nid = \"00000000-0000-0000-0000-000000000000\"\nname = \"a\"",
            "[[subscription]]\nid = \"22222222-2222-2222-2222-222222222222\"\nname = \" \"",
            "[[subscription]]\nid = \"22222222-2222-2222-2222-222222222222\"",
            "[[subscription]]\nid = \"22222222-2222-2222-2222-222222222222\"\nname = \"a\"\n[[subscription]]\nid = \"22222222222222222222222222222222\"\nname = \"b\"",
        ] {
            assert!(Config::parse(text).is_err(), "{text}");
        }
    }
}
