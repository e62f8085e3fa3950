# Linux images for amd64, out of one Debian: good ones in several layouts, and a dirty clone.
# shellcheck shell=bash

DISK_BYTES=$((2048 * MIB))
TEMPLATE=os-type=Linux,os-state=Generalized,architecture=x64
# What the release itself brings about, however well an image of it is made.
OF_RELEASE=(OS-EOL BOOT-SB-EXPIRY HYG-LOGS FSH-FREE)

# good_tree FOLDER: generalized, with decoys and a menu.
good_tree() {
  amd64_tree "$1"
  decoys "$1"
  menu "$1"
  list_dpkg "$1"
  may "${OF_RELEASE[@]}"
  fact /osType '"Linux"'
  fact /osState '"Generalized"'
  fact /distribution/id '"debian"'
  fact /distribution/version '"12"'
  fact /architecture '"x64"'
}

# efi_disk TREE ROOT DISK
efi_disk() {
  efi_folder "$1" X64 "$WORK/esp"
  esp_of "$WORK/esp" "$WORK/esp.fat"
  gpt_disk "$3" "$DISK_BYTES" "$WORK/esp.fat" "$2"
}

make_gen2() {
  good_tree "$WORK/root"
  ext4_of "$WORK/root" "$WORK/root.ext4" "$(root_bytes "$DISK_BYTES")"
  efi_disk "$WORK/root" "$WORK/root.ext4" "$WORK/gen2.raw"
  declared "$TEMPLATE,generation=V2,security-type=TrustedLaunch,disk-controllers=SCSI+NVMe"
  fact /boot/generations '["V2"]'
  fact /layout/table '"gpt"'
  otherwise os-type=Windows OS-TYPE
  otherwise os-state=Specialized,generation=V1 BOOT-GEN
  otherwise architecture=Arm64 ARCH-MATCH
}

make_gen1() {
  good_tree "$WORK/root"
  sed -i '/boot\/efi/d' "$WORK/root/etc/fstab"
  ext4_of "$WORK/root" "$WORK/root.ext4" "$((DISK_BYTES - MIB))"
  mbr_disk "$WORK/disk" "$DISK_BYTES" "$WORK/root.ext4"
  grub_for_bios "$WORK/root" "$WORK/disk"
  quietly qemu-img convert -f raw -O vpc -o subformat=fixed,force_size=on "$WORK/disk" "$WORK/gen1.vhd"
  rm "$WORK/disk"
  IMAGE=gen1.vhd FORMAT=vhd
  declared "$TEMPLATE,generation=V1"
  fact /boot/generations '["V1"]'
  fact /layout/table '"mbr"'
  otherwise generation=V2 BOOT-GEN
  otherwise security-type=TrustedLaunch BOOT-SECUREBOOT
}

make_dirty() {
  amd64_tree "$WORK/root"
  local root=$WORK/root plant
  menu "$root" /dev/sda2
  for plant in identity accounts secrets traces forgotten; do "$plant" "$root"; done
  ext4_of "$root" "$WORK/root.ext4" "$(root_bytes "$DISK_BYTES")"
  quietly debugfs -w -R 'rm /opt/forgotten.key' "$WORK/root.ext4"
  must SEC-DELETED 'partition 2'
  must FST-DEVNAMES /boot/grub/grub.cfg
  efi_disk "$root" "$WORK/root.ext4" "$WORK/dirty.raw"
  declared "$TEMPLATE,generation=V2"
  refused OS-STATE
  fact /osState '"Specialized"'
}

make_xfs() {
  good_tree "$WORK/root"
  sed -i 's/ auto / xfs /' "$WORK/root/etc/fstab"
  xfs_of "$WORK/root" "$WORK/root.xfs" "$(root_bytes "$DISK_BYTES")" "$ROOT_UUID"
  efi_disk "$WORK/root" "$WORK/root.xfs" "$WORK/xfs.raw"
  declared "$TEMPLATE,generation=V2,security-type=TrustedLaunch"
  fact /layout/volumes/1/content '"xfs"'
}

make_btrfs() {
  good_tree "$WORK/root"
  btrfs_of "$WORK/root" "$WORK/root.btrfs" "$(root_bytes "$DISK_BYTES")"
  efi_disk "$WORK/root" "$WORK/root.btrfs" "$WORK/btrfs.raw"
  declared "$TEMPLATE,generation=V2,security-type=TrustedLaunch"
  fact /layout/volumes/1/content '"btrfs"'
}

# As Azure's images of RHEL: /boot apart, the rest on LVM, /var on a volume of its own, where the database of rpm is.
make_lvm() {
  local root=$WORK/root
  amd64_tree "$root"
  menu "$root" /dev/mapper/rootvg-rootlv
  as_rhel "$root"
  rpm_root "$root" sqlite var/lib/rpm
  mkdir "$WORK/var" "$WORK/boot"
  mv "$root"/var/* "$WORK/var/"
  mv "$root"/boot/* "$WORK/boot/"
  mkdir -p "$root/boot/efi"
  xfs_of "$root" "$WORK/root.xfs" "$((1200 * MIB))" "$ROOT_UUID"
  xfs_of "$WORK/var" "$WORK/var.xfs" "$((320 * MIB))" "$VAR_UUID"
  xfs_of "$WORK/boot" "$WORK/boot.xfs" "$((320 * MIB))" "$BOOT_UUID"
  python3 "$ROOT/testimages/lvm.py" "$WORK/pv" rootvg "rootlv=$WORK/root.xfs" "varlv=$WORK/var.xfs"
  efi_folder "$root" X64 "$WORK/esp"
  esp_of "$WORK/esp" "$WORK/esp.fat"
  three_partitions "$WORK/lvm.raw"
  declared "$TEMPLATE,generation=V2"
  may KRN-VERSION "${OF_RELEASE[@]}"
  fact /distribution/id '"rhel"'
  fact /osState '"Generalized"'
  fact /fstab/1/point '"/var"'
}

as_rhel() {
  printf 'NAME="Red Hat Enterprise Linux"\nID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.4"\n%s\n' \
    'PRETTY_NAME="Red Hat Enterprise Linux 9.4 (Plow)"' >"$1/usr/lib/os-release"
  cat >"$1/etc/fstab" <<EOF
/dev/mapper/rootvg-rootlv / xfs defaults 0 0
/dev/mapper/rootvg-varlv /var xfs defaults 0 0
UUID=$BOOT_UUID /boot xfs defaults 0 0
UUID=$ESP_UUID /boot/efi vfat defaults,umask=0077 0 2
EOF
}

three_partitions() {
  truncate -s "$DISK_BYTES" "$1"
  quietly sgdisk -n 1:2048:+64M -t 1:ef00 -n 2:0:+320M -t 2:8300 -n 3:0:0 -t 3:8e00 "$1"
  put "$WORK/esp.fat" "$1" "$MIB"
  put "$WORK/boot.xfs" "$1" "$((65 * MIB))"
  put "$WORK/pv" "$1" "$((385 * MIB))"
}
