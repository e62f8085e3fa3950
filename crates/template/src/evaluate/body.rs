//! The body of a resource, and of a deployment within the deployment.

use serde_json::{Map, Value};

use super::{Evaluation, loops, member};
use crate::expression::Text;
use crate::plan::Resource;
use crate::{Error, Limits};

/// What a declaration says to the deployment and not to the resource.
const NOT_SENT: [&str; 14] = [
    "type",
    "name",
    "apiVersion",
    "dependsOn",
    "condition",
    "copy",
    "comments",
    "resources",
    "existing",
    "scope",
    "resourceGroup",
    "subscriptionId",
    "metadata",
    "import",
];

/// Whether a deployment within the deployment evaluates its template by itself.
pub(crate) fn is_inner(declaration: &Map<String, Value>) -> bool {
    let properties = member(declaration, "properties").and_then(Value::as_object);
    let options = properties.and_then(|properties| member(properties, "expressionEvaluationOptions"));
    let scope = options.and_then(Value::as_object).and_then(|options| member(options, "scope"));
    scope.and_then(Value::as_str).is_some_and(|scope| scope.eq_ignore_ascii_case("inner"))
}

impl Evaluation<'_> {
    /// What is sent for a resource.
    pub(crate) fn body(&mut self, resource: &Resource) -> Result<Value, Error> {
        let is_deployment = resource.type_name.eq_ignore_ascii_case("Microsoft.Resources/deployments");
        let mut body = Map::new();
        for (name, value) in &resource.declaration {
            if NOT_SENT.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                continue;
            }
            let value = match value {
                Value::Object(properties) if is_deployment && name.eq_ignore_ascii_case("properties") => {
                    self.deployment_properties(properties, is_inner(&resource.declaration))?
                }
                value => self.value(value)?,
            };
            body.insert(name.clone(), value);
        }
        Ok(Value::Object(body))
    }

    fn deployment_properties(
        &mut self,
        properties: &Map<String, Value>,
        is_inner: bool,
    ) -> Result<Value, Error> {
        let mut sent = Map::new();
        for (name, value) in properties {
            let value = match name.to_ascii_lowercase().as_str() {
                "expressionevaluationoptions" => continue,
                "template" if is_inner => {
                    self.weigh(value)?;
                    value.clone()
                }
                "template" => self.left_over(value, 0)?,
                _ => self.value(value)?,
            };
            sent.insert(name.clone(), value);
        }
        Ok(Value::Object(sent))
    }

    /// A template evaluated as far as it can be before its own deployment runs.
    fn left_over(&mut self, value: &Value, depth: usize) -> Result<Value, Error> {
        self.step()?;
        if depth > Limits::DEPTH {
            return Err(Error::template("The template is nested too deep to evaluate"));
        }
        Ok(match value {
            Value::String(text) => match Text::of(text)? {
                Text::Literal(text) => escaped(Value::String(text)),
                Text::Expression(expression) if expression.is_deferred() => {
                    format!("[{}]", self.residual(&expression)?).into()
                }
                Text::Expression(expression) => escaped(self.expression(&expression)?),
            },
            Value::Array(values) => {
                values.iter().map(|value| self.left_over(value, depth + 1)).collect::<Result<_, _>>()?
            }
            Value::Object(members) => {
                let mut left = Map::new();
                for (name, value) in members {
                    if name.eq_ignore_ascii_case("copy") && loops::is_loops(value) {
                        left.extend(
                            self.property_loops(value)?
                                .into_iter()
                                .map(|(name, value)| (name, escaped(value))),
                        );
                    } else {
                        left.insert(name.clone(), self.left_over(value, depth + 1)?);
                    }
                }
                Value::Object(left)
            }
            value => value.clone(),
        })
    }
}

/// A value that evaluates to `value`: texts that look like expressions are none.
fn escaped(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('[') && text.ends_with(']') => format!("[{text}").into(),
        Value::Array(values) => values.into_iter().map(escaped).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, escaped(value))).collect(),
        value => value,
    }
}
