//! Whether the image starts, and where: loaders, kernels, drivers, command line, and the life of its system.

use super::{Evidence, Hit, Look, Rule, Scene, Scope, Severity, hits};
use crate::facts::{Availability, LifeState};
use crate::guest::{joined, settings};
use crate::text::plain;
use crate::tree::Error;

const fn rule(
    id: &'static str,
    severity: Severity,
    scope: Scope,
    title: &'static str,
    remedy: &'static str,
    look: fn(&Scene<'_>) -> Result<Option<Vec<Hit>>, Error>,
) -> Rule {
    Rule { id, severity, scope, title, remedy, look: Look::With(look) }
}

pub(super) const RULES: &[Rule] = &[
    rule(
        "BOOT-MISSING",
        Severity::Error,
        Scope::Any,
        "Nothing on the disk starts its operating system.",
        "grub-install /dev/DISK; for UEFI grub-install --removable",
        nothing_starts,
    ),
    rule(
        "BOOT-CONFIG",
        Severity::Error,
        Scope::Linux,
        "The loader's menu names something that is not there.",
        "update-grub, or grub2-mkconfig -o /boot/grub2/grub.cfg",
        menu,
    ),
    rule(
        "BOOT-SB-EXPIRY",
        Severity::Warning,
        Scope::Any,
        "The loader is signed by Microsoft's authority of 2011 alone; newer machines may know only that of 2023.",
        "Update shim to one that is signed by both.",
        old_authority,
    ),
    rule(
        "BOOT-SBAT",
        Severity::Warning,
        Scope::Any,
        "A loader is of a generation that firmware is told to refuse.",
        "Update shim and GRUB, then run grub-install.",
        revoked,
    ),
    rule(
        "ARCH-MIXED",
        Severity::Error,
        Scope::Any,
        "Parts of the image are for different processors.",
        "Build the image from packages of one architecture.",
        mixed,
    ),
    rule(
        "KRN-VERSION",
        Severity::Error,
        Scope::Linux,
        "The kernel that starts by default has no modules.",
        "Reinstall the kernel's package.",
        modules,
    ),
    rule(
        "KRN-HYPERV",
        Severity::Error,
        Scope::Linux,
        "Drivers for Hyper-V are not there when the root is mounted.",
        "Add hv_vmbus, hv_storvsc and hv_netvsc to the initramfs.",
        |scene| drivers(scene, &["hv_vmbus", "hv_storvsc"], &["hv_netvsc"]),
    ),
    rule(
        "KRN-VIRTIO",
        Severity::Warning,
        Scope::Linux,
        "Drivers for virtio are not there when the root is mounted.",
        "Add virtio_pci and virtio_blk to the initramfs.",
        |scene| drivers(scene, &["virtio_pci", "virtio_blk"], &["virtio_net"]),
    ),
    rule(
        "KRN-FS",
        Severity::Warning,
        Scope::Linux,
        "The file system of the platform's orders cannot be mounted.",
        "Remove the blacklist of udf, isofs or vfat in /etc/modprobe.d.",
        media,
    ),
    rule(
        "KRN-CONSOLE",
        Severity::Warning,
        Scope::Linux,
        "The kernel does not write to a serial console.",
        "Add console=tty1 console=ttyS0,115200n8 (Arm64: console=ttyAMA0) to GRUB_CMDLINE_LINUX; update-grub",
        console,
    ),
    rule(
        "KRN-ROOTDELAY",
        Severity::Warning,
        Scope::Linux,
        "Every start waits for the time in rootdelay.",
        "Remove rootdelay= from GRUB_CMDLINE_LINUX; update-grub",
        root_delay,
    ),
    rule(
        "OS-EOL",
        Severity::Error,
        Scope::Any,
        "Support for the operating system has ended, or ends soon.",
        "Move to a supported release.",
        life,
    ),
    rule(
        "PKG-HALF",
        Severity::Warning,
        Scope::Linux,
        "The installation of packages stopped halfway.",
        "dpkg --configure -a; apt-get install -f",
        |scene| {
            let halfway = scene.facts.halfway_packages.iter();
            hits(
                halfway.map(|name| {
                    Evidence::at("/var/lib/dpkg/status", format!("{name} is not installed whole"))
                }),
            )
        },
    ),
    rule(
        "PKG-INVENTORY",
        Severity::Warning,
        Scope::Linux,
        "The database of packages could not be read.",
        "rpm --rebuilddb, or repair /var/lib/dpkg/status",
        |scene| scene.knows("packages").and_then(|()| hits([])),
    ),
];

fn nothing_starts(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    if scene.facts.os_type.is_none() {
        return Ok(None);
    }
    scene.knows("boot")?;
    let boot = &scene.facts.boot;
    let words = match boot.loaders.len() {
        0 => "neither boot code for a BIOS nor a loader for UEFI was found".to_owned(),
        count => format!("{count} loaders were found, none of them where a new machine looks"),
    };
    hits(boot.generations.is_empty().then(|| Evidence::words(words)))
}

fn menu(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    scene.knows("boot")?;
    let guest = scene.guest()?;
    let Some(entry) = &scene.facts.boot.entry else { return Ok(None) };
    let mut found = Vec::new();
    for (what, path) in [("kernel", &entry.kernel), ("initrd", &entry.initrd)] {
        let name = path.rsplit('/').next().unwrap_or_default();
        // The menu counts from the file system that holds /boot, which need not be the root.
        let candidates =
            [path.clone(), format!("/boot{path}"), format!("/boot/{name}"), format!("/boot/efi{path}")];
        let mut is_there = path.is_empty() || path.contains('$');
        for candidate in candidates {
            is_there = is_there || guest.exists(candidate)?;
        }
        if !is_there {
            found.push(Evidence::at(&entry.from, format!("names the {what} {path}, which is not there")));
        }
    }
    let root = entry.arguments.iter().find_map(|word| word.strip_prefix("root="));
    if let Some(uuid) = root.and_then(|root| root.strip_prefix("UUID=")) {
        let volumes = &scene.facts.layout.volumes;
        let is_there = volumes
            .iter()
            .any(|volume| volume.uuid.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(uuid)));
        if !volumes.is_empty() && !is_there {
            found.push(Evidence::at(
                &entry.from,
                format!("names the root UUID={uuid}, which no file system has"),
            ));
        }
    }
    hits(found)
}

fn old_authority(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let Some(loader) = scene.facts.boot.removable_loader().filter(|loader| loader.signed) else {
        return Ok(None);
    };
    let of = |year: &str| loader.authorities.iter().any(|name| name.ends_with(year));
    hits((of("2011") && !of("2023")).then(|| Evidence::at(&loader.path, loader.authorities.join(", "))))
}

/// Oldest generations that are started, after the list of revocations that shim 15.8 carries (SbatLevel 2024010900).
const OLDEST_GENERATIONS: &[(&str, u32)] = &[("shim", 4), ("grub", 3)];

fn revoked(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    scene.knows("boot")?;
    let mut found = Vec::new();
    for loader in &scene.facts.boot.loaders {
        for entry in &loader.sbat {
            let Some((component, generation)) = entry.split_once(',') else { continue };
            let Ok(generation) = generation.trim().parse::<u32>() else { continue };
            let oldest = OLDEST_GENERATIONS.iter().find(|(name, _)| *name == component);
            if let Some((_, oldest)) = oldest.filter(|(_, oldest)| generation < *oldest) {
                let words =
                    format!("has {component} of generation {generation}; {oldest} is the oldest that starts");
                found.push(Evidence::at(&loader.path, words));
            }
        }
    }
    hits(found)
}

fn mixed(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let Some(architecture) = scene.facts.architecture else { return Ok(None) };
    let others = scene.facts.witnesses.iter().filter(|witness| witness.architecture != architecture);
    hits(others.map(|other| {
        let words =
            format!("is for {}, the system is for {}", other.architecture.name(), architecture.name());
        Evidence::at(&other.path, words)
    }))
}

fn modules(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    scene.knows("kernels")?;
    let Some(version) = &scene.facts.default_kernel else { return Ok(None) };
    let without =
        scene.facts.kernels.iter().filter(|kernel| &kernel.version == version && !kernel.has_modules);
    hits(without.map(|kernel| Evidence::at(&kernel.path, format!("/lib/modules/{version} is not there"))))
}

/// Drivers that must be there before the root, and some that may come with it.
fn drivers(scene: &Scene<'_>, early: &[&str], any: &[&str]) -> Result<Option<Vec<Hit>>, Error> {
    scene.knows("drivers")?;
    if scene.facts.drivers.is_empty() {
        return Ok(None);
    }
    let mut found = Vec::new();
    let of = |name| scene.facts.driver(name).unwrap_or(Availability::Missing);
    for name in early.iter().filter(|name| !of(name).is_early()) {
        let words =
            if of(name) == Availability::Module { "is not in the initramfs" } else { "is not installed" };
        found.push(Evidence::words(format!("{name} {words}")));
    }
    for name in any.iter().filter(|name| of(name) == Availability::Missing) {
        found.push(Evidence::words(format!("{name} is not installed")));
    }
    hits(found)
}

fn media(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let guest = scene.guest()?;
    let mut found = Vec::new();
    for folder in ["/etc/modprobe.d", "/usr/lib/modprobe.d"] {
        for path in guest.entries(folder, |name| name.ends_with(b".conf"))? {
            let text = guest.file(&path)?.unwrap_or_default();
            for line in settings(&text) {
                let words: Vec<&[u8]> =
                    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
                if let [b"blacklist" | b"install", module @ (b"udf" | b"isofs" | b"vfat"), ..] =
                    words.as_slice()
                {
                    found.push(Evidence::at(&path, format!("switches {} off", plain(module))));
                }
            }
        }
    }
    hits(found)
}

fn console(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    scene.knows("boot")?;
    let Some(entry) = &scene.facts.boot.entry else { return Ok(None) };
    let is_serial = |word: &String| {
        ["console=ttyS", "console=ttyAMA", "console=hvc"].iter().any(|start| word.starts_with(start))
    };
    let has = entry.arguments.iter().any(is_serial);
    hits((!has).then(|| Evidence::at(&entry.from, "has no console=ttyS0 among the kernel's arguments")))
}

fn root_delay(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let Some(entry) = &scene.facts.boot.entry else { return Ok(None) };
    // Only initramfs-tools waits for the whole of the time.
    let guest = scene.guest()?;
    if !guest.exists(joined(b"/etc/initramfs-tools", b"initramfs.conf"))? {
        return Ok(None);
    }
    let delays = entry.arguments.iter().filter(|word| word.starts_with("rootdelay="));
    hits(delays.map(|word| Evidence::at(&entry.from, word.clone())))
}

fn life(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let Some(life) = &scene.facts.lifecycle else { return Ok(None) };
    let words = |what: String| Evidence::words(what);
    Ok(Some(match life.state {
        LifeState::Supported => Vec::new(),
        LifeState::ExtendedOnly => vec![
            words(format!(
                "regular support ended on {}, long term support ends on {}",
                life.regular_end, life.extended_end
            ))
            .rated(Severity::Warning),
        ],
        LifeState::Ended => vec![words(format!("support ended on {}", life.extended_end)).into()],
    }))
}
