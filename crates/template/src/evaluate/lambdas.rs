//! Functions that take a lambda: `map`, `filter`, `reduce`, `sort`, `toObject`, `groupBy`, `mapValues`.

use serde_json::{Map, Value};

use super::{Evaluation, wrong_count};
use crate::Error;
use crate::expression::Expression;
use crate::read::shown;

/// The variables of a lambda and what it makes of them.
struct Lambda<'e> {
    names: Vec<&'e str>,
    body: &'e Expression,
}

impl Evaluation<'_> {
    pub(super) fn lambda_call(
        &mut self,
        key: &str,
        arguments: &[Expression],
    ) -> Result<Option<Value>, Error> {
        let (least, most) = match key {
            "map" | "filter" | "sort" | "groupby" | "mapvalues" => (2, 2),
            "reduce" => (3, 3),
            "toobject" => (2, 3),
            "lambda" => {
                return Err(Error::template(
                    "A lambda can only stand as an argument of a function that takes one",
                ));
            }
            _ => return Ok(None),
        };
        if arguments.len() < least || arguments.len() > most {
            return Err(wrong_count(key, &most.to_string(), arguments.len()));
        }
        let over = self.expression(&arguments[0])?;
        if key == "mapvalues" {
            let Value::Object(members) = over else { return Err(not_a(key, "object")) };
            let lambda = lambda(key, &arguments[1], 1)?;
            let mut mapped = Map::new();
            for (name, value) in members {
                mapped.insert(name, self.apply(&lambda, [value])?);
            }
            return Ok(Some(Value::Object(mapped)));
        }
        let Value::Array(values) = over else { return Err(not_a(key, "array")) };
        Ok(Some(match key {
            "map" => self.map(&lambda_up_to(key, &arguments[1], 2)?, values)?,
            "filter" => self.filter(&lambda_up_to(key, &arguments[1], 2)?, values)?,
            "sort" => self.sort(&lambda(key, &arguments[1], 2)?, values)?,
            "reduce" => {
                let mut sum = self.expression(&arguments[1])?;
                let lambda = lambda_up_to(key, &arguments[2], 3)?;
                for (index, value) in values.into_iter().enumerate() {
                    sum = self.apply(&lambda, [sum, value, index.into()])?;
                }
                sum
            }
            "toobject" => {
                let name = lambda(key, &arguments[1], 1)?;
                let of = arguments.get(2).map(|argument| lambda(key, argument, 1)).transpose()?;
                let mut made = Map::new();
                for value in values {
                    let name = self.name(key, &name, &value)?;
                    let value = of.as_ref().map_or(Ok(value.clone()), |of| self.apply(of, [value]))?;
                    made.insert(name, value);
                }
                Value::Object(made)
            }
            _ => {
                let name = lambda(key, &arguments[1], 1)?;
                let mut groups = Map::new();
                for value in values {
                    let group = groups
                        .entry(self.name(key, &name, &value)?)
                        .or_insert_with(|| Value::Array(Vec::new()));
                    if let Value::Array(group) = group {
                        group.push(value);
                    }
                }
                Value::Object(groups)
            }
        }))
    }

    fn map(&mut self, lambda: &Lambda<'_>, values: Vec<Value>) -> Result<Value, Error> {
        let mut mapped = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            mapped.push(self.apply(lambda, [value, index.into()])?);
        }
        Ok(Value::Array(mapped))
    }

    fn filter(&mut self, lambda: &Lambda<'_>, values: Vec<Value>) -> Result<Value, Error> {
        let mut kept = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            match self.apply(lambda, [value.clone(), index.into()])? {
                Value::Bool(true) => kept.push(value),
                Value::Bool(false) => {}
                _ => return Err(not_a("filter", "lambda that answers a boolean")),
            }
        }
        Ok(Value::Array(kept))
    }

    /// A merge by insertion: stable, and ends whatever the lambda answers.
    fn sort(&mut self, lambda: &Lambda<'_>, values: Vec<Value>) -> Result<Value, Error> {
        let mut sorted: Vec<Value> = Vec::with_capacity(values.len());
        for value in values {
            let (mut low, mut high) = (0, sorted.len());
            while low < high {
                let middle = usize::midpoint(low, high);
                match self.apply(lambda, [value.clone(), sorted[middle].clone()])? {
                    Value::Bool(true) => high = middle,
                    Value::Bool(false) => low = middle + 1,
                    _ => return Err(not_a("sort", "lambda that answers a boolean")),
                }
            }
            sorted.insert(low, value);
        }
        Ok(Value::Array(sorted))
    }

    fn name(&mut self, key: &str, lambda: &Lambda<'_>, value: &Value) -> Result<String, Error> {
        match self.apply(lambda, [value.clone()])? {
            Value::String(name) => Ok(name),
            _ => Err(not_a(key, "lambda that answers a string")),
        }
    }

    fn apply<const N: usize>(&mut self, lambda: &Lambda<'_>, values: [Value; N]) -> Result<Value, Error> {
        let before = self.lambdas.len();
        for (name, value) in lambda.names.iter().zip(values) {
            self.weigh(&value)?;
            self.lambdas.push(((*name).to_ascii_lowercase(), value));
        }
        let done = self.expression(lambda.body);
        self.lambdas.truncate(before);
        done
    }

    /// `lambdaVariables('name')`.
    pub(super) fn lambda_variable(&self, name: &str) -> Result<Value, Error> {
        let key = name.to_ascii_lowercase();
        let found = self.lambdas.iter().rev().find(|(known, _)| *known == key);
        found
            .map(|(_, value)| value.clone())
            .ok_or_else(|| Error::template(format!("The lambda variable '{}' is not found", shown(name))))
    }
}

fn lambda<'e>(key: &str, argument: &'e Expression, count: usize) -> Result<Lambda<'e>, Error> {
    let lambda = lambda_up_to(key, argument, count)?;
    if lambda.names.len() != count {
        return Err(not_a(key, &format!("lambda of {count} variable(s)")));
    }
    Ok(lambda)
}

fn lambda_up_to<'e>(key: &str, argument: &'e Expression, most: usize) -> Result<Lambda<'e>, Error> {
    let Expression::Call { name, arguments } = argument else { return Err(not_a(key, "lambda")) };
    let Some((body, names)) = arguments.split_last().filter(|_| name.eq_ignore_ascii_case("lambda")) else {
        return Err(not_a(key, "lambda"));
    };
    let names: Option<Vec<&str>> = names
        .iter()
        .map(|name| if let Expression::Text(name) = name { Some(name.as_str()) } else { None })
        .collect();
    match names {
        Some(names) if (1..=most).contains(&names.len()) => Ok(Lambda { names, body }),
        _ => Err(not_a(key, &format!("lambda of up to {most} variable(s)"))),
    }
}

fn not_a(key: &str, what: &str) -> Error {
    Error::template(format!("The template language function '{key}' expects a parameter that is a {what}"))
}
