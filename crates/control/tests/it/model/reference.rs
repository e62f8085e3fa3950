//! What galleries, definitions, versions, disks, snapshots and managed images should answer, in as few words as
//! possible.

use std::collections::BTreeMap;

use providers::State;

use super::requests::{Match, Op, Thing, Verb};

/// What a reply should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) state: Option<State>,
    pub(super) etag_changes: Option<bool>,
}

fn refused(status: u16, code: &'static str) -> Wanted {
    Wanted { status, code, state: None, etag_changes: None }
}

fn answered(status: u16, state: State, etag_changes: bool) -> Wanted {
    Wanted { status, code: "", state: Some(state), etag_changes: Some(etag_changes) }
}

/// A resource as the model knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    content: Content,
    state: State,
    /// Whether a job owns it.
    is_busy: bool,
    /// Of a disk: whether its job ended well once.
    has_bytes: bool,
    etag: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Gallery {
        location: &'static str,
        description: Option<&'static str>,
    },
    Definition {
        os_type: &'static str,
        sku: &'static str,
        description: Option<&'static str>,
    },
    Version {
        source: &'static str,
        regions: Vec<&'static str>,
        excluded: bool,
    },
    /// A disk or snapshot; its size is not known before its bytes are there, unless it was asked for.
    Disk {
        location: &'static str,
        copy_of: Option<u8>,
        size_gib: Option<u64>,
    },
    Image {
        of: u8,
    },
}

/// The size of a disk that nobody asked a size for.
const DEFAULT_GIB: u64 = 4;

/// What stands, by path.
#[derive(Debug, Default)]
pub(super) struct Model {
    things: BTreeMap<String, Standing>,
}

impl Model {
    pub(super) fn etag_of(&self, path: &str) -> Option<&str> {
        self.things.get(path)?.etag.as_deref()
    }

    /// Remembers the etag that a reply told.
    pub(super) fn note_etag(&mut self, path: &str, etag: Option<&str>) {
        if let (Some(thing), Some(etag)) = (self.things.get_mut(path), etag) {
            thing.etag = Some(etag.to_owned());
        }
    }

    pub(super) fn end_jobs(&mut self, state: State) {
        for thing in self.things.values_mut().filter(|thing| thing.is_busy) {
            thing.state = state;
            thing.is_busy = false;
            if let (State::Succeeded, Content::Disk { size_gib, .. }) = (state, &mut thing.content) {
                size_gib.get_or_insert(DEFAULT_GIB);
                thing.has_bytes = true;
            }
        }
    }

    pub(super) fn answer(&mut self, op: &Op) -> Wanted {
        let stands = self.things.get(&op.path()).cloned();
        match op.verb {
            Verb::Get => match stands {
                Some(thing) => answered(200, thing.state, false),
                None => refused(404, "ResourceNotFound"),
            },
            Verb::Delete => self.delete(op, stands.as_ref()),
            _ => self.write(op, stands),
        }
    }

    fn delete(&mut self, op: &Op, stands: Option<&Standing>) -> Wanted {
        if let Some(refusal) = condition(op.condition, stands) {
            return refusal;
        }
        if stands.is_none() {
            return refused(204, "");
        }
        let below = format!("{}/", op.path());
        if self.things.keys().any(|path| path.starts_with(&below)) {
            return refused(409, "CannotDeleteResource");
        }
        self.things.remove(&op.path());
        refused(202, "")
    }

    fn write(&mut self, op: &Op, stands: Option<Standing>) -> Wanted {
        let parent = match op.thing {
            Thing::Gallery(_) | Thing::Disk(_) | Thing::Snapshot(_) | Thing::Image(_) => None,
            Thing::Definition(gallery, _) => Some(Thing::Gallery(gallery)),
            Thing::Version(gallery, definition, _) => Some(Thing::Definition(gallery, definition)),
        };
        if parent.is_some_and(|parent| !self.things.contains_key(&parent.path())) {
            return refused(404, "ParentResourceNotFound");
        }
        if let Some(refusal) = condition(op.condition, stands.as_ref()) {
            return refusal;
        }
        let before = stands.as_ref().map(|stands| &stands.content);
        let settled = match self.of_disks(op, stands.as_ref()) {
            Some(settled) => settled,
            None => wanted_content(op, before),
        };
        let wanted = match settled {
            Ok(content) => content,
            Err(refusal) => return refusal,
        };
        let works = match (&wanted, &stands) {
            (Content::Version { .. }, None) => true,
            (Content::Version { regions, .. }, Some(stands)) => {
                let moved = !matches!(&stands.content, Content::Version { regions: before, .. } if same(before, regions));
                moved || stands.state == State::Failed
            }
            (Content::Disk { .. } | Content::Image { .. }, None) => true,
            (Content::Disk { .. } | Content::Image { .. }, Some(stands)) => stands.state == State::Failed,
            _ => false,
        };
        let same = before == Some(&wanted);
        let is_busy = stands.as_ref().is_some_and(|stands| stands.is_busy);
        if is_busy && !same {
            return refused(409, "Conflict");
        }
        if self.identifier_is_taken(op, &wanted) {
            return refused(409, "Conflict");
        }
        let begins = works && !is_busy;
        let state = match (&stands, begins) {
            (None, true) => State::Creating,
            (Some(_), true) => State::Updating,
            (None, false) => State::Succeeded,
            (Some(stands), false) => stands.state,
        };
        // What clients of disks take as success of a creation.
        let created = if matches!(wanted, Content::Disk { .. }) { 202 } else { 201 };
        let (status, changes) = if stands.is_none() { (created, true) } else { (200, !same || begins) };
        let has_bytes = stands.as_ref().is_some_and(|stands| stands.has_bytes);
        let etag = stands.and_then(|stands| stands.etag);
        self.things.insert(
            op.path(),
            Standing { content: wanted, state, is_busy: is_busy || begins, has_bytes, etag },
        );
        answered(status, state, changes)
    }

    /// What a write of a disk, a snapshot or an image would leave; `None` for the other types.
    fn of_disks(&self, op: &Op, stands: Option<&Standing>) -> Option<Result<Content, Wanted>> {
        match op.verb {
            Verb::PutDisk { location, copy_of, size_gib } => {
                Some(self.disk(location, copy_of, size_gib, stands))
            }
            Verb::PutSnapshot { of } => Some(self.disk("westeurope", Some(of), None, stands)),
            Verb::PutImage { of } => Some(match stands.map(|stands| &stands.content) {
                Some(Content::Image { of: fixed }) if *fixed != of => {
                    Err(refused(400, "PropertyChangeNotAllowed"))
                }
                Some(_) => Ok(Content::Image { of }),
                None => self.source(of).map(|_size| Content::Image { of }),
            }),
            _ => None,
        }
    }

    fn disk(
        &self,
        location: &'static str,
        copy_of: Option<u8>,
        asked: Option<u64>,
        stands: Option<&Standing>,
    ) -> Result<Content, Wanted> {
        let Some(stands) = stands else {
            let least = match copy_of {
                None if asked.is_none() => return Err(refused(400, "InvalidParameter")),
                None => 0,
                Some(disk) => self.source(disk)?,
            };
            if asked.is_some_and(|asked| asked < least) {
                return Err(refused(400, "InvalidParameter"));
            }
            return Ok(Content::Disk { location, copy_of, size_gib: asked });
        };
        let Content::Disk { location: place, copy_of: origin, size_gib: size } = stands.content else {
            panic!("{stands:?} is no disk")
        };
        if location != place {
            return Err(refused(409, "InvalidResourceLocation"));
        }
        if copy_of != origin {
            return Err(refused(400, "PropertyChangeNotAllowed"));
        }
        let size_gib = asked.or(size);
        let is_resized = size_gib != size;
        if stands.state != State::Failed && is_resized && (!stands.has_bytes || size_gib < size) {
            return Err(refused(409, "OperationNotAllowed"));
        }
        Ok(Content::Disk { location, copy_of, size_gib })
    }

    /// The size of a disk that something is to be made of, as far as it is known.
    fn source(&self, disk: u8) -> Result<u64, Wanted> {
        let standing = self.things.get(&Thing::Disk(disk).path());
        let standing = standing.ok_or_else(|| refused(404, "ResourceNotFound"))?;
        match (&standing.content, standing.state) {
            (Content::Disk { size_gib, .. }, State::Succeeded | State::Updating) => {
                Ok(size_gib.filter(|_| standing.has_bytes).unwrap_or_default())
            }
            _ => Err(refused(409, "OperationNotAllowed")),
        }
    }

    /// Whether another definition of the gallery has the same publisher, offer and SKU.
    fn identifier_is_taken(&self, op: &Op, wanted: &Content) -> bool {
        let Content::Definition { sku: wanted, .. } = wanted else { return false };
        let Thing::Definition(gallery, _) = op.thing else { return false };
        let shelf = format!("{}/", Thing::Gallery(gallery).path());
        self.things.iter().any(|(path, thing)| {
            let has_it = matches!(&thing.content, Content::Definition { sku, .. } if sku == wanted);
            path.starts_with(&shelf) && *path != op.path() && has_it
        })
    }
}

fn condition(condition: Match, stands: Option<&Standing>) -> Option<Wanted> {
    let holds = match condition {
        Match::Unconditional => true,
        Match::Current => stands.is_some_and(|stands| stands.etag.is_some()),
        Match::Stale => false,
        Match::Exists => stands.is_some(),
        Match::Absent => stands.is_none(),
    };
    (!holds).then(|| refused(412, "PreconditionFailed"))
}

fn same(before: &[&str], after: &[&str]) -> bool {
    before.len() == after.len() && before.iter().all(|region| after.contains(region))
}

/// What a write would leave, or the refusal of the first rule that it breaks.
fn wanted_content(op: &Op, before: Option<&Content>) -> Result<Content, Wanted> {
    match (&op.verb, before) {
        (Verb::PatchGallery { .. }, None) => Err(refused(404, "ResourceNotFound")),
        (Verb::PatchGallery { description }, Some(Content::Gallery { location, .. })) => {
            Ok(Content::Gallery { location, description: Some(description) })
        }
        (Verb::PutGallery { location, .. }, Some(Content::Gallery { location: stands, .. }))
            if location != stands =>
        {
            Err(refused(409, "InvalidResourceLocation"))
        }
        (Verb::PutGallery { location: "atlantis", .. }, None) => {
            Err(refused(400, "LocationNotAvailableForResourceType"))
        }
        (Verb::PutGallery { location, description }, _) => {
            Ok(Content::Gallery { location, description: *description })
        }
        (
            Verb::PutDefinition { os_type, sku, .. },
            Some(Content::Definition { os_type: fixed_type, sku: fixed_sku, .. }),
        ) if os_type != fixed_type || sku != fixed_sku => Err(refused(400, "PropertyChangeNotAllowed")),
        (Verb::PutDefinition { os_type, sku, description }, _) => {
            Ok(Content::Definition { os_type, sku, description: *description })
        }
        (Verb::PutVersion { source, regions, excluded }, before) => {
            version_content(*source, *regions, *excluded, before)
        }
        (verb, before) => panic!("{verb:?} is no write of {before:?}"),
    }
}

fn version_content(
    source: Option<&'static str>,
    asked: Option<&'static [&'static str]>,
    excluded: Option<bool>,
    before: Option<&Content>,
) -> Result<Content, Wanted> {
    let stands = match before {
        Some(Content::Version { source, regions, excluded }) => Some((*source, regions, *excluded)),
        _ => None,
    };
    let regions = match (asked, stands) {
        (Some(["westeurope", "West Europe"]), _) => return Err(refused(400, "InvalidParameter")),
        (Some(asked), _) if !asked.contains(&"westeurope") => return Err(refused(400, "InvalidParameter")),
        (Some(asked), Some((_, before, _))) if asked.len() < before.len() => {
            return Err(refused(400, "BadRequest"));
        }
        (Some(asked), _) => asked.to_vec(),
        (None, Some((_, before, _))) => before.clone(),
        (None, None) => vec!["westeurope"],
    };
    // An update that says anything of the profile says all of whether it is offered.
    let excluded = match (excluded, asked, stands) {
        (Some(excluded), ..) => excluded,
        (None, None, Some((_, _, before))) => before,
        (None, ..) => false,
    };
    let source = match (source, stands) {
        (None, None) => return Err(refused(400, "InvalidParameter")),
        (Some(asked), Some((before, ..))) if asked != before => {
            return Err(refused(400, "PropertyChangeNotAllowed"));
        }
        (Some(source), _) | (None, Some((source, ..))) => source,
    };
    Ok(Content::Version { source, regions, excluded })
}
