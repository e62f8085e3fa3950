//! The command line holds what it must, whatever the paths are.

use super::*;
use crate::DataDisk;
use crate::conformance::sample;

#[test]
fn a_path_stays_inside_its_option() {
    let hostile = "a,file=/etc/shadow,readonly=off\"}]";
    let disk = Disk::File { path: hostile.into(), format: DiskFormat::Raw };
    let data = DataDisk { lun: 4, disk: disk.clone() };
    let machine = Machine { os_disk: disk, data_disks: vec![data], ..sample(1) };
    let list = arguments(&machine, &Firmware::default(), Accelerator::Tcg);
    let mut found = 0;
    for argument in &list {
        let names_it = argument.contains("/etc/shadow");
        if names_it {
            let read: Value = serde_json::from_str(argument).unwrap();
            assert_eq!(read["file"]["filename"], hostile);
            found += 1;
        }
    }
    assert_eq!(found, 2);
}

#[test]
fn a_guest_reaches_nothing_and_the_process_may_little() {
    let list = arguments(&sample(1), &Firmware::default(), Accelerator::Tcg);
    assert!(list.iter().any(|one| one == "user,id=net0,restrict=on"));
    assert!(list.windows(2).any(|two| two[0] == "-sandbox" && two[1] == SANDBOX));
    assert!(list.iter().any(|one| one == "-nodefaults"));
}

#[test]
fn what_a_qcow2_file_names_as_its_backing_is_not_opened() {
    let disk = Disk::File { path: "x".into(), format: DiskFormat::Qcow2 };
    let list = arguments(&Machine { os_disk: disk, ..sample(1) }, &Firmware::default(), Accelerator::Tcg);
    let node = list.iter().find(|one| one.contains("\"qcow2\"")).unwrap();
    let read: Value = serde_json::from_str(node).unwrap();
    assert_eq!(read["backing"], Value::Null);
    assert!(read.as_object().unwrap().contains_key("backing"));
}
