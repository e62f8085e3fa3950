//! What the registry of a Windows sets: how it is reached, who logs in, what starts.
//!
//! After Microsoft's "Prepare a Windows VHD or VHDX to upload to Azure". A value that is not there has the default of
//! Windows; a hive that is not there tells nothing, and no rule speaks.

use super::{Evidence, Hit, Look, Rule, Scene, Scope, Severity, hits};
use crate::facts::windows::hive::{Hive, Value};
use crate::guest::Guest;
use crate::tree::Error;

type Told = Result<Option<Vec<Hit>>, Error>;

const SOFTWARE: &str = "/Windows/System32/config/SOFTWARE";
const SYSTEM: &str = "/Windows/System32/config/SYSTEM";
/// Start values of a service that the system starts by itself: by the loader, with the kernel, with the session.
const STARTED: std::ops::RangeInclusive<u32> = 0..=2;
/// The start value of a service that is switched off.
const OFF: u32 = 4;

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
        "WIN-AUTOLOGON",
        Severity::Error,
        "Windows logs an account in by itself; its password is in the registry.",
        "Delete AutoAdminLogon and DefaultPassword below Winlogon.",
        automatic_logon,
    ),
    rule(
        "WIN-DOMAIN",
        Severity::Error,
        "The image is a member of a domain.",
        "Leave the domain before generalizing: Remove-Computer -Restart",
        domain,
    ),
    rule(
        "WIN-DVD",
        Severity::Error,
        "The driver for DVDs is off; set-up of a new machine waits for its orders for ever.",
        "sc config cdrom start= auto",
        dvd,
    ),
    rule(
        "WIN-FIREWALL",
        Severity::Warning,
        "The firewall is switched off.",
        "netsh advfirewall set allprofiles state on",
        firewall,
    ),
    rule(
        "WIN-RDP",
        Severity::Warning,
        "Remote Desktop does not let anybody in as Azure expects.",
        "Set fDenyTSConnections to 0, PortNumber to 3389, UserAuthentication to 1; delete SSLCertificateSHA1Hash.",
        remote_desktop,
    ),
    rule(
        "WIN-RESTART",
        Severity::Warning,
        "Updates or renamed files wait for a restart.",
        "Restart the machine before generalizing it.",
        restart,
    ),
    rule(
        "WIN-SERVICES",
        Severity::Warning,
        "Services that a machine in the cloud needs are off.",
        "Set-Service -Name NAME -StartupType Automatic",
        services,
    ),
    rule(
        "WIN-STATIC",
        Severity::Error,
        "A network interface has a fixed address; new machines get theirs by DHCP.",
        "Set-NetIPInterface -Dhcp Enabled",
        static_address,
    ),
    rule(
        "WIN-UTC",
        Severity::Info,
        "The clock of the hardware is taken for local time.",
        "Set RealTimeIsUniversal to 1 below TimeZoneInformation.",
        clock,
    ),
    rule(
        "WIN-WINHTTP",
        Severity::Info,
        "A proxy of another network is set.",
        "netsh winhttp reset proxy",
        proxy,
    ),
];

/// The hive SYSTEM, and its current set of settings.
struct System<'g> {
    hive: Hive<'g>,
    set: String,
}

impl<'g> System<'g> {
    fn open(guest: &Guest<'g>) -> Result<Option<Self>, Error> {
        let Some(hive) = Hive::open(guest, SYSTEM)? else { return Ok(None) };
        let current = hive.number(&["Select"], "Current")?.unwrap_or(1);
        Ok(Some(Self { hive, set: format!("ControlSet{current:03}") }))
    }

    fn path<'p>(&'p self, below: &[&'p str]) -> Vec<&'p str> {
        std::iter::once(self.set.as_str()).chain(below.iter().copied()).collect()
    }

    fn number(&self, below: &[&str], name: &str) -> Result<Option<u32>, Error> {
        self.hive.number(&self.path(below), name)
    }

    fn text(&self, below: &[&str], name: &str) -> Result<Option<String>, Error> {
        self.hive.text(&self.path(below), name)
    }

    fn start(&self, service: &str) -> Result<Option<u32>, Error> {
        self.number(&["Services", service], "Start")
    }
}

/// Asks the hive SYSTEM; without one the rule is about nothing.
fn asked(scene: &Scene<'_>, ask: impl FnOnce(&System<'_>) -> Result<Vec<Hit>, Error>) -> Told {
    System::open(scene.guest()?)?.map(|system| ask(&system)).transpose()
}

fn says(words: impl Into<String>) -> Hit {
    Evidence::at(SYSTEM, words).into()
}

fn automatic_logon(scene: &Scene<'_>) -> Told {
    let Some(hive) = Hive::open(scene.guest()?, SOFTWARE)? else { return Ok(None) };
    let path = ["Microsoft", "Windows NT", "CurrentVersion", "Winlogon"];
    let mut found = Vec::new();
    if let Some(password) = hive.text(&path, "DefaultPassword")?.filter(|text| !text.is_empty()) {
        found.push(Evidence::secret(SOFTWARE, 0, password.as_bytes(), "holds DefaultPassword"));
    }
    if hive.text(&path, "AutoAdminLogon")?.is_some_and(|text| text == "1") {
        found.push(Evidence::at(SOFTWARE, "AutoAdminLogon is 1"));
    }
    hits(found)
}

fn domain(scene: &Scene<'_>) -> Told {
    if !scene.is_template() {
        return Ok(None);
    }
    asked(scene, |system| {
        let name = system.text(&["Services", "Tcpip", "Parameters"], "Domain")?;
        Ok(name
            .filter(|name| !name.is_empty())
            .map(|name| says(format!("Domain is {name}")))
            .into_iter()
            .collect())
    })
}

fn dvd(scene: &Scene<'_>) -> Told {
    if !scene.is_template() {
        return Ok(None);
    }
    asked(scene, |system| {
        let is_off = system.start("cdrom")? == Some(OFF);
        Ok(is_off.then(|| says("the service cdrom is off")).into_iter().collect())
    })
}

fn firewall(scene: &Scene<'_>) -> Told {
    asked(scene, |system| {
        let mut found = Vec::new();
        for profile in ["DomainProfile", "PublicProfile", "StandardProfile"] {
            let path = ["Services", "SharedAccess", "Parameters", "FirewallPolicy", profile];
            if system.number(&path, "EnableFirewall")? == Some(0) {
                found.push(says(format!("EnableFirewall is 0 in {profile}")));
            }
        }
        Ok(found)
    })
}

fn remote_desktop(scene: &Scene<'_>) -> Told {
    asked(scene, |system| {
        let terminal = ["Control", "Terminal Server"];
        let station = ["Control", "Terminal Server", "WinStations", "RDP-Tcp"];
        let mut found = Vec::new();
        if system.number(&terminal, "fDenyTSConnections")? == Some(1) {
            found.push(says("fDenyTSConnections is 1"));
        }
        if let Some(port) = system.number(&station, "PortNumber")?.filter(|port| *port != 3389) {
            found.push(says(format!("PortNumber is {port}")));
        }
        if system.number(&station, "UserAuthentication")? == Some(0) {
            found.push(says("UserAuthentication is 0"));
        }
        let path = system.path(&station);
        if system.hive.value(&path, "SSLCertificateSHA1Hash")?.is_some() {
            found.push(says("SSLCertificateSHA1Hash names a certificate of another machine"));
        }
        Ok(found)
    })
}

fn restart(scene: &Scene<'_>) -> Told {
    asked(scene, |system| {
        let path = system.path(&["Control", "Session Manager"]);
        let waits = system.hive.value(&path, "PendingFileRenameOperations")?.is_some();
        Ok(waits.then(|| says("PendingFileRenameOperations is set")).into_iter().collect())
    })
}

fn services(scene: &Scene<'_>) -> Told {
    const NEEDED: &[&str] = &["BFE", "Dhcp", "Dnscache", "mpssvc", "nsi", "iphlpsvc", "RemoteRegistry"];
    const NOT_OFF: &[&str] = &["Netman", "TermService", "w32time"];
    asked(scene, |system| {
        let mut found = Vec::new();
        for (names, needs_start) in [(NEEDED, true), (NOT_OFF, false)] {
            for name in names {
                let Some(start) = system.start(name)? else { continue };
                if start == OFF || (needs_start && !STARTED.contains(&start)) {
                    let severity = if start == OFF { Severity::Warning } else { Severity::Info };
                    let evidence = Evidence::at(SYSTEM, format!("Start of the service {name} is {start}"));
                    found.push(evidence.rated(severity));
                }
            }
        }
        Ok(found)
    })
}

fn static_address(scene: &Scene<'_>) -> Told {
    if !scene.is_template() {
        return Ok(None);
    }
    asked(scene, |system| {
        let below = ["Services", "Tcpip", "Parameters", "Interfaces"];
        let mut found = Vec::new();
        for interface in system.hive.names(&system.path(&below))? {
            let path = [&below[..], &[interface.as_str()]].concat();
            if system.number(&path, "EnableDHCP")? == Some(0) && system.text(&path, "IPAddress")?.is_some() {
                found.push(says(format!("EnableDHCP is 0 for {interface}")));
            }
        }
        Ok(found)
    })
}

fn clock(scene: &Scene<'_>) -> Told {
    asked(scene, |system| {
        let path = ["Control", "TimeZoneInformation"];
        let is_set_up = system.number(&path, "Bias")?.is_some();
        let is_local = is_set_up && system.number(&path, "RealTimeIsUniversal")? != Some(1);
        Ok(is_local.then(|| says("RealTimeIsUniversal is not 1")).into_iter().collect())
    })
}

/// Where a proxy's name and port begin in the settings of WinHTTP, and the flag that says that one is used.
const PROXY_AT: usize = 12;
const USES_PROXY: u8 = 2;

fn proxy(scene: &Scene<'_>) -> Told {
    let Some(hive) = Hive::open(scene.guest()?, SOFTWARE)? else { return Ok(None) };
    let path = ["Microsoft", "Windows", "CurrentVersion", "Internet Settings", "Connections"];
    let settings = hive.value(&path, "WinHttpSettings")?;
    let bytes = settings.as_ref().map(Value::bytes).unwrap_or_default();
    let is_set = bytes.len() > PROXY_AT && bytes.get(8).is_some_and(|flags| flags & USES_PROXY != 0);
    hits(is_set.then(|| Evidence::at(SOFTWARE, "WinHttpSettings names a proxy")))
}
