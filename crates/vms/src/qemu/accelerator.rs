//! Whether the processor may run guests itself, found out by letting it run one.
//!
//! A device file proves nothing: there are hosts where it opens and every guest hangs. So a boot sector that ends its
//! machine with a status of its own is started, and has to do so in time.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::Settings;
use super::arguments::Accelerator;
use crate::Error;

/// How long the boot sector may take; a processor needs a fraction of a second.
const WITHIN: Duration = Duration::from_secs(5);
/// `mov al, 0x10; out 0xf4, al; hlt; jmp -3`: writes to QEMU's exit device.
const CODE: &[u8] = &[0xb0, 0x10, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd];
/// What the exit device makes of 0x10.
const STATUS: i32 = 0x21;
const SECTOR_BYTES: usize = 512;

/// The best accelerator of this host; tried once.
pub(super) async fn usable(settings: &Settings) -> Result<Accelerator, Error> {
    let found = settings.accelerator.get_or_try_init(|| async {
        Ok::<_, Error>(if kvm_works(settings).await? { Accelerator::Kvm } else { Accelerator::Tcg })
    });
    found.await.copied()
}

async fn kvm_works(settings: &Settings) -> Result<bool, Error> {
    if !std::path::Path::new("/dev/kvm").exists() {
        return Ok(false);
    }
    let mut sector = CODE.to_vec();
    sector.resize(SECTOR_BYTES - 2, 0);
    sector.extend([0x55, 0xaa]);
    std::fs::create_dir_all(&settings.folder).map_err(Error::host("make the folder of machines"))?;
    let path = settings.folder.join("probe.img");
    std::fs::write(&path, sector).map_err(Error::host("write a probe of the processor"))?;
    let mut command = Command::new("qemu-system-x86_64");
    command.current_dir(&settings.folder).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.args(["-accel", "kvm", "-cpu", "host", "-nodefaults", "-no-user-config", "-display", "none"]);
    command.args(["-device", "isa-debug-exit,iobase=0xf4", "-m", "16M"]);
    command.args(["-drive", "if=ide,format=raw,readonly=off,snapshot=on,file=probe.img"]);
    if let Some(user) = settings.user() {
        command.gid(user.gid).uid(user.uid);
    }
    let ended = timeout(WITHIN, command.status()).await;
    let works = matches!(ended, Ok(Ok(status)) if status.code() == Some(STATUS));
    tracing::info!(works, "tried whether the processor runs guests itself");
    Ok(works)
}
