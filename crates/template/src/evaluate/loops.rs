//! Loops over properties, variables and outputs.

use serde_json::{Map, Value};

use super::{Evaluation, member, table};
use crate::Error;
use crate::plan::Turn;
use crate::program::loop_count;
use crate::read::shown;

/// Whether the member `copy` of an object is a list of loops.
pub(super) fn is_loops(value: &Value) -> bool {
    let is_loop = |value: &Value| value.as_object().is_some_and(|members| member(members, "count").is_some());
    value.as_array().is_some_and(|loops| !loops.is_empty() && loops.iter().all(is_loop))
}

impl Evaluation<'_> {
    /// The members that the loops of an object come to.
    pub(super) fn property_loops(&mut self, loops: &Value) -> Result<Map<String, Value>, Error> {
        let mut made = Map::new();
        for copy in loops.as_array().into_iter().flatten() {
            let copy = table(copy, "copy")?;
            let name = loop_name(copy)?.to_owned();
            let values = self.turns(copy, Some(&name), "input", false)?;
            made.insert(name, Value::Array(values));
        }
        Ok(made)
    }

    /// One value for each turn of `copy`.
    pub(crate) fn turns(
        &mut self,
        copy: &Map<String, Value>,
        name: Option<&str>,
        input: &str,
        is_resource: bool,
    ) -> Result<Vec<Value>, Error> {
        let count = self.value(member(copy, "count").unwrap_or(&Value::Null))?;
        let count = loop_count(&count, name.unwrap_or("copy"))?;
        let input = member(copy, input)
            .ok_or_else(|| Error::template("A copy loop of values needs the member 'input'"))?;
        let mut values = Vec::new();
        for index in 0..count {
            self.loops.push(Turn { name: name.map(str::to_owned), index, is_resource });
            let value = self.value(input);
            self.loops.pop();
            values.push(value?);
        }
        Ok(values)
    }

    /// All variables that are loops.
    pub(crate) fn variable_loops(&mut self, loops: &Value) -> Result<(), Error> {
        for copy in loops.as_array().into_iter().flatten() {
            let name = loop_name(table(copy, "copy")?)?.to_owned();
            self.variable(&name)?;
        }
        Ok(())
    }

    /// A variable that is a loop.
    pub(super) fn looped_variable(&mut self, name: &str) -> Result<Value, Error> {
        let variables = member(&self.program.template, "variables").and_then(Value::as_object);
        let loops = variables.and_then(|variables| member(variables, "copy")).and_then(Value::as_array);
        let is_it =
            |copy: &&Map<String, Value>| loop_name(copy).is_ok_and(|found| found.eq_ignore_ascii_case(name));
        let Some(copy) = loops.into_iter().flatten().filter_map(Value::as_object).find(is_it) else {
            return Err(Error::template(format!(
                "The template variable '{}' is not found. Please see https://aka.ms/arm-syntax-variables for usage details",
                shown(name)
            )));
        };
        let key = name.to_ascii_lowercase();
        self.open(&format!("variable '{key}'"))?;
        let outer = std::mem::take(&mut self.loops);
        let values = self.turns(copy, Some(&key), "input", false);
        self.loops = outer;
        self.open.pop();
        let value = Value::Array(values?);
        self.variables.insert(key, value.clone());
        Ok(value)
    }

    /// `copyIndex()`, `copyIndex(offset)`, `copyIndex('loop')`, `copyIndex('loop', offset)`.
    pub(super) fn copy_index(&self, values: &[Value]) -> Result<Value, Error> {
        let (name, offset) = match values {
            [] => (None, 0),
            [Value::String(name)] => (Some(name), 0),
            [Value::Number(offset)] => (None, offset.as_i64().unwrap_or(0)),
            [Value::String(name), Value::Number(offset)] => (Some(name), offset.as_i64().unwrap_or(0)),
            _ => {
                return Err(Error::template(
                    "The template function 'copyIndex' expects the name of a loop and an offset, both optional",
                ));
            }
        };
        let named = |turn: &&Turn, wanted: &str| {
            turn.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(wanted))
        };
        let turn = match name {
            Some(wanted) => self.loops.iter().rev().find(|turn| named(turn, wanted)),
            None => self.loops.iter().rev().find(|turn| turn.is_resource).or_else(|| self.loops.last()),
        };
        let Some(turn) = turn else {
            return Err(Error::template(
                "The template function 'copyIndex' is not expected at this location. The function can only be used in a resource with copy specified. Please see https://aka.ms/arm-copy for usage details",
            ));
        };
        let index = i64::try_from(turn.index).unwrap_or(i64::MAX);
        Ok(index.saturating_add(offset).into())
    }
}

fn loop_name(copy: &Map<String, Value>) -> Result<&str, Error> {
    member(copy, "name")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Error::template("A copy loop of properties or variables needs a 'name'"))
}
