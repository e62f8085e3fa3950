//! The real program from the outside: servers on folders of their own, driven over TLS and by its own client.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests stop at the first surprise and print seeds"
)]

mod chance;
mod clients;
mod conformance;
mod import;
mod inspect;
mod kill;
mod marketplace;
mod regions;
mod server;
mod wire;
