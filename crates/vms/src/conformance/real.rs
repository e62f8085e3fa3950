//! The promises, kept by QEMU. The disk holds no system: what starts one is tested in `tests/`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// Whom machines run as where tests run as root: nobody.
const NOBODY: (u32, u32) = (65_534, 65_534);

#[tokio::test]
async fn qemu_counts_machines() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let mut settings =
        Settings::new(folder.path().join("machines"), Capacity { memory_mib: 512, machines: 3 });
    settings.run_as = Some(NOBODY);
    let host = Qemu::new(settings).unwrap();
    machines_are_made_once_and_counted(&host, &sample(1)).await;
}
