//! The requests that sequences are made of: few names, so that they meet each other often.

use control::Method;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use providers::State;
use serde_json::{Map, Value, json};

use crate::world::{Ask, compute};

/// A condition on what stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Unconditional,
    /// `If-Match` with the etag that stands, as the last reply told it.
    Current,
    /// `If-Match` with an etag that never stood.
    Stale,
    /// `If-Match: *`
    Exists,
    /// `If-None-Match: *`
    Absent,
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Gallery(u8),
    Definition(u8, u8),
    Version(u8, u8, u8),
    Disk(u8),
    Snapshot(u8),
    Image(u8),
}

/// One request, or the end of all jobs.
#[derive(Clone, Debug)]
pub(super) struct Op {
    pub(super) thing: Thing,
    pub(super) verb: Verb,
    pub(super) condition: Match,
}

#[derive(Clone, Debug)]
pub(super) enum Verb {
    Get,
    Delete,
    PutGallery {
        location: &'static str,
        description: Option<&'static str>,
    },
    PatchGallery {
        description: &'static str,
    },
    PutDefinition {
        os_type: &'static str,
        sku: &'static str,
        description: Option<&'static str>,
    },
    PutDisk {
        location: &'static str,
        copy_of: Option<u8>,
        size_gib: Option<u64>,
    },
    PutSnapshot {
        of: u8,
    },
    PutImage {
        of: u8,
    },
    PutVersion {
        source: Option<&'static str>,
        regions: Option<&'static [&'static str]>,
        excluded: Option<bool>,
    },
    EndJobs(State),
}

/// Requests of a sequence, at most.
const LONGEST: usize = 40;
const DESCRIPTIONS: [&str; 2] = ["one", "two"];
pub(super) const NAMES: [&str; 3] = ["1.0.0", "1.0.1", "2.0.0"];
/// Sets of regions; the first of ours is home.
const REGIONS: [&[&str]; 4] =
    [&["westeurope"], &["westeurope", "northeurope"], &["northeurope"], &["westeurope", "West Europe"]];

impl Thing {
    pub(super) fn path(&self) -> String {
        match self {
            Self::Gallery(gallery) => compute(&format!("galleries/g{gallery}")),
            Self::Definition(gallery, definition) => {
                compute(&format!("galleries/g{gallery}/images/d{definition}"))
            }
            Self::Version(gallery, definition, version) => {
                let name = NAMES[usize::from(*version)];
                compute(&format!("galleries/g{gallery}/images/d{definition}/versions/{name}"))
            }
            Self::Disk(disk) => compute(&format!("disks/k{disk}")),
            Self::Snapshot(snapshot) => compute(&format!("snapshots/s{snapshot}")),
            Self::Image(image) => compute(&format!("images/i{image}")),
        }
    }
}

impl Op {
    pub(super) fn path(&self) -> String {
        self.thing.path()
    }

    pub(super) fn ends_jobs(&self) -> Option<State> {
        match self.verb {
            Verb::EndJobs(state) => Some(state),
            _ => None,
        }
    }

    /// The request; `etag` is the one that stands.
    pub(super) fn ask(&self, etag: Option<&str>) -> Ask {
        let method = match self.verb {
            Verb::Get | Verb::EndJobs(_) => Method::Get,
            Verb::Delete => Method::Delete,
            Verb::PatchGallery { .. } => Method::Patch,
            _ => Method::Put,
        };
        let ask = Ask::new(method, &self.path());
        let ask = self.body().map_or(ask.clone(), |body| ask.json(&body));
        match self.condition {
            Match::Unconditional => ask,
            Match::Current => ask.if_match(etag.unwrap_or("\"never\"")),
            Match::Stale => ask.if_match("\"stale\""),
            Match::Exists => ask.if_match("*"),
            Match::Absent => ask.if_none_match("*"),
        }
    }

    fn body(&self) -> Option<Value> {
        let described = |description: Option<&str>| {
            let mut properties = Map::new();
            properties.extend(description.map(|text| ("description".to_owned(), text.into())));
            properties
        };
        let body = |location: &str, properties: Map<String, Value>| json!({"location": location, "properties": properties});
        match self.verb {
            Verb::Get | Verb::Delete | Verb::EndJobs(_) => None,
            Verb::PutGallery { location, description } => Some(body(location, described(description))),
            Verb::PatchGallery { description } => Some(json!({ "properties": described(Some(description)) })),
            Verb::PutDefinition { os_type, sku, description } => {
                let mut properties = described(description);
                properties.insert("osType".to_owned(), os_type.into());
                properties.insert("osState".to_owned(), "Generalized".into());
                properties.insert("hyperVGeneration".to_owned(), "V2".into());
                let identifier = json!({"publisher": "contoso", "offer": "linux", "sku": sku});
                properties.insert("identifier".to_owned(), identifier);
                Some(body("westeurope", properties))
            }
            Verb::PutDisk { location, copy_of, size_gib } => {
                let creation = match copy_of {
                    Some(disk) => copy(disk),
                    None => json!({"createOption": "Empty"}),
                };
                let mut properties = Map::from_iter([("creationData".to_owned(), creation)]);
                properties.extend(size_gib.map(|gib| ("diskSizeGB".to_owned(), gib.into())));
                Some(body(location, properties))
            }
            Verb::PutSnapshot { of } => {
                Some(body("westeurope", Map::from_iter([("creationData".to_owned(), copy(of))])))
            }
            Verb::PutImage { of } => {
                let disk = json!({"id": Thing::Disk(of).path()});
                let os_disk = json!({"osType": "Linux", "osState": "Generalized", "managedDisk": disk});
                let profile = json!({ "osDisk": os_disk });
                Some(body("westeurope", Map::from_iter([("storageProfile".to_owned(), profile)])))
            }
            Verb::PutVersion { source, regions, excluded } => {
                let mut properties = Map::new();
                let storage = source.map(|uri| json!({"osDiskImage": {"source": {"uri": uri}}}));
                properties.extend(storage.map(|storage| ("storageProfile".to_owned(), storage)));
                let mut profile = Map::new();
                let targets = regions
                    .map(|regions| regions.iter().map(|name| json!({ "name": name })).collect::<Value>());
                profile.extend(targets.map(|targets| ("targetRegions".to_owned(), targets)));
                profile.extend(excluded.map(|excluded| ("excludeFromLatest".to_owned(), excluded.into())));
                if !profile.is_empty() {
                    properties.insert("publishingProfile".to_owned(), Value::Object(profile));
                }
                Some(body("westeurope", properties))
            }
        }
    }
}

pub(super) const SOURCES: [&str; 2] =
    ["https://acc.blob.core.windows.net/vhds/a.vhd", "https://acc.blob.core.windows.net/vhds/b.vhd"];

fn copy(disk: u8) -> Value {
    json!({"createOption": "Copy", "sourceResourceId": Thing::Disk(disk).path()})
}

/// A gallery and a definition in it.
pub(super) fn shelf() -> Vec<Op> {
    let op = |thing, verb| Op { thing, verb, condition: Match::Unconditional };
    vec![
        op(Thing::Gallery(0), Verb::PutGallery { location: "westeurope", description: None }),
        op(Thing::Definition(0, 0), Verb::PutDefinition { os_type: "Linux", sku: "a", description: None }),
    ]
}

/// A sequence: most begin with a shelf, so that they get to versions.
pub(super) fn any_sequence() -> impl Strategy<Value = Vec<Op>> {
    let begin = prop_oneof![4 => Just(shelf()), 1 => Just(Vec::new())];
    let rest = proptest::collection::vec(any_op(), 1..LONGEST);
    (begin, rest).prop_map(|(mut ops, rest)| {
        ops.extend(rest);
        ops
    })
}

/// Any request; those that make something come often enough for sequences to get somewhere.
fn any_op() -> impl Strategy<Value = Op> {
    // The first of each is meant most of the time, or few requests would meet anything.
    let first_or_second = || prop_oneof![5 => Just(0_u8), 1 => Just(1_u8)];
    let gallery = first_or_second().prop_map(Thing::Gallery);
    let definition = (first_or_second(), first_or_second()).prop_map(|(g, d)| Thing::Definition(g, d));
    let version =
        (first_or_second(), first_or_second(), 0..3_u8).prop_map(|(g, d, v)| Thing::Version(g, d, v));
    let disk = first_or_second().prop_map(Thing::Disk);
    let snapshot = first_or_second().prop_map(Thing::Snapshot);
    let image = first_or_second().prop_map(Thing::Image);
    let any_thing = prop_oneof![
        gallery.clone(),
        definition.clone(),
        version.clone(),
        disk.clone(),
        snapshot.clone(),
        image.clone()
    ];
    let described = || option::of(select(DESCRIPTIONS.as_slice()));
    let put_gallery =
        (prop_oneof![4 => Just("westeurope"), 1 => Just("northeurope"), 1 => Just("atlantis")], described())
            .prop_map(|(location, description)| Verb::PutGallery { location, description });
    let patch_gallery =
        select(DESCRIPTIONS.as_slice()).prop_map(|description| Verb::PatchGallery { description });
    let put_definition =
        (prop_oneof![5 => Just("Linux"), 1 => Just("Windows")], select(&["a", "b"][..]), described())
            .prop_map(|(os_type, sku, description)| Verb::PutDefinition { os_type, sku, description });
    let put_version = (
        option::weighted(0.8, select(SOURCES.as_slice())),
        option::of(select(REGIONS.as_slice())),
        option::of(any::<bool>()),
    )
        .prop_map(|(source, regions, excluded)| Verb::PutVersion { source, regions, excluded });
    let put_disk = (
        prop_oneof![6 => Just("westeurope"), 1 => Just("northeurope")],
        option::weighted(0.3, first_or_second()),
        option::weighted(0.8, select(&[2_u64, 4, 8][..])),
    )
        .prop_map(|(location, copy_of, size_gib)| Verb::PutDisk { location, copy_of, size_gib });
    let put_snapshot = first_or_second().prop_map(|of| Verb::PutSnapshot { of });
    let put_image = first_or_second().prop_map(|of| Verb::PutImage { of });
    let read_or_delete = prop_oneof![1 => Just(Verb::Get), 1 => Just(Verb::Delete)];
    let end = prop_oneof![3 => Just(State::Succeeded), 1 => Just(State::Failed)].prop_map(Verb::EndJobs);
    let asked = prop_oneof![
        2 => (gallery.clone(), put_gallery),
        1 => (gallery.clone(), patch_gallery),
        3 => (definition, put_definition),
        8 => (version, put_version),
        4 => (disk, put_disk),
        2 => (snapshot, put_snapshot),
        2 => (image, put_image),
        3 => (any_thing, read_or_delete),
        2 => (gallery, end),
    ];
    let condition = prop_oneof![
        8 => Just(Match::Unconditional),
        2 => Just(Match::Current),
        1 => Just(Match::Stale),
        1 => Just(Match::Exists),
        1 => Just(Match::Absent),
    ];
    (asked, condition).prop_map(|((thing, verb), condition)| {
        let is_read = matches!(verb, Verb::Get | Verb::EndJobs(_));
        let condition = if is_read { Match::Unconditional } else { condition };
        Op { thing, verb, condition }
    })
}
