# Installs what is missing from Debian or Ubuntu packages, and says what and why.
#
#   need mcopy "mtools" "writes files into the EFI partition without mounting it"
#   install_missing
#
# Expects say.sh. Nothing is installed, and no list is fetched, when nothing is missing.
# shellcheck shell=bash

# mke2fs, sfdisk and friends live where a user's PATH often does not look.
export PATH="$PATH:/usr/sbin:/sbin"

MISSING_PACKAGES=()

# need COMMAND "PACKAGE..." "WHY": remembers the packages when the command is absent.
need() {
  command -v "$1" >/dev/null && return
  note "$1 is missing: it $3 (package $2)"
  read -ra packages <<<"$2"
  MISSING_PACKAGES+=("${packages[@]}")
}

can_be_root() {
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; }
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a \
    apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -qq "$@"
}

all_packages_are_known() {
  local package
  for package in "$@"; do
    apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [0-9]' || return 1
  done
}

# Installs what `need` remembered. A package list is fetched only when it lacks a package or has gone stale.
install_missing() {
  [ "${#MISSING_PACKAGES[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null ||
    fail "this system has no apt-get. Install the equivalents of these Debian packages, then run again: ${MISSING_PACKAGES[*]}"
  can_be_root ||
    fail "installing packages needs root. Run as root: apt-get install --no-install-recommends ${MISSING_PACKAGES[*]}"
  say "Installing ${MISSING_PACKAGES[*]}"
  local install=(install -y --no-install-recommends "${MISSING_PACKAGES[@]}")
  if ! all_packages_are_known "${MISSING_PACKAGES[@]}"; then
    quietly apt_get update || fail "apt-get update failed: check the network and /etc/apt/sources.list"
  fi
  if ! quietly apt_get "${install[@]}" 2>/dev/null; then
    note "that did not work; fetching the package lists and trying once more"
    quietly apt_get update || fail "apt-get update failed: check the network and /etc/apt/sources.list"
    quietly apt_get "${install[@]}" || fail "apt-get could not install: ${MISSING_PACKAGES[*]}"
  fi
  MISSING_PACKAGES=()
}
