//! Rules of the source tree: what may not be written, and where.
//!
//! Rules about code look at code only, not at comments and strings. Rules about files look at every text file.

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::Finding;
use super::code::{self, is_word};

/// Longer files want splitting.
const LONGEST_FILE_LINES: usize = 600;

/// The crate that may read the machine's clock, in one place.
const CLOCK_OWNER: &str = "crates/server/";

/// Whose code and tests speak of files inside images: homes in there are nobody's.
const SPEAK_OF_GUESTS: &[&str] = &["crates/corpus/", "crates/inspect/", "fuzz/", "testimages/"];

/// What reads the machine's clock.
const CLOCK_READS: &[&str] = &["SystemTime::now", "Timestamp::now", "Zoned::now"];

/// Folders that hold no source of ours.
const SKIPPED_FOLDERS: &[&str] = &["target", "node_modules", "__pycache__"];

/// Hidden folders that do.
const HIDDEN_FOLDERS: &[&str] = &[".ci", ".cargo", ".config", ".github"];

/// A piece of code that may not be written.
struct Ban {
    code: &'static str,
    scope: Scope,
    advice: &'static str,
}

/// Where a ban holds, as prefixes of paths.
enum Scope {
    Everywhere,
    In(&'static [&'static str]),
    Outside(&'static str),
}

const BYTES_CRATES: Scope = Scope::In(&["crates/store/", "crates/disks/"]);
const BYTES_ADVICE: &str =
    "store and disks have never heard of Azure Resource Manager: resources meet bytes in workers";
const UNFINISHED_ADVICE: &str = "finish it, or return an error that says what is not supported";

const BANS: &[Ban] = &[
    Ban { code: "#[ignore", scope: Scope::Everywhere, advice: "a test runs or goes: repair it or delete it" },
    Ban { code: "todo!(", scope: Scope::Everywhere, advice: UNFINISHED_ADVICE },
    Ban { code: "unimplemented!(", scope: Scope::Everywhere, advice: UNFINISHED_ADVICE },
    Ban { code: "dbg!(", scope: Scope::Everywhere, advice: "remove it, or log it with tracing" },
    Ban { code: "thread::sleep", scope: Scope::Everywhere, advice: "wait on a condition" },
    Ban {
        code: "sqlx",
        scope: Scope::Outside("crates/metadata/"),
        advice: "only metadata speaks SQL: add what is needed to its trait",
    },
    Ban { code: "ResourceId", scope: BYTES_CRATES, advice: BYTES_ADVICE },
    Ban { code: "arm", scope: BYTES_CRATES, advice: BYTES_ADVICE },
];

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// From the root, with forward slashes.
    path: String,
    text: String,
}

/// Reads every text file under `root`, in order of path; build output and hidden folders are left out.
pub(crate) fn load(root: &Path) -> anyhow::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    load_folder(root, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn load_folder(folder: &Path, prefix: &str, files: &mut Vec<SourceFile>) -> anyhow::Result<()> {
    let unreadable = || format!("could not read the folder /{prefix}");
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().with_context(unreadable)?;
        if kind.is_dir() {
            if !SKIPPED_FOLDERS.contains(&name.as_str())
                && (!name.starts_with('.') || HIDDEN_FOLDERS.contains(&name.as_str()))
            {
                load_folder(&entry.path(), &format!("{path}/"), files)?;
            }
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).with_context(|| format!("could not read {path}"))?;
            // What is not text is test material, not source.
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(SourceFile { path, text });
            }
        }
    }
    Ok(())
}

/// Applies every rule to every file.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut clock_reads_of_owner = Vec::new();
    for file in files {
        check_text(file, &mut findings);
        if file.path.ends_with(".rs") {
            let code = code::only(&file.text);
            check_module(file, &code, &mut findings);
            if file.path.starts_with(CLOCK_OWNER) {
                clock_reads_of_owner.extend(clock_reads(file, &code));
            } else {
                findings.extend(clock_reads(file, &code));
            }
        }
    }
    if clock_reads_of_owner.len() > 1 {
        findings.extend(clock_reads_of_owner);
    }
    findings
}

/// Rules for every kind of text.
fn check_text(file: &SourceFile, findings: &mut Vec<Finding>) {
    let speaks_of_guests = SPEAK_OF_GUESTS.iter().any(|folder| file.path.starts_with(folder));
    for (line, text) in numbered(&file.text) {
        if let Some(path) = home_path(text).filter(|_| !speaks_of_guests) {
            findings.push(file.finding(
                line,
                format!("{path} is a path of one machine: take it from the environment or the caller"),
            ));
        }
    }
    let line_count = file.text.lines().count();
    if file.is_program() && line_count > LONGEST_FILE_LINES {
        let problem = format!(
            "{line_count} lines, {LONGEST_FILE_LINES} at most: split it by its nouns, or rules from effects"
        );
        findings.push(file.finding(line_count, problem));
    }
}

/// Rules for Rust.
fn check_module(file: &SourceFile, code: &str, findings: &mut Vec<Finding>) {
    if !file.text.starts_with("//!") {
        let problem = "a file begins with //! and says in a sentence what it is, then what stays true";
        findings.push(file.finding(1, problem.to_owned()));
    }
    for ban in BANS.iter().filter(|ban| ban.scope.covers(&file.path)) {
        for (line, text) in numbered(code) {
            if mentions(text, ban.code) {
                findings
                    .push(file.finding(line, format!("`{}` is not wanted here: {}", ban.code, ban.advice)));
            }
        }
    }
}

fn clock_reads(file: &SourceFile, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in numbered(code) {
        for read in CLOCK_READS.iter().filter(|read| mentions(text, read)) {
            let problem = format!(
                "`{read}`: the machine's clock is read in one place of the server; here, take a Clock"
            );
            findings.push(file.finding(line, problem));
        }
    }
    findings
}

impl SourceFile {
    /// Whether people read and change this as a program, so that its length matters.
    fn is_program(&self) -> bool {
        let by_name = [".rs", ".sh", ".py", ".js", ".mjs", ".sql"].iter().any(|end| self.path.ends_with(end));
        by_name || self.text.starts_with("#!")
    }

    fn finding(&self, line: usize, problem: String) -> Finding {
        Finding { place: format!("{}:{line}", self.path), problem }
    }
}

impl Scope {
    fn covers(&self, path: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::In(folders) => folders.iter().any(|folder| path.starts_with(folder)),
            Self::Outside(folder) => !path.starts_with(folder),
        }
    }
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// Whether the line contains `wanted` as words of its own, not as part of a longer name.
fn mentions(line: &str, wanted: &str) -> bool {
    line.match_indices(wanted).any(|(at, _)| {
        let goes_on_before = wanted.starts_with(is_word) && line[..at].ends_with(is_word);
        let goes_on_after = wanted.ends_with(is_word) && line[at + wanted.len()..].starts_with(is_word);
        !goes_on_before && !goes_on_after
    })
}

/// Somebody's home folder, if the line names one. The user of Azure's own examples is nobody.
fn home_path(line: &str) -> Option<&str> {
    ["/home/", "/Users/", "/root/"].iter().find_map(|home| {
        line.match_indices(home).find_map(|(at, _)| {
            let in_a_longer_path = line[..at].ends_with(|c: char| is_word(c) || ".}$-".contains(c));
            let rest = &line[at + home.len()..];
            let name_length = rest.find(|c: char| !is_word(c) && c != '-' && c != '.').unwrap_or(rest.len());
            let name = &rest[..name_length];
            let nobody = name.is_empty() || name == "azureuser";
            (!in_a_longer_path && !nobody).then(|| &line[at..at + home.len() + name_length])
        })
    })
}
