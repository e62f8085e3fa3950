//! Rules against a good image with one thing planted in it.

use rstest::rstest;

use super::{Finding, Outcome, Scene, Severity, all, pattern};
use crate::contract::Contract;
use crate::facts::Facts;
use crate::facts::windows::hive::tests::{Key, key};
use crate::guest::Guest;
use crate::observation::{Observation, ObservationKind};
use crate::testing::{Files, debian};

fn scene<T>(files: &Files, contract: &str, look: impl FnOnce(&Scene<'_>) -> T) -> T {
    let guest = Guest::new(files);
    let mut facts = Facts::default();
    facts.add_linux(&guest, "2026-11-27");
    facts.root_count = 1;
    facts.layout.size_bytes = 64 << 20;
    facts.layout.table = "gpt".to_owned();
    facts.boot.generations = vec![crate::facts::Generation::V2];
    let contract: Contract = contract.parse().unwrap();
    look(&Scene::new(Some(guest), &facts, &[], &contract))
}

fn findings(files: &Files) -> Vec<Finding> {
    scene(files, "", |scene| all(scene).1)
}

/// Findings of one rule: severity and where.
fn of_rule(files: &Files, contract: &str, rule: &str) -> Vec<(Severity, Vec<String>)> {
    let found = scene(files, contract, |scene| all(scene).1);
    let of_rule = found.into_iter().filter(|finding| finding.rule == rule);
    let place = |finding: Finding| {
        let paths = finding.evidence.iter().map(|evidence| evidence.path.clone().unwrap_or_default());
        (finding.severity, paths.collect())
    };
    of_rule.map(place).collect()
}

#[test]
fn nothing_is_wrong_with_a_good_image() {
    let found = findings(&debian());
    let told: Vec<_> = found.iter().filter(|finding| finding.severity >= Severity::Warning).collect();
    assert_eq!(told, Vec::<&Finding>::new());
}

#[test]
fn every_rule_has_its_own_name_and_ends_in_one_way() {
    let mut names: Vec<_> = super::catalogue().map(|(name, _)| name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    let checks = scene(&debian(), "", |scene| all(scene).0);
    assert_eq!(checks.len(), count);
}

const MACHINE_ID: &str = "0123456789abcdef0123456789abcdef\n";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPlaceholderPlaceholder me\n";

#[rstest]
#[case::machine_id("GEN-MACHINE-ID", "/etc/machine-id", MACHINE_ID, Severity::Error)]
#[case::host_key("GEN-SSH-HOSTKEYS", "/etc/ssh/ssh_host_rsa_key", "x", Severity::Error)]
#[case::instance("GEN-CLOUDINIT-INSTANCE", "/var/lib/cloud/data/instance-id", "i-1", Severity::Error)]
#[case::seed("GEN-CLOUDINIT-SEED", "/var/lib/cloud/seed/nocloud/user-data", "x", Severity::Warning)]
#[case::netplan("GEN-CLOUDINIT-NET", "/etc/netplan/50-cloud-init.yaml", "network:", Severity::Warning)]
#[case::waagent("GEN-WAAGENT-STATE", "/var/lib/waagent/GoalState.1.xml", "x", Severity::Error)]
#[case::seed_of_chance("GEN-RANDOM-SEED", "/var/lib/systemd/random-seed", "x", Severity::Warning)]
#[case::lease("GEN-DHCP-LEASES", "/var/lib/dhcp/dhclient.eth0.leases", "lease {", Severity::Warning)]
#[case::udev(
    "GEN-PERSISTENT-NET",
    "/etc/udev/rules.d/70-persistent-net.rules",
    "SUBSYSTEM==\"net\", ATTR{address}==\"00:11\", NAME=\"eth0\"",
    Severity::Error
)]
#[case::hwaddr(
    "GEN-PERSISTENT-NET",
    "/etc/sysconfig/network-scripts/ifcfg-eth0",
    "HWADDR=00:11:22:33:44:55",
    Severity::Error
)]
#[case::address("NET-STATIC", "/etc/network/interfaces.d/eth0", "iface eth0 inet static", Severity::Error)]
#[case::host_name("GEN-HOSTNAME", "/etc/hostname", "build-7.corp.example\n", Severity::Warning)]
#[case::servers("GEN-RESOLV", "/etc/resolv.conf", "nameserver 10.0.0.1\n", Severity::Info)]
#[case::subscription("GEN-REGISTRATION", "/etc/pki/consumer/cert.pem", "x", Severity::Warning)]
#[case::keytab("GEN-DIRECTORY", "/etc/krb5.keytab", "\x05\x02", Severity::Error)]
#[case::history("HYG-HISTORY", "/root/.bash_history", "ls\n", Severity::Warning)]
#[case::log("HYG-LOGS", "/var/log/auth.log", "x", Severity::Warning)]
#[case::log_of_build("HYG-LOGS", "/var/log/dpkg.log", "x", Severity::Info)]
#[case::kickstart("HYG-INSTALLER", "/root/anaconda-ks.cfg", "x", Severity::Warning)]
#[case::dump("HYG-CRASH", "/var/lib/systemd/coredump/core.x", "x", Severity::Warning)]
#[case::keys("SEC-AUTHKEYS", "/root/.ssh/authorized_keys", KEY, Severity::Error)]
#[case::sudo("HRD-SUDO-NOPASSWD", "/etc/sudoers.d/me", "me ALL=(ALL) NOPASSWD: ALL", Severity::Error)]
#[case::sudo_of_agent(
    "HRD-SUDO-NOPASSWD",
    "/etc/sudoers.d/90-cloud-init-users",
    "me ALL=(ALL) NOPASSWD:ALL",
    Severity::Warning
)]
#[case::preloaded("HRD-PRELOAD", "/etc/ld.so.preload", "/lib/evil.so\n", Severity::Warning)]
#[case::unproven(
    "PKG-REPOS",
    "/etc/apt/sources.list.d/x.list",
    "deb [trusted=yes] http://r x main",
    Severity::Warning
)]
#[case::unchecked("PKG-REPOS", "/etc/yum.repos.d/x.repo", "[x]\ngpgcheck = 0\n", Severity::Warning)]
#[case::saved("HYG-BACKUP", "/root/.bashrc~", "x", Severity::Info)]
#[case::connection(
    "GEN-NM-SECRET",
    "/etc/NetworkManager/system-connections/a.nmconnection",
    "x",
    Severity::Warning
)]
#[case::swap_file("FST-SWAP", "/swapfile", "x", Severity::Error)]
#[case::media("KRN-FS", "/etc/modprobe.d/cis.conf", "install udf /bin/false", Severity::Warning)]
fn what_is_left_is_found_where_it_is(
    #[case] rule: &str,
    #[case] path: &str,
    #[case] text: &str,
    #[case] severity: Severity,
) {
    let files = debian().without(path).file(path, text);
    let found = of_rule(&files, "", rule);
    assert!(
        found.iter().any(|(how, paths)| *how == severity && paths.iter().any(|at| at == path)),
        "{found:?}"
    );
    assert_eq!(of_rule(&debian(), "", rule), []);
}

#[rstest]
#[case::empty_keys("SEC-AUTHKEYS", "/root/.ssh/authorized_keys", "# none\n")]
#[case::empty_history("HYG-HISTORY", "/root/.bash_history", "")]
#[case::empty_log("HYG-LOGS", "/var/log/wtmp", "")]
#[case::rule_of_udev("GEN-PERSISTENT-NET", "/etc/udev/rules.d/70-persistent-net.rules", "# nothing\n")]
#[case::loopback("NET-STATIC", "/etc/network/interfaces", "auto lo\niface lo inet loopback\n")]
#[case::sudo_with_password("HRD-SUDO-NOPASSWD", "/etc/sudoers.d/me", "me ALL=(ALL) ALL\n# NOPASSWD: ALL\n")]
#[case::sudo_for_one("HRD-SUDO-NOPASSWD", "/etc/sudoers.d/me", "me ALL=(root) NOPASSWD: /usr/bin/true\n")]
#[case::sudo_skips("HRD-SUDO-NOPASSWD", "/etc/sudoers.d/me.bak", "me ALL=(ALL) NOPASSWD: ALL\n")]
fn what_only_looks_like_it_is_let_through(#[case] rule: &str, #[case] path: &str, #[case] text: &str) {
    assert_eq!(of_rule(&debian().file(path, text), "", rule), []);
}

#[rstest]
#[case("root:$6$a$b:20000::::::\n", "ACC-PASSWORD", Severity::Error)]
#[case("root:!$6$a$b:20000::::::\n", "ACC-PASSWORD", Severity::Warning)]
#[case("root::20000::::::\n", "ACC-EMPTY-PASSWORD", Severity::Error)]
#[case("root:$1$a$b:20000::::::\n", "ACC-WEAK-HASH", Severity::Warning)]
fn passwords_are_judged(#[case] shadow: &str, #[case] rule: &str, #[case] severity: Severity) {
    let found = of_rule(&debian().file("/etc/shadow", shadow), "", rule);
    assert_eq!(found.iter().map(|(how, _)| *how).collect::<Vec<_>>(), [severity]);
}

#[test]
fn one_machine_may_keep_what_makes_it_one() {
    let files = debian()
        .file("/etc/machine-id", MACHINE_ID)
        .file("/etc/ssh/ssh_host_rsa_key", "x")
        .file("/root/.ssh/authorized_keys", KEY)
        .file("/etc/shadow", "root:$6$a$b:20000::::::\n");
    let found = scene(&files, "os-state=Specialized", |scene| all(scene).1);
    let bad: Vec<_> = found
        .iter()
        .filter(|finding| finding.severity >= Severity::Error)
        .map(|finding| &finding.rule)
        .collect();
    assert!(!bad.iter().any(|rule| rule.starts_with("GEN-") || *rule == "SEC-AUTHKEYS"), "{bad:?}");
    assert_eq!(of_rule(&files, "os-state=Specialized", "ACC-PASSWORD")[0].0, Severity::Warning);
}

#[test]
fn what_cannot_be_read_is_not_decided() {
    let checks = scene(&debian().broken("/etc/shadow").broken("/var/log"), "", |scene| all(scene).0);
    let outcome = |rule: &str| checks.iter().find(|check| check.rule == rule).unwrap().outcome;
    assert_eq!(outcome("ACC-PASSWORD"), Outcome::Unknown);
    assert_eq!(outcome("HYG-LOGS"), Outcome::Unknown);
    assert_eq!(outcome("GEN-MACHINE-ID"), Outcome::Pass);
    assert_eq!(outcome("WIN-SYSPREP"), Outcome::NotApplicable);
}

#[rstest]
#[case::missing(debian().without("/usr/bin/cloud-init").file("/var/lib/dpkg/status", ""), "AGT-MISSING")]
#[case::disabled(debian().file("/etc/cloud/cloud-init.disabled", ""), "AGT-ENABLED")]
#[case::never_started(debian().without("/etc/systemd/system/cloud-init.target.wants/cloud-init.service"), "AGT-ENABLED")]
#[case::deaf(debian().file("/etc/cloud/cloud.cfg.d/90.cfg", "datasource_list: [ None ]\n"), "AGT-DATASOURCE")]
#[case::silent(debian().file("/boot/grub/grub.cfg", "linux /boot/vmlinuz-6.1.0-48-cloud-amd64 ro quiet\n"), "KRN-CONSOLE")]
#[case::by_name(debian().file("/etc/fstab", "/dev/sda1 / ext4 defaults 0 1\n"), "FST-DEVNAMES")]
#[case::swaps(debian().file("/etc/fstab", "UUID=2 none swap sw 0 0\n"), "FST-SWAP")]
#[case::no_modules(debian().without("/usr/lib/modules/6.1.0-48-cloud-amd64").without("/usr/lib/modules/6.1.0-48-cloud-amd64/modules.builtin"), "KRN-VERSION")]
#[case::old(debian().file("/usr/lib/os-release", "ID=debian\nVERSION_ID=10\n"), "OS-EOL")]
#[case::second_root(debian().file("/etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n"), "ACC-UID0")]
#[case::person(debian().file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/bash\n"), "ACC-USERS")]
#[case::old_agent(debian().file("/var/lib/dpkg/status", "Package: cloud-init\nStatus: install ok installed\nArchitecture: all\nVersion: 20.4-1\n\n"), "AGT-VERSION")]
#[case::telnet(debian().file("/etc/systemd/system/multi-user.target.wants/telnet.socket", ""), "HRD-SERVICES")]
#[case::two_formatters(debian().file("/usr/sbin/waagent", "x").file("/etc/waagent.conf", "ResourceDisk.Format=y\n"), "AGT-RESOURCEDISK")]
#[case::open_sshd(debian().without("/etc/ssh/sshd_config.d/50-image.conf"), "SSH-ROOT")]
#[case::no_virtio(debian().file("/usr/lib/modules/6.1.0-48-cloud-amd64/modules.builtin", "kernel/drivers/hv/hv_vmbus.ko\n"), "KRN-VIRTIO")]
fn what_hurts_is_found(#[case] files: Files, #[case] rule: &str) {
    assert_ne!(of_rule(&files, "", rule), []);
}

#[test]
fn what_was_odd_about_the_disk_becomes_a_finding() {
    let facts = Facts::default();
    let seen = [
        Observation::new(
            ObservationKind::PartitionsOverlap,
            "partition 2",
            "it shares bytes with partition 1",
        ),
        Observation::new(ObservationKind::Encrypted, "partition 1", "its contents are encrypted"),
    ];
    let contract = Contract::default();
    let (_, found) = all(&Scene::new(None, &facts, &seen, &contract));
    let overlap = found.iter().find(|finding| finding.rule == "DSK-OVERLAP").unwrap();
    assert_eq!(overlap.evidence[0].volume.as_deref(), Some("partition 2"));
    assert!(found.iter().any(|finding| finding.rule == "DSK-ENCRYPTED"));
}

#[rstest]
#[case("*", "", true)]
#[case("a*c", "abc", true)]
#[case("a*c", "ac", true)]
#[case("a*c", "abd", false)]
#[case("*.log*", "x.log.1", true)]
#[case("a*b*c", "a1b2c", true)]
#[case("aba*aba", "aba", false)]
#[case("exact", "exact", true)]
#[case("exact", "exactly", false)]
fn a_star_stands_for_any_run(#[case] pattern: &str, #[case] name: &str, #[case] fits: bool) {
    assert_eq!(pattern::fits(pattern.as_bytes(), name.as_bytes()), fits);
}

/// A Windows in the state `state`, as far as its files tell.
fn windows(state: &str) -> Files {
    windows_with(state, &[], |system| system)
}

/// The same, with other starts of services, and whatever `more` adds to the hive SYSTEM's current set.
fn windows_with(state: &str, starts: &[(&'static str, u32)], more: fn(Key) -> Key) -> Files {
    use crate::facts::windows::hive::tests::hive;
    let set_up = key("Setup", vec![key("State", vec![]).text("ImageState", state)]);
    let version = key("CurrentVersion", vec![])
        .text("ProductName", "Windows Server 2022 Datacenter")
        .text("CurrentBuild", "20348")
        .number("UBR", 2113);
    let microsoft =
        vec![key("Windows", vec![key("CurrentVersion", vec![set_up])]), key("Windows NT", vec![version])];
    let software = key("ROOT", vec![key("Microsoft", microsoft)]);
    let usual = [("vmbus", 0), ("storvsc", 0), ("cloudbase-init", 0)];
    let service = |(name, start): &(&'static str, u32)| key(name, vec![]).number("Start", *start);
    let services = usual.iter().chain(starts).map(service).collect();
    let set = more(key("ControlSet001", vec![key("Services", services)]));
    let system = key("ROOT", vec![key("Select", vec![]).number("Current", 1), set]);
    let mut kernel = b"MZ".to_vec();
    kernel.resize(256, 0);
    kernel[0x3C] = 0x80;
    kernel[0x80..0x86].copy_from_slice(b"PE\0\0\x64\x86");
    Files::new()
        .file("/Windows/System32/config/SOFTWARE", hive(&software))
        .file("/Windows/System32/config/SYSTEM", hive(&system))
        .file("/Windows/System32/ntoskrnl.exe", kernel)
}

fn of_windows(files: &Files) -> (Facts, Vec<Finding>) {
    let guest = Guest::new(files);
    let mut facts = Facts::default();
    facts.add_windows(&guest, "2026-11-27");
    facts.settle_architecture();
    let contract = Contract::default();
    let (_, found) = all(&Scene::new(Some(guest), &facts, &[], &contract));
    (facts, found)
}

#[test]
fn a_generalized_windows_is_told_by_its_hives() {
    let (facts, found) = of_windows(&windows("IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE"));
    assert_eq!(facts.unknown, []);
    assert_eq!(facts.os_state, Some(crate::facts::OsState::Generalized));
    assert_eq!(facts.architecture, Some(crate::facts::Architecture::X64));
    let distribution = facts.distribution.unwrap();
    assert_eq!(distribution.name, "Windows Server 2022 Datacenter");
    assert_eq!(distribution.version, "20348.2113");
    assert!(facts.agents[0].provisions && facts.agents[0].enabled);
    assert!(facts.lifecycle.is_some());
    assert!(!found.iter().any(|finding| finding.rule.starts_with("WIN-")), "{found:?}");
}

#[rstest]
#[case::never_generalized("WIN-SYSPREP", windows("IMAGE_STATE_COMPLETE"))]
#[case::contradiction(
    "WIN-SYSPREP",
    windows("IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE")
        .file("/Windows/Setup/State/State.ini", "[State]\r\nImageState=IMAGE_STATE_COMPLETE\r\n")
)]
#[case::password(
    "WIN-UNATTEND-PASSWORD",
    windows("x").file("/Windows/panther/Unattend.xml", "<Password><Value>UABhAHMAcwA=</Value></Password>")
)]
#[case::asleep("WIN-HIBERFIL", windows("x").file("/hiberfil.sys", "x"))]
#[case::person("WIN-USERS", windows("x").folder("/Users/ann").folder("/Users/Public"))]
#[case::typed(
    "WIN-HISTORY",
    windows("x").file(
        "/Users/ann/AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine/ConsoleHost_history.txt",
        "x"
    )
)]
#[case::no_dvd("WIN-DVD", windows_with("x", &[("cdrom", 4)], |set| set))]
#[case::no_names("WIN-SERVICES", windows_with("x", &[("Dnscache", 4)], |set| set))]
#[case::unreachable("WIN-RDP", windows_with("x", &[], |set| {
    set.below(key("Control", vec![key("Terminal Server", vec![]).number("fDenyTSConnections", 1)]))
}))]
#[case::local_time("WIN-UTC", windows_with("x", &[], |set| {
    set.below(key("Control", vec![key("TimeZoneInformation", vec![]).number("Bias", 0)]))
}))]
#[case::key_of_a_person("SEC-PRIVATE-KEY", windows("x").file(
    "/Users/ann/.ssh/id_rsa",
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", "QUJDREVGR0hJSktMTU5PUA".repeat(10)),
))]
fn what_a_windows_keeps_is_found(#[case] rule: &str, #[case] files: Files) {
    let found = of_windows(&files).1;
    assert!(found.iter().any(|finding| finding.rule == rule), "{found:?}");
}

#[test]
fn every_rule_is_in_the_manual() {
    let manual = include_str!("../../../../docs/inspection.md");
    let is_missing = |rule: &&str| !manual.contains(&format!("| {rule} |"));
    let missing: Vec<&str> = super::catalogue().map(|(rule, _)| rule).filter(is_missing).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
