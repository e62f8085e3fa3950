//! What a Windows keeps of the machine it was made on.

use super::{Evidence, Hit, Look, Rule, Scene, Scope, Severity, hits};
use crate::facts::Availability;
use crate::facts::windows::{image_state, state_file};
use crate::tree::Error;

type Told = Result<Option<Vec<Hit>>, Error>;

const fn rule(
    id: &'static str,
    severity: Severity,
    title: &'static str,
    remedy: &'static str,
    look: fn(&Scene<'_>) -> Told,
) -> Rule {
    Rule { id, severity, scope: Scope::Windows, title, remedy, look: Look::With(look) }
}

pub(super) const RULES: &[Rule] = &[
    rule(
        "WIN-SYSPREP",
        Severity::Error,
        "Windows was not generalized.",
        "%WINDIR%\\System32\\Sysprep\\sysprep.exe /generalize /oobe /shutdown",
        sysprep,
    ),
    rule(
        "WIN-DRIVERS",
        Severity::Error,
        "Drivers for Hyper-V are not started with the system.",
        "Set Start of the services vmbus and storvsc to 0.",
        drivers,
    ),
    rule(
        "WIN-UNATTEND-PASSWORD",
        Severity::Error,
        "An answer file holds a password.",
        "Delete the file.",
        answer_files,
    ),
    rule(
        "GEN-SSH-HOSTKEYS-WINDOWS",
        Severity::Error,
        "Every machine made of the image has the same ssh host keys.",
        "del %ProgramData%\\ssh\\ssh_host_*",
        |scene| {
            if !scene.is_template() {
                return Ok(None);
            }
            matching(scene, "/ProgramData/ssh", |name| {
                name.starts_with(b"ssh_host_") && name.ends_with(b"_key")
            })
        },
    ),
    rule(
        "WIN-HIBERFIL",
        Severity::Warning,
        "A hibernated state or a dump of memory is in the image.",
        "powercfg /hibernate off; del %SystemRoot%\\MEMORY.DMP",
        |scene| there(scene, &["/hiberfil.sys", "/Windows/MEMORY.DMP", "/Windows/Minidump"]),
    ),
    rule(
        "WIN-PAGEFILE",
        Severity::Info,
        "The page file is in the image.",
        "Set the page file to D:\\pagefile.sys.",
        |scene| there(scene, &["/pagefile.sys", "/swapfile.sys"]),
    ),
    rule(
        "WIN-PENDING",
        Severity::Warning,
        "Updates wait for a restart.",
        "Restart the machine before generalizing it.",
        |scene| there(scene, &["/Windows/WinSxS/pending.xml"]),
    ),
    rule(
        "WIN-USERS",
        Severity::Warning,
        "Profiles of people are left.",
        "Delete the accounts and their profiles before generalizing.",
        profiles,
    ),
    rule(
        "WIN-HISTORY",
        Severity::Warning,
        "The history of PowerShell tells what was typed.",
        "del %AppData%\\Microsoft\\Windows\\PowerShell\\PSReadLine\\ConsoleHost_history.txt",
        histories,
    ),
];

fn sysprep(scene: &Scene<'_>) -> Told {
    if !scene.is_template() {
        return Ok(None);
    }
    let guest = scene.guest()?;
    let Some((state, path)) = image_state(guest)? else {
        return Err(Error::NotThere("neither the registry nor State.ini tells the state".to_owned()));
    };
    if state_file(guest)?.is_some_and(|other| other != state) {
        let words = format!("says {state}, and State.ini says otherwise");
        return Ok(Some(vec![Evidence::at(path, words).rated(Severity::Warning)]));
    }
    match state.as_str() {
        "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE" => hits([]),
        "IMAGE_STATE_GENERALIZE_RESEAL_TO_AUDIT" => {
            Ok(Some(vec![Evidence::at(path, "starts in audit mode").rated(Severity::Warning)]))
        }
        _ => hits([Evidence::at(path, format!("says {state}"))]),
    }
}

fn drivers(scene: &Scene<'_>) -> Told {
    scene.knows("drivers")?;
    if scene.facts.drivers.is_empty() {
        return Ok(None);
    }
    let is_early = |name: &str| scene.facts.driver(name).is_some_and(Availability::is_early);
    let missing = ["hv_vmbus", "hv_storvsc"].into_iter().filter(|name| !is_early(name));
    hits(missing.map(|name| Evidence::words(format!("{name} is not started by the loader"))))
}

fn there(scene: &Scene<'_>, paths: &[&str]) -> Told {
    let guest = scene.guest()?;
    let mut found = Vec::new();
    for path in paths {
        if let Some(spelled) = guest.spelled(path)? {
            found.push(Evidence::at(spelled, "is there"));
        }
    }
    hits(found)
}

fn matching(scene: &Scene<'_>, folder: &str, wanted: fn(&[u8]) -> bool) -> Told {
    let guest = scene.guest()?;
    let Some(folder) = guest.spelled(folder)? else { return Ok(Some(Vec::new())) };
    let names = guest.names(&folder)?;
    let wanted = names.iter().filter(|name| wanted(&name.to_ascii_lowercase()));
    hits(wanted.map(|name| Evidence::at(crate::guest::joined(&folder, name), "is there")))
}

fn answer_files(scene: &Scene<'_>) -> Told {
    const PLACES: &[&str] = &[
        "/Windows/Panther/unattend.xml",
        "/Windows/Panther/Unattend/unattend.xml",
        "/Windows/System32/Sysprep/unattend.xml",
        "/Windows/System32/Sysprep/Panther/unattend.xml",
        "/unattend.xml",
        "/Autounattend.xml",
    ];
    let guest = scene.guest()?;
    let mut found = Vec::new();
    for path in PLACES {
        let Some(spelled) = guest.spelled(path)? else { continue };
        let text: Vec<u8> =
            guest.file(&spelled)?.unwrap_or_default().into_iter().filter(|byte| *byte != 0).collect();
        for element in [&b"<Password>"[..], b"<AdministratorPassword>"] {
            for at in memchr::memmem::find_iter(&text, element) {
                let rest = text.get(at..text.len().min(at + 4096)).unwrap_or_default();
                let Some(start) = memchr::memmem::find(rest, b"<Value>").map(|start| start + 7) else {
                    continue;
                };
                let value = rest
                    .get(start..)
                    .unwrap_or_default()
                    .split(|byte| *byte == b'<')
                    .next()
                    .unwrap_or_default();
                // Set-up writes these words over a password it has used.
                if !value.is_empty() && !value.starts_with(b"*SENSITIVE") {
                    found.push(Evidence::secret(&spelled, at + start, value, "holds a password"));
                }
            }
        }
    }
    hits(found)
}

/// Profiles that every Windows has.
const COMMON: &[&[u8]] =
    &[b"default", b"default user", b"public", b"all users", b"defaultuser0", b"desktop.ini"];

fn profiles(scene: &Scene<'_>) -> Told {
    if !scene.is_template() {
        return Ok(None);
    }
    matching(scene, "/Users", |name| !COMMON.contains(&name))
}

fn histories(scene: &Scene<'_>) -> Told {
    let guest = scene.guest()?;
    let Some(users) = guest.spelled("/Users")? else { return Ok(Some(Vec::new())) };
    let mut found = Vec::new();
    for user in guest.names(&users)? {
        let home = String::from_utf8_lossy(&crate::guest::joined(&users, &user)).into_owned();
        let path = "AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine/ConsoleHost_history.txt";
        if let Some(spelled) = guest.spelled(&format!("{home}/{path}"))? {
            found.push(Evidence::at(spelled, "is a shell's history"));
        }
    }
    hits(found)
}
