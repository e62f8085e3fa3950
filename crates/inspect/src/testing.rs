//! A tree of files in memory, for tests.

use std::collections::BTreeMap;

use crate::tree::{Error, Node, NodeKind, Tree};

/// Files by path; folders come by themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    entries: BTreeMap<Vec<u8>, Entry>,
    broken: Vec<Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Entry {
    File(Vec<u8>),
    Link(Vec<u8>),
    Folder,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self::default().folder("/")
    }

    /// A regular file.
    pub(crate) fn file(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.put(path, Entry::File(bytes.as_ref().to_vec()));
        self
    }

    /// A symbolic link.
    pub(crate) fn link(mut self, path: &str, target: &str) -> Self {
        self.put(path, Entry::Link(target.as_bytes().to_vec()));
        self
    }

    /// An empty folder.
    pub(crate) fn folder(mut self, path: &str) -> Self {
        self.put(path, Entry::Folder);
        self
    }

    /// Takes away what stands at `path`.
    pub(crate) fn without(mut self, path: &str) -> Self {
        self.entries.remove(path.as_bytes());
        self
    }

    /// Whatever is asked about `path` cannot be told.
    pub(crate) fn broken(mut self, path: &str) -> Self {
        self.broken.push(path.as_bytes().to_vec());
        self
    }

    fn put(&mut self, path: &str, entry: Entry) {
        assert!(path.starts_with('/'), "{path} does not begin at the root");
        for (slash, _) in path.match_indices('/').skip(1) {
            self.entries.entry(path.as_bytes()[..slash].to_vec()).or_insert(Entry::Folder);
        }
        self.entries.insert(path.as_bytes().to_vec(), entry);
    }

    fn intact(&self, path: &[u8]) -> Result<Option<&Entry>, Error> {
        if self.broken.iter().any(|broken| broken == path) {
            return Err(Error::Damaged("made so by the test".to_owned()));
        }
        Ok(self.entries.get(path))
    }
}

impl Tree for Files {
    fn node(&self, path: &[u8]) -> Result<Option<Node>, Error> {
        let Some(entry) = self.intact(path)? else { return Ok(None) };
        let (kind, size_bytes) = match entry {
            Entry::File(bytes) => (NodeKind::File, crate::bytes::as_u64(bytes.len())),
            Entry::Link(_) => (NodeKind::Link, 0),
            Entry::Folder => (NodeKind::Folder, 0),
        };
        // As every distribution has it.
        let mode = if path.ends_with(b"shadow") { 0o640 } else { 0o644 };
        Ok(Some(Node { kind, size_bytes, mode, uid: Some(0), gid: Some(0), number: None }))
    }

    fn names(&self, path: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Error> {
        self.intact(path)?;
        let names: Vec<_> = self
            .entries
            .keys()
            .filter_map(|key| match path {
                b"/" => key.strip_prefix(b"/").filter(|name| !name.is_empty()),
                _ => key.strip_prefix(path)?.strip_prefix(b"/"),
            })
            .filter(|name| !name.contains(&b'/'))
            .map(<[u8]>::to_vec)
            .collect();
        if names.len() > most { Err(Error::Budget("names listed")) } else { Ok(names) }
    }

    fn read(&self, path: &[u8], offset: u64, most: usize) -> Result<Vec<u8>, Error> {
        match self.intact(path)? {
            Some(Entry::File(bytes)) => {
                let rest = bytes.get(crate::bytes::as_usize(offset)..).unwrap_or_default();
                Ok(rest[..rest.len().min(most)].to_vec())
            }
            _ => Err(Error::NotThere("no regular file".to_owned())),
        }
    }

    fn target(&self, path: &[u8]) -> Result<Vec<u8>, Error> {
        match self.intact(path)? {
            Some(Entry::Link(target)) => Ok(target.clone()),
            _ => Err(Error::NotThere("no link".to_owned())),
        }
    }
}

/// The beginning of a 64-bit ELF program for the machine with this number.
pub(crate) fn elf(machine: u8) -> Vec<u8> {
    let mut bytes = b"\x7FELF\x02\x01\x01".to_vec();
    bytes.resize(64, 0);
    bytes[18] = machine;
    bytes
}

/// A Debian from which any machine can be made: nothing is wrong with it.
pub(crate) fn debian() -> Files {
    Files::new()
        .file("/usr/lib/os-release", DEBIAN_RELEASE)
        .link("/etc/os-release", "../usr/lib/os-release")
        .file("/usr/lib/systemd/systemd", elf(62))
        .link("/sbin/init", "/lib/systemd/systemd")
        .link("/lib", "usr/lib")
        .file("/bin/sh", elf(62))
        .file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n")
        .file("/etc/shadow", "root:!:20000:0:99999:7:::\nwww-data:*:20000::::::\n")
        .file("/etc/machine-id", "uninitialized\n")
        .link("/var/lib/dbus/machine-id", "/etc/machine-id")
        .file("/etc/hostname", "localhost\n")
        .file("/etc/fstab", "# <file system>\nUUID=1-2 / ext4 rw,errors=remount-ro 0 1\n")
        .file("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\nClientAliveInterval 180\n")
        .file("/etc/ssh/sshd_config.d/50-image.conf", "PasswordAuthentication no\nPermitRootLogin no\n")
        .file("/etc/sudoers", "root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n")
        .file("/usr/bin/cloud-init", "#!/usr/bin/python3\n")
        .link("/etc/systemd/system/multi-user.target.wants/ssh.service", "/lib/systemd/system/ssh.service")
        .link("/etc/systemd/system/cloud-init.target.wants/cloud-init.service", "/lib/systemd/system/cloud-init.service")
        .file("/etc/cloud/cloud.cfg", "users:\n - default\ndatasource_list: [ NoCloud, Azure, None ]\n")
        .file("/var/lib/dpkg/status", "Package: cloud-init\nStatus: install ok installed\nArchitecture: all\nVersion: 22.4.2-1\n")
        .file("/boot/grub/grub.cfg", DEBIAN_MENU)
        .file("/boot/vmlinuz-6.1.0-48-cloud-amd64", kernel("6.1.0-48-cloud-amd64"))
        .file("/usr/lib/modules/6.1.0-48-cloud-amd64/modules.builtin", "kernel/drivers/nvme/host/nvme.ko\nkernel/drivers/nvme/host/nvme-core.ko\nkernel/drivers/hv/hv_vmbus.ko\nkernel/drivers/scsi/hv_storvsc.ko\nkernel/drivers/net/hyperv/hv_netvsc.ko\nkernel/fs/fat/vfat.ko\nkernel/fs/udf/udf.ko\nkernel/drivers/virtio/virtio_pci.ko\nkernel/drivers/block/virtio_blk.ko\nkernel/drivers/net/virtio_net.ko\n")
        .file("/boot/initrd.img-6.1.0-48-cloud-amd64", "")
        .folder("/root")
}

const DEBIAN_RELEASE: &str =
    "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"13\"\nID=debian\n";

const DEBIAN_MENU: &str = "set default=\"0\"\nmenuentry 'Debian' --class debian {\n\tsearch --fs-uuid 1-2\n\
    \tlinux\t/boot/vmlinuz-6.1.0-48-cloud-amd64 root=UUID=1-2 ro console=tty0 console=ttyS0,115200 $vt_handoff\n\
    \tinitrd\t/boot/initrd.img-6.1.0-48-cloud-amd64\n}\n\
    menuentry 'Debian, recovery' {\n\tlinux\t/boot/vmlinuz-6.1.0-48-cloud-amd64 root=UUID=1-2 single\n}\n";

/// The boot header of a 64-bit kernel for x86 (Linux/x86 boot protocol).
pub(crate) fn kernel(version: &str) -> Vec<u8> {
    let mut bytes = vec![0; 0x400];
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes[0x236] = 1;
    bytes[0x20E..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
    bytes[0x300..0x300 + version.len()].copy_from_slice(version.as_bytes());
    bytes
}
