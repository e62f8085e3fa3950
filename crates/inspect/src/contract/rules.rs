//! The rules of the contract: each compares one member with the facts.

use crate::facts::{Architecture, Availability, Generation, OsState};
use crate::findings::{Evidence, Hit, Look, Rule, Scene, Scope, Severity};
use crate::tree::Error;

/// The type of an EFI system partition (UEFI 2.10, 5.3.3).
const EFI_SYSTEM: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";

type Told = Result<Option<Vec<Hit>>, Error>;

const fn rule(
    id: &'static str,
    title: &'static str,
    remedy: &'static str,
    look: fn(&Scene<'_>) -> Told,
) -> Rule {
    Rule { id, severity: Severity::Blocker, scope: Scope::Any, title, remedy, look: Look::With(look) }
}

pub(crate) const RULES: &[Rule] = &[
    rule(
        "OS-TYPE",
        "The image does not hold the declared operating system.",
        "Publish it under a definition with the right osType.",
        os_type,
    ),
    rule(
        "OS-STATE",
        "The image is not in the declared state.",
        "waagent -force -deprovision+user, or cloud-init clean and rm /etc/ssh/ssh_host_*; or declare osState Specialized.",
        os_state,
    ),
    rule(
        "BOOT-GEN",
        "A machine of the declared generation does not start from the image.",
        "Install a loader for that generation (grub-install), or publish under a definition with the other hyperVGeneration.",
        generation,
    ),
    rule(
        "ARCH-MATCH",
        "The image is not for the declared architecture.",
        "Publish it under a definition with the right architecture.",
        architecture,
    ),
    rule(
        "BOOT-SECUREBOOT",
        "A machine with Secure Boot does not start from the image.",
        "apt-get install --reinstall shim-signed grub-efi-amd64-signed, and a kernel that is signed",
        secure_boot,
    ),
    Rule {
        severity: Severity::Error,
        ..rule(
            "KRN-NVME",
            "The image is not ready for disks on NVMe.",
            "Add nvme to the initramfs (initramfs-tools: /etc/initramfs-tools/modules; dracut: add_drivers), and name disks by UUID.",
            nvme,
        )
    },
];

fn blocked(words: String) -> Told {
    Ok(Some(vec![Evidence::words(words).into()]))
}

fn os_type(scene: &Scene<'_>) -> Told {
    let Some(declared) = scene.contract.os_type else { return Ok(None) };
    match scene.facts.os_type {
        Some(found) if found == declared => Ok(Some(Vec::new())),
        Some(found) => blocked(format!("{} is declared, {} was found", declared.name(), found.name())),
        None => {
            scene.knows("osType")?;
            blocked(format!("{} is declared, and no operating system was found", declared.name()))
        }
    }
}

fn os_state(scene: &Scene<'_>) -> Told {
    let Some(declared) = scene.contract.os_state else { return Ok(None) };
    let Some(found) = scene.facts.os_state else {
        scene.knows("osType")?;
        scene.knows("osState")?;
        return Ok(None);
    };
    if found == declared {
        return Ok(Some(Vec::new()));
    }
    let words = format!("{} is declared, {} was found", declared.name(), found.name());
    let mut hits: Vec<Hit> = vec![Evidence::words(words).into()];
    let of_one = scene.facts.identity.iter().filter(|_| declared == OsState::Generalized);
    hits.extend(of_one.map(|signal| Evidence::at(&signal.path, "belongs to one machine").into()));
    // Half an identity, or none where one is declared, starts all the same.
    if found != OsState::Specialized {
        for hit in &mut hits {
            hit.severity = Some(Severity::Error);
        }
    }
    Ok(Some(hits))
}

fn generation(scene: &Scene<'_>) -> Told {
    let Some(declared) = scene.contract.generation else { return Ok(None) };
    scene.knows("boot")?;
    let boot = &scene.facts.boot;
    if boot.generations.contains(&declared) {
        let Some(architecture) = scene.contract.architecture.filter(|_| declared == Generation::V2) else {
            return Ok(Some(Vec::new()));
        };
        let starts = boot.loaders.iter().any(|loader| {
            loader.architecture == Some(architecture)
                && (loader.is_removable() || loader.path.to_ascii_lowercase().ends_with("bootmgfw.efi"))
        });
        if starts {
            return Ok(Some(Vec::new()));
        }
        return blocked(format!("the EFI system partition has no loader for {}", architecture.name()));
    }
    let layout = &scene.facts.layout;
    let has_system_partition = layout.partitions.iter().any(|partition| partition.kind == EFI_SYSTEM);
    blocked(match declared {
        Generation::V2 if layout.table != "gpt" => "V2 is declared, and the disk has no GPT".to_owned(),
        Generation::V2 if !has_system_partition => {
            "V2 is declared, and the disk has no EFI system partition".to_owned()
        }
        Generation::V2 if boot.loaders.is_empty() => {
            "V2 is declared, and the EFI system partition holds no loader".to_owned()
        }
        Generation::V2 => {
            "V2 is declared, and no loader stands where a new machine looks: /EFI/BOOT/BOOTX64.EFI or BOOTAA64.EFI".to_owned()
        }
        Generation::V1 => "V1 is declared, and a BIOS finds no complete boot code on the disk".to_owned(),
    })
}

fn architecture(scene: &Scene<'_>) -> Told {
    let Some(declared) = scene.contract.architecture else { return Ok(None) };
    match scene.facts.architecture {
        Some(found) if found == declared => Ok(Some(Vec::new())),
        Some(found) => {
            let words = format!("{} is declared, {} was found", declared.name(), found.name());
            let mut hits: Vec<Hit> = vec![Evidence::words(words).into()];
            let others = scene.facts.witnesses.iter().filter(|witness| witness.architecture != declared);
            hits.extend(others.map(|witness| {
                Evidence::at(&witness.path, format!("is for {}", witness.architecture.name())).into()
            }));
            Ok(Some(hits))
        }
        None => {
            scene.knows("osType")?;
            scene.knows("architecture")?;
            Err(Error::NotThere("no program was found that tells it".to_owned()))
        }
    }
}

/// The chain that the firmware checks: loader, what the loader starts, kernel.
fn secure_boot(scene: &Scene<'_>) -> Told {
    if !scene.contract.needs_secure_boot() {
        return Ok(None);
    }
    scene.knows("boot")?;
    let boot = &scene.facts.boot;
    if !boot.generations.contains(&Generation::V2) {
        return blocked(
            "only machines of generation V2 have Secure Boot, and none of those starts from it".to_owned(),
        );
    }
    let wanted = scene.contract.architecture.or(scene.facts.architecture).unwrap_or(Architecture::X64);
    let mut hits: Vec<Hit> = Vec::new();
    for loader in boot.loaders.iter().filter(|loader| loader.architecture == Some(wanted)) {
        let lower = loader.path.to_ascii_lowercase();
        let file = lower.rsplit('/').next().unwrap_or_default();
        let says = |what: &str| Evidence::at(&loader.path, what).into();
        // Firmware starts the first; shim starts the second from the same folder or its vendor's.
        let is_first = loader.is_removable() || file == "bootmgfw.efi";
        if is_first && loader.authorities.is_empty() {
            hits.push(says("is not signed by an authority that firmware knows"));
        } else if (is_first || file.starts_with("grub")) && !loader.signed {
            hits.push(says("is not signed"));
        } else if is_first && !loader.intact {
            hits.push(says("was changed after it was signed"));
        }
    }
    let kernel = scene
        .facts
        .kernels
        .iter()
        .find(|kernel| Some(&kernel.version) == scene.facts.default_kernel.as_ref());
    if let Some(kernel) = kernel
        && !kernel.signed
    {
        hits.push(Evidence::at(&kernel.path, "is not signed").into());
    }
    Ok(Some(hits))
}

fn nvme(scene: &Scene<'_>) -> Told {
    if !scene.contract.needs_nvme() {
        return Ok(None);
    }
    scene.knows("drivers")?;
    let Some(availability) = scene.facts.driver("nvme") else {
        return Err(Error::NotThere("no kernel with a list of its drivers was found".to_owned()));
    };
    let mut hits: Vec<Hit> = Vec::new();
    match availability {
        Availability::BuiltIn | Availability::Initramfs => {}
        Availability::Module => hits.push(Evidence::words("the driver nvme is not in the initramfs").into()),
        Availability::Missing => hits.push(Evidence::words("the kernel has no driver nvme").into()),
    }
    let unstable = scene.facts.fstab.iter().filter(|line| line.is_unstable());
    hits.extend(unstable.map(|line| Evidence::at("/etc/fstab", format!("mounts {}", line.source)).into()));
    Ok(Some(hits))
}
