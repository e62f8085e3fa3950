//! Doors to the readers of files for the fuzz targets, which have no disk to put the files on. Not part of any program.

use crate::contract::Contract;
use crate::facts::{Facts, architecture, initramfs_modules};
use crate::findings::{self, Scene};
use crate::guest::Guest;
use crate::lvm;
use crate::text::is_plain;
use crate::tree::Tree;

/// The day on which everything is inspected.
const TODAY: &str = "2026-01-01";

/// Looks at `tree` as at the root of a Linux.
pub fn linux(tree: &dyn Tree) {
    let mut facts = Facts::default();
    facts.add_linux(&Guest::new(tree), TODAY);
    told(tree, facts);
}

/// Looks at `tree` as at the root of a Windows.
pub fn windows(tree: &dyn Tree) {
    let mut facts = Facts::default();
    facts.add_windows(&Guest::new(tree), TODAY);
    told(tree, facts);
}

fn told(tree: &dyn Tree, mut facts: Facts) {
    facts.settle_architecture();
    let contract = Contract::default();
    let scene = Scene::new(Some(Guest::new(tree)), &facts, &[], &contract);
    let (checks, found) = findings::all(&scene);
    assert!(!checks.is_empty(), "every rule ends in some way");
    for package in &facts.packages {
        assert!(is_plain(&package.name), "a name that steers a terminal: {:?}", package.name);
    }
    drop(found);
}

/// Reads `bytes` as the metadata of a volume group.
pub fn lvm_text(bytes: &[u8]) {
    lvm::fuzz_text(bytes);
}

/// Reads the initramfs `/initramfs` of `tree`.
pub fn initramfs(tree: &dyn Tree) {
    // Either outcome is good; what counts is that there is one.
    drop(initramfs_modules(&Guest::new(tree), "/initramfs"));
}

/// Reads `bytes` as a program or a kernel.
pub fn program(bytes: &[u8]) {
    let _either = architecture::of_program(bytes);
    let _either = architecture::pe(bytes);
    let _either = architecture::kernel_version(bytes);
}
