# Images that no package of Debian installs: another processor, other distributions in outline.
# shellcheck shell=bash

make_arm64() {
  local root=$WORK/root bytes=$((2048 * MIB))
  arm64_tree "$root"
  decoys "$root"
  menu "$root"
  sed -i 's/ttyS0/ttyAMA0/g' "$root/boot/grub/grub.cfg"
  efi_folder "$root" AA64 "$WORK/esp"
  esp_of "$WORK/esp" "$WORK/esp.fat"
  ext4_of "$root" "$WORK/root.ext4" "$(root_bytes "$bytes")"
  gpt_disk "$WORK/arm64.raw" "$bytes" "$WORK/esp.fat" "$WORK/root.ext4" 8305
  declared os-type=Linux,os-state=Generalized,architecture=Arm64,generation=V2
  may OS-EOL BOOT-SB-EXPIRY FSH-FREE
  fact /architecture '"Arm64"'
  fact /boot/generations '["V2"]'
  otherwise architecture=x64 ARCH-MATCH
}

# outline FOLDER: the folders of any Linux, nothing of one machine.
outline() {
  mkdir -p "$1"/{etc/ssh,usr/lib,usr/bin,var/log,var/lib,root,boot,proc,sys,dev,run,tmp,sbin,bin}
  : >"$1/etc/machine-id"
  echo localhost >"$1/etc/hostname"
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$1/etc/passwd"
  printf 'root:*:19700:0:::::\n' >"$1/etc/shadow"
  echo "UUID=$ROOT_UUID / auto defaults 0 1" >"$1/etc/fstab"
  cp /bin/true "$1/sbin/init"
}

# As a server of SUSE in outline: Btrfs with the database of rpm where SUSE keeps it, a registration left.
make_suse() {
  local root=$WORK/root bytes=$((512 * MIB))
  outline "$root"
  printf 'NAME="SLES"\nVERSION_ID="15.6"\nID="sles"\nID_LIKE="suse"\nPRETTY_NAME="SUSE Linux Enterprise Server 15 SP6"\n' \
    >"$root/etc/os-release"
  rpm_root "$root" sqlite usr/lib/sysimage/rpm
  printf 'username=SCC_1\npassword=%s\n' "$(noise a-f0-9 32)" |
    planted "$root" GEN-REGISTRATION /etc/zypp/credentials.d/SCCcredentials 600
  must SEC-TOKENS /etc/zypp/credentials.d/SCCcredentials
  btrfs_of "$root" "$WORK/root.btrfs" "$(root_bytes "$bytes")"
  mkdir -p "$WORK/esp/EFI/sles"
  echo none >"$WORK/esp/EFI/sles/grub.cfg"
  esp_of "$WORK/esp" "$WORK/esp.fat"
  gpt_disk "$WORK/suse.raw" "$bytes" "$WORK/esp.fat" "$WORK/root.btrfs"
  declared os-type=Linux,os-state=Generalized,generation=V2
  refused BOOT-GEN
  must BOOT-MISSING
  fact /distribution/id '"sles"'
  fact /distribution/version '"15.6"'
}

# As an Alpine in outline: no partition table, apk's database, host keys left.
make_alpine() {
  local root=$WORK/root
  outline "$root"
  rm "$root/etc/machine-id"
  printf 'ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n' | tee "$root/etc/os-release" >"$root/usr/lib/os-release"
  leave "$root" /lib/apk/db/installed <<'EOF'
C:Q1hsTZ8zkCxs1cDBZxRVoPYJZqS6g=
P:busybox
V:1.36.1-r29
A:x86_64

C:Q1aaaaaaaaaaaaaaaaaaaaaaaaaaa=
P:musl
V:1.2.5-r0
A:x86_64

EOF
  PACKAGES=$KIND.packages
  printf 'busybox 1.36.1-r29 x86_64\nmusl 1.2.5-r0 x86_64\n' >"$WORK/$PACKAGES"
  ssh-keygen -q -t ed25519 -N '' -f "$WORK/key"
  planted "$root" GEN-SSH-HOSTKEYS /etc/ssh/ssh_host_ed25519_key 600 <"$WORK/key"
  must AGT-MISSING
  must DSK-NO-TABLE
  must BOOT-MISSING
  ext4_of "$root" "$WORK/alpine.raw" "$((64 * MIB))"
  declared os-type=Linux,generation=V1
  refused BOOT-GEN
  fact /distribution/id '"alpine"'
}
