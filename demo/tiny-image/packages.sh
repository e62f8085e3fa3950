# The Debian packages the image is made of: fetched once, unpacked, never installed. Expects say.sh and cache.sh.
# shellcheck shell=bash

IMAGE_PACKAGES=(busybox-static dropbear-bin grub-pc-bin grub-efi-amd64-signed libc6 libcrypt1 libgmp10 libtomcrypt1 libtommath1 shim-signed zlib1g)
DEBIAN_RELEASE=bookworm
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Fetches and unpacks; sets UNPACKED (their files), and KERNEL (its version).
prepare_packages() {
  once tiny-image "linux-image-cloud-amd64 ${IMAGE_PACKAGES[*]}" fetch_and_unpack
  UNPACKED=$GALLERIST_CACHE/tiny-image/unpacked
  # shellcheck disable=SC2034 # read by parts.sh
  KERNEL=$(ls "$UNPACKED/lib/modules")
}

fetch_and_unpack() {
  local folder=$1 kernel package
  say "Fetching a Debian kernel, busybox, GRUB and shim into $folder (once, about 30 MB)"
  mkdir "$folder/debs" "$folder/unpacked"
  choose_source "$folder/apt"
  kernel=$(kernel_package)
  [ -n "$kernel" ] || fail "Debian's package lists name no linux-image-cloud-amd64: run apt-get update"
  (cd "$folder/debs" && quietly apt-get "${APT[@]}" download "$kernel" "${IMAGE_PACKAGES[@]}") ||
    fail "the packages could not be fetched: is the Debian mirror reachable? (apt-get update may help)"
  for package in "$folder"/debs/*.deb; do
    dpkg-deb -x "$package" "$folder/unpacked"
  done
  # The kernel package leaves the list of which driver needs which to the machine it is installed on.
  "$folder/unpacked/bin/busybox" depmod -b "$folder/unpacked" "$(ls "$folder/unpacked/lib/modules")"
  rm -rf "$folder/debs" "$folder/apt"
}

# The newest kernel that the metapackage stands for.
kernel_package() {
  apt-cache "${APT[@]}" depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

# The system's own apt where it knows Debian; else (Ubuntu, empty lists) a private one that leaves the system alone.
choose_source() {
  APT=(-o APT::Sandbox::User=)
  [ -n "$(kernel_package)" ] && return
  [ -e "$DEBIAN_KEYRING" ] ||
    fail "Debian's keys are missing: apt-get install debian-archive-keyring, then run again"
  note "this system's package lists have no Debian cloud kernel: asking deb.debian.org ($DEBIAN_RELEASE) directly"
  mkdir -p "$1"/{lists/partial,cache/archives/partial,empty}
  printf "deb [signed-by=$DEBIAN_KEYRING] http://deb.debian.org/%s main\n" \
    "debian $DEBIAN_RELEASE" "debian-security $DEBIAN_RELEASE-security" >"$1/sources.list"
  : >"$1/status"
  APT+=(
    -o "Dir::Etc::SourceList=$1/sources.list" -o "Dir::Etc::SourceParts=$1/empty"
    -o "Dir::State::Lists=$1/lists" -o "Dir::State::Status=$1/status" -o "Dir::Cache=$1/cache"
    -o APT::Architecture=amd64 -o APT::Architectures::=amd64 -o Acquire::Languages=none
  )
  quietly apt-get "${APT[@]}" update || fail "deb.debian.org could not be reached"
}
