//! What the program says: results, progress, errors.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Table,
    /// One JSON document on standard output.
    Json,
}

/// Prints an error and its causes, once.
pub(crate) fn report(error: &anyhow::Error) {
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Some libraries repeat their cause in their own message.
        if !text.contains(&cause) {
            let _infallible = write!(text, "\n  because: {cause}");
        }
    }
    note(&text);
}

/// Says something to the person beside the result.
pub(crate) fn note(text: &str) {
    // Nobody is left to be told that standard error is closed.
    let _closed = writeln!(io::stderr(), "{text}");
}

/// Prints a result.
///
/// # Errors
/// When standard output is closed.
pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}

/// Prints rows of (name, value).
///
/// # Errors
/// When standard output is closed.
pub(crate) fn facts(rows: &[(&str, String)]) -> anyhow::Result<()> {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().try_for_each(|(name, value)| say(&format!("{name:<width$}  {value}")))
}

/// A progress bar over `total` bytes with rate and time left; silent when standard error is no terminal.
pub(crate) fn bar(total: u64, what: &'static str, output: Output) -> ProgressBar {
    let shown = io::stderr().is_terminal() && output == Output::Table;
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    let template =
        "{prefix:>12} [{bar:30}] {percent:>3}% {bytes}/{total_bytes} {bytes_per_sec}, {eta} left {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(what);
    bar
}

/// Bytes for people: `12.3 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}
