//! Menus of loaders, as distributions write them.

use rstest::rstest;
use sha2::{Digest, Sha256};

use super::Generation;
use super::menu::grub;
use crate::guest::Guest;
use crate::testing::Files;

#[test]
fn the_first_entry_of_a_menu_is_the_default() {
    let text = b"if [ x ]; then\n set default=0\nfi\nmenuentry 'a' {\n linux /vmlinuz-2 root=UUID=x quiet\n initrd /early /initrd-2\n}\n\
                 menuentry 'b' {\n linux /vmlinuz-1 single\n initrd /initrd-1\n}\n";
    let entry = grub("/boot/grub/grub.cfg", text).unwrap();
    assert_eq!((entry.kernel.as_str(), entry.initrd.as_str()), ("/vmlinuz-2", "/initrd-2"));
    assert_eq!(entry.arguments, ["root=UUID=x", "quiet"]);
    assert_eq!(grub("/boot/grub/grub.cfg", b"blscfg\n"), None);
}

/// A loader for x64 with a certificate that speaks of `digest_of`, and names `authority`.
fn signed(authority: &str, digest_of: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    const HEADER: usize = 0x40;
    const OPTIONAL: usize = HEADER + 24;
    const ENTRY: usize = OPTIONAL + 112 + 4 * 8;
    let mut bytes = b"MZ".to_vec();
    bytes.resize(0x400, 7);
    bytes[0x3C..0x40].copy_from_slice(&0x40_u32.to_le_bytes());
    bytes[HEADER..HEADER + 6].copy_from_slice(b"PE\0\0\x64\x86");
    bytes[HEADER + 6..HEADER + 8].copy_from_slice(&[0, 0]);
    bytes[OPTIONAL..OPTIONAL + 2].copy_from_slice(&0x20B_u16.to_le_bytes());
    let hashed = [&bytes[..OPTIONAL + 64], &bytes[OPTIONAL + 68..ENTRY], &bytes[ENTRY + 8..]].concat();
    let certificate = [b"....".to_vec(), digest_of(&hashed), authority.as_bytes().to_vec()].concat();
    bytes[ENTRY..ENTRY + 4].copy_from_slice(&0x400_u32.to_le_bytes());
    bytes[ENTRY + 4..ENTRY + 8].copy_from_slice(&u32::try_from(certificate.len()).unwrap().to_le_bytes());
    [bytes, certificate].concat()
}

fn loader(bytes: Vec<u8>) -> super::Loader {
    let files = Files::new().file("/EFI/BOOT/bootx64.efi", bytes);
    super::loader::read(&Guest::new(&files), 1, b"/EFI/BOOT/bootx64.efi").unwrap().unwrap()
}

#[test]
fn a_signature_is_for_the_very_bytes() {
    let good = signed("Microsoft UEFI CA 2023", |bytes| Sha256::digest(bytes).to_vec());
    let told = loader(good.clone());
    assert!(told.is_removable() && told.signed && told.intact, "{told:?}");
    assert_eq!(told.authorities, ["Microsoft UEFI CA 2023"]);
    let mut changed = good;
    changed[0x300] ^= 1;
    assert_eq!((loader(changed.clone()).signed, loader(changed).intact), (true, false));
    let foreign = loader(signed("Nobody CA", |_| vec![0; 32]));
    assert_eq!((foreign.authorities.len(), foreign.intact), (0, false));
}

#[test]
fn any_damage_to_a_loader_ends_without_a_panic() {
    let good = signed("Microsoft UEFI CA 2023", |bytes| Sha256::digest(bytes).to_vec());
    for at in 0..0x200 {
        for byte in [0, 0x7F, 0xFF] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            assert_eq!(loader(bytes).sha256.len(), 64);
        }
    }
}

/// A disk of 1 MiB with one partition of the MBR at sector 64.
fn disk(make: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = vec![0; 1 << 20];
    bytes[446 + 4] = 0x83;
    bytes[446 + 8..446 + 12].copy_from_slice(&64_u32.to_le_bytes());
    bytes[446 + 12..446 + 16].copy_from_slice(&1024_u32.to_le_bytes());
    bytes[510..512].copy_from_slice(&[0x55, 0xAA]);
    make(&mut bytes);
    bytes
}

fn grub_code(bytes: &mut [u8]) {
    bytes[..3].copy_from_slice(&[0xEB, 0x63, 0x90]);
    bytes[0x5C..0x64].copy_from_slice(&1_u64.to_le_bytes());
    bytes[0x180..0x184].copy_from_slice(b"GRUB");
}

#[rstest]
#[case::no_code(|_: &mut [u8]| {}, false)]
#[case::code_without_core(grub_code, false)]
#[case::code_and_core(|bytes: &mut [u8]| { grub_code(bytes); bytes[512] = 0x52; }, true)]
#[case::core_outside(|bytes: &mut [u8]| { grub_code(bytes); bytes[0x5C..0x64].fill(0xFF); }, false)]
#[case::generic_code_alone(|bytes: &mut [u8]| bytes[0] = 0xFA, false)]
#[case::active_without_a_loader(|bytes: &mut [u8]| { bytes[0] = 0xFA; bytes[446] = 0x80; }, false)]
#[case::active_with_a_loader(
    |bytes: &mut [u8]| {
        (bytes[0], bytes[446]) = (0xFA, 0x80);
        bytes[64 * 512 + 100] = 1;
        bytes[64 * 512 + 510..64 * 512 + 512].copy_from_slice(&[0x55, 0xAA]);
    },
    true
)]
#[case::active_that_only_prints(
    |bytes: &mut [u8]| {
        (bytes[0], bytes[446]) = (0xFA, 0x80);
        bytes[64 * 512 + 100..64 * 512 + 131].copy_from_slice(b"This is not a bootable disk.   ");
        bytes[64 * 512 + 510..64 * 512 + 512].copy_from_slice(&[0x55, 0xAA]);
    },
    false
)]
fn a_bios_starts_what_is_whole(#[case] make: fn(&mut [u8]), #[case] starts: bool) {
    let image = Box::new(disk(make));
    let opened = disks::open(disks::InputFormat::Raw, image, &disks::Limits::default()).unwrap();
    let boot = super::firmware(&crate::Disk::open(&*opened.blocks, crate::Budget::default())).unwrap();
    assert_eq!((!boot.bios.is_empty(), boot.generations.contains(&Generation::V1)), (starts, starts));
}
