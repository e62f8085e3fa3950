//! What every host promises, as tests that run on each of them.

use std::time::Duration;

use uuid::Uuid;

use crate::*;

mod real;
mod simulated;

/// A machine of which nothing runs: the disk is only named.
pub(crate) fn sample(number: u128) -> Machine {
    let id = MachineId::new(Uuid::from_u128(number));
    Machine {
        id,
        architecture: Architecture::X64,
        generation: Generation::V1,
        security: Security::Standard,
        cpus: 1,
        memory_mib: 256,
        os_disk: Disk::File { path: "disk.raw".into(), format: DiskFormat::Raw },
        data_disks: Vec::new(),
        seed: None,
        nics: vec![Nic {
            mac: [0x52, 0x54, 0, 0, 0, 1],
            forwards: vec![Forward { guest_port: 22, host_port: None }],
        }],
        serial_bytes: 65_536,
    }
}

/// Making, repeating, refusing, removing. Room for two machines of this size is wanted.
pub(crate) async fn machines_are_made_once_and_counted(host: &dyn Host, machine: &Machine) {
    let id = machine.id;
    host.create(machine.clone()).await.unwrap();
    host.create(machine.clone()).await.unwrap();
    let other = Machine { cpus: machine.cpus + 1, ..machine.clone() };
    assert!(matches!(host.create(other).await, Err(Error::Exists(found)) if found == id));
    assert_eq!(host.usage().await, Usage { memory_mib: machine.memory_mib.into(), machines: 1 });
    assert_eq!(host.machines().await, [id]);
    assert_eq!(host.state(id).await.unwrap(), State::Created);
    assert!(host.forwards(id).await.unwrap().is_empty());
    assert!(matches!(host.restart(id).await, Err(Error::NotRunning(_))));
    assert!(matches!(host.screenshot(id).await, Err(Error::NotRunning(_))));
    host.remove(id).await.unwrap();
    host.remove(id).await.unwrap();
    assert!(matches!(host.state(id).await, Err(Error::NotFound(_))));
    assert!(matches!(host.start(id).await, Err(Error::NotFound(_))));
    assert_eq!(host.usage().await, Usage::default());
}

/// A whole life: start, ready, forwards, picture, restart, shutdown, start again, no power.
pub(crate) async fn a_machine_lives(host: &dyn Host, machine: &Machine, within: Duration) {
    let id = machine.id;
    let mut events = host.events();
    host.create(machine.clone()).await.unwrap();
    host.start(id).await.unwrap();
    host.start(id).await.unwrap();
    assert_eq!(events.recv().await.unwrap(), Event { machine: id, what: What::Started });
    assert_eq!(host.state(id).await.unwrap(), State::Running);
    let ready = await_ready(host, id, 0, within).await.unwrap();
    let Outcome::Ready(moments) = ready else { panic!("not ready: {ready:?}") };
    assert!(moments.is_sorted_by_key(|moment| (moment.stage, moment.after)));

    let standing = host.forwards(id).await.unwrap();
    assert_eq!(standing.len(), 1);
    let taken = Forward { guest_port: 80, host_port: Some(standing[0].host_port) };
    assert!(matches!(host.forward(id, 0, taken).await, Err(Error::PortTaken(_) | Error::Invalid(_))));
    let more = host.forward(id, 0, Forward { guest_port: 80, host_port: None }).await.unwrap();
    assert_eq!(host.forwards(id).await.unwrap(), [standing[0], more]);
    host.unforward(id, more.host_port).await.unwrap();
    host.unforward(id, more.host_port).await.unwrap();
    assert_eq!(host.forwards(id).await.unwrap(), standing);
    assert!(host.screenshot(id).await.unwrap().png.starts_with(b"\x89PNG\r\n\x1a\n"));

    assert_eq!(host.shutdown(id, within).await.unwrap(), Ending::ShutDown);
    assert_eq!(host.shutdown(id, within).await.unwrap(), Ending::ShutDown);
    assert_eq!(host.state(id).await.unwrap(), State::Stopped(Ending::ShutDown));
    let kept = host.serial(id, 0).await.unwrap();
    assert!(kept.next > 0, "the serial log is kept after the end");
    host.start(id).await.unwrap();
    host.restart(id).await.unwrap();
    host.power_off(id).await.unwrap();
    host.power_off(id).await.unwrap();
    assert_eq!(host.state(id).await.unwrap(), State::Stopped(Ending::PoweredOff));
    host.remove(id).await.unwrap();
}
