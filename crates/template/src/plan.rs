//! The resources of a template: loops unrolled, conditions decided, ids known, in an order that keeps dependencies.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use crate::context::{Limits, Nothing};
use crate::evaluate::{Evaluation, member, table};
use crate::expression::{Expression, Text};
use crate::program::{Program, at_most, loop_count};
use crate::read::shown;
use crate::{Error, dependencies};

/// A turn of a loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) name: Option<String>,
    pub(crate) index: usize,
    /// Whether the loop makes resources; the others make values.
    pub(crate) is_resource: bool,
}

/// A resource that a template asks for.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its whole id.
    pub id: String,
    /// `Microsoft.Compute/galleries/images`.
    pub type_name: String,
    /// `gallery/definition`.
    pub name: String,
    /// The api-version to PUT it in.
    pub api_version: String,
    /// Whether it is only looked at: `existing` resources are made elsewhere.
    pub is_existing: bool,
    /// The resources it waits for, by their place in [`Plan::resources`]; all stand before it.
    pub depends_on: Vec<usize>,
    pub(crate) symbol: Option<String>,
    pub(crate) copy: Option<String>,
    pub(crate) declaration: Map<String, Value>,
    pub(crate) loops: Vec<Turn>,
}

/// The resources of a template, in order.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Each after all it depends on.
    pub resources: Vec<Resource>,
    names: HashMap<String, Vec<usize>>,
    absent: BTreeSet<String>,
}

impl Plan {
    /// The resource that a word of the template means: its id, symbol, `type/name` or name.
    pub(crate) fn named(&self, word: &str) -> Option<&Resource> {
        self.all_named(word).first().map(|at| &self.resources[*at])
    }

    /// As [`Plan::named`], with all turns of a loop by its name.
    pub(crate) fn all_named(&self, word: &str) -> &[usize] {
        self.names.get(&key_of(word)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether the word means a resource whose condition is false.
    pub(crate) fn is_absent(&self, word: &str) -> bool {
        self.absent.contains(&key_of(word))
    }

    fn index(&mut self) {
        self.names = HashMap::new();
        for (at, resource) in self.resources.iter().enumerate() {
            for word in words_for(resource) {
                self.names.entry(word).or_default().push(at);
            }
        }
    }

    /// The same resources in another order.
    pub(crate) fn ordered(mut self, order: &[usize]) -> Self {
        let mut place = vec![0; order.len()];
        for (to, from) in order.iter().enumerate() {
            place[*from] = to;
        }
        let mut moved = Vec::with_capacity(order.len());
        for from in order {
            let mut resource = self.resources[*from].clone();
            for dependency in &mut resource.depends_on {
                *dependency = place[*dependency];
            }
            moved.push(resource);
        }
        self.resources = moved;
        self.index();
        self
    }
}

fn key_of(word: &str) -> String {
    word.trim_end_matches('/').to_ascii_lowercase()
}

/// All that a template may call a resource by.
fn words_for(resource: &Resource) -> BTreeSet<String> {
    let tail = resource.id.rsplit_once("/providers/").map(|(_, tail)| tail.to_owned());
    [
        Some(resource.id.clone()),
        tail,
        Some(format!("{}/{}", resource.type_name, resource.name)),
        Some(resource.name.clone()),
        resource.symbol.clone(),
        resource.copy.clone(),
    ]
    .into_iter()
    .flatten()
    .map(|word| key_of(&word))
    .collect()
}

/// A declaration and what it is nested in.
struct Declared<'t> {
    symbol: Option<&'t str>,
    members: &'t Map<String, Value>,
    /// The types and names above, as declared.
    above: Option<(String, String)>,
}

pub(crate) fn of(program: &Program) -> Result<Plan, Error> {
    let mut declared = Vec::new();
    match member(&program.template, "resources") {
        Some(Value::Array(resources)) => {
            for resource in resources {
                collect(None, table(resource, "resources")?, None, &mut declared)?;
            }
        }
        Some(Value::Object(resources)) => {
            for (symbol, resource) in resources {
                collect(Some(symbol), table(resource, symbol)?, None, &mut declared)?;
            }
        }
        None | Some(Value::Null) => {}
        Some(_) => {
            return Err(Error::template(
                "The section 'resources' of the template must be an array or an object",
            ));
        }
    }
    let mut evaluation = Evaluation::of(program, &Nothing);
    let mut plan = Plan::default();
    for declaration in &declared {
        unroll(program, &mut evaluation, declaration, &mut plan)?;
    }
    plan.index();
    for (word, places) in &plan.names {
        if places.len() > 1 && word.starts_with('/') {
            let message = format!(
                "The resource '{word}' is defined multiple times in a template. Please see https://aka.ms/arm-syntax-resources for usage details"
            );
            return Err(Error::template(message));
        }
    }
    dependencies::resolve(&mut evaluation, plan)
}

/// `members` and what is nested in them, in order.
fn collect<'t>(
    symbol: Option<&'t str>,
    members: &'t Map<String, Value>,
    above: Option<(String, String)>,
    into: &mut Vec<Declared<'t>>,
) -> Result<(), Error> {
    at_most("resources", into.len() + 1, Limits::RESOURCES)?;
    let word = |name: &str| member(members, name).and_then(Value::as_str).unwrap_or_default();
    let nested = member(members, "resources").and_then(Value::as_array);
    let below = nested.map(|_| match &above {
        Some((types, names)) => (format!("{types}/{}", word("type")), joined(names, word("name"))),
        None => (word("type").to_owned(), word("name").to_owned()),
    });
    into.push(Declared { symbol, members, above });
    for child in nested.into_iter().flatten() {
        collect(None, table(child, "resources")?, below.clone(), into)?;
    }
    Ok(())
}

/// The name of a nested resource as one expression over the names above.
fn joined(above: &str, name: &str) -> String {
    let inner = |text: &str| match Text::of(text) {
        Ok(Text::Expression(expression)) => expression.to_string(),
        Ok(Text::Literal(text)) => Expression::Text(text).to_string(),
        Err(_) => Expression::Text(text.to_owned()).to_string(),
    };
    format!("[concat({}, '/', {})]", inner(above), inner(name))
}

fn unroll(
    program: &Program,
    evaluation: &mut Evaluation<'_>,
    declared: &Declared<'_>,
    plan: &mut Plan,
) -> Result<(), Error> {
    let Some(copy) = member(declared.members, "copy") else {
        return one(program, evaluation, declared, None, plan);
    };
    let copy = table(copy, "copy")?;
    let Value::String(name) = evaluation.value(member(copy, "name").unwrap_or(&Value::Null))? else {
        return Err(Error::template("The copy loop of a resource needs a 'name'"));
    };
    let count = evaluation.value(member(copy, "count").unwrap_or(&Value::Null))?;
    for index in 0..loop_count(&count, &name)? {
        evaluation.loops = vec![Turn { name: Some(name.clone()), index, is_resource: true }];
        let made = one(program, evaluation, declared, Some(&name), plan);
        evaluation.loops.clear();
        made?;
    }
    if count == 0 {
        plan.absent.insert(key_of(&name));
    }
    Ok(())
}

fn one(
    program: &Program,
    evaluation: &mut Evaluation<'_>,
    declared: &Declared<'_>,
    copy: Option<&str>,
    plan: &mut Plan,
) -> Result<(), Error> {
    let members = declared.members;
    let mut text = |name: &str| -> Result<String, Error> {
        match evaluation.value(member(members, name).unwrap_or(&Value::Null)) {
            Ok(Value::String(text)) => Ok(text),
            Ok(Value::Null) => Ok(String::new()),
            Ok(_) => Err(Error::template(format!("The '{name}' of a template resource must be a string"))),
            Err(error) => Err(error.within(&format!("resource '{}'", shown(&label(declared))))),
        }
    };
    let (own_type, own_name, api_version) = (text("type")?, text("name")?, text("apiVersion")?);
    let (type_name, name) = match &declared.above {
        None => (own_type, own_name),
        Some((types, names)) => {
            let above = evaluation.value(&Value::from(names.as_str()))?;
            (format!("{types}/{own_type}"), format!("{}/{own_name}", above.as_str().unwrap_or_default()))
        }
    };
    let is_existing = member(members, "existing") == Some(&Value::Bool(true));
    if api_version.is_empty() {
        return Err(Error::template(format!(
            "The template resource '{}' is missing the 'apiVersion' property. Please see https://aka.ms/arm-syntax-resources for usage details",
            shown(&name)
        )));
    }
    let base = base_of(program, evaluation, members, &type_name)?;
    let id = id_of(&base, &type_name, &name)?;
    let resource = Resource {
        id,
        type_name,
        name,
        api_version,
        is_existing,
        depends_on: Vec::new(),
        symbol: declared.symbol.map(|symbol| match evaluation.loops.first() {
            Some(turn) => format!("{symbol}[{}]", turn.index),
            None => symbol.to_owned(),
        }),
        // A loop is called by its name, and with symbols by the symbol too.
        copy: declared.symbol.filter(|_| copy.is_some()).or(copy).map(str::to_owned),
        declaration: members.clone(),
        loops: evaluation.loops.clone(),
    };
    if !is_wanted(evaluation, members)? {
        plan.absent.extend(words_for(&resource));
        return Ok(());
    }
    at_most("resources", plan.resources.len() + 1, Limits::RESOURCES)?;
    plan.resources.push(resource);
    Ok(())
}

fn label(declared: &Declared<'_>) -> String {
    let word = member(declared.members, "name").and_then(Value::as_str);
    declared.symbol.or(word).unwrap_or_default().to_owned()
}

fn is_wanted(evaluation: &mut Evaluation<'_>, members: &Map<String, Value>) -> Result<bool, Error> {
    let Some(condition) = member(members, "condition") else { return Ok(true) };
    match evaluation.value(condition)? {
        Value::Bool(wanted) => Ok(wanted),
        Value::Null => Ok(true),
        _ => Err(Error::template("The 'condition' of a template resource must be a boolean")),
    }
}

/// Where a resource stands: the scope of the deployment unless it names another.
fn base_of(
    program: &Program,
    evaluation: &mut Evaluation<'_>,
    members: &Map<String, Value>,
    type_name: &str,
) -> Result<String, Error> {
    let mut word = |name: &str| -> Result<Option<String>, Error> {
        let value = member(members, name).map(|value| evaluation.value(value)).transpose()?;
        Ok(value.and_then(|value| value.as_str().map(str::to_owned)).filter(|text| !text.is_empty()))
    };
    let context = &program.context;
    let own = format!("/subscriptions/{}", context.subscription.id);
    let own_group = context.group.as_ref().map(|group| format!("{own}/resourceGroups/{}", group.name));
    let default = own_group.clone().unwrap_or_else(|| own.clone());
    if let Some(scope) = word("scope")? {
        return if scope.starts_with('/') {
            Ok(scope.trim_end_matches('/').to_owned())
        } else {
            let (namespace, rest) = scope.split_once('/').unwrap_or((&scope, ""));
            Ok(format!("{default}/providers/{namespace}/{rest}"))
        };
    }
    let (subscription, group) = (word("subscriptionId")?, word("resourceGroup")?);
    let subscription = subscription.map(|id| format!("/subscriptions/{id}"));
    Ok(match (subscription, group) {
        (subscription, Some(group)) => format!("{}/resourceGroups/{group}", subscription.unwrap_or(own)),
        (Some(subscription), None) => subscription,
        (None, None) if type_name.eq_ignore_ascii_case("Microsoft.Resources/resourceGroups") => own,
        (None, None) => default,
    })
}

fn id_of(base: &str, type_name: &str, name: &str) -> Result<String, Error> {
    let mut types = type_name.split('/');
    let namespace = types.next().unwrap_or_default();
    let (types, names): (Vec<&str>, Vec<&str>) = (types.collect(), name.split('/').collect());
    let is_whole = |word: &&str| !word.is_empty();
    if namespace.is_empty()
        || types.is_empty()
        || types.len() != names.len()
        || !types.iter().chain(&names).all(is_whole)
    {
        return Err(Error::template(format!(
            "The template resource '{}' for type '{}' has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name. A root resource type must have segment length one greater than its resource name. Please see https://aka.ms/arm-syntax-resources for usage details",
            shown(name),
            shown(type_name)
        )));
    }
    if type_name.eq_ignore_ascii_case("Microsoft.Resources/resourceGroups") {
        return Ok(format!("{base}/resourceGroups/{name}"));
    }
    let pairs: String = types.iter().zip(&names).map(|(kind, name)| format!("/{kind}/{name}")).collect();
    Ok(format!("{base}/providers/{namespace}{pairs}"))
}
