//! A template with its parameters: what is fixed before any of its resources is made.
//!
//! Parameters and variables are evaluated once, here; resources and outputs each time they are asked for.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::context::{Context, Limits, Nothing, Runtime};
use crate::evaluate::{Evaluation, count_of, member, table};
use crate::expression::Expression;
use crate::parameters::{self, Kind};
use crate::plan::Plan;
use crate::{Error, Resource, plan};

/// A template that was read, with the values of its parameters and variables.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) template: Map<String, Value>,
    pub(crate) context: Context,
    /// As sent: `{"name": {"value": …}}`.
    pub(crate) sent: Map<String, Value>,
    pub(crate) parameters: HashMap<String, Value>,
    pub(crate) variables: HashMap<String, Value>,
    pub(crate) functions: HashMap<String, Function>,
}

/// A function that the template defines.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) parameters: Vec<String>,
    pub(crate) output: Value,
}

impl Program {
    /// Reads a template with the parameters sent for it, as `{"name": {"value": …}}`.
    ///
    /// # Errors
    /// `InvalidTemplate` with what is wrong.
    pub fn read(template: &Value, sent: &Value, context: Context) -> Result<Self, Error> {
        let Value::Object(template) = template else {
            return Err(Error::template("The template must be a JSON object"));
        };
        if !matches!(member(template, "$schema"), Some(Value::String(_))) {
            return Err(Error::template("The template must name its '$schema'"));
        }
        if !matches!(member(template, "contentVersion"), Some(Value::String(_))) {
            return Err(Error::template("The template must have a 'contentVersion' such as '1.0.0.0'"));
        }
        let sent = match sent {
            Value::Object(sent) => sent.clone(),
            Value::Null => Map::new(),
            _ => return Err(Error::template("The parameters must be a JSON object")),
        };
        let functions = functions(template)?;
        let mut program = Self {
            template: template.clone(),
            context,
            sent,
            parameters: HashMap::new(),
            variables: HashMap::new(),
            functions,
        };
        program.settle()?;
        Ok(program)
    }

    /// Evaluates all parameters and variables.
    fn settle(&mut self) -> Result<(), Error> {
        let declared = self.section("parameters")?;
        let variables = self.section("variables")?;
        at_most("parameters", declared.len(), Limits::PARAMETERS)?;
        at_most("variables", variables.len(), Limits::VARIABLES)?;
        parameters::all_are_known(&declared, &self.sent)?;
        let mut evaluation = Evaluation::of(self, &Nothing);
        for name in declared.keys() {
            evaluation.parameter(name)?;
        }
        for (name, value) in &variables {
            if name.eq_ignore_ascii_case("copy") && value.is_array() {
                evaluation.variable_loops(value)?;
            } else {
                evaluation.variable(name)?;
            }
        }
        let (parameters, variables) = evaluation.settled();
        (self.parameters, self.variables) = (parameters, variables);
        Ok(())
    }

    pub(crate) fn section(&self, name: &str) -> Result<Map<String, Value>, Error> {
        match member(&self.template, name) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(section)) => Ok(section.clone()),
            Some(_) => {
                Err(Error::template(format!("The section '{name}' of the template must be an object")))
            }
        }
    }

    /// The declaration of a parameter.
    pub(crate) fn declared(&self, name: &str) -> Option<&Value> {
        member(member(&self.template, "parameters")?.as_object()?, name)
    }

    /// The resources in the order of their dependencies.
    ///
    /// # Errors
    /// `InvalidTemplate`: what is wrong with the template, a cycle included.
    pub fn plan(&self) -> Result<Plan, Error> {
        plan::of(self)
    }

    /// The parameters as a deployment shows them: types capitalised, no secure values.
    #[must_use]
    pub fn shown_parameters(&self) -> Value {
        let declared = self.section("parameters").unwrap_or_default();
        let show = |(name, declaration): (&String, &Value)| {
            let kind = Kind::of(declaration, &self.template).unwrap_or(Kind::Object);
            let mut shown = json!({ "type": kind.shown() });
            if !kind.is_secure() {
                shown["value"] = self.parameters.get(&name.to_ascii_lowercase()).cloned().unwrap_or_default();
            }
            (name.clone(), shown)
        };
        Value::Object(declared.iter().map(show).collect())
    }

    /// `value` as it may be shown: every word of a secure parameter in it is a row of asterisks.
    #[must_use]
    pub fn masked(&self, value: Value) -> Value {
        let declared = self.section("parameters").unwrap_or_default();
        let is_secure = |(_, declaration): &(&String, &Value)| {
            Kind::of(declaration, &self.template).is_ok_and(Kind::is_secure)
        };
        let values = declared
            .iter()
            .filter(is_secure)
            .filter_map(|(name, _)| self.parameters.get(&name.to_ascii_lowercase()));
        let mut secrets = Vec::new();
        values.for_each(|value| words(value, &mut secrets));
        // The longest first, so that no rest of one shows beside a shorter one.
        secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        mask(value, &secrets)
    }

    /// The body to PUT for `resource`.
    ///
    /// # Errors
    /// `InvalidTemplate`, or [`Error::Needs`] what `runtime` does not know yet.
    pub fn body(&self, plan: &Plan, resource: &Resource, runtime: &dyn Runtime) -> Result<Value, Error> {
        let mut evaluation = Evaluation::of(self, runtime).among(plan);
        evaluation.loops.clone_from(&resource.loops);
        evaluation.body(resource).map_err(|error| error.within(&format!("resource '{}'", resource.id)))
    }

    /// The outputs, as a deployment shows them; secure ones without value.
    ///
    /// # Errors
    /// `InvalidTemplate`, or [`Error::Needs`] what `runtime` does not know yet.
    pub fn outputs(&self, plan: &Plan, runtime: &dyn Runtime) -> Result<Map<String, Value>, Error> {
        let declared = self.section("outputs")?;
        at_most("outputs", declared.len(), Limits::OUTPUTS)?;
        let mut evaluation = Evaluation::of(self, runtime).among(plan);
        let mut outputs = Map::new();
        for (name, declaration) in &declared {
            let within = |error: Error| error.within(&format!("output '{name}'"));
            let kind = Kind::of(declaration, &self.template)?;
            let parts = table(declaration, name)?;
            if let Some(condition) = member(parts, "condition")
                && evaluation.value(condition).map_err(within)? == Value::Bool(false)
            {
                continue;
            }
            let value = match member(parts, "copy").and_then(Value::as_object) {
                Some(copy) => evaluation.turns(copy, None, "input", false).map(Value::Array),
                None => evaluation.value(member(parts, "value").unwrap_or(&Value::Null)),
            }
            .map_err(within)?;
            kind.check(&value, &format!("output '{name}'"))?;
            let mut shown = json!({ "type": kind.shown() });
            if !kind.is_secure() {
                shown["value"] = value;
            }
            outputs.insert(name.clone(), shown);
        }
        Ok(outputs)
    }

    /// One expression in the light of this template; for tests and tools.
    ///
    /// # Errors
    /// As [`Program::outputs`].
    pub fn evaluate(&self, expression: &Expression, runtime: &dyn Runtime) -> Result<Value, Error> {
        Evaluation::of(self, runtime).expression(expression)
    }
}

/// The words in a value; those that are empty hide nothing.
fn words<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
    match value {
        Value::String(word) if !word.is_empty() => into.push(word),
        Value::Array(items) => items.iter().for_each(|item| words(item, into)),
        Value::Object(members) => members.values().for_each(|member| words(member, into)),
        _ => {}
    }
}

fn mask(value: Value, secrets: &[&str]) -> Value {
    match value {
        Value::String(text) => {
            Value::String(secrets.iter().fold(text, |text, secret| text.replace(secret, "*******")))
        }
        Value::Array(items) => items.into_iter().map(|item| mask(item, secrets)).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, member)| (name, mask(member, secrets))).collect()
        }
        value => value,
    }
}

pub(crate) fn at_most(what: &str, count: usize, limit: usize) -> Result<(), Error> {
    if count <= limit {
        return Ok(());
    }
    Err(Error::template(format!(
        "The number of template {what} limit exceeded. Limit: '{limit}' and actual: '{count}'. Please see https://aka.ms/arm-template/#{what} for usage details"
    )))
}

fn functions(template: &Map<String, Value>) -> Result<HashMap<String, Function>, Error> {
    let mut functions = HashMap::new();
    let namespaces = match member(template, "functions") {
        None | Some(Value::Null) => return Ok(functions),
        Some(Value::Array(namespaces)) => namespaces,
        Some(_) => return Err(Error::template("The section 'functions' of the template must be an array")),
    };
    for namespace in namespaces {
        let namespace = table(namespace, "functions")?;
        let word = member(namespace, "namespace").and_then(Value::as_str).unwrap_or_default();
        let members = member(namespace, "members").and_then(Value::as_object);
        for (name, function) in members.into_iter().flatten() {
            let function = table(function, name)?;
            let declared = member(function, "parameters").and_then(Value::as_array);
            let named = |parameter: &Value| {
                Some(member(parameter.as_object()?, "name")?.as_str()?.to_ascii_lowercase())
            };
            let parameters = declared.into_iter().flatten().map(named).collect::<Option<Vec<_>>>();
            let output = member(function, "output").and_then(Value::as_object);
            let output = output.and_then(|output| member(output, "value")).cloned();
            let (Some(parameters), Some(output)) = (parameters, output) else {
                let message =
                    format!("The function '{word}.{name}' needs named parameters and an output value");
                return Err(Error::template(message));
            };
            let key = format!("{word}.{name}").to_ascii_lowercase();
            functions.insert(key, Function { parameters, output });
        }
    }
    at_most("functions", functions.len(), Limits::VARIABLES)?;
    Ok(functions)
}

/// The count of a loop, within its limit.
pub(crate) fn loop_count(value: &Value, name: &str) -> Result<usize, Error> {
    let count = count_of(value).ok_or_else(|| {
        Error::template(format!("The 'count' of the copy loop '{name}' must be a whole number of at least 0"))
    })?;
    at_most("copies", count, Limits::COPIES)?;
    Ok(count)
}
