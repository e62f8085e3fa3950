//! A catalogue becomes rows: all of one request in one commit, what is there already left alone.
//!
//! Importing again changes nothing, and what a catalogue does not name stays: it adds and replaces, it never removes.

use std::collections::BTreeMap;

use arm::ResourceId;
use metadata::{Change, Expect, Limit, Row};
use providers::images::marketplace::{
    Catalogue, Entry, MOST_ALIASES, MOST_BELOW_ONE, Name, PlanNames, Sku, alias_id, plan_id, root,
};
use providers::{Rejection, Stored};
use serde_json::{Map, Value, json};

use crate::engine::Asked;
use crate::write::RACES;
use crate::{Engine, Error, Reply, body, refusals, stored_of};

/// Most entries of one request: what one commit takes, so that others do not wait for it.
const MOST_ENTRIES: usize = 2_000;

/// What an import comes to.
#[derive(Default)]
struct Import {
    expect: Vec<Expect>,
    put: BTreeMap<String, Row>,
    delete: Vec<ResourceId>,
    /// SKUs that follow a definition from now on: the versions they had go.
    emptied: Vec<ResourceId>,
    limits: Vec<Limit>,
    created: u64,
    updated: u64,
    unchanged: u64,
}

impl Engine {
    /// `POST …/marketplaces/default/import`.
    pub(crate) async fn import(&self, asked: &Asked<'_>) -> Result<Reply, Error> {
        let entries = entries(asked)?;
        for _ in 0..RACES {
            let import = self.decide_import(asked, &entries).await?;
            let counts =
                json!({"created": import.created, "updated": import.updated, "unchanged": import.unchanged});
            if import.put.is_empty() && import.delete.is_empty() {
                return Ok(Reply::json(200, counts));
            }
            let activity = vec![self.noted(asked, &root(), "import/action", &counts)];
            let change = Change { activity, ..import.change() };
            match self.metadata.commit(change).await {
                Ok(()) => return Ok(Reply::json(200, counts)),
                // Something it stands in was removed meanwhile: decide again.
                Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) => {}
                Err(metadata::Error::OverLimit { counter, most, .. }) => {
                    return Err(full(&counter, most).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(refusals::busy(&root()).into())
    }

    async fn decide_import(&self, asked: &Asked<'_>, entries: &[Entry]) -> Result<Import, Error> {
        let mut import = Import::default();
        for entry in entries {
            if let Some(id) = &entry.image_version {
                self.source(asked, id, &entry.id).await?;
            }
            let stands = self.metadata.row(&entry.id).await?;
            if let Some(sku) = &entry.sku {
                self.import_sku(asked, &mut import, entry, sku, stands.as_ref()).await?;
            }
            if stands.as_ref().is_some_and(|row| says(row, &entry.properties)) {
                import.unchanged += 1;
                continue;
            }
            *if stands.is_some() { &mut import.updated } else { &mut import.created } += 1;
            let row = self.listed(asked, entry.id.clone(), entry.properties.clone(), stands.as_ref())?;
            import.add(Row { sort_key: entry.sort_key.clone(), ..row }, entry.most);
        }
        Ok(import)
    }

    /// What hangs on a SKU besides its own row: its alias, its plan, and that it has no versions when it follows.
    async fn import_sku(
        &self,
        asked: &Asked<'_>,
        import: &mut Import,
        entry: &Entry,
        sku: &Sku,
        stands: Option<&Row>,
    ) -> Result<(), Error> {
        let names = names_of(&entry.id);
        let definition = match &sku.definition {
            Some(id) => Some(self.source(asked, id, &entry.id).await?),
            None => None,
        };
        let before = stands.map(|row| &row.document["properties"]);
        if definition.is_some() && before.is_some_and(|before| before["definition"].is_null()) {
            import.emptied.push(entry.id.clone());
        }
        let had = before.and_then(|before| before["alias"].as_str());
        let has = sku.alias.as_ref().map(Name::as_str);
        if let Some(had) = had.filter(|had| has.is_none_or(|has| !has.eq_ignore_ascii_case(had))) {
            import.delete.push(alias_id(had).map_err(|error| wrong(&error))?);
        }
        if let Some(alias) = has {
            let said = alias_properties(names, sku, definition.as_ref());
            self.import_alias(asked, import, alias, said).await?;
        }
        let plan = match &definition {
            Some(definition) => {
                PlanNames::of_definition(&definition.document).map(|names| (names, Map::new()))
            }
            None => sku.plan.as_ref().map(|plan| {
                let [publisher, product, _] = names.map(str::to_owned);
                let mut terms = Map::new();
                terms.insert("licenseTextLink".to_owned(), plan.license_text_link.clone().into());
                terms.insert("privacyPolicyLink".to_owned(), plan.privacy_policy_link.clone().into());
                (PlanNames { publisher, product, name: plan.name.to_string() }, terms)
            }),
        };
        // A plan whose names fit no path has no terms that could be asked for.
        if let Some((names, terms)) = plan
            && let Ok(id) = plan_id(&names)
        {
            self.import_beside(asked, import, id, terms, MOST_BELOW_ONE).await?;
        }
        Ok(())
    }

    /// An alias is of one SKU; whoever has it keeps it.
    async fn import_alias(
        &self,
        asked: &Asked<'_>,
        import: &mut Import,
        alias: &str,
        said: Map<String, Value>,
    ) -> Result<(), Error> {
        let id = alias_id(alias).map_err(|error| wrong(&error))?;
        let stands = match import.put.get(&id.key()) {
            Some(row) => Some(row.clone()),
            None => {
                let stands = self.metadata.row(&id).await?;
                // Two imports at once must not both find it free.
                import.expect.push(match &stands {
                    Some(row) => Expect::Unchanged(id.clone(), row.etag.clone()),
                    None => Expect::NoRow(id.clone()),
                });
                stands
            }
        };
        let whose =
            |said: &dyn Fn(&str) -> Value| ["publisher", "offer", "sku"].map(|name| lower(&said(name)));
        if let Some(row) = &stands {
            let held = &row.document["properties"];
            let (holder, asking) = (
                whose(&|name| held[name].clone()),
                whose(&|name| said.get(name).cloned().unwrap_or_default()),
            );
            if holder != asking {
                let message = format!(
                    "The alias '{alias}' is that of '{}'. Choose another, or import that SKU without its alias first.",
                    holder.join(":")
                );
                return Err(Rejection::conflict("Conflict", message).into());
            }
        }
        self.import_beside(asked, import, id, said, MOST_ALIASES).await
    }

    /// A row that is no entry of its own.
    async fn import_beside(
        &self,
        asked: &Asked<'_>,
        import: &mut Import,
        id: ResourceId,
        properties: Map<String, Value>,
        most: u64,
    ) -> Result<(), Error> {
        let stands = self.metadata.row(&id).await?;
        if stands.as_ref().is_none_or(|row| !says(row, &properties)) {
            import.add(self.listed(asked, id, properties, stands.as_ref())?, most);
        }
        Ok(())
    }

    /// A definition or version of a gallery that is listed: it exists, and the caller may read it.
    async fn source(&self, asked: &Asked<'_>, id: &ResourceId, whose: &ResourceId) -> Result<Stored, Error> {
        self.authority.check_link(asked.principal, "Microsoft.Compute/galleries/images/versions/read", id)?;
        let missing = || {
            let message = format!(
                "The image '{id}', which '{}' is made of, was not found. Publish it first, or correct its id.",
                names_of(whose).join(":")
            );
            Rejection::new(404, "ResourceNotFound", message)
        };
        let row = self.metadata.row(id).await?.ok_or_else(missing)?;
        stored_of(&row)
    }
}

impl Import {
    fn add(&mut self, row: Row, most: u64) {
        let counters =
            row.counted.iter().filter(|counter| !self.limits.iter().any(|limit| limit.counter == **counter));
        let limits: Vec<Limit> = counters.map(|counter| Limit { counter: counter.clone(), most }).collect();
        self.limits.extend(limits);
        self.put.insert(row.id.key(), row);
    }

    fn change(mut self) -> Change {
        let parents = self.put.values().filter_map(|row| row.id.parent());
        let parents: BTreeMap<String, ResourceId> = parents.map(|parent| (parent.key(), parent)).collect();
        // Publishers, offers and SKUs have rows; what only groups plans and aliases has none.
        let has_row = |id: &ResourceId| id.pairs().get(2).is_some_and(|(kind, _)| kind == "publishers");
        let needed =
            parents.into_values().filter(|parent| has_row(parent) && !self.put.contains_key(&parent.key()));
        let expect = self.expect.iter().cloned().chain(needed.map(Expect::Exists)).collect();
        self.delete.retain(|id| !self.put.contains_key(&id.key()));
        Change {
            expect,
            put: self.put.into_values().collect(),
            delete: self.delete,
            delete_within: self.emptied,
            limits: self.limits,
            ..Change::default()
        }
    }
}

fn entries(asked: &Asked<'_>) -> Result<Vec<Entry>, Error> {
    let request = asked.request;
    body::object(&request.body, request.content_type.as_deref())?;
    let catalogue: Catalogue = serde_json::from_slice(&request.body).map_err(|error| wrong(&error))?;
    let entries = catalogue.entries().map_err(|error| wrong(&error))?;
    if entries.len() > MOST_ENTRIES {
        let message = format!(
            "The catalogue has {} entries; at most {MOST_ENTRIES} are taken at once. Send it in pieces.",
            entries.len()
        );
        return Err(Rejection::new(413, "RequestContentTooLarge", message).into());
    }
    match entries.iter().find(|entry| entry.properties.contains_key("disk")) {
        Some(entry) => {
            let message = format!(
                "'{}' has a disk. Publish it to a gallery, and give the version's id as imageVersion.",
                names_of(&entry.id).join(":")
            );
            Err(Rejection::invalid("disk", message).into())
        }
        None => Ok(entries),
    }
}

/// Publisher, offer and SKU of a row at or below a SKU.
fn names_of(id: &ResourceId) -> [&str; 3] {
    let name = |kind: &str| {
        let pair = id.pairs().iter().find(|(word, _)| word.eq_ignore_ascii_case(kind));
        pair.map(|(_, name)| name.as_str()).unwrap_or_default()
    };
    [name("publishers"), name("offers"), name("skus")]
}

fn alias_properties(names: [&str; 3], sku: &Sku, definition: Option<&Stored>) -> Map<String, Value> {
    let of_definition =
        |name: &str| definition.and_then(|stored| stored.document.properties.get(name).cloned());
    let os_type = of_definition("osType").unwrap_or_else(|| json!(sku.os_type));
    let architecture =
        of_definition("architecture").unwrap_or_else(|| json!(sku.architecture.unwrap_or_default()));
    let [publisher, offer, sku] = names;
    let members = [
        ("publisher", publisher.into()),
        ("offer", offer.into()),
        ("sku", sku.into()),
        ("osType", os_type),
        ("architecture", architecture),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn says(row: &Row, properties: &Map<String, Value>) -> bool {
    row.document["properties"].as_object() == Some(properties)
}

fn lower(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_ascii_lowercase()
}

fn full(counter: &str, most: u64) -> Rejection {
    let message = format!(
        "'{}' has {most} entries, the most there may be. Remove what is not offered any more, then import again.",
        counter.trim_start_matches(&root().key())
    );
    Rejection::conflict("QuotaExceeded", message)
}

fn wrong(error: &impl std::fmt::Display) -> Rejection {
    refusals::invalid_content(format!("The catalogue is wrong: {error}."))
}
