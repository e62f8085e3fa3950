# Partition tables, file systems and volumes, made from folders without mounting anything. Expects say.sh and WORK.
# shellcheck shell=bash

MIB=1048576
ESP_BYTES=$((64 * MIB))
ROOT_UUID=6a1c7a11-0000-4000-8000-00000000000a
VAR_UUID=6a1c7a11-0000-4000-8000-00000000000b
BOOT_UUID=6a1c7a11-0000-4000-8000-00000000000c
ESP_UUID=6A1C-7A11

# put FILE DISK BYTES: a volume at its place, holes kept.
put() { dd if="$1" of="$2" bs="$MIB" seek="$(($3 / MIB))" conv=notrunc,sparse status=none; }

# ext4_of TREE FILE BYTES
ext4_of() {
  truncate -s "$3" "$2"
  quietly mkfs.ext4 -q -F -L rootfs -U "$ROOT_UUID" -d "$1" -E root_owner=0:0 "$2"
}

# xfs_of TREE FILE BYTES UUID
xfs_of() {
  truncate -s "$3" "$2"
  python3 "$ROOT/testimages/prototype.py" "$1" >"$WORK/prototype"
  quietly mkfs.xfs -q -m uuid="$4" -p "$WORK/prototype" "$2"
}

# btrfs_of TREE FILE BYTES
btrfs_of() {
  truncate -s "$3" "$2"
  quietly mkfs.btrfs -q -U "$ROOT_UUID" --rootdir "$1" "$2"
}

# ntfs_of FOLDER FILE BYTES
ntfs_of() {
  truncate -s "$3" "$2"
  quietly mkntfs -F -q -f -L Windows "$2"
  quietly wimcapture "$1" "$WORK/files.wim" --compress=none
  quietly wimapply "$WORK/files.wim" "$2"
  rm "$WORK/files.wim"
}

# esp_of FOLDER FILE: a FAT with the folder's files.
esp_of() {
  truncate -s "$ESP_BYTES" "$2"
  quietly mkfs.vfat -F 32 -i "${ESP_UUID/-/}" -n ESP "$2"
  quietly env MTOOLS_SKIP_CHECK=1 mcopy -s -i "$2" "$1"/* ::
}

# gpt_disk DISK BYTES ESP ROOT [TYPE]: an EFI system partition of 64 MiB, then ROOT to the end.
gpt_disk() {
  truncate -s "$2" "$1"
  quietly sgdisk -n 1:2048:+64M -t 1:ef00 -c 1:ESP -n 2:0:0 -t "2:${5:-8304}" -c 2:root "$1"
  put "$3" "$1" "$MIB"
  put "$4" "$1" "$((MIB + ESP_BYTES))"
}

# root_bytes DISK_BYTES: what the second partition of such a disk takes; its end is kept for the backup of the table.
root_bytes() { echo "$(($1 - ESP_BYTES - 2 * MIB))"; }

# mbr_disk DISK BYTES ROOT: one active partition from the first MiB.
mbr_disk() {
  truncate -s "$2" "$1"
  printf 'label: dos\nstart=2048, type=83, bootable\n' | quietly_with_input sfdisk -q "$1"
  put "$3" "$1" "$MIB"
}

quietly_with_input() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 || status=$?
  [ "$status" = 0 ] || cat "$log" >&2
  rm -f "$log"
  return "$status"
}

# grub_for_bios TREE DISK: GRUB's code in the boot record, its core in the gap before the first partition.
grub_for_bios() {
  quietly chroot "$1" grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -o /tmp/core.img \
    biosdisk part_msdos ext2 normal linux search_fs_uuid
  # 440 bytes are code; what follows is the table.
  dd if="$1/usr/lib/grub/i386-pc/boot.img" of="$2" bs=440 count=1 conv=notrunc status=none
  dd if="$1/tmp/core.img" of="$2" bs=512 seek=1 conv=notrunc status=none
  rm "$1/tmp/core.img"
}
