//! Server and client are killed at random moments of publishing; what was acknowledged is there afterwards.
//!
//! `GALLERIST_KILLS` says how often (8 by default), `GALLERIST_KILL_SEED` repeats a run.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use reqwest::Method;
use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::chance::Chance;
use crate::server::{PLACE, Server, Start};
use crate::wire::{COMPUTE, Wire};

const REGIONS: [&str; 3] = ["westeurope", "northeurope", "eastus"];
/// Longest that operations may take to end and left-overs to go.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who is killed.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Server,
    Client,
    Both,
}

/// What has been acknowledged: the test's own journal, outside the server's folder.
struct Published {
    version: String,
    disk: Vec<u8>,
    digest: String,
}

/// A client under way.
struct Client {
    process: Pid,
    ended: Receiver<Output>,
}

impl Client {
    fn begin(mut command: Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let process = Pid::from_child(&child);
        let (send, ended) = channel();
        // Nobody listens any more when the test has failed already.
        std::thread::spawn(move || send.send(child.wait_with_output().unwrap()).ok());
        Self { process, ended }
    }

    /// Waits until the client ends by itself or the moment has come.
    fn until(&self, moment: Duration) -> Option<Output> {
        match self.ended.recv_timeout(moment) {
            Ok(output) => Some(output),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the client was lost"),
        }
    }

    fn kill(self) -> Output {
        rustix::process::kill_process(self.process, Signal::KILL).ok();
        self.ended.recv().unwrap()
    }

    fn end(self) -> Output {
        self.ended.recv().unwrap()
    }
}

#[test]
fn what_was_acknowledged_survives_kills_at_random_moments() {
    let mut chance = Chance::from_env("GALLERIST_KILL_SEED");
    let kills = std::env::var("GALLERIST_KILLS").map_or(8, |text| text.parse().expect("a number of kills"));
    let config = "[replication]\nheal_after_seconds = 1\npause_ms = 50\n".to_owned();
    let mut server = Server::start(Start { config, log: "info".to_owned() });
    let mib = chance.within(24..64);
    let mut journal = Vec::new();
    publish_through(&mut server, &mut journal, chance.disk(mib), None);
    // Kills are spread over the time a publish takes; those that come too late make them come earlier.
    let mut usual = Duration::from_secs(1);
    let (mut met, mut missed) = (0, 0);
    while met < kills {
        let victim = [Victim::Server, Victim::Client, Victim::Server, Victim::Both][met % 4];
        let moment = usual.mul_f64(f64::from(u32::try_from(chance.within(0..1000)).unwrap()) / 1000.0);
        let fresh = if chance.within(0..3) == 0 { None } else { journal.last() };
        let disk = match fresh {
            Some(Published { disk, .. }) => chance.touched(disk),
            None => {
                let mib = chance.within(24..64);
                chance.disk(mib)
            }
        };
        if publish_through(&mut server, &mut journal, disk, Some((victim, moment))) {
            met += 1;
            usual = usual.mul_f64(1.1);
        } else {
            missed += 1;
            usual = usual.mul_f64(0.8);
            assert!(missed < 100 + kills, "publishing is too fast to be killed");
        }
        if journal.len() > 3 {
            // The collector shall have something to do meanwhile.
            let oldest = journal.remove(0);
            delete(&server, &oldest.version);
        }
        settle(&server);
        let newest = journal.last().unwrap();
        let region = REGIONS[usize::try_from(chance.within(0..3)).unwrap()];
        comes_out_as_it_went_in(&server, newest, region);
        assert!(server.terminate().success(), "{}", server.log());
        is_clean(&server, &journal);
        server.restart();
    }
    for published in &journal {
        REGIONS.iter().for_each(|region| comes_out_as_it_went_in(&server, published, region));
    }
    for published in journal.drain(..) {
        delete(&server, &published.version);
    }
    settle(&server);
    assert_eq!(pack_bytes(&server), 0, "bytes stay although every version is gone");
    println!("{met} kills met a publish under way, {missed} came after it");
}

/// Publishes `disk`, with a kill at a moment of it; the client finishes by itself or is started again. Answers
/// whether the kill met a client at work.
fn publish_through(
    server: &mut Server,
    journal: &mut Vec<Published>,
    disk: Vec<u8>,
    kill: Option<(Victim, Duration)>,
) -> bool {
    let version = match journal.last() {
        None => "1.0.0".to_owned(),
        Some(last) => last.version.parse::<arm::VersionName>().unwrap().next_patch().unwrap().to_string(),
    };
    let file = server.scratch("disk.raw");
    std::fs::write(&file, &disk).unwrap();
    let begin = |server: &Server| {
        Client::begin(server.publish(&file, "raw", &version, &["--target-regions", &REGIONS.join(",")]))
    };
    let client = begin(server);
    let mut was_at_work = false;
    let output = match kill.map(|(victim, moment)| (victim, client.until(moment))) {
        None => client.end(),
        // It was faster than the kill, which then meets an idle server.
        Some((_, Some(output))) => {
            server.restart();
            output
        }
        Some((victim, None)) => {
            was_at_work = true;
            match victim {
                Victim::Server => {
                    server.restart();
                    client.end()
                }
                Victim::Client => {
                    client.kill();
                    begin(server).end()
                }
                Victim::Both => {
                    client.kill();
                    server.restart();
                    begin(server).end()
                }
            }
        }
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{kill:?} of {version}: {}\n{said}\n{}", output.status, server.log());
    let published: Value = serde_json::from_slice(&output.stdout).unwrap();
    let digest = published["digest"].as_str().unwrap().to_owned();
    journal.push(Published { version, disk, digest });
    was_at_work
}

/// Waits until operations have ended and a running server finds nothing to complain of.
fn settle(server: &Server) {
    let begun = Instant::now();
    loop {
        let output = server.run(&["verify", "--json"]);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}\n{}", String::from_utf8_lossy(&output.stderr), server.log())
        });
        if output.status.success() && found["openOperationCount"] == 0 {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not settle: {found:#}\n{}", server.log());
    }
}

/// The folder of a server that has ended holds what the journal says, and nothing else.
fn is_clean(server: &Server, journal: &[Published]) {
    let found = server.run_json(&["verify", "--json"]);
    assert_eq!(found["violations"], Value::Array(Vec::new()), "{}", server.log());
    assert_eq!(found["versionCount"], journal.len());
    assert_eq!(found["replicaCount"], journal.len() * REGIONS.len());
    // The group, the gallery and the definition; no upload is left.
    assert_eq!(found["resourceCount"], journal.len() + 3);
    assert_eq!(found["openOperationCount"], 0);
}

fn comes_out_as_it_went_in(server: &Server, published: &Published, region: &str) {
    let file = server.scratch("out.raw");
    let mut command = server.command(&["export", "--format", "raw", "--json", "--force", "--region", region]);
    command.args(PLACE).args(["-e", &published.version]).arg("--output").arg(&file);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} in {region}: {said}\n{}", published.version, server.log());
    let exported: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(exported["digest"], published.digest);
    assert!(std::fs::read(&file).unwrap() == published.disk, "{} in {region} differs", published.version);
}

#[tokio::main(flavor = "current_thread")]
async fn delete(server: &Server, version: &str) {
    let wire = Wire::sign_in(server).await;
    let id = wire.version(version);
    let answer = wire.ask(Method::DELETE, &format!("{id}?api-version={COMPUTE}"), None).await;
    assert!(answer.status.is_success(), "{answer:?}");
    assert_eq!(wire.get(&id).await.status, 404);
}

/// Bytes of all packs on disk.
fn pack_bytes(server: &Server) -> u64 {
    fn below(folder: &Path) -> u64 {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let bytes = entries.map(|entry| match entry.metadata().unwrap() {
            found if found.is_dir() => below(&entry.path()),
            found => found.len(),
        });
        bytes.sum()
    }
    below(&server.data().join("regions"))
}
