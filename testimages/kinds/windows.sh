# Windows in outline: NTFS, hives with the values that tell of state and set-up, loaders that are somebody else's programs.
# shellcheck shell=bash

# windows_tree FOLDER STATE [FACTS]: FACTS are further values for hive.py.
windows_tree() {
  local system=$1/Windows/System32
  mkdir -p "$system/config" "$system/Sysprep" "$1/Windows/Setup/State" "$1/Users/Public" "$1/Users/Default" "$1/ProgramData/ssh"
  # Any program of 64 bits stands for the kernel.
  cp "$WORK/loader.efi" "$system/ntoskrnl.exe"
  printf '[State]\r\nImageState=%s\r\n' "$2" >"$1/Windows/Setup/State/State.ini"
  python3 "$ROOT/testimages/hive.py" "$system/config" "$2" "${@:3}"
}

# windows_disk FOLDER DISK
windows_disk() {
  mkdir -p "$WORK/esp/EFI/Microsoft/Boot"
  cp "$WORK/loader.efi" "$WORK/esp/EFI/Microsoft/Boot/bootmgfw.efi"
  esp_of "$WORK/esp" "$WORK/esp.fat"
  ntfs_of "$1" "$WORK/root.ntfs" "$(root_bytes $((512 * MIB)))"
  gpt_disk "$2" "$((512 * MIB))" "$WORK/esp.fat" "$WORK/root.ntfs" 0700
  fact /osType '"Windows"'
  fact /distribution/version '"20348.2700"'
  fact /boot/generations '["V2"]'
}

# A PE program for x64 that says nothing: a header is all that is looked at.
some_loader() {
  python3 - "$WORK/loader.efi" <<'EOF'
import struct, sys
dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80)
head = dos.ljust(0x80, b"\0") + b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x22)
optional = (struct.pack("<H", 0x20B) + bytes(106) + struct.pack("<I", 16) + bytes(128)).ljust(240, b"\0")
open(sys.argv[1], "wb").write((head + optional).ljust(4096, b"\0"))
EOF
}

make_windows() {
  some_loader
  windows_tree "$WORK/root" IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE
  windows_disk "$WORK/root" "$WORK/windows.raw"
  declared os-type=Windows,os-state=Generalized,generation=V2,architecture=x64
  fact /osState '"Generalized"'
  otherwise os-type=Linux OS-TYPE
  otherwise generation=V1 BOOT-GEN
}

make_windows_dirty() {
  some_loader
  local root=$WORK/root
  windows_tree "$root" IMAGE_STATE_COMPLETE dirty
  printf '<unattend><AdministratorPassword><Value>%s</Value><PlainText>true</PlainText></AdministratorPassword></unattend>' \
    "$(noise a-z0-9 12)" | planted "$root" WIN-UNATTEND-PASSWORD /Windows/Panther/unattend.xml
  ssh-keygen -q -t ed25519 -N '' -f "$WORK/key"
  planted "$root" GEN-SSH-HOSTKEYS-WINDOWS /ProgramData/ssh/ssh_host_ed25519_key <"$WORK/key"
  head -c 4096 /dev/zero | planted "$root" WIN-HIBERFIL /hiberfil.sys
  head -c 4096 /dev/zero | planted "$root" WIN-PAGEFILE /pagefile.sys
  echo '<pending/>' | planted "$root" WIN-PENDING /Windows/WinSxS/pending.xml
  echo 'net use' | planted "$root" WIN-HISTORY \
    /Users/alice/AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine/ConsoleHost_history.txt
  must WIN-USERS /Users/alice
  must WIN-DRIVERS
  openssl genrsa 2048 2>/dev/null | planted "$root" SEC-PRIVATE-KEY /Users/alice/.ssh/id_rsa
  printf '{"AccessToken": {"x": {"secret": "%s"}}}' "$(noise a-zA-Z0-9 64)" |
    planted "$root" SEC-CLOUD-AZURE /Users/alice/.azure/msal_token_cache.json
  must WIN-RDP
  must WIN-AUTOLOGON
  must WIN-DOMAIN
  windows_disk "$root" "$WORK/windows-dirty.raw"
  declared os-type=Windows,os-state=Generalized,generation=V2
  refused OS-STATE
  fact /osState '"Specialized"'
}
