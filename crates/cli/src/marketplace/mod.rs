//! `gallerist marketplace`: what is offered to every subscription of a server.

mod disks;
mod file;
mod import;
mod list;

use anyhow::Context;
use clap::{Args, Subcommand};

use crate::client::{Client, IMAGES};
use crate::connect::Connect;
use crate::terminal::Output;

/// Where everything that is listed stands.
const MARKETPLACE: &str = "/providers/Gallerist.Images/marketplaces/default";

/// List images in the marketplace, or take them from it.
#[derive(Args, Clone, Debug)]
pub(crate) struct Marketplace {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// List what a catalogue file says, or the definitions of a gallery. Importing again changes nothing.
    Import(import::Import),
    /// Show what is listed: publishers, or what is below one.
    List(list::List),
    /// Take something from the marketplace, with all below it. Galleries keep their images.
    Remove(list::Remove),
}

/// Which server, and how to print.
#[derive(Args, Clone, Debug)]
struct Common {
    #[command(flatten)]
    connect: Connect,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Common {
    fn client(&self) -> anyhow::Result<Client> {
        Client::new(self.connect.peer()?)
    }
}

/// Publisher, offer, SKU and version, as far as they are given: each needs the one before.
#[derive(Args, Clone, Debug, Default)]
struct Names {
    /// The publisher.
    #[arg(long, short = 'p', value_name = "NAME")]
    publisher: Option<String>,
    /// The offer.
    #[arg(long, short = 'f', value_name = "NAME", requires = "publisher")]
    offer: Option<String>,
    /// The SKU.
    #[arg(long, short = 's', value_name = "NAME", requires = "offer")]
    sku: Option<String>,
}

impl Names {
    /// The names that are given, and the path down to the last.
    fn path(&self) -> String {
        let levels = [("publishers", &self.publisher), ("offers", &self.offer), ("skus", &self.sku)];
        let given = levels.iter().map_while(|(kind, name)| Some((kind, name.as_ref()?)));
        given.fold(MARKETPLACE.to_owned(), |path, (kind, name)| format!("{path}/{kind}/{}", escaped(name)))
    }
}

/// A name as a segment of a path.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let escape = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(escape).collect()
}

fn with_version(path: &str) -> String {
    format!("{path}?api-version={IMAGES}")
}

pub(crate) fn run(args: &Marketplace) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        match &args.command {
            Command::Import(args) => import::run(args).await,
            Command::List(args) => list::run(args).await,
            Command::Remove(args) => list::remove(args).await,
        }
    })
}
