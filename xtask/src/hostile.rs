//! The corpus of hostile images against the real program: verdict, time, memory, and no look at any other file.
//!
//! `strace` tells what is opened. What is opened for a good image as well (libraries, the machine's own numbers) is the
//! program's business; anything else but the image itself is a broken promise, whether the attempt succeeds or not.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use corpus::{Case, Expect, FAMILIES, Workshop};
use serde::Deserialize;
use tempfile::TempDir;

/// The most that one image may cost.
const MOST_SECONDS: f64 = 10.0;
const MOST_KIB: u64 = 256 << 10;
/// When a run is ended from outside, and what it may address: beyond these the machine itself would suffer.
const GIVE_UP: &str = "60";
const MOST_ADDRESSES: &str = "--as=4294967296";
/// What the C library looks at by itself when a thread needs much memory.
const LIBRARYS_OWN: &str = "/proc/sys/vm/overcommit_memory";
/// How many of the dearest images are told.
const DEAREST: usize = 10;

/// What one image came to.
#[derive(Debug)]
struct Run {
    name: String,
    expected: &'static str,
    told: String,
    seconds: f64,
    peak_kib: u64,
    complaints: Vec<String>,
}

/// What all of them came to.
#[derive(Debug)]
pub struct Report {
    runs: Vec<Run>,
    skipped: Vec<String>,
}

/// The part of the program's report that counts here.
#[derive(Deserialize)]
struct Told {
    verdict: String,
    reasons: Vec<Reason>,
    facts: Facts,
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Reason {
    code: String,
}

#[derive(Deserialize)]
struct Facts {
    unknown: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Check {
    outcome: String,
}

/// Writes every image whose name contains `only` into `folder`, and a list of what must be said of them.
///
/// # Errors
/// When a tool is missing, or a file cannot be written.
pub fn write_corpus(folder: &Path, only: &str) -> anyhow::Result<usize> {
    fs::create_dir_all(folder)?;
    let workshop = Workshop::new()?;
    let mut list = String::from("name\tformat\texpected\n");
    let mut count = 0;
    for case in cases(&workshop, only)? {
        let file = folder.join(format!("{}.img", case.name));
        if let Err(error) = case.image()?.save(&file) {
            // Few file systems hold the longest ones.
            fs::remove_file(&file)?;
            list.push_str(&format!("# {}: {error}\n", case.name));
            continue;
        }
        list.push_str(&format!("{}\t{}\t{}\n", case.name, case.format, case.expect.word()));
        count += 1;
    }
    fs::write(folder.join("list.tsv"), list)?;
    Ok(count)
}

fn cases(workshop: &Workshop, only: &str) -> anyhow::Result<Vec<Case>> {
    let mut all = Vec::new();
    for (_, family) in FAMILIES {
        all.extend(family(workshop)?);
    }
    all.retain(|case| case.name.contains(only));
    ensure!(!all.is_empty(), "no image of the corpus is called so");
    Ok(all)
}

/// Has `program` inspect every image whose name contains `only`.
///
/// # Errors
/// When a tool is missing; what is wrong with the program is in the report.
pub fn run(program: &Path, only: &str) -> anyhow::Result<Report> {
    let program = fs::canonicalize(program).with_context(|| {
        format!("there is no {}; build it with `cargo build -p cli`, or say --binary FILE", program.display())
    })?;
    let workshop = Workshop::new()?;
    let bench = Bench::new(program)?;
    let mut report = Report { runs: Vec::new(), skipped: Vec::new() };
    for case in cases(&workshop, only)? {
        let image = case.image().with_context(|| format!("cannot make {}", case.name))?;
        match image.save(&bench.image) {
            Ok(()) => report.runs.push(bench.run(&case)?),
            Err(error) => report.skipped.push(format!("{}: {error}", case.name)),
        }
    }
    Ok(report)
}

/// Where one image after another is looked at.
struct Bench {
    program: PathBuf,
    folder: TempDir,
    image: PathBuf,
    /// What is opened for a good image.
    usual: BTreeSet<String>,
}

/// How one run of the program ended.
struct Ended {
    code: Option<i32>,
    seconds: f64,
    peak_kib: u64,
    opened: BTreeSet<String>,
}

impl Bench {
    fn new(program: PathBuf) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let image = folder.path().join("image");
        let mut bench = Self { program, folder, image, usual: BTreeSet::new() };
        for form in ["json", "table"] {
            corpus::Image::zeros(1 << 20).save(&bench.image)?;
            let ended = bench.inspect("raw", form)?;
            ensure!(ended.code == Some(0), "the program does not even accept an empty disk");
            bench.usual.extend(ended.opened);
            bench.usual.insert(LIBRARYS_OWN.to_owned());
        }
        Ok(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program on the image; what it says is in the files `said` and `complained`.
    fn inspect(&self, format: &str, form: &str) -> anyhow::Result<Ended> {
        let mut command = Command::new("/usr/bin/time");
        command.args(["-q", "-f", "%e %M", "-o"]).arg(self.path("time"));
        command.args(["timeout", "-s", "KILL", GIVE_UP, "prlimit", MOST_ADDRESSES, "strace", "-f", "-qq"]);
        command.args(["--seccomp-bpf", "-s", "4096", "-e", "trace=open,openat,openat2,creat,execve,connect"]);
        command.arg("-o").arg(self.path("trace")).arg(&self.program).arg("inspect").arg(&self.image);
        command.args(["--format", format, "--policy", "off", "--output", form]);
        command.stdin(Stdio::null()).stdout(fs::File::create(self.path("said"))?);
        command.stderr(fs::File::create(self.path("complained"))?);
        let status =
            command.status().context("this needs time and strace; Debian has packages of these names")?;
        let time = fs::read_to_string(self.path("time"))?;
        let Some((seconds, peak)) = time.lines().last().and_then(|line| line.split_once(' ')) else {
            bail!("/usr/bin/time said nothing")
        };
        let trace = fs::read(self.path("trace"))?;
        Ok(Ended {
            code: status.code(),
            seconds: seconds.parse()?,
            peak_kib: peak.parse()?,
            opened: opened(&String::from_utf8_lossy(&trace)),
        })
    }

    fn run(&self, case: &Case) -> anyhow::Result<Run> {
        let format = case.format.to_string();
        let mut complaints = Vec::new();
        let ended = self.inspect(&format, "json")?;
        let said = fs::read(self.path("said"))?;
        let told = self.judge(case, &ended, &said, &mut complaints);
        let (mut seconds, mut peak_kib) = (ended.seconds, ended.peak_kib);
        self.look_at_opened(&ended, &mut complaints);
        if complaints.is_empty() {
            let ended = self.inspect(&format, "table")?;
            self.look_at_opened(&ended, &mut complaints);
            for file in ["said", "complained"] {
                if !is_safe(&fs::read(self.path(file))?) {
                    complaints.push("a control character reaches the terminal".to_owned());
                }
            }
            (seconds, peak_kib) = (seconds.max(ended.seconds), peak_kib.max(ended.peak_kib));
        }
        if seconds > MOST_SECONDS {
            complaints.push(format!("{seconds} s"));
        }
        if peak_kib > MOST_KIB {
            complaints.push(format!("{} MiB", peak_kib >> 10));
        }
        Ok(Run { name: case.name.clone(), expected: case.expect.word(), told, seconds, peak_kib, complaints })
    }

    /// What was told, with a complaint when it is not what must be.
    fn judge(&self, case: &Case, ended: &Ended, said: &[u8], complaints: &mut Vec<String>) -> String {
        let Ok(report) = serde_json::from_slice::<Told>(said) else {
            let why = fs::read_to_string(self.path("complained")).unwrap_or_default();
            complaints.push(format!("no report, exit code {:?}: {}", ended.code, why.trim()));
            return "nothing".to_owned();
        };
        let told =
            report.reasons.first().map_or_else(|| report.verdict.clone(), |reason| reason.code.clone());
        let unknown =
            !report.facts.unknown.is_empty() || report.checks.iter().any(|it| it.outcome == "unknown");
        let is_right = match case.expect {
            Expect::Refused(reason) => ended.code == Some(3) && told == reason.as_str(),
            Expect::Accepted => ended.code == Some(0) && report.reasons.is_empty(),
            Expect::Unreadable => ended.code == Some(0) && report.reasons.is_empty() && unknown,
        };
        if !is_right {
            complaints.push(format!("told {told} with exit code {:?}", ended.code));
        }
        told
    }

    fn look_at_opened(&self, ended: &Ended, complaints: &mut Vec<String>) {
        let image = self.image.to_string_lossy();
        for path in ended.opened.difference(&self.usual).filter(|path| **path != image) {
            complaints.push(format!("opened {path:?}"));
        }
    }
}

/// The paths and addresses in a trace: of each line all that stands in its first pair of quotes, or the whole line.
fn opened(trace: &str) -> BTreeSet<String> {
    trace
        .lines()
        .filter(|line| line.contains('('))
        .map(|line| line.split('"').nth(1).unwrap_or(line).to_owned())
        .collect()
}

/// Whether a terminal shows this and does nothing else.
fn is_safe(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(|it| it == '\n' || !it.is_control()))
}

impl Report {
    /// Whether every promise was kept.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.runs.iter().all(|run| run.complaints.is_empty())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut dearest: Vec<&Run> = self.runs.iter().collect();
        dearest.sort_by(|a, b| b.seconds.total_cmp(&a.seconds).then(b.peak_kib.cmp(&a.peak_kib)));
        writeln!(formatter, "{:>8} {:>8}  {:<28} image", "seconds", "MiB", "verdict")?;
        for run in dearest.iter().take(DEAREST) {
            let Run { name, told, seconds, peak_kib, .. } = run;
            writeln!(formatter, "{seconds:>8.2} {:>8}  {told:<28} {name}", peak_kib >> 10)?;
        }
        let hungriest = self.runs.iter().max_by_key(|run| run.peak_kib);
        if let Some(run) = hungriest {
            writeln!(formatter, "most memory: {} MiB, {}", run.peak_kib >> 10, run.name)?;
        }
        for skipped in &self.skipped {
            writeln!(formatter, "not run, this file system holds no such file: {skipped}")?;
        }
        for run in self.runs.iter().filter(|run| !run.complaints.is_empty()) {
            writeln!(
                formatter,
                "BROKEN {}: expected {}; {}",
                run.name,
                run.expected,
                run.complaints.join("; ")
            )?;
        }
        let refused = self.runs.iter().filter(|run| !run.told.eq("accepted")).count();
        let broken = self.runs.iter().filter(|run| !run.complaints.is_empty()).count();
        writeln!(formatter, "{} images, {refused} refused, {broken} with a broken promise", self.runs.len())
    }
}
