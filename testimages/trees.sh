# The folders that images are made of: Debian as a cloud ships it, and what turns it into others. Expects say.sh, cache.sh.
# shellcheck shell=bash

RELEASE=bookworm
MIRROR=http://deb.debian.org/debian
AMD64_PACKAGES=linux-image-cloud-amd64,initramfs-tools,systemd-sysv,udev,openssh-server,cloud-init,sudo
AMD64_PACKAGES+=,grub-efi-amd64-signed,shim-signed,grub-pc-bin,lvm2,xfsprogs,btrfs-progs
ARM64_PACKAGES=base-files,base-passwd,bash,coreutils,dash,libc6,login,passwd,systemd,systemd-sysv,udev,sudo
ARM64_PACKAGES+=,linux-image-cloud-arm64,openssh-server,cloud-init,grub-efi-arm64-signed,shim-signed
# Texts that take the longest to unpack, and that no rule is about.
LEAN=(--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*')

# amd64_tree FOLDER: installed, as the release has it.
amd64_tree() {
  once testimages/amd64 "$RELEASE $AMD64_PACKAGES" build_amd64
  mkdir -p "$1"
  tar -C "$1" -xf "$GALLERIST_CACHE/testimages/amd64/tree.tar"
  clean "$1"
}

build_amd64() {
  note "Debian for amd64 is installed into a folder (once)"
  quietly mmdebstrap --quiet --mode=root --variant=important --architectures=amd64 --include="$AMD64_PACKAGES" \
    --skip=cleanup/reproducible "${LEAN[@]}" "$RELEASE" "$1/tree.tar" "$MIRROR"
}

# arm64_tree FOLDER: unpacked only; what set-up scripts would have made is made here.
arm64_tree() {
  once testimages/arm64 "$RELEASE $ARM64_PACKAGES" build_arm64
  mkdir -p "$1"
  tar -C "$1" -xf "$GALLERIST_CACHE/testimages/arm64/tree.tar"
  cp "$1/usr/share/base-passwd/passwd.master" "$1/etc/passwd"
  sed 's/:.*/:*:19700:0:99999:7:::/' "$1/etc/passwd" >"$1/etc/shadow"
  chmod 640 "$1/etc/shadow"
  local units=$1/etc/systemd/system/cloud-init.target.wants
  mkdir -p "$units"
  ln -s /lib/systemd/system/cloud-init.service "$units/cloud-init.service"
  clean "$1"
  # Nothing ran depmod or made an initramfs.
  local version
  version=$(kernel_version "$1")
  depmod -b "$1" "$version"
  mkdir -p "$WORK/early/usr/lib/modules"
  (cd "$1/usr/lib/modules" 2>/dev/null || cd "$1/lib/modules" &&
    find "$version/kernel" -name 'hv_*' -o -name 'virtio*' -o -name 'nvme*' | cpio --quiet -pd "$WORK/early/usr/lib/modules")
  (cd "$WORK/early" && find . | cpio --quiet -o -H newc | gzip -1) >"$1/boot/initrd.img-$version"
}

build_arm64() {
  note "Debian for arm64 is unpacked into a folder (once)"
  quietly mmdebstrap --quiet --mode=root --variant=extract --architectures=arm64 --include="$ARM64_PACKAGES" \
    "${LEAN[@]}" "$RELEASE" "$1/tree.tar" "$MIRROR"
}

kernel_version() { find "$1/lib/modules/" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1; }

# clean TREE: what a good image builder does at the end: nothing of the machine that built it stays.
clean() {
  rm -rf "$1"/etc/ssh/ssh_host_* "$1"/etc/*- "$1"/var/lib/systemd/random-seed "$1"/var/cache/apt/* "$1"/tmp/* \
    "$1"/var/lib/apt/lists/* "$1"/etc/resolv.conf "$1"/var/log/bootstrap.log
  # Thousands of small files that no rule is about, and that are slow to put into a file system.
  rm -rf "$1"/usr/share/{doc,i18n,info,locale,man,perl,zoneinfo}
  mkdir -p "$1"/{etc/ssh/sshd_config.d,boot/grub,boot/efi,proc,sys,dev,run,tmp,root,var/log}
  : >"$1/etc/machine-id"
  rm -f "$1/var/lib/dbus/machine-id"
  echo localhost >"$1/etc/hostname"
  printf 'PasswordAuthentication no\nPermitRootLogin prohibit-password\nClientAliveInterval 180\n' \
    >"$1/etc/ssh/sshd_config.d/10-cloud.conf"
  printf 'UUID=%s / auto defaults 0 1\nUUID=%s /boot/efi vfat umask=0077 0 1\n' "$ROOT_UUID" "$ESP_UUID" >"$1/etc/fstab"
  echo 'datasource_list: [ Azure, NoCloud, ConfigDrive, None ]' >"$1/etc/cloud/cloud.cfg.d/95-datasources.cfg"
}

# menu TREE [ARGUMENTS]: GRUB's menu, as update-grub writes it.
menu() {
  local version
  version=$(kernel_version "$1")
  cat >"$1/boot/grub/grub.cfg" <<EOF
set default="0"
set timeout=0
search --no-floppy --fs-uuid --set=root $ROOT_UUID
menuentry 'Debian GNU/Linux' --class debian --class gnu-linux {
	linux	/boot/vmlinuz-$version root=${2:-UUID=$ROOT_UUID} ro console=tty0 console=ttyS0,115200 earlyprintk=ttyS0
	initrd	/boot/initrd.img-$version
}
EOF
}

# efi_folder TREE X64|AA64 FOLDER: shim and GRUB, signed, where a new machine looks and where Debian keeps them.
efi_folder() {
  local lower=${2,,} long=x86_64
  [ "$2" = X64 ] || long=arm64
  mkdir -p "$3/EFI/BOOT" "$3/EFI/debian"
  cp "$1/usr/lib/shim/shim$lower.efi.signed" "$3/EFI/BOOT/BOOT$2.EFI"
  cp "$1/usr/lib/shim/shim$lower.efi.signed" "$3/EFI/debian/shim$lower.efi"
  cp "$1/usr/lib/grub/$long-efi-signed/grub$lower.efi.signed" "$3/EFI/BOOT/grub$lower.efi"
  cp "$1/usr/lib/grub/$long-efi-signed/grub$lower.efi.signed" "$3/EFI/debian/grub$lower.efi"
  printf "search.fs_uuid %s root\nset prefix=(\$root)'/boot/grub'\nconfigfile \$prefix/grub.cfg\n" "$ROOT_UUID" |
    tee "$3/EFI/BOOT/grub.cfg" >"$3/EFI/debian/grub.cfg"
}

# list_dpkg TREE: what dpkg-query says of the tree, for the test to compare with.
list_dpkg() {
  PACKAGES=$KIND.packages
  dpkg-query --admindir="$1/var/lib/dpkg" -W -f '${db:Status-Status} ${Package} ${Version} ${Architecture}\n' |
    sed -n 's/^installed //p' >"$WORK/$PACKAGES"
}

# rpm_root TREE BACKEND DBPATH: the tree no longer is Debian's; a few packages are in a database of rpm's own making.
rpm_root() {
  rm -rf "$1/var/lib/dpkg" "$1/etc/debian_version"
  mkdir -p "$1/$3"
  local name version options=(--define "_db_backend $2" --define "_dbpath /$3" --define "_topdir $WORK/rpmbuild")
  while read -r name version; do
    mkdir -p "$WORK/rpmbuild"
    cat >"$WORK/$name.spec" <<EOF
Name: $name
Version: ${version%-*}
Release: ${version#*-}
Summary: $name
License: MIT
BuildArch: noarch
%description
$name
%files
EOF
    quietly rpmbuild --quiet -bb "${options[@]}" "$WORK/$name.spec"
  done <<'EOF'
bash 5.1.8-9.el9
cloud-init 23.4-7.el9
glibc 2.34-100.el9_4.3
kernel-core 5.14.0-427.el9
openssl-libs 3.0.7-27.el9
tzdata 2024a-1.el9
WALinuxAgent 2.7.0.6-9.el9
EOF
  quietly rpm --root "$1" "${options[@]}" -i --nodeps --ignorearch --ignoreos "$WORK"/rpmbuild/RPMS/noarch/*.rpm
  PACKAGES=$KIND.packages
  rpm --root "$1" "${options[@]}" -qa --qf '%{NAME} %{VERSION}-%{RELEASE} %{ARCH}\n' >"$WORK/$PACKAGES"
}
