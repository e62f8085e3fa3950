//! Our automation: `cargo xtask tidy`.

mod tidy;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  tidy   who may import whom, and the rules of the source tree
  help   this page
";

fn main() -> anyhow::Result<ExitCode> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => {
            let report = tidy::run()?;
            write!(io::stdout(), "{report}")?;
            Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        [] | ["help" | "-h" | "--help"] => {
            io::stdout().write_all(USAGE.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            writeln!(io::stderr(), "error: there is no such command: {}\n\n{USAGE}", words.join(" "))?;
            Ok(ExitCode::from(2))
        }
    }
}
