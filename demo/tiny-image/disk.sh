# Where everything lies on the disk: GPT, with the partition numbers of Debian's cloud images.
#
# Expects WORK with the parts in it. All numbers are in MiB but for BIOS_SECTOR (512 bytes).
# shellcheck shell=bash

DISK_MIB=64
BIOS_SECTOR=2048 # 1 MiB: GRUB for BIOS, 1 MiB long
EFI_AT_MIB=2 EFI_MIB=8
ROOT_AT_MIB=10 ROOT_MIB=53 # leaves the last MiB to the second partition table

make_disk() {
  local disk=$1
  truncate -s "${DISK_MIB}M" "$disk"
  sfdisk --quiet "$disk" <<EOF
label: gpt
label-id: 67616C6C-6572-6973-7400-0000000000FF
14: start=1MiB, size=1MiB, type=21686148-6449-6E6F-744E-656564454649, uuid=67616C6C-6572-6973-7400-00000000000E
15: start=${EFI_AT_MIB}MiB, size=${EFI_MIB}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=67616C6C-6572-6973-7400-00000000000F
1: start=${ROOT_AT_MIB}MiB, size=${ROOT_MIB}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=67616C6C-6572-6973-7400-000000000001
EOF
  # Only 440 bytes: the partition table follows in the same sector.
  dd if="$WORK/boot.img" of="$disk" bs=440 count=1 conv=notrunc status=none
  dd if="$WORK/core.img" of="$disk" bs=512 seek="$BIOS_SECTOR" conv=notrunc status=none
  dd if="$WORK/efi.vfat" of="$disk" bs=1M seek="$EFI_AT_MIB" conv=notrunc,sparse status=none
  dd if="$WORK/root.ext4" of="$disk" bs=1M seek="$ROOT_AT_MIB" conv=notrunc,sparse status=none
}
