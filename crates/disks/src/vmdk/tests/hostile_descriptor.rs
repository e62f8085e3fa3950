//! Descriptors that name other files, or that two programs would read in two ways.

use rstest::rstest;

use super::image::{DESCRIPTOR, Image, check_refused, descriptor, sparse_content};
use crate::Reason;
use crate::Reason::{
    ImageCorrupt, ImageEmpty, ImageFormatMismatch, ImageFormatUnsupported, ImageHasExternalReference,
    ImageLimitExceeded, ImageTruncated,
};
use crate::sample::noise;
use crate::{Error, InputFormat, Limits, open, open_flat_vmdk};

fn check_embedded(text: &str, reason: Reason) {
    let mut image = Image::sparse();
    image.set_descriptor(text);
    check_refused(&image, reason);
}

const GOOD: &str = "RW 24 SPARSE \"disk.vmdk\"";

#[rstest]
#[case::password_file("/etc/passwd")]
#[case::up("../../../etc/passwd")]
#[case::url("nbd://10.0.0.1/x")]
#[case::pseudo_protocol("json:{}")]
#[case::backslashes("..\\..\\secret")]
#[case::drive("C:disk.vmdk")]
#[case::device("/dev/sda")]
#[case::none("")]
fn an_extent_elsewhere_is_refused_and_its_name_not_repeated(
    #[case] name: &str,
    #[values("SPARSE", "FLAT", "VMFS", "ZERO")] kind: &str,
) {
    let mut image = Image::sparse();
    image.set_descriptor(&descriptor("monolithicSparse", &format!("RW 24 {kind} \"{name}\"")));
    let error = image.read().unwrap_err();
    assert_eq!(error.reason(), Some(ImageHasExternalReference), "{error}");
    assert!(name.is_empty() || !error.to_string().contains(name), "{error}");
}

#[rstest]
fn types_of_many_files_are_refused(
    #[values(
        "fullDevice",
        "partitionedDevice",
        "vmfs",
        "vmfsSparse",
        "vmfsRawDeviceMap",
        "seSparse",
        "custom",
        "twoGbMaxExtentSparse",
        "twoGbMaxExtentFlat",
        "monolithicFlat",
        "MonolithicSparse",
        ""
    )]
    kind: &str,
) {
    check_embedded(&descriptor(kind, GOOD), ImageHasExternalReference);
}

#[rstest]
#[case::second_extent("RW 24 SPARSE \"disk.vmdk\"\nRW 24 SPARSE \"sibling.vmdk\"", ImageHasExternalReference)]
#[case::second_in_small_letters("RW 24 SPARSE \"disk.vmdk\"\nrw 24 flat \"x\" 0", ImageHasExternalReference)]
#[case::device_extent("RW 24 FLAT \"sda\" 0", ImageHasExternalReference)]
#[case::small_letters("rw 24 sparse \"disk.vmdk\"", ImageCorrupt)]
#[case::no_extent("", ImageCorrupt)]
#[case::no_access("NOACCESS 24 SPARSE \"disk.vmdk\"", ImageCorrupt)]
#[case::no_name("RW 24 SPARSE", ImageCorrupt)]
#[case::no_quotes("RW 24 SPARSE disk.vmdk", ImageCorrupt)]
#[case::two_names("RW 24 SPARSE \"a\" \"b\"", ImageCorrupt)]
#[case::signed("RW +24 SPARSE \"disk.vmdk\"", ImageCorrupt)]
#[case::too_many_sectors("RW 99999999999999999999 SPARSE \"disk.vmdk\"", ImageCorrupt)]
#[case::other_sectors("RW 25 SPARSE \"disk.vmdk\"", ImageCorrupt)]
#[case::overflowing_sectors("RW 18446744073709551615 SPARSE \"disk.vmdk\"", ImageCorrupt)]
#[case::offset("RW 24 SPARSE \"disk.vmdk\" 8", ImageCorrupt)]
fn wrong_extents_are_refused(#[case] extents: &str, #[case] reason: Reason) {
    check_embedded(&descriptor("monolithicSparse", extents), reason);
}

#[rstest]
#[case::parent_name("parentFileNameHint=\"/etc/passwd\"", ImageHasExternalReference)]
#[case::parent_in_small_letters("parentfilenamehint = \"x\"", ImageHasExternalReference)]
#[case::change_tracking("changeTrackPath=\"x-ctk.vmdk\"", ImageHasExternalReference)]
#[case::second_type("createType=\"streamOptimized\"", ImageCorrupt)]
#[case::second_parent_id("parentCID=ffffffff", ImageCorrupt)]
#[case::other_letter_case("CREATETYPE=\"vmfs\"", ImageCorrupt)]
#[case::unknown_key("include=\"x\"", ImageCorrupt)]
#[case::no_key("hello", ImageCorrupt)]
#[case::letters_of_elsewhere("ddb.név = \"x\"", ImageCorrupt)]
#[case::escape("ddb.x = \"\u{1b}[31m\"", ImageCorrupt)]
fn lines_that_are_not_understood_are_refused(#[case] line: &str, #[case] reason: Reason) {
    check_embedded(&format!("{}{line}\n", descriptor("monolithicSparse", GOOD)), reason);
}

#[test]
fn a_delta_is_refused() {
    let text = descriptor("monolithicSparse", GOOD).replace("ffffffff", "1234abcd");
    check_embedded(&text, ImageHasExternalReference);
}

#[test]
fn a_descriptor_of_an_unknown_version_is_refused() {
    let text = descriptor("monolithicSparse", GOOD).replace("version=1", "version=9");
    check_embedded(&text, ImageFormatUnsupported);
}

#[test]
fn text_behind_a_nul_is_refused() {
    let text = format!("{}\0RW 24 FLAT \"/etc/passwd\" 0\n", descriptor("monolithicSparse", GOOD));
    check_embedded(&text, ImageCorrupt);
}

#[test]
fn a_descriptor_of_wide_letters_is_refused() {
    let mut image = Image::sparse();
    let wide: Vec<u8> =
        descriptor("monolithicSparse", GOOD).encode_utf16().flat_map(u16::to_le_bytes).collect();
    image.put(DESCRIPTOR, &wide);
    check_refused(&image, ImageCorrupt);
}

#[rstest]
#[case::windows_lines(descriptor("monolithicSparse", GOOD).replace('\n', "\r\n"))]
#[case::a_name_of_elsewhere(descriptor("monolithicSparse", "RW 24 SPARSE \"Gerät (Kopie).vmdk\""))]
#[case::read_only(descriptor("monolithicSparse", "RDONLY 24 SPARSE \"disk.vmdk\""))]
#[case::more_keys(descriptor("monolithicSparse", GOOD).replace("CID=1", "encoding=\"UTF-8\"\nisNativeSnapshot=\"no\"\nCID=1"))]
fn good_descriptors_are_read(#[case] text: String) {
    let mut image = Image::sparse();
    image.set_descriptor(&text);
    assert_eq!(image.read().unwrap(), (sparse_content(), Vec::new()));
}

#[rstest]
#[case::flat(descriptor("monolithicFlat", "RW 24 FLAT \"/etc/passwd\" 0"))]
#[case::many(descriptor("twoGbMaxExtentFlat", &"RW 24 FLAT \"/etc/passwd\" 0\n".repeat(100_000)))]
#[case::device(descriptor("fullDevice", "RW 24 FLAT \"/dev/sda\" 0"))]
fn a_descriptor_alone_is_refused(#[case] text: String) {
    let error = open(InputFormat::Vmdk, Box::new(text.into_bytes()), &Limits::default()).unwrap_err();
    assert_eq!(error.reason(), Some(ImageHasExternalReference), "{error}");
    assert!(!error.to_string().contains("passwd"), "{error}");
}

fn flat(text: &str, extent_bytes: usize) -> Result<Vec<u8>, Error> {
    let disk = open_flat_vmdk(text.as_bytes(), Box::new(noise(3, extent_bytes)), &Limits::default())?;
    let mut all = vec![0; extent_bytes];
    disk.blocks.read_at(0, &mut all)?;
    Ok(all)
}

#[test]
fn a_flat_disk_is_read_whatever_its_extent_is_called() {
    let text = descriptor("monolithicFlat", "RW 24 FLAT \"disk-flat.vmdk\" 0");
    assert_eq!(flat(&text, 24 * 512).unwrap(), noise(3, 24 * 512));
}

#[rstest]
#[case::shorter("RW 24 FLAT \"x\" 0", 23 * 512, ImageTruncated)]
#[case::longer("RW 24 FLAT \"x\" 0", 25 * 512, ImageCorrupt)]
#[case::elsewhere("RW 24 FLAT \"/etc/passwd\" 0", 24 * 512, ImageHasExternalReference)]
#[case::two("RW 12 FLAT \"x\" 0\nRW 12 FLAT \"y\" 0", 24 * 512, ImageHasExternalReference)]
#[case::from_the_middle("RW 24 FLAT \"x\" 8", 24 * 512, ImageCorrupt)]
#[case::sparse("RW 24 SPARSE \"x\"", 24 * 512, ImageHasExternalReference)]
#[case::too_large("RW 99999999999999999 FLAT \"x\" 0", 24 * 512, ImageLimitExceeded)]
#[case::overflowing("RW 18446744073709551615 FLAT \"x\" 0", 24 * 512, ImageLimitExceeded)]
#[case::empty("RW 0 FLAT \"x\" 0", 0, ImageEmpty)]
#[case::odd_length("RW 24 FLAT \"x\" 0", 24 * 512 - 1, ImageTruncated)]
fn a_flat_disk_that_does_not_fit_is_refused(
    #[case] extents: &str,
    #[case] extent_bytes: usize,
    #[case] reason: Reason,
) {
    let error = flat(&descriptor("monolithicFlat", extents), extent_bytes).unwrap_err();
    assert_eq!(error.reason(), Some(reason), "{error}");
}

#[test]
fn a_descriptor_of_one_file_does_not_describe_two() {
    let error = flat(&descriptor("monolithicSparse", GOOD), 24 * 512).unwrap_err();
    assert_eq!(error.reason(), Some(ImageFormatMismatch), "{error}");
}

#[test]
fn a_huge_descriptor_is_refused() {
    let text = descriptor("monolithicFlat", &"RW 24 FLAT \"x\" 0\n".repeat(100_000));
    let error = flat(&text, 24 * 512).unwrap_err();
    assert_eq!(error.reason(), Some(ImageLimitExceeded), "{error}");
}
