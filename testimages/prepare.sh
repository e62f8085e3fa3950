# The images that tests find through GALLERIST_TEST_IMAGES, made once. Expects say.sh and cache.sh.
# shellcheck shell=bash

prepare_test_images() {
  export GALLERIST_TEST_IMAGES=$GALLERIST_CACHE/testimages/images
  note "disk images for the inspector's tests: about 5 GB in $GALLERIST_TEST_IMAGES, some minutes the first time"
  "$ROOT/testimages/build" --out "$GALLERIST_TEST_IMAGES" || fail "the images could not be made"
}
