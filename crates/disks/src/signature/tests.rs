//! Files that are not what they are declared to be, or are two things at once.

use rstest::rstest;

use crate::sample::{Sample, Sink};
use crate::{Error, InputFormat, Limits, OutputFormat, Reason, open, write};

const MIB: u64 = 1 << 20;

fn written(format: OutputFormat, disk: &Sample) -> Vec<u8> {
    let mut sink = Sink::default();
    write(format, disk, [3; 16], &mut sink).unwrap();
    sink.bytes
}

fn refusal(declared: InputFormat, file: Vec<u8>) -> Error {
    open(declared, Box::new(file), &Limits::default()).unwrap_err()
}

fn check(declared: InputFormat, file: Vec<u8>, reason: Reason) {
    let error = refusal(declared, file);
    assert_eq!(error.reason(), Some(reason), "{error}");
}

/// A megabyte that begins with `magic` at `at`.
fn file_with(at: usize, magic: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 1 << 20];
    file[at..at + magic.len()].copy_from_slice(magic);
    file
}

const GZIP: &[u8] = b"\x1f\x8b\x08\0";
const QCOW2: &[u8] = b"QFI\xfb\0\0\0\x03";
const DESCRIPTOR: &[u8] = b"# Disk DescriptorFile\nversion=1\nCID=1\n";

#[rstest]
#[case::qcow2(0, QCOW2, Reason::ImageFormatMismatch)]
#[case::vhdx(0, b"vhdxfile", Reason::ImageFormatMismatch)]
#[case::vhd_at_the_start(0, b"conectix", Reason::ImageFormatMismatch)]
#[case::vhd_at_the_end((1 << 20) - 512, b"conectix", Reason::ImageFormatMismatch)]
#[case::old_vhd_at_the_end((1 << 20) - 511, b"conectix", Reason::ImageFormatMismatch)]
#[case::vmdk(0, b"KDMV", Reason::ImageFormatMismatch)]
#[case::vmdk_of_esx(0, b"COWD", Reason::ImageFormatMismatch)]
#[case::se_sparse_vmdk(0, b"\xbe\xba\xfe\xca\0\0\0\0", Reason::ImageFormatMismatch)]
#[case::vmdk_descriptor(0, DESCRIPTOR, Reason::ImageFormatMismatch)]
#[case::vmdk_descriptor_behind_comments(0, b"# x\n\r\n#y\r\n  Version=1\n", Reason::ImageFormatMismatch)]
#[case::qed(0, b"QED\0", Reason::ImageFormatUnsupported)]
#[case::vdi(64, b"\x7f\x10\xda\xbe", Reason::ImageFormatUnsupported)]
#[case::parallels(0, b"WithoutFreeSpace", Reason::ImageFormatUnsupported)]
#[case::parallels_extended(0, b"WithouFreSpacExt", Reason::ImageFormatUnsupported)]
#[case::bochs(0, b"Bochs Virtual HD Image", Reason::ImageFormatUnsupported)]
#[case::dmg((1 << 20) - 512, b"koly", Reason::ImageFormatUnsupported)]
#[case::gzip(0, GZIP, Reason::ImageFormatUnsupported)]
#[case::zip(0, b"PK\x03\x04", Reason::ImageFormatUnsupported)]
#[case::ova(257, b"ustar", Reason::ImageFormatUnsupported)]
#[case::xz(0, b"\xfd7zXZ\0", Reason::ImageFormatUnsupported)]
#[case::bzip2(0, b"BZh9", Reason::ImageFormatUnsupported)]
#[case::zstandard(0, b"\x28\xb5\x2f\xfd", Reason::ImageFormatUnsupported)]
#[case::seven_zip(0, b"7z\xbc\xaf\x27\x1c", Reason::ImageFormatUnsupported)]
fn a_marked_file_is_not_raw(#[case] at: usize, #[case] magic: &[u8], #[case] reason: Reason) {
    check(InputFormat::Raw, file_with(at, magic), reason);
}

#[rstest]
#[case::an_archive(GZIP, Reason::ImageFormatUnsupported)]
#[case::another_disk(b"QED\0", Reason::ImageFormatUnsupported)]
#[case::nothing_known(b"\xeb\x63\x90\0", Reason::ImageFormatMismatch)]
fn what_is_no_container_is_not_taken_for_one(
    #[case] magic: &[u8],
    #[case] reason: Reason,
    #[values(InputFormat::Vhd, InputFormat::Vhdx, InputFormat::Qcow2, InputFormat::Vmdk)]
    declared: InputFormat,
) {
    check(declared, file_with(0, magic), reason);
}

#[test]
fn a_packed_file_of_any_length_is_unsupported() {
    check(InputFormat::Raw, [GZIP, &[7; 997]].concat(), Reason::ImageFormatUnsupported);
}

#[rstest]
fn a_container_is_only_what_it_is(
    #[values(OutputFormat::Vhd, OutputFormat::VhdDynamic, OutputFormat::Vhdx)] written_as: OutputFormat,
    #[values(InputFormat::Raw, InputFormat::Vhd, InputFormat::Vhdx, InputFormat::Qcow2, InputFormat::Vmdk)]
    declared: InputFormat,
) {
    let own = if written_as == OutputFormat::Vhdx { InputFormat::Vhdx } else { InputFormat::Vhd };
    let file = written(written_as, &Sample::empty(4 * MIB).with_noise(0, 1 << 20));
    if declared == own {
        open(declared, Box::new(file), &Limits::default()).unwrap();
    } else {
        check(declared, file, Reason::ImageFormatMismatch);
    }
}

#[rstest]
#[case::qcow2(QCOW2)]
#[case::vhdx(b"vhdxfile")]
#[case::vhd(b"conectix")]
#[case::vmdk(b"KDMV")]
#[case::vmdk_descriptor(DESCRIPTOR)]
#[case::qed(b"QED\0")]
fn a_disk_that_is_itself_a_container_is_refused(
    #[case] magic: &[u8],
    #[values(OutputFormat::Vhd, OutputFormat::VhdDynamic, OutputFormat::Vhdx)] format: OutputFormat,
) {
    let disk = Sample::empty(4 * MIB).with(0, magic.to_vec());
    let declared = if format == OutputFormat::Vhdx { InputFormat::Vhdx } else { InputFormat::Vhd };
    let is_foreign_start = format == OutputFormat::Vhd && magic.starts_with(b"QED");
    let reason = if is_foreign_start { Reason::ImageFormatUnsupported } else { Reason::ImageFormatMismatch };
    check(declared, written(format, &disk), reason);
}

#[rstest]
fn a_disk_that_ends_as_a_vhd_is_refused(
    #[values(OutputFormat::Vhd, OutputFormat::VhdDynamic, OutputFormat::Vhdx)] format: OutputFormat,
) {
    let disk = Sample::empty(4 * MIB).with(4 * MIB - 512, b"conectix".to_vec());
    let declared = if format == OutputFormat::Vhdx { InputFormat::Vhdx } else { InputFormat::Vhd };
    check(declared, written(format, &disk), Reason::ImageFormatMismatch);
}

#[test]
fn an_archive_on_a_disk_is_the_users_own() {
    let disk = Sample::empty(4 * MIB).with(0, GZIP.to_vec());
    open(InputFormat::Vhdx, Box::new(written(OutputFormat::Vhdx, &disk)), &Limits::default()).unwrap();
}

/// The VHDX, and behind it the footer of a fixed VHD that has it as its disk.
fn vhdx_with_vhd_footer() -> Vec<u8> {
    let vhdx = written(OutputFormat::Vhdx, &Sample::empty(4 * MIB).with_noise(0, 1 << 20));
    let size_bytes = u64::try_from(vhdx.len()).unwrap();
    written(OutputFormat::Vhd, &Sample::empty(size_bytes).with(0, vhdx))
}

#[rstest]
fn a_vhdx_with_a_vhd_footer_is_neither(
    #[values(InputFormat::Raw, InputFormat::Vhd, InputFormat::Vhdx)] declared: InputFormat,
) {
    check(declared, vhdx_with_vhd_footer(), Reason::ImageFormatMismatch);
}

#[rstest]
fn a_qcow2_with_a_vhd_footer_is_neither(
    #[values(InputFormat::Raw, InputFormat::Vhd, InputFormat::Qcow2)] declared: InputFormat,
) {
    let mut file = file_with(0, QCOW2);
    file.extend(&written(OutputFormat::Vhd, &Sample::empty(MIB))[1 << 20..]);
    check(declared, file, Reason::ImageFormatMismatch);
}

#[rstest]
#[case(InputFormat::Raw, QCOW2)]
#[case(InputFormat::Qcow2, QCOW2)]
#[case(InputFormat::Vmdk, b"KDMV")]
fn a_partitioned_disk_that_begins_as_a_container_is_neither(
    #[case] declared: InputFormat,
    #[case] magic: &[u8],
) {
    let mut file = file_with(0, magic);
    file[512..520].copy_from_slice(b"EFI PART");
    check(declared, file, Reason::ImageFormatMismatch);
}

#[test]
fn a_plain_partitioned_disk_is_raw() {
    let mut file = file_with(510, b"\x55\xaa");
    file[512..520].copy_from_slice(b"EFI PART");
    let disk = open(InputFormat::Raw, Box::new(file), &Limits::default()).unwrap();
    assert_eq!(disk.warnings, Vec::<String>::new());
}

#[test]
fn a_refusal_names_no_text_of_the_file() {
    let error =
        refusal(InputFormat::Raw, file_with(0, b"# Disk DescriptorFile\nRW 1 FLAT \"/etc/passwd\" 0\n"));
    assert!(!error.to_string().contains("passwd"), "{error}");
}
