//! How far the replica of a version in one region is, and how that is told.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How far a replica is: the document of the facet `replica/{region}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Where it stands.
    pub state: ProgressState,
    /// Bytes that are in the region.
    #[serde(default)]
    pub done_bytes: u64,
    /// Bytes that have to be there; 0 while that is unknown.
    #[serde(default)]
    pub total_bytes: u64,
    /// Seconds until it is complete, if that can be told.
    #[serde(default)]
    pub eta_seconds: Option<u64>,
    /// Why it failed, or why it is tried again.
    #[serde(default)]
    pub error: Option<String>,
    /// How often it was tried.
    #[serde(default)]
    pub attempts: u32,
}

/// Where a replica stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProgressState {
    /// Nothing was copied yet.
    #[default]
    Pending,
    /// Bytes are on their way.
    Copying,
    /// All bytes are there and verified.
    Completed,
    /// Given up until asked again.
    Failed,
}

impl Progress {
    /// Whole percent, rounded down; 100 only when complete.
    #[must_use]
    pub fn percent(&self) -> u64 {
        if self.state == ProgressState::Completed {
            return 100;
        }
        let share = u128::from(self.done_bytes) * 100 / u128::from(self.total_bytes.max(1));
        u64::try_from(share).unwrap_or(99).min(99)
    }

    /// The state in Azure's words.
    pub(super) fn word(&self) -> &'static str {
        match self.state {
            ProgressState::Pending | ProgressState::Copying => "Replicating",
            ProgressState::Completed => "Completed",
            ProgressState::Failed => "Failed",
        }
    }

    /// A sentence or two for people.
    pub(super) fn sentence(&self) -> String {
        let (done, total) = (bytes(self.done_bytes), bytes(self.total_bytes));
        let amount = match self.total_bytes {
            0 => format!("{done} copied"),
            _ => format!("{done} of {total} copied ({} %)", self.percent()),
        };
        let mut sentence = match self.state {
            ProgressState::Completed if self.total_bytes == 0 => {
                "Complete; nothing had to be copied.".to_owned()
            }
            ProgressState::Completed => format!("Complete; {total} copied."),
            ProgressState::Pending => "Waiting to be copied.".to_owned(),
            ProgressState::Copying => match self.eta_seconds {
                Some(seconds) => format!("{amount}, about {} left.", duration(seconds)),
                None => format!("{amount}."),
            },
            ProgressState::Failed => format!("Failed with {amount}."),
        };
        if let Some(error) = self.error.as_deref().filter(|_| self.state != ProgressState::Completed) {
            let attempt =
                if self.attempts > 1 { format!(" (attempt {})", self.attempts) } else { String::new() };
            sentence.push_str(&format!(" Last error{attempt}: {error}"));
        }
        sentence
    }

    /// The item of `replicationStatus.summary`: Azure's members, then ours.
    pub(super) fn summary(&self, region: &str) -> Value {
        json!({
            "region": region,
            "state": self.word(),
            "progress": self.percent(),
            "details": self.sentence(),
            "bytesDone": self.done_bytes,
            "bytesTotal": self.total_bytes,
            "etaSeconds": self.eta_seconds,
        })
    }
}

/// The item of a region of which nothing is known.
pub(super) fn unknown(region: &str, is_working: bool) -> Value {
    let (state, details) = if is_working {
        ("Replicating", "Waiting to be copied.")
    } else {
        ("Unknown", "Nothing is known of this replica.")
    };
    json!({
        "region": region,
        "state": state,
        "progress": 0,
        "details": details,
        "bytesDone": 0,
        "bytesTotal": 0,
        "etaSeconds": null,
    })
}

/// `replicationStatus` of the items of all regions.
pub(super) fn status(summary: Vec<Value>) -> Value {
    let is = |word: &'static str| move |item: &Value| item["state"] == word;
    let aggregated = if summary.iter().any(is("Failed")) {
        "Failed"
    } else if summary.iter().any(is("Replicating")) {
        "InProgress"
    } else if summary.is_empty() || summary.iter().any(is("Unknown")) {
        "Unknown"
    } else {
        "Completed"
    };
    Value::Object(Map::from_iter([
        ("aggregatedState".to_owned(), aggregated.into()),
        ("summary".to_owned(), Value::Array(summary)),
    ]))
}

/// `1.5 GiB`: one digit after the point, rounded down, integers only.
fn bytes(count: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.into_iter().find(|(_, shift)| count >> shift > 0) {
        None => format!("{count} B"),
        Some((unit, shift)) => {
            let tenths = (u128::from(count) * 10) >> shift;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
    }
}

fn duration(seconds: u64) -> String {
    let plural = |count: u64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match seconds {
        0..60 => plural(seconds, "second"),
        60..3600 => plural(seconds.div_ceil(60), "minute"),
        _ => plural(seconds.div_ceil(3600), "hour"),
    }
}
