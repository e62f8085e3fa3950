//! Facts of a made Debian, and of one that is damaged or odd in one place.

use rstest::rstest;

use super::accounts::{Password, Scheme, password, public_keys};
use super::{Architecture, Availability, Facts, LifeState, OsState, OsType};
use crate::guest::Guest;
use crate::testing::{Files, debian, elf};

const TODAY: &str = "2026-11-27";

fn facts(files: &Files) -> Facts {
    let mut facts = Facts::default();
    facts.add_linux(&Guest::new(files), TODAY);
    facts.settle_architecture();
    facts
}

#[test]
fn a_good_debian_is_told_whole() {
    let facts = facts(&debian());
    assert_eq!(facts.unknown, []);
    assert_eq!(facts.os_type, Some(OsType::Linux));
    let distribution = facts.distribution.unwrap();
    assert_eq!((distribution.id.as_str(), distribution.version.as_str()), ("debian", "13"));
    assert_eq!(distribution.name, "Debian GNU/Linux 13 (trixie)");
    assert_eq!(facts.lifecycle.unwrap().state, LifeState::Supported);
    assert_eq!(facts.os_state, Some(OsState::Generalized));
    assert_eq!(facts.architecture, Some(Architecture::X64));
    let entry = facts.boot.entry.unwrap();
    assert_eq!(entry.arguments, ["root=UUID=1-2", "ro", "console=tty0", "console=ttyS0,115200"]);
    assert_eq!(entry.initrd, "/boot/initrd.img-6.1.0-48-cloud-amd64");
    assert_eq!(facts.default_kernel.as_deref(), Some("6.1.0-48-cloud-amd64"));
    assert!(facts.kernels[0].has_modules);
    assert_eq!(facts.sshd["passwordauthentication"], "no");
    assert_eq!(facts.sshd["clientaliveinterval"], "180");
    assert_eq!(facts.services, ["cloud-init.service", "ssh.service"]);
    assert_eq!((facts.agents[0].name.as_str(), facts.agents[0].enabled), ("cloud-init", true));
    assert_eq!(facts.users.len(), 2);
    assert_eq!(facts.users[0].password, Password::Locked);
    assert_eq!(facts.fstab[0].source, "UUID=1-2");
    assert_eq!(facts.packages[0].name, "cloud-init");
}

#[test]
fn drivers_are_told_with_where_they_come_from() {
    let modules = "/usr/lib/modules/6.1.0-48-cloud-amd64";
    let listed = "kernel/drivers/net/virtio_net.ko.xz: kernel/net/core/failover.ko.xz\n";
    let built_in = "kernel/drivers/nvme/host/nvme.ko\n";
    let facts = facts(
        &debian()
            .file(&format!("{modules}/modules.dep"), listed)
            .file(&format!("{modules}/modules.builtin"), built_in),
    );
    assert_eq!(facts.driver("nvme"), Some(Availability::BuiltIn));
    assert_eq!(facts.driver("virtio_net"), Some(Availability::Module));
    assert_eq!(facts.driver("virtio_blk"), Some(Availability::Missing));
}

#[test]
fn what_cannot_be_read_is_unknown_and_not_absent() {
    let broken = facts(&debian().broken("/etc/shadow").broken("/var/lib/dpkg/status"));
    assert!(broken.is_unknown("users") && broken.is_unknown("packages"), "{:?}", broken.unknown);
    assert!(!broken.is_unknown("osState"));
    let unlisted = facts(&debian().broken("/etc/machine-id"));
    assert_eq!((unlisted.os_state, unlisted.is_unknown("osState")), (None, true));
}

#[rstest]
#[case::nothing_left(debian(), OsState::Generalized)]
#[case::never_started(debian().file("/etc/machine-id", ""), OsState::Generalized)]
#[case::without_the_file(debian().without("/etc/machine-id"), OsState::Generalized)]
#[case::all_zero(debian().file("/etc/machine-id", "00000000000000000000000000000000\n"), OsState::Generalized)]
#[case::only_keys(debian().file("/etc/ssh/ssh_host_ed25519_key", "k"), OsState::Mixed)]
#[case::empty_key(debian().file("/etc/ssh/ssh_host_ed25519_key", ""), OsState::Generalized)]
#[case::only_the_number(debian().file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n"), OsState::Mixed)]
#[case::one_machine(
    debian().file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n").file("/etc/ssh/ssh_host_rsa_key", "k"),
    OsState::Specialized
)]
#[case::kept_by_dbus(
    debian().file("/var/lib/dbus/machine-id", "0123456789abcdef0123456789abcdef\n").folder("/var/lib/cloud/instances/i-1"),
    OsState::Specialized
)]
fn the_state_follows_from_what_is_there(#[case] files: Files, #[case] state: OsState) {
    assert_eq!(facts(&files).os_state, Some(state));
}

#[rstest]
#[case::mixed_quotes("ID='rocky'\nVERSION_ID=9.4\n", "rocky", "9.4")]
#[case::shell_is_text("ID=\"$(reboot)\"\nVERSION_ID=`id`\n", "$(reboot)", "`id`")]
#[case::controls("ID=a\x1b[31mb\n", "a\u{FFFD}[31mb", "")]
#[case::nothing("", "linux", "")]
fn os_release_is_data(#[case] text: &str, #[case] id: &str, #[case] version: &str) {
    let found = facts(&debian().file("/usr/lib/os-release", text)).distribution.unwrap();
    assert_eq!((found.id.as_str(), found.version.as_str()), (id, version));
}

#[test]
fn links_lead_nowhere_outside_and_end() {
    let outside = debian().link("/etc/os-release", "../../../../../etc/passwd");
    assert_eq!(facts(&outside).distribution.unwrap().id, "linux");
    let circle = debian().link("/etc/os-release", "os-release");
    assert!(facts(&circle).is_unknown("distribution"));
}

#[rstest]
#[case("ID=debian\nVERSION_ID=12", Some(LifeState::ExtendedOnly))]
#[case("ID=debian\nVERSION_ID=10", Some(LifeState::Ended))]
#[case("ID=rhel\nVERSION_ID=9.4", Some(LifeState::Supported))]
#[case("ID=ubuntu\nVERSION_ID=22.041", None)]
#[case("ID=fedora\nVERSION_ID=99\nSUPPORT_END=2026-11-26", Some(LifeState::Ended))]
#[case("ID=fedora\nVERSION_ID=99\nSUPPORT_END=tomorrow!!", None)]
fn the_life_of_a_distribution_is_known(#[case] text: &str, #[case] state: Option<LifeState>) {
    let found = facts(&debian().file("/usr/lib/os-release", text));
    assert_eq!(found.lifecycle.map(|life| life.state), state);
}

#[rstest]
#[case(elf(62), Some(Architecture::X64))]
#[case(elf(183), Some(Architecture::Arm64))]
#[case(elf(3), Some(Architecture::X86))]
#[case(b"#!/bin/sh".to_vec(), None)]
fn programs_tell_their_processor(#[case] program: Vec<u8>, #[case] architecture: Option<Architecture>) {
    assert_eq!(super::architecture::of_program(&program), architecture);
}

#[rstest]
#[case("", Password::Empty)]
#[case("!", Password::Locked)]
#[case("*", Password::Locked)]
#[case("!!", Password::Locked)]
#[case("!*", Password::Locked)]
#[case("*LK*", Password::Locked)]
#[case("!$6$salt$hash", Password::LockedHash(Scheme::Sha2))]
#[case("$y$j9T$salt$hash", Password::Hash(Scheme::Yescrypt))]
#[case("$1$salt$hash", Password::Hash(Scheme::Weak))]
#[case("abJnggxhB/yWI", Password::Hash(Scheme::Weak))]
fn a_password_field_is_understood(#[case] field: &str, #[case] expected: Password) {
    assert_eq!(password(field.as_bytes()), expected);
}

#[rstest]
#[case("", 0)]
#[case("# ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPlaceholderPlaceholder commented\n\n", 0)]
#[case("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPlaceholderPlaceholder me@host\n", 1)]
#[case("restrict,command=\"a b\" ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQPlaceholder\n", 1)]
#[case("see ssh-rsa keys\n", 0)]
fn public_keys_are_counted(#[case] text: &str, #[case] count: usize) {
    assert_eq!(public_keys(text.as_bytes()), count);
}

#[test]
fn passwords_of_shares_are_left_out() {
    let fstab = "//host/share /mnt cifs username=u,password=hunter2,nofail 0 0\n";
    let found = facts(&debian().file("/etc/fstab", fstab));
    assert_eq!(found.fstab[0].options, ["username=u", "password=(left out)", "nofail"]);
}

#[rstest]
#[case::file("/etc/cloud/cloud-init.disabled", "", "/etc/cloud/cloud-init.disabled")]
#[case::policy("/etc/cloud/ds-identify.cfg", "policy: disabled\n", "/etc/cloud/ds-identify.cfg")]
fn an_agent_may_be_switched_off(#[case] path: &str, #[case] text: &str, #[case] by: &str) {
    let agent = facts(&debian().file(path, text)).agents.remove(0);
    assert_eq!((agent.enabled, agent.switched_off_by.as_deref()), (false, Some(by)));
}

#[test]
fn entries_of_the_boot_loader_specification_are_read_with_grubs_environment() {
    let files = debian()
        .file("/boot/grub2/grub.cfg", "blscfg\n")
        .file("/boot/grub2/grubenv", "# GRUB Environment Block\nkernelopts=root=/dev/mapper/rl-root ro crashkernel=auto \n####")
        .file("/boot/loader/entries/a-5.14.0-9.conf", "title old\nversion 5.14.0-9\nlinux /vmlinuz-5.14.0-9\noptions $kernelopts\n")
        .file("/boot/loader/entries/a-5.14.0-70.conf", "title new\nversion 5.14.0-70\nlinux /vmlinuz-5.14.0-70\ninitrd /initramfs-5.14.0-70.img $tuned\noptions $kernelopts quiet\n");
    let entry = facts(&files).boot.entry.unwrap();
    assert_eq!(entry.kernel, "/vmlinuz-5.14.0-70");
    assert_eq!(entry.arguments, ["root=/dev/mapper/rl-root", "ro", "crashkernel=auto", "quiet"]);
}
