//! `gallerist report`: what a server found in an image version, or what changed since another.

use anyhow::Context;
use clap::{Args, ValueEnum};
use inspect::report::{Difference, Report as Found};
use serde_json::Value;

use crate::client::{Client, IMAGES};
use crate::connect::Connect;
use crate::publish::Place;
use crate::terminal::say;

/// Show what a server found in an image version.
#[derive(Args, Clone, Debug)]
pub(crate) struct Report {
    #[command(flatten)]
    place: Place,
    /// Tell what changed since this version of the same definition instead.
    #[arg(long, value_name = "VERSION")]
    against: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Form,
    #[command(flatten)]
    connect: Connect,
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Table,
    /// Everything, as one JSON document.
    Json,
    /// The software bill of materials in CycloneDX 1.6.
    Sbom,
    /// The software bill of materials in SPDX 2.3.
    Spdx,
    /// The findings in SARIF 2.1.0.
    Sarif,
}

pub(crate) fn run(args: &Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let client = Client::new(args.connect.peer()?)?;
    let definition = args.place.definition_id(&client);
    let report = format!(
        "{definition}/versions/{}/providers/Gallerist.Images/inspectionReports/default",
        args.place.version
    );
    let get = |below: &str, query: &str| {
        let url = format!("{report}{below}?api-version={IMAGES}{query}");
        runtime.block_on(client.get_json(&url))
    };
    if let Some(against) = &args.against {
        let other = format!("{definition}/versions/{against}");
        let changes = get("/diff", &format!("&against={other}"))?["properties"]["changes"].take();
        return match args.output {
            Form::Table => say(read::<Difference>(changes)?.table().trim_end()),
            _ => say(&serde_json::to_string_pretty(&changes)?),
        };
    }
    let document = match args.output {
        Form::Table => {
            let found: Found = read(get("", "")?["properties"].take())?;
            return say(found.table().trim_end());
        }
        Form::Json => get("", "")?["properties"].take(),
        Form::Sbom => get("/sbom", "&format=cyclonedx")?,
        Form::Spdx => get("/sbom", "&format=spdx")?,
        Form::Sarif => get("/sarif", "")?,
    };
    say(&serde_json::to_string_pretty(&document)?)
}

fn read<T: serde::de::DeserializeOwned>(document: Value) -> anyhow::Result<T> {
    serde_json::from_value(document)
        .context("the report is of another release than this program; ask for --output json")
}
