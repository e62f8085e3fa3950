//! Sizes and disk classes in the words of Azure's SKU list (azure-api 14).

use serde_json::{Value, json};

use super::{Architecture, Confidential, DiskController, Family, Generation, Size};

/// The largest system disk in MiB, the same for every size.
const OS_DISK_MB: u32 = 1_047_552;

/// A class of disks or snapshots in one of its tiers.
#[derive(Clone, Copy, Debug)]
pub struct DiskSku {
    /// `disks` or `snapshots`.
    pub resource_type: &'static str,
    /// `Premium_LRS`.
    pub name: &'static str,
    /// `Premium`.
    pub tier: &'static str,
    /// `P10`; empty for snapshots.
    pub size: &'static str,
    /// What a disk of the tier does.
    pub performance: Option<Performance>,
}

/// What a disk of one tier holds and does.
#[derive(Clone, Copy, Debug)]
pub struct Performance {
    /// Largest disk of the tier below, in GiB: this tier begins above it.
    pub above_gib: u32,
    /// Largest disk of this tier, in GiB.
    pub most_gib: u32,
    /// Reads and writes a second.
    pub iops: u32,
    /// MB a second.
    pub mbps: u32,
}

/// One item of `locations/L/vmSizes`.
#[must_use]
pub fn size_of(size: &Size) -> Value {
    json!({
        "name": size.name,
        "numberOfCores": size.vcpus,
        "osDiskSizeInMB": OS_DISK_MB,
        "resourceDiskSizeInMB": size.resource_disk_mb,
        "memoryInMB": size.memory_mb,
        "maxDataDiskCount": size.max_data_disks,
    })
}

/// One item of `skus`, as it is in one region.
#[must_use]
pub fn sku_of(family: &Family, size: &Size, region: &str) -> Value {
    let short = size.name.split_once('_').map_or(size.name.as_str(), |(_, short)| short);
    item(
        "virtualMachines",
        &size.name,
        "Standard",
        short,
        Some(&family.name),
        region,
        capabilities(family, size),
    )
}

impl DiskSku {
    /// One item of `skus`, as it is in one region.
    #[must_use]
    pub fn item(&self, region: &str) -> Value {
        let capabilities = self.performance.iter().flat_map(|performance| {
            [
                ("MaxSizeGiB", performance.most_gib.to_string()),
                ("MinSizeGiB", performance.above_gib.to_string()),
                ("MaxIOps", performance.iops.to_string()),
                ("MinIOps", performance.iops.to_string()),
                ("MaxBandwidthMBps", performance.mbps.to_string()),
                ("MinBandwidthMBps", performance.mbps.to_string()),
            ]
        });
        item(self.resource_type, self.name, self.tier, self.size, None, region, capabilities.collect())
    }
}

fn item(
    resource_type: &str,
    name: &str,
    tier: &str,
    size: &str,
    family: Option<&str>,
    region: &str,
    capabilities: Vec<(&str, String)>,
) -> Value {
    let capabilities = capabilities.into_iter().map(|(name, value)| json!({"name": name, "value": value}));
    let mut item = json!({
        "resourceType": resource_type,
        "name": name,
        "tier": tier,
        "locations": [region],
        "locationInfo": [{"location": region, "zones": [], "zoneDetails": []}],
        "capabilities": capabilities.collect::<Vec<_>>(),
        "restrictions": [],
    });
    if !size.is_empty() {
        item["size"] = size.into();
    }
    if let Some(family) = family {
        item["family"] = family.into();
    }
    item
}

fn capabilities(family: &Family, size: &Size) -> Vec<(&'static str, String)> {
    let word = |is: bool| if is { "True" } else { "False" }.to_owned();
    let generations = family.generations.iter().map(|generation| match generation {
        Generation::V1 => "V1",
        Generation::V2 => "V2",
    });
    let controllers = family.disk_controllers.iter().map(|controller| match controller {
        DiskController::Scsi => "SCSI",
        DiskController::Nvme => "NVMe",
    });
    let architecture = match family.architecture {
        Architecture::X64 => "x64",
        Architecture::Arm64 => "Arm64",
    };
    let mut list = vec![
        ("MaxResourceVolumeMB", size.resource_disk_mb.to_string()),
        ("OSVhdSizeMB", OS_DISK_MB.to_string()),
        ("vCPUs", size.vcpus.to_string()),
        ("HyperVGenerations", generations.collect::<Vec<_>>().join(",")),
        ("DiskControllerTypes", controllers.collect::<Vec<_>>().join(",")),
        ("MemoryGB", (f64::from(size.memory_mb) / 1024.0).to_string()),
        ("MaxDataDiskCount", size.max_data_disks.to_string()),
        ("CpuArchitectureType", architecture.to_owned()),
        ("LowPriorityCapable", word(family.spot)),
        ("PremiumIO", word(family.premium_io)),
        ("VMDeploymentTypes", "IaaS".to_owned()),
        ("vCPUsAvailable", size.vcpus.to_string()),
        ("EphemeralOSDiskSupported", word(family.ephemeral_os_disk)),
        ("EncryptionAtHostSupported", word(family.encryption_at_host)),
        ("AcceleratedNetworkingEnabled", word(family.accelerated_networking)),
        ("RdmaEnabled", word(false)),
        ("MaxNetworkInterfaces", size.max_nics.to_string()),
    ];
    if size.gpus > 0 {
        list.push(("GPUs", size.gpus.to_string()));
    }
    if family.hibernation {
        list.push(("HibernationSupported", word(true)));
    }
    if let Some(confidential) = family.confidential {
        let kind = match confidential {
            Confidential::Snp => "SNP",
            Confidential::Tdx => "TDX",
        };
        list.push(("ConfidentialComputingType", kind.to_owned()));
    }
    // Azure says so of those that cannot, and nothing of those that can.
    if !family.trusted_launch {
        list.push(("TrustedLaunchDisabled", word(true)));
    }
    list
}
