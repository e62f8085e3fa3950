//! Real guests: the small Linux is built, started under QEMU, set up from a seed, entered, left and found again.
//!
//! An emulated start takes 10 to 20 s, so each test does many things with one machine. Needs qemu-system-x86, qemu-utils,
//! ovmf, swtpm, openssh-client, mtools, and what builds the small Linux.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use seed::{Kind, Provisioning};
use uuid::Uuid;
use vms::*;

/// Whom machines run as where tests run as root: nobody.
const NOBODY: (u32, u32) = (65_534, 65_534);
const LONG: Duration = Duration::from_secs(240);

struct Bench {
    folder: tempfile::TempDir,
    machine: Machine,
}

impl Bench {
    /// A machine over the small Linux, with a seed for `web01`, `azureuser` and a fresh key.
    fn new(number: u128, generation: Generation, security: Security) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let at = |name: &str| folder.path().join(name);
        let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/tiny-image/build");
        succeed(Command::new(build).arg("-o").arg(at("tiny.raw")));
        fs::set_permissions(at("tiny.raw"), fs::Permissions::from_mode(0o644)).unwrap();
        succeed(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(at("key")));
        let public = fs::read_to_string(at("key.pub")).unwrap();
        let seed = Provisioning {
            instance_id: number.to_string(),
            host_name: "web01".to_owned(),
            admin: "azureuser".to_owned(),
            password: None,
            ssh_keys: vec![public.trim().to_owned()],
            custom_data: Some(b"#!/bin/sh\necho custom data ran\n".to_vec()),
            phone_home: None,
        };
        fs::write(at("seed.img"), seed.disk(Kind::NoCloud).unwrap()).unwrap();
        let source = Source::File { path: at("tiny.raw"), format: DiskFormat::Raw };
        let machine = Machine {
            id: MachineId::new(Uuid::from_u128(number)),
            architecture: Architecture::X64,
            generation,
            security,
            cpus: 1,
            memory_mib: 384,
            os_disk: Disk::Overlay { source, path: at("os.qcow2"), bytes: 64 << 20 },
            data_disks: Vec::new(),
            seed: Some(at("seed.img")),
            nics: vec![Nic {
                mac: [0x52, 0x54, 0, 0, 0, 1],
                forwards: vec![Forward { guest_port: 22, host_port: None }],
            }],
            serial_bytes: 1 << 20,
        };
        Self { folder, machine }
    }

    /// A host that knows nothing but the folder, as after a restart of the server.
    fn host(&self) -> Qemu {
        let capacity = Capacity { memory_mib: 1024, machines: 2 };
        let mut settings = Settings::new(self.folder.path().join("machines"), capacity);
        settings.run_as = Some(NOBODY);
        Qemu::new(settings).unwrap()
    }

    fn ssh(&self, port: u16, words: &str) -> String {
        let key = self.folder.path().join("key");
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]);
        command.args(["-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=30", "-i"]).arg(key);
        command.args(["-p", &port.to_string(), "azureuser@127.0.0.1", words]);
        succeed(&mut command)
    }
}

impl Drop for Bench {
    /// A test that failed leaves no machine behind.
    fn drop(&mut self) {
        if let Some(process) = process_of(self.folder.path(), self.machine.id) {
            Command::new("kill").arg(process).status().ok();
        }
    }
}

/// The number of a machine's process, as the host noted it.
fn process_of(folder: &Path, id: MachineId) -> Option<String> {
    let note = fs::read_to_string(folder.join("machines").join(id.to_string()).join("run.json")).ok()?;
    let note: serde_json::Value = serde_json::from_str(&note).ok()?;
    Some(note["identity"]["pid"].to_string())
}

fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {}\n{words}", output.status);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn ready(host: &Qemu, id: MachineId, from: u64) {
    let outcome = await_ready(host, id, from, LONG).await.unwrap();
    let log = host.serial(id, 0).await.unwrap();
    assert!(matches!(outcome, Outcome::Ready(_)), "{outcome:?}\n{}", String::from_utf8_lossy(&log.bytes));
}

/// What the kernel says about the process of a machine.
fn status_of_process(folder: &Path, id: MachineId) -> String {
    let digits = process_of(folder, id).unwrap();
    fs::read_to_string(PathBuf::from("/proc").join(digits).join("status")).unwrap()
}

fn assert_confined(status: &str) {
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap().trim().to_owned()
    };
    assert_eq!(value("Seccomp"), "2");
    assert_eq!(value("NoNewPrivs"), "1");
    assert_eq!(value("CapEff"), "0000000000000000");
    assert!(!value("Uid").split_whitespace().any(|uid| uid == "0"), "{}", value("Uid"));
}

/// Generation 1: from the seed to a login, through a restart of the server, to a shutdown and a second start.
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_set_up_entered_found_again_and_shut_down() {
    let bench = Bench::new(0x71, Generation::V1, Security::Standard);
    let id = bench.machine.id;
    let host = bench.host();
    host.create(bench.machine.clone()).await.unwrap();
    host.start(id).await.unwrap();
    assert_confined(&status_of_process(bench.folder.path(), id));
    ready(&host, id, 0).await;
    let port = host.forwards(id).await.unwrap()[0].host_port;
    assert_eq!(bench.ssh(port, "hostname; id -un"), "web01\nazureuser");
    let log = host.serial(id, 0).await.unwrap();
    assert!(String::from_utf8_lossy(&log.bytes).contains("custom data ran"));
    assert!(host.screenshot(id).await.unwrap().png.starts_with(b"\x89PNG"));

    let key = bench.folder.path().join("key");
    let door = guest::Door { port, user: "azureuser", key: &key };
    let output = guest::run(door, b"hostname\necho beside >&2\nexit 7\n", LONG).await.unwrap();
    assert_eq!(
        (output.exit, output.stdout.as_slice(), output.stderr.as_slice()),
        (7, &b"web01\n"[..], &b"beside\n"[..])
    );

    let more = host.forward(id, 0, Forward { guest_port: 22, host_port: None }).await.unwrap();
    assert_eq!(bench.ssh(more.host_port, "echo in"), "in");
    host.unforward(id, more.host_port).await.unwrap();
    host.release();

    let second = bench.host();
    assert_eq!(second.attach().await.unwrap(), [id]);
    assert_eq!(second.state(id).await.unwrap(), State::Running);
    assert_eq!(second.forwards(id).await.unwrap()[0].host_port, port);
    assert_eq!(bench.ssh(port, "hostname"), "web01");
    let before = second.serial(id, u64::MAX).await.unwrap().next;
    assert!(before >= log.next);
    assert_eq!(second.shutdown(id, Duration::from_secs(60)).await.unwrap(), Ending::ShutDown);
    let before = second.serial(id, u64::MAX).await.unwrap().next;
    second.start(id).await.unwrap();
    ready(&second, id, before).await;
    let port = second.forwards(id).await.unwrap()[0].host_port;
    assert_eq!(bench.ssh(port, "hostname"), "web01");
    second.remove(id).await.unwrap();
    assert!(second.machines().await.is_empty());
}

/// Generation 2 with Trusted Launch: signed loaders only, and a TPM.
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_starts_by_secure_boot_beside_a_tpm() {
    let bench = Bench::new(0x72, Generation::V2, Security::TrustedLaunch { secure_boot: true, vtpm: true });
    let id = bench.machine.id;
    let host = bench.host();
    host.create(bench.machine.clone()).await.unwrap();
    host.start(id).await.unwrap();
    ready(&host, id, 0).await;
    let log = host.serial(id, 0).await.unwrap();
    let log = String::from_utf8_lossy(&log.bytes);
    assert!(log.contains("firmware=uefi+secure-boot"), "{log}");
    let port = host.forwards(id).await.unwrap()[0].host_port;
    assert_eq!(bench.ssh(port, "hostname; ls /sys/class/tpm"), "web01\ntpm0");
    host.remove(id).await.unwrap();
}
