//! Who waits for whom: what is said by `dependsOn`, and what is meant by `reference`.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;

use crate::Error;
use crate::evaluate::{Evaluation, member, table};
use crate::expression::{Expression, Text, is_deferred};
use crate::plan::{Plan, Resource};
use crate::read::shown;

/// The plan in the order of its dependencies; the order of declaration where those leave a choice.
pub(crate) fn resolve(evaluation: &mut Evaluation<'_>, mut plan: Plan) -> Result<Plan, Error> {
    let mut all = Vec::with_capacity(plan.resources.len());
    for at in 0..plan.resources.len() {
        let mut waits = said(evaluation, &plan, at)?;
        waits.extend(meant(evaluation, &plan, at)?);
        waits.extend(turns_before(evaluation, &plan, at)?);
        if waits.contains(&at) {
            return Err(circular(&plan.resources[at]));
        }
        all.push(waits);
    }
    for (resource, waits) in plan.resources.iter_mut().zip(all) {
        resource.depends_on = waits.into_iter().collect();
    }
    let order = order(&plan)?;
    Ok(plan.ordered(&order))
}

fn circular(resource: &Resource) -> Error {
    Error::template(format!(
        "Circular dependency detected on resource: '{}'. Please see https://aka.ms/arm-syntax-resources for usage details",
        resource.id
    ))
}

fn said(evaluation: &mut Evaluation<'_>, plan: &Plan, at: usize) -> Result<BTreeSet<usize>, Error> {
    let resource = &plan.resources[at];
    let Some(list) = member(&resource.declaration, "dependsOn") else { return Ok(BTreeSet::new()) };
    evaluation.loops.clone_from(&resource.loops);
    let list = evaluation.value(list);
    evaluation.loops.clear();
    let words = match list? {
        Value::Array(words) => words,
        Value::Null => return Ok(BTreeSet::new()),
        word => vec![word],
    };
    let mut waits = BTreeSet::new();
    for word in &words {
        let Value::String(word) = word else {
            return Err(Error::template(format!(
                "The 'dependsOn' of the resource '{}' must be a list of strings",
                resource.name
            )));
        };
        let found = plan.all_named(word);
        if found.is_empty() && !plan.is_absent(word) {
            return Err(Error::template(format!(
                "The resource '{}' is not defined in the template. It is a dependency of '{}'. Please see https://aka.ms/arm-syntax for usage details",
                shown(word),
                resource.id
            )));
        }
        waits.extend(found);
    }
    Ok(waits)
}

/// The resources whose state the body asks for.
fn meant(evaluation: &mut Evaluation<'_>, plan: &Plan, at: usize) -> Result<BTreeSet<usize>, Error> {
    let resource = &plan.resources[at];
    let mut asked = Vec::new();
    for (name, value) in &resource.declaration {
        if !["dependsOn", "condition", "copy", "resources"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
        {
            expressions(value, resource, &mut asked)?;
        }
    }
    evaluation.loops.clone_from(&resource.loops);
    let mut waits = BTreeSet::new();
    for expression in &asked {
        evaluation.step()?;
        // What cannot be evaluated yet, say in a loop of values, is asked for while the deployment runs.
        if let Ok(Value::String(word)) = evaluation.expression(expression) {
            waits.extend(plan.all_named(&word));
        }
    }
    evaluation.loops.clear();
    Ok(waits)
}

/// Collects the first argument of every call that asks the running deployment.
fn expressions(value: &Value, resource: &Resource, into: &mut Vec<Expression>) -> Result<(), Error> {
    match value {
        Value::String(text) if text.starts_with('[') => {
            if let Text::Expression(expression) = Text::of(text)? {
                expression.visit(&mut |name, arguments| {
                    if let Some(first) = arguments.first().filter(|_| is_deferred(name)) {
                        into.push(first.clone());
                    }
                });
            }
            Ok(())
        }
        Value::Array(values) => values.iter().try_for_each(|value| expressions(value, resource, into)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            // A template of its own scope knows its own resources.
            let is_inner = name == "template" && crate::evaluate::is_inner(&resource.declaration);
            if is_inner { Ok(()) } else { expressions(value, resource, into) }
        }),
        _ => Ok(()),
    }
}

/// The turns that a serial loop makes first.
fn turns_before(evaluation: &mut Evaluation<'_>, plan: &Plan, at: usize) -> Result<BTreeSet<usize>, Error> {
    let resource = &plan.resources[at];
    let (Some(turn), Some(copy)) = (resource.loops.first(), member(&resource.declaration, "copy")) else {
        return Ok(BTreeSet::new());
    };
    let copy = table(copy, "copy")?;
    let mode = evaluation.value(member(copy, "mode").unwrap_or(&Value::Null))?;
    if !mode.as_str().is_some_and(|mode| mode.eq_ignore_ascii_case("serial")) {
        return Ok(BTreeSet::new());
    }
    let size = evaluation.value(member(copy, "batchSize").unwrap_or(&Value::from(1)))?;
    let size = crate::evaluate::count_of(&size).filter(|size| *size > 0).ok_or_else(|| {
        Error::template("The 'batchSize' of a copy loop must be a whole number of at least 1")
    })?;
    let batch = turn.index / size;
    let is_before = |other: &Resource| {
        other.copy == resource.copy
            && other.loops.first().is_some_and(|other| other.index / size + 1 == batch)
    };
    Ok(plan.resources.iter().enumerate().filter(|(_, other)| is_before(other)).map(|(at, _)| at).collect())
}

fn order(plan: &Plan) -> Result<Vec<usize>, Error> {
    let count = plan.resources.len();
    let mut followers = vec![Vec::new(); count];
    let mut open: Vec<usize> = plan.resources.iter().map(|resource| resource.depends_on.len()).collect();
    for (at, resource) in plan.resources.iter().enumerate() {
        for dependency in &resource.depends_on {
            followers[*dependency].push(at);
        }
    }
    let mut ready: VecDeque<usize> = (0..count).filter(|at| open[*at] == 0).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(at) = ready.pop_front() {
        order.push(at);
        for follower in &followers[at] {
            open[*follower] -= 1;
            if open[*follower] == 0 {
                ready.push_back(*follower);
            }
        }
    }
    match (0..count).find(|at| open[*at] > 0) {
        None => Ok(order),
        Some(stuck) => Err(circular(&plan.resources[stuck])),
    }
}
