//! The promises, kept by the simulator; and the faults it can be told to have.

use super::*;

const LONG: Duration = Duration::from_secs(30);

fn simulator() -> Simulator {
    Simulator::new(Capacity { memory_mib: 512, machines: 3 })
}

async fn watched(script: Script) -> (Simulator, MachineId, Outcome) {
    let host = simulator();
    let machine = sample(1);
    host.script(machine.id, script);
    host.create(machine.clone()).await.unwrap();
    host.start(machine.id).await.unwrap();
    let outcome = await_ready(&host, machine.id, 0, LONG).await.unwrap();
    (host, machine.id, outcome)
}

#[tokio::test]
async fn the_simulator_counts_machines() {
    machines_are_made_once_and_counted(&simulator(), &sample(1)).await;
}

#[tokio::test]
async fn a_simulated_machine_lives() {
    a_machine_lives(&simulator(), &sample(1), LONG).await;
}

#[tokio::test]
async fn a_full_host_says_what_is_free() {
    let host = simulator();
    host.create(sample(1)).await.unwrap();
    let large = Machine { memory_mib: 300, ..sample(2) };
    let Err(Error::Exhausted(refusal)) = host.create(large).await else { panic!("there was no room") };
    assert_eq!(refusal, Exhausted { scarce: Scarce::Memory, wanted: 300, free: 256, limit: 512 });
    for number in 2..4 {
        host.create(Machine { memory_mib: 64, ..sample(number) }).await.unwrap();
    }
    let Err(Error::Exhausted(refusal)) = host.create(Machine { memory_mib: 64, ..sample(4) }).await else {
        panic!("there was no room")
    };
    assert_eq!((refusal.scarce, refusal.free), (Scarce::Machines, 0));
}

#[tokio::test]
async fn a_crash_at_boot_ends_the_watch() {
    let (_, _, outcome) = watched(Script::CrashAtBoot).await;
    assert!(matches!(outcome, Outcome::Stopped(State::Stopped(Ending::Crashed { .. }), _)), "{outcome:?}");
}

#[tokio::test]
async fn a_panic_is_seen_while_the_machine_runs_on() {
    let (host, id, outcome) = watched(Script::Panic).await;
    assert!(matches!(outcome, Outcome::Failed(Failure::Panic, _)), "{outcome:?}");
    assert_eq!(host.state(id).await.unwrap(), State::Running);
    assert_eq!(host.shutdown(id, LONG).await.unwrap(), Ending::PoweredOff);
}

#[tokio::test(start_paused = true)]
async fn who_never_is_ready_is_told_where_it_hangs() {
    let (_, _, outcome) = watched(Script::NeverReady).await;
    let Outcome::TimedOut(moments) = outcome else { panic!("{outcome:?}") };
    assert_eq!(moments.last().map(|moment| moment.stage), Some(Stage::Kernel));
}

#[tokio::test]
async fn a_slow_guest_is_waited_for() {
    let host = simulator();
    let machine = sample(1);
    host.script(machine.id, Script::Slow);
    host.create(machine.clone()).await.unwrap();
    host.start(machine.id).await.unwrap();
    let (outcome, ()) = tokio::join!(await_ready(&host, machine.id, 0, LONG), async {
        tokio::task::yield_now().await;
        host.proceed(machine.id).unwrap();
    });
    assert!(matches!(outcome.unwrap(), Outcome::Ready(_)));
}

#[tokio::test]
async fn a_specification_that_no_host_can_run_is_refused() {
    let host = simulator();
    let trusted = Security::TrustedLaunch { secure_boot: true, vtpm: true };
    let disk = || DataDisk { lun: 3, disk: sample(1).os_disk };
    let refused = [
        Machine { cpus: 0, ..sample(1) },
        Machine { memory_mib: 1, ..sample(1) },
        Machine { security: trusted, ..sample(1) },
        Machine { architecture: Architecture::Arm64, ..sample(1) },
        Machine { data_disks: vec![disk(), disk()], ..sample(1) },
        Machine { nics: vec![Nic { mac: [1; 6], forwards: Vec::new() }], ..sample(1) },
    ];
    for machine in refused {
        let answer = host.create(machine.clone()).await;
        assert!(matches!(answer, Err(Error::Invalid(_))), "{machine:?}");
    }
}

#[test]
fn a_log_keeps_its_end() {
    let mut log = SerialLog::new(4, 0);
    log.push(b"abcdef");
    log.push(b"gh");
    assert_eq!(log.read(0), Serial { from: 4, bytes: b"efgh".to_vec(), next: 8 });
    assert_eq!(log.read(7).bytes, b"h");
    assert_eq!(log.read(99), Serial { from: 8, bytes: Vec::new(), next: 8 });
}
