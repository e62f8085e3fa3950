//! The `gallerist` program: the terminal client, and `gallerist serve`.
//!
//! Output for programs goes to standard output, everything for people besides it to standard error.

mod az_login;
mod client;
mod connect;
mod diff;
mod export;
mod inspect;
mod marketplace;
mod publish;
mod report;
mod serve;
mod terminal;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A self-hosted compute gallery for virtual machine images.
#[derive(Debug, Parser)]
#[command(name = "gallerist", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a server on a data folder.
    Serve(serve::Serve),
    /// Sign the Azure CLI in to a server on this machine.
    AzLogin(az_login::AzLogin),
    /// Publish a disk image as an image version.
    Publish(publish::Publish),
    /// Write an image version to a file, in any format.
    Export(export::Export),
    /// List images in the marketplace, or take them from it.
    Marketplace(marketplace::Marketplace),
    /// Look into a disk image: what it is, what is wrong with it, whether it is what it is declared to be.
    Inspect(inspect::Inspect),
    /// Tell what changed between two disk images.
    Diff(diff::Diff),
    /// Show what a server found in an image version, or what changed since another.
    Report(report::Report),
    /// Check that everything a data folder claims to hold is there and right.
    Verify(verify::Verify),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::AzLogin(args) => az_login::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Publish(args) => publish::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Export(args) => export::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Marketplace(args) => marketplace::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Inspect(args) => inspect::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Report(args) => report::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Verify(args) => verify::run(&args),
    };
    ended.unwrap_or_else(|error| {
        terminal::report(&error);
        ExitCode::FAILURE
    })
}
