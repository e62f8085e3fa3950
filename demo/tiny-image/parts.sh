# The file systems and loaders that go onto the disk, each made as a file of its own.
#
# Expects say.sh and packages.sh; UNPACKED, KERNEL, WORK, VERSION, EXTRA_FILES, HERE and SOURCE_DATE_EPOCH.
# shellcheck shell=bash

ROOT_UUID=67616c6c-6572-6973-7400-000000000001
# What it takes to reach the root file system under QEMU, Hyper-V and Azure; the rest is for later.
BOOT_DRIVERS=(virtio_pci virtio_blk virtio_scsi sd_mod ahci ata_piix hv_vmbus hv_storvsc)
LATER_DRIVERS=(button evdev virtio_net virtio_console virtio_rng hv_netvsc hv_utils vfat nls_cp437 nls_ascii isofs udf sr_mod)

# What dropbear is linked with; everything else is busybox, which needs nothing.
LIBRARIES=(libc libcrypt libgmp libtomcrypt libtommath libz ld-linux-x86-64)

# Prints the files of the named drivers and of all they need, each after what it needs.
driver_files() {
  awk -v wanted="$*" '
    { file = $1; sub(/:$/, "", file); name = file; sub(/.*\//, "", name); sub(/\.ko$/, "", name); gsub(/-/, "_", name)
      files[name] = file; needs[file] = ""; for (i = NF; i > 1; i--) needs[file] = needs[file] " " $i }
    function add(file,   parts, count, i) {
      if (file in seen) return
      seen[file] = 1; count = split(needs[file], parts, " ")
      for (i = 1; i <= count; i++) add(parts[i])
      print file }
    END { count = split(wanted, names, " "); for (n = 1; n <= count; n++) if (names[n] in files) add(files[names[n]]) }
  ' "$UNPACKED/lib/modules/$KERNEL/modules.dep"
}

# Gives every file of a tree the same time.
settle_times() { find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +; }

make_initramfs() {
  local tree=$WORK/initramfs file
  mkdir -p "$tree"/{bin,modules}
  cp "$UNPACKED/bin/busybox" "$tree/bin/"
  install -m 755 "$HERE/initramfs/init" "$tree/init"
  driver_files "${BOOT_DRIVERS[@]}" | while read -r file; do
    cp "$UNPACKED/lib/modules/$KERNEL/$file" "$tree/modules/"
    echo "${file##*/}" >>"$tree/modules/order"
  done
  settle_times "$tree"
  (cd "$tree" && find . -print0 | sort -z | cpio --null --create --format=newc --owner=0:0 --reproducible --quiet) |
    gzip -n -9 >"$1"
}

make_root_tree() {
  local root=$1 drivers=$1/lib/modules/$KERNEL file extra
  mkdir -p "$root"/{bin,sbin,boot/grub,dev,etc,proc,sys,run,tmp,root,mnt,usr/bin,usr/sbin,var/log} "$drivers"
  chmod 1777 "$root/tmp"
  chmod 700 "$root/root"
  cp "$UNPACKED/bin/busybox" "$root/bin/"
  ln -s busybox "$root/bin/sh"
  ln -s ../bin/busybox "$root/sbin/init"
  cp -R "$HERE/root/." "$root/"
  find "$root/etc" -type f -exec chmod 644 {} +
  chmod 755 "$root"/etc/init.d/* "$root/etc/network.sh" "$root/etc/acpi/PWRF/00000080"
  add_ssh_server "$root"
  chmod 640 "$root/etc/shadow"
  write_os_release >"$root/etc/os-release"
  echo "UUID=$ROOT_UUID / ext4 rw 0 1" >"$root/etc/fstab"

  cp "$UNPACKED/boot/vmlinuz-$KERNEL" "$WORK/initrd.img" "$root/boot/"
  mv "$root/boot/initrd.img" "$root/boot/initrd.img-$KERNEL"
  write_boot_menu >"$root/boot/grub/grub.cfg"
  driver_files "${BOOT_DRIVERS[@]}" "${LATER_DRIVERS[@]}" | while read -r file; do
    install -D -m 644 "$UNPACKED/lib/modules/$KERNEL/$file" "$drivers/$file"
    grep -F "$file:" "$UNPACKED/lib/modules/$KERNEL/modules.dep" >>"$drivers/modules.dep"
  done

  for extra in "${EXTRA_FILES[@]}"; do
    [[ $extra == *:/* && -f ${extra%:*} ]] || fail "--with $extra: want FILE:/PATH, and FILE must exist"
    install -D -m "$(stat -c %a "${extra%:*}")" "${extra%:*}" "$root${extra##*:}"
  done
  settle_times "$root"
}

add_ssh_server() {
  local root=$1 name file
  mkdir -p "$root"/{lib64,lib/x86_64-linux-gnu,etc/dropbear,home}
  cp "$UNPACKED/usr/sbin/dropbear" "$root/usr/sbin/"
  cp "$UNPACKED/usr/bin/dropbearkey" "$root/usr/bin/"
  for name in "${LIBRARIES[@]}"; do
    for file in "$UNPACKED"{,/usr}"/lib/x86_64-linux-gnu/$name.so."*; do
      [ ! -e "$file" ] || cp -L "$file" "$root/lib/x86_64-linux-gnu/"
    done
  done
  ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root/lib64/ld-linux-x86-64.so.2"
}

write_os_release() {
  printf '%s\n' 'NAME="Gallerist Tiny Linux"' ID=gallerist-tiny ID_LIKE=debian "VERSION_ID=\"$VERSION\"" \
    "PRETTY_NAME=\"Gallerist Tiny Linux $VERSION\""
}

write_boot_menu() {
  cat <<EOF
serial --unit=0 --speed=115200
terminal_output serial console
set timeout=0
menuentry 'Gallerist Tiny Linux' {
  search --no-floppy --fs-uuid --set=root $ROOT_UUID
  linux /boot/vmlinuz-$KERNEL root=UUID=$ROOT_UUID ro console=tty0 console=ttyS0,115200n8 panic=10
  initrd /boot/initrd.img-$KERNEL
}
EOF
}

# Small enough to need no journal; checksums and hashes start from fixed seeds.
make_root_file_system() {
  local tree=$1 out=$2
  quietly mke2fs -q -t ext4 -F -b 4096 -m 0 -L tiny -U "$ROOT_UUID" -O ^has_journal,^resize_inode,^metadata_csum_seed \
    -E "hash_seed=$ROOT_UUID,lazy_itable_init=0,root_owner=0:0" -d "$tree" "$out" "${ROOT_MIB}M"
  # mke2fs takes owner and change time from the tree here; in the image, everything is root's and equally old.
  (cd "$tree" && find . -mindepth 1 -printf '%P\n' | sort) |
    while read -r path; do
      printf 'set_inode_field "/%s" %s\n' "$path" uid\ 0 "$path" gid\ 0 "$path" "ctime @$SOURCE_DATE_EPOCH"
    done >"$WORK/owners"
  quietly debugfs -w -f "$WORK/owners" "$out"
}

# GRUB's first words: where its menu lies.
find_boot_folder() { printf '%s\n' "search.fs_uuid $ROOT_UUID root" "set prefix=(\$root)/boot/grub"; }

make_efi_partition() {
  local out=$1
  truncate -s "${EFI_MIB}M" "$out"
  quietly mkfs.vfat --invariant -F 16 -s 1 -n EFI -i 67616c6c "$out"
  { find_boot_folder && printf '%s\n' "configfile \$prefix/grub.cfg"; } >"$WORK/efi.cfg"
  settle_times "$WORK/efi.cfg"
  mmd -i "$out" ::/EFI ::/EFI/BOOT ::/EFI/debian
  mcopy -i "$out" "$UNPACKED/usr/lib/shim/shimx64.efi.signed" ::/EFI/BOOT/BOOTX64.EFI
  mcopy -i "$out" "$UNPACKED/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" ::/EFI/BOOT/grubx64.efi
  mcopy -i "$out" "$WORK/efi.cfg" ::/EFI/debian/grub.cfg
}

# GRUB for BIOS: a first sector, and the rest for the BIOS boot partition; each must be told where the next one lies.
make_bios_loader() {
  local boot=$1 core=$2 modules=$UNPACKED/usr/lib/grub/i386-pc
  find_boot_folder >"$WORK/bios.cfg"
  grub-mkimage -d "$modules" -O i386-pc -p /boot/grub -c "$WORK/bios.cfg" -o "$core" \
    biosdisk part_gpt ext2 search search_fs_uuid normal configfile linux serial terminal echo test
  cp "$modules/boot.img" "$boot"
  poke "$boot" 92 "$BIOS_SECTOR"          # the kernel_sector field of boot.img
  poke "$core" 500 "$((BIOS_SECTOR + 1))" # the first block list entry of diskboot.img
}

# poke FILE OFFSET NUMBER: writes four bytes, least significant first.
poke() {
  local bytes
  bytes=$(printf '\\x%02x' "$(($3 & 255))" "$(($3 >> 8 & 255))" "$(($3 >> 16 & 255))" "$(($3 >> 24 & 255))")
  # shellcheck disable=SC2059 # the escapes are the point
  printf "$bytes" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
