//! From a value of a template to the value it means.
//!
//! Every step and every byte made is counted against [`Limits`]; nothing is evaluated deeper than they allow.

mod asks;
mod body;
mod lambdas;
mod loops;

use std::collections::HashMap;

use serde_json::{Map, Value};

pub(crate) use self::body::is_inner;
use crate::context::Runtime;
use crate::expression::{Expression, Text};
use crate::functions::{self, Arguments};
use crate::plan::{Plan, Turn};
use crate::program::Program;
use crate::read::shown;
use crate::{Error, Limits, parameters};

/// One evaluation of something in a program.
pub(crate) struct Evaluation<'a> {
    pub(crate) program: &'a Program,
    pub(crate) runtime: &'a dyn Runtime,
    plan: Option<&'a Plan>,
    /// The loops it stands in, the outermost first.
    pub(crate) loops: Vec<Turn>,
    /// The variables of lambdas, the innermost last.
    lambdas: Vec<(String, Value)>,
    /// Within a function of the template: its parameters.
    function: Option<HashMap<String, Value>>,
    parameters: HashMap<String, Value>,
    variables: HashMap<String, Value>,
    /// What is being evaluated, to see rings.
    open: Vec<String>,
    /// Within the default of a parameter, where time and chance may be asked.
    in_default: bool,
    guids: u64,
    depth: usize,
    steps: u64,
    bytes: u64,
}

impl<'a> Evaluation<'a> {
    pub(crate) fn of(program: &'a Program, runtime: &'a dyn Runtime) -> Self {
        Self {
            program,
            runtime,
            plan: None,
            loops: Vec::new(),
            lambdas: Vec::new(),
            function: None,
            parameters: HashMap::new(),
            variables: HashMap::new(),
            open: Vec::new(),
            in_default: false,
            guids: 0,
            depth: 0,
            steps: 0,
            bytes: 0,
        }
    }

    /// Where names stand for resources of `plan`.
    pub(crate) fn among(mut self, plan: &'a Plan) -> Self {
        self.plan = Some(plan);
        self
    }

    /// The parameters and variables evaluated so far.
    pub(crate) fn settled(self) -> (HashMap<String, Value>, HashMap<String, Value>) {
        (self.parameters, self.variables)
    }

    /// Counts one step.
    pub(crate) fn step(&mut self) -> Result<(), Error> {
        self.steps += 1;
        if self.steps > Limits::STEPS {
            let limit = Limits::STEPS;
            return Err(Error::template(format!("The template needs more than '{limit}' steps to evaluate")));
        }
        Ok(())
    }

    /// Counts a value that is about to be made.
    pub(crate) fn weigh(&mut self, value: &Value) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(weight(value));
        if self.bytes > Limits::VALUE_BYTES {
            let limit = Limits::VALUE_BYTES;
            return Err(Error::template(format!(
                "The values of the template take more than '{limit}' bytes to evaluate"
            )));
        }
        Ok(())
    }

    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.depth += 1;
        if self.depth > Limits::DEPTH + Limits::EXPRESSION_DEPTH {
            return Err(Error::template("The template is nested too deep to evaluate"));
        }
        let done = work(self);
        self.depth -= 1;
        done
    }

    /// A value with every expression in it evaluated.
    pub(crate) fn value(&mut self, value: &Value) -> Result<Value, Error> {
        self.step()?;
        self.deeper(|this| match value {
            Value::String(text) => match Text::of(text)? {
                Text::Literal(text) => Ok(Value::String(text)),
                Text::Expression(expression) => this.expression(&expression),
            },
            Value::Array(values) => values.iter().map(|value| this.value(value)).collect(),
            Value::Object(members) => this.members(members).map(Value::Object),
            value => Ok(value.clone()),
        })
    }

    fn members(&mut self, members: &Map<String, Value>) -> Result<Map<String, Value>, Error> {
        let mut evaluated = Map::new();
        for (name, value) in members {
            if name.eq_ignore_ascii_case("copy") && loops::is_loops(value) {
                evaluated.extend(self.property_loops(value)?);
                continue;
            }
            let name = match Text::of(name)? {
                Text::Literal(name) => name,
                Text::Expression(name) => match self.expression(&name)? {
                    Value::String(name) => name,
                    _ => return Err(Error::template("The name of a member must evaluate to a string")),
                },
            };
            let value = self.value(value)?;
            evaluated.insert(name, value);
        }
        Ok(evaluated)
    }

    pub(crate) fn expression(&mut self, expression: &Expression) -> Result<Value, Error> {
        self.step()?;
        let value = self.deeper(|this| match expression {
            Expression::Text(text) => Ok(Value::String(text.clone())),
            Expression::Integer(number) => Ok((*number).into()),
            Expression::Call { name, arguments } => this.call(name, arguments),
            Expression::Member { of, at, is_safe } => {
                let of = this.expression(of)?;
                if *is_safe && of.is_null() {
                    return Ok(Value::Null);
                }
                let at = this.expression(at)?;
                functions::take_member(of, &at, *is_safe)
            }
        })?;
        self.weigh(&value)?;
        Ok(value)
    }

    fn call(&mut self, name: &str, arguments: &[Expression]) -> Result<Value, Error> {
        let key = name.to_ascii_lowercase();
        let key = key.strip_prefix("sys.").or_else(|| key.strip_prefix("az.")).unwrap_or(&key);
        if let Some(done) = self.lazy(key, arguments)? {
            return Ok(done);
        }
        if let Some(done) = self.lambda_call(key, arguments)? {
            return Ok(done);
        }
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.expression(argument)?);
        }
        let arguments = Arguments { function: name, values };
        if self.program.functions.contains_key(key) {
            return self.own_function(key, arguments);
        }
        if let Some(done) = self.ask(key, &arguments)? {
            return Ok(done);
        }
        functions::call(key, arguments)?.ok_or_else(|| {
            Error::template(format!(
                "The template function '{}' is not valid. Please see https://aka.ms/arm-functions for usage details",
                shown(name)
            ))
        })
    }

    /// Functions that do not evaluate all of their arguments.
    fn lazy(&mut self, key: &str, arguments: &[Expression]) -> Result<Option<Value>, Error> {
        let truth = |this: &mut Self, argument: &Expression| match this.expression(argument)? {
            Value::Bool(truth) => Ok(truth),
            other => Err(Error::template(format!(
                "The template language function '{key}' expects boolean parameters; one is of type '{}'",
                parameters::type_of(&other)
            ))),
        };
        Ok(Some(match key {
            "if" => {
                let [condition, yes, no] = arguments else {
                    return Err(wrong_count(key, "three", arguments.len()));
                };
                let branch = if truth(self, condition)? { yes } else { no };
                self.expression(branch)?
            }
            "and" | "or" => {
                if arguments.is_empty() {
                    return Err(wrong_count(key, "at least one", 0));
                }
                let decides = key == "or";
                for argument in arguments {
                    if truth(self, argument)? == decides {
                        return Ok(Some(decides.into()));
                    }
                }
                (!decides).into()
            }
            "coalesce" => {
                if arguments.is_empty() {
                    return Err(wrong_count(key, "at least one", 0));
                }
                for argument in arguments {
                    let value = self.expression(argument)?;
                    if !value.is_null() {
                        return Ok(Some(value));
                    }
                }
                Value::Null
            }
            _ => return Ok(None),
        }))
    }

    /// A function that the template defines: it sees its parameters and nothing else.
    fn own_function(&mut self, key: &str, arguments: Arguments<'_>) -> Result<Value, Error> {
        let function = &self.program.functions[key];
        let (expected, given) = (function.parameters.len(), arguments.values.len());
        if expected != given {
            return Err(wrong_count(key, &expected.to_string(), given));
        }
        let bound = function.parameters.iter().cloned().zip(arguments.values).collect();
        let outer = self.function.replace(bound);
        let (loops, lambdas) = (std::mem::take(&mut self.loops), std::mem::take(&mut self.lambdas));
        let done = self.value(&function.output);
        (self.function, self.loops, self.lambdas) = (outer, loops, lambdas);
        done
    }

    /// `parameters('name')`.
    pub(crate) fn parameter(&mut self, name: &str) -> Result<Value, Error> {
        let key = name.to_ascii_lowercase();
        let absent = || {
            Error::template(format!(
                "The template parameter '{}' is not found. Please see https://aka.ms/arm-syntax-parameters for usage details",
                shown(name)
            ))
        };
        if let Some(own) = &self.function {
            let value = own.get(&key).ok_or_else(absent)?.clone();
            return Ok(value);
        }
        if let Some(value) = self.program.parameters.get(&key).or_else(|| self.parameters.get(&key)) {
            return Ok(value.clone());
        }
        let program = self.program;
        let declaration = program.declared(name).ok_or_else(absent)?;
        let value = match parameters::sent_value(&program.sent, name)? {
            Some(value) => value,
            None => self.default_of(name, &key, declaration)?,
        };
        parameters::value_is_allowed(name, declaration, &program.template, &value)?;
        self.parameters.insert(key, value.clone());
        Ok(value)
    }

    fn default_of(&mut self, name: &str, key: &str, declaration: &Value) -> Result<Value, Error> {
        let members = table(declaration, name)?;
        let Some(default) = member(members, "defaultValue") else {
            if member(members, "nullable") == Some(&Value::Bool(true)) {
                return Ok(Value::Null);
            }
            return Err(Error::template(format!(
                "The value for the template parameter '{}' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details",
                shown(name)
            )));
        };
        self.open(&format!("parameter '{key}'"))?;
        let outer = std::mem::replace(&mut self.in_default, true);
        let value =
            self.value(default).map_err(|error| error.within(&format!("parameter '{}'", shown(name))));
        self.in_default = outer;
        self.open.pop();
        value
    }

    /// `variables('name')`.
    pub(crate) fn variable(&mut self, name: &str) -> Result<Value, Error> {
        let key = name.to_ascii_lowercase();
        if self.function.is_some() {
            return Err(Error::template("A function of a template cannot use its variables"));
        }
        if let Some(value) = self.program.variables.get(&key).or_else(|| self.variables.get(&key)) {
            return Ok(value.clone());
        }
        let declared = member(&self.program.template, "variables").and_then(Value::as_object);
        let Some(value) = declared.and_then(|declared| member(declared, name)) else {
            return self.looped_variable(name);
        };
        self.open(&format!("variable '{key}'"))?;
        let loops = std::mem::take(&mut self.loops);
        let value = self.value(value).map_err(|error| error.within(&format!("variable '{}'", shown(name))));
        self.loops = loops;
        self.open.pop();
        let value = value?;
        self.variables.insert(key, value.clone());
        Ok(value)
    }

    fn open(&mut self, what: &str) -> Result<(), Error> {
        if self.open.iter().any(|open| open == what) {
            return Err(Error::template(format!("Circular dependency detected on template {what}")));
        }
        self.open.push(what.to_owned());
        Ok(())
    }

    /// What is left of `expression` for a deployment within this one, whose own names differ: all but the calls of
    /// a running deployment is put in.
    pub(crate) fn residual(&mut self, expression: &Expression) -> Result<Expression, Error> {
        self.step()?;
        if !expression.is_deferred() {
            let value = self.expression(expression)?;
            return Ok(match value {
                Value::String(text) => Expression::Text(text),
                value => Expression::Call {
                    name: "json".to_owned(),
                    arguments: vec![Expression::Text(value.to_string())],
                },
            });
        }
        Ok(match expression {
            Expression::Call { name, arguments } => {
                let arguments =
                    arguments.iter().map(|argument| self.residual(argument)).collect::<Result<_, _>>()?;
                Expression::Call { name: name.clone(), arguments }
            }
            Expression::Member { of, at, is_safe } => Expression::Member {
                of: Box::new(self.residual(of)?),
                at: Box::new(self.residual(at)?),
                is_safe: *is_safe,
            },
            literal => literal.clone(),
        })
    }
}

pub(crate) fn wrong_count(function: &str, expected: &str, given: usize) -> Error {
    Error::template(format!(
        "Unable to evaluate template language function '{function}': function requires {expected} argument(s) while '{given}' were provided. Please see https://aka.ms/arm-functions for usage details"
    ))
}

/// The member of that name, without case; the exact spelling goes first.
pub(crate) fn member<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    let exact = members.get(name);
    exact.or_else(|| {
        members.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

/// The members of an object that stands at `name`.
pub(crate) fn table<'v>(value: &'v Value, name: &str) -> Result<&'v Map<String, Value>, Error> {
    value
        .as_object()
        .ok_or_else(|| Error::template(format!("'{}' of the template must be an object", shown(name))))
}

pub(crate) fn count_of(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|count| usize::try_from(count).ok())
}

/// About how many bytes a value takes.
fn weight(value: &Value) -> u64 {
    let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    match value {
        Value::String(text) => 96 + length(text.len()),
        Value::Array(values) => values.iter().map(weight).sum::<u64>() + 96,
        Value::Object(members) => {
            members.iter().map(|(name, value)| 64 + length(name.len()) + weight(value)).sum::<u64>() + 96
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 96,
    }
}
