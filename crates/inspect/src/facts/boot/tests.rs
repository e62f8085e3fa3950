//! Menus of loaders, as distributions write them.

use super::menu::grub;

#[test]
fn the_first_entry_of_a_menu_is_the_default() {
    let text = b"if [ x ]; then\n set default=0\nfi\nmenuentry 'a' {\n linux /vmlinuz-2 root=UUID=x quiet\n initrd /early /initrd-2\n}\n\
                 menuentry 'b' {\n linux /vmlinuz-1 single\n initrd /initrd-1\n}\n";
    let entry = grub("/boot/grub/grub.cfg", text).unwrap();
    assert_eq!((entry.kernel.as_str(), entry.initrd.as_str()), ("/vmlinuz-2", "/initrd-2"));
    assert_eq!(entry.arguments, ["root=UUID=x", "quiet"]);
    assert_eq!(grub("/boot/grub/grub.cfg", b"blscfg\n"), None);
}
