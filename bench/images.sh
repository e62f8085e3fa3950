# The images that are measured: a Debian server as 1.0, and the same rebuilt later with changed and further packages.
#
# Both are 2 GiB ext4 written from a folder with a fixed UUID, hash seed and clock, so that what differs between them is
# what the packages changed. Made once, kept outside the repository. Expects say.sh, packages.sh and cache.sh.
# shellcheck shell=bash

IMAGE_BYTES=2147483648
# Changes with the recipe: the images are then made anew.
IMAGES_RECIPE=1
DEBIAN=http://deb.debian.org/debian
DEBIAN_SECURITY=http://deb.debian.org/debian-security
SERVER=linux-image-cloud-amd64,nginx,openssh-server,cloud-init
FURTHER=git,tmux,postgresql-client
# What the images are when Debian cannot be built: files of this machine, in bytes.
FALLBACK_FIRST_BYTES=419430400
FALLBACK_CHANGED_BYTES=41943040
FALLBACK_SECOND_BYTES=524288000

# shellcheck disable=SC2034 # read by the script that sources this
IMAGES=$GALLERIST_CACHE/bench/images

# Makes $IMAGES/v1.raw and v2.raw, and $IMAGES/what, unless they are there.
prepare_images() {
  mkdir -p "$GALLERIST_CACHE/bench"
  once bench/images "recipe $IMAGES_RECIPE" build_images
}

build_images() {
  say "Making the images to be measured in $1 (once, some minutes)"
  # Folders with a system's owners and modes, which only root can remove again.
  TREES=$(mktemp -d "${TMPDIR:-/tmp}/gallerist-bench-trees.XXXXXX")
  if debian_images "$1"; then
    echo "Debian 12 with a kernel, nginx, sshd and cloud-init; rebuilt from updates with git, tmux and psql" >"$1/what"
  else
    note "Debian cannot be built here: taking files of this machine instead"
    rm -f "$1"/*.raw
    copied_images "$1"
    echo "files of this machine (Debian could not be built); rebuilt with others changed and more added" >"$1/what"
  fi
  as_root_if_needed rm -rf "$TREES"
}

as_root_if_needed() { if can_be_root; then as_root "$@"; else "$@"; fi; }

# debian_images FOLDER: v1 from the release, v2 from the release, its updates and its security fixes.
debian_images() {
  can_be_root || return 1
  command -v mmdebstrap >/dev/null || return 1
  note "1.0: the release with $SERVER"
  quietly debian_tree "$TREES/v1" "$SERVER" "deb $DEBIAN bookworm main" || return 1
  write_image "$TREES/v1" "$1/v1.raw" || return 1
  note "1.1: the same from updates, with $FURTHER"
  quietly debian_tree "$TREES/v2" "$SERVER,$FURTHER" "deb $DEBIAN bookworm main" \
    "deb $DEBIAN bookworm-updates main" "deb $DEBIAN_SECURITY bookworm-security main" || return 1
  write_image "$TREES/v2" "$1/v2.raw"
}

# debian_tree FOLDER PACKAGES SOURCE...
debian_tree() {
  local folder=$1 packages=$2 source
  shift 2
  {
    for source in "$@"; do printf '%s\n' "$source"; done
  } | as_root env SOURCE_DATE_EPOCH=1700000000 mmdebstrap --quiet --mode=root --variant=important \
    --architectures=amd64 --include="$packages" bookworm "$folder" -
}

# copied_images FOLDER: files in a fixed order up to a size; the second image lacks the first ones and has more.
copied_images() {
  local files=$TREES/files
  find /usr/bin /usr/lib /usr/share -xdev -type f -readable -printf '%s %p\n' 2>/dev/null | sort -k2 >"$files"
  copy_files "$files" 0 "$FALLBACK_FIRST_BYTES" "$TREES/v1"
  copy_files "$files" "$FALLBACK_CHANGED_BYTES" "$FALLBACK_SECOND_BYTES" "$TREES/v2"
  write_image "$TREES/v1" "$1/v1.raw"
  write_image "$TREES/v2" "$1/v2.raw"
}

# copy_files LIST FROM_BYTES TO_BYTES FOLDER
copy_files() {
  mkdir "$4"
  awk -v from="$2" -v to="$3" '{ sum += $1 } sum > to { exit } sum > from { sub(/^[0-9]+ /, ""); print }' "$1" |
    tar -cf - -T - 2>/dev/null | tar -xf - -C "$4"
}

# write_image TREE FILE: a file system with the tree in it, the same for the same tree.
write_image() {
  truncate -s "$IMAGE_BYTES" "$2"
  quietly as_root_if_needed env E2FSPROGS_FAKE_TIME=1700000000 mkfs.ext4 -q -F -L rootfs -d "$1" \
    -U 6a1c7a11-0000-4000-8000-000000000001 -E hash_seed=6a1c7a11-0000-4000-8000-000000000002,root_owner=0:0 "$2"
}
