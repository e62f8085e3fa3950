# The two images of the story, and the proof that what came out is what went in. Expects say.sh, steps.sh; WORK, ROOT.
# shellcheck shell=bash disable=SC2034 # what is set here is read by the story

# Sets FIRST and SECOND (files) with FIRST_FORMAT and SECOND_FORMAT.
tiny_images() {
  say "Building a tiny Linux: Debian's signed kernel, busybox, GRUB"
  FIRST=$WORK/tiny-1.0.0.raw FIRST_FORMAT=raw
  SECOND=$WORK/tiny-1.0.1.raw SECOND_FORMAT=raw
  echo "1.0.1 brings this file." >"$WORK/release-notes.txt"
  # Not in a step: the builder may have packages to install and to fetch.
  show "$ROOT/demo/tiny-image/build" -o "$FIRST" -v 1.0.0
  show "$ROOT/demo/tiny-image/build" -o "$SECOND" -v 1.0.1 --with "$WORK/release-notes.txt:/usr/share/release-notes.txt"
}

# own_images FILE FORMAT: 1.0.1 is a raw copy with a quarter MiB changed in its middle.
own_images() {
  say "Taking $1, and a changed copy of it"
  FIRST=$1 FIRST_FORMAT=$2
  SECOND=$WORK/changed.raw SECOND_FORMAT=raw
  to_raw "$FIRST" "$FIRST_FORMAT" "$SECOND"
  local blocks
  blocks=$(($(stat -c %s "$SECOND") / 4096))
  [ "$blocks" -ge 64 ] || fail "$1 is smaller than 256 KiB: too small to be an image"
  dd if=/dev/urandom of="$SECOND" bs=4096 seek=$((blocks / 2)) count=64 conv=notrunc status=none
  # Azure's disks are whole MiB; the copy ends as the format's own rules would end it.
  truncate -s %1M "$SECOND"
}

# to_raw FILE FORMAT OUT: what the reference tools make of a file, as plain bytes with holes.
to_raw() {
  local file=${1//,/,,} options
  case $2 in
    # Some creators of VHDs are taken at their geometry, which is smaller than the disk.
    vhd) options=driver=vpc,force_size_calc=current_size,file.filename=$file ;;
    *) options=driver=$2,file.filename=$file ;;
  esac
  qemu-img convert --image-opts "$options" -O raw "$3" ||
    fail "qemu-img could not read $1 as $2"
}

# prove_equal FILE FORMAT OTHER FORMAT: same bytes, but that a format may round the size up with zeros.
prove_equal() {
  local wanted=$WORK/wanted.raw got=$WORK/got.raw
  to_raw "$1" "$2" "$wanted"
  to_raw "$3" "$4" "$got"
  [ "$(stat -c %s "$got")" -ge "$(stat -c %s "$wanted")" ] || fail "$3 is shorter than $1"
  truncate -s "$(stat -c %s "$got")" "$wanted"
  cmp "$wanted" "$got" || fail "$3 differs from $1"
  good "the same, byte for byte: $(stat -c %s "$got") bytes compared"
  rm -f "$wanted" "$got"
}
