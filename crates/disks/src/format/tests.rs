//! The formats' names, and what is said of disks whatever their container.

use rstest::rstest;

use crate::sample::{Sample, Sink};
use crate::{InputFormat, Limits, OutputFormat, Reason, open, open_flat_vmdk, write};

const MIB: u64 = 1 << 20;

#[rstest]
#[case("raw", InputFormat::Raw)]
#[case("vhd", InputFormat::Vhd)]
#[case("vhdx", InputFormat::Vhdx)]
#[case("qcow2", InputFormat::Qcow2)]
#[case("vmdk", InputFormat::Vmdk)]
fn an_input_format_has_a_name(#[case] name: &str, #[case] format: InputFormat) {
    assert_eq!(format.to_string(), name);
    assert_eq!(name.parse::<InputFormat>().unwrap(), format);
    assert_eq!(name.to_uppercase().parse::<InputFormat>().unwrap(), format);
}

#[rstest]
#[case("raw", OutputFormat::Raw)]
#[case("vhd", OutputFormat::Vhd)]
#[case("vhd-dynamic", OutputFormat::VhdDynamic)]
#[case("vhdx", OutputFormat::Vhdx)]
#[case("qcow2", OutputFormat::Qcow2)]
#[case("vmdk", OutputFormat::Vmdk)]
fn an_output_format_has_a_name(#[case] name: &str, #[case] format: OutputFormat) {
    assert_eq!(format.to_string(), name);
    assert_eq!(name.parse::<OutputFormat>().unwrap(), format);
}

#[rstest]
fn an_unknown_name_is_refused_with_the_known_ones(
    #[values("", "vpc", "raw ", "vhd-fixed", "qed")] name: &str,
) {
    let error = name.parse::<InputFormat>().unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ImageFormatUnsupported));
    assert!(error.to_string().contains("raw, vhd, vhdx, qcow2, vmdk"), "{error}");
    name.parse::<OutputFormat>().unwrap_err();
}

#[rstest]
fn an_empty_file_is_empty_in_every_format(
    #[values(InputFormat::Raw, InputFormat::Vhd, InputFormat::Vhdx, InputFormat::Qcow2, InputFormat::Vmdk)]
    format: InputFormat,
) {
    let error = open(format, Box::new(Vec::new()), &Limits::default()).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ImageEmpty));
}

#[rstest]
fn a_wholly_encrypted_disk_is_a_warning(
    #[values(OutputFormat::Raw, OutputFormat::Vhd, OutputFormat::VhdDynamic, OutputFormat::Vhdx)]
    format: OutputFormat,
) {
    let disk = Sample::empty(4 * MIB).with(0, b"LUKS\xba\xbe\0\x02".repeat(64));
    let mut sink = Sink::default();
    write(format, &disk, [1; 16], &mut sink).unwrap();
    let input = match format {
        OutputFormat::Raw => InputFormat::Raw,
        OutputFormat::Vhdx => InputFormat::Vhdx,
        _ => InputFormat::Vhd,
    };
    let warnings = open(input, Box::new(sink.bytes), &Limits::default()).unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("LUKS"), "{warnings:?}");
}

#[rstest]
fn the_same_disk_and_identity_give_the_same_file(
    #[values(OutputFormat::Raw, OutputFormat::Vhd, OutputFormat::VhdDynamic, OutputFormat::Vhdx)]
    format: OutputFormat,
) {
    let file_of = |identity: u8| {
        let disk = Sample::empty(4 * MIB).with_noise(MIB, 70_000);
        let mut sink = Sink::default();
        write(format, &disk, [identity; 16], &mut sink).unwrap();
        sink.bytes
    };
    assert!(file_of(1) == file_of(1));
    assert_eq!(file_of(1) == file_of(2), format == OutputFormat::Raw, "only raw has no ids");
}

#[test]
fn a_flat_vmdk_is_opened_through_its_own_door() {
    let error = open_flat_vmdk(b"not a descriptor", Box::new(vec![0; 512]), &Limits::default()).unwrap_err();
    assert!(error.reason().is_some());
}
