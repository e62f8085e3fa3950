//! Functions that look around: at the program, its scope, its resources, and the running deployment.

use serde_json::{Map, Value, json};

use super::{Evaluation, wrong_count};
use crate::context::Call;
use crate::expression::is_deferred;
use crate::functions::{Arguments, date};
use crate::{Error, hash};

impl Evaluation<'_> {
    pub(super) fn ask(&mut self, key: &str, arguments: &Arguments<'_>) -> Result<Option<Value>, Error> {
        let context = &self.program.context;
        let subscription = &context.subscription;
        Ok(Some(match key {
            "parameters" => {
                let [Value::String(name)] = arguments.values.as_slice() else {
                    return Err(arguments.wrong(0, "string"));
                };
                self.parameter(name)?
            }
            "variables" => {
                let [Value::String(name)] = arguments.values.as_slice() else {
                    return Err(arguments.wrong(0, "string"));
                };
                self.variable(name)?
            }
            "lambdavariables" => self.lambda_variable(arguments.text(0)?)?,
            "copyindex" => self.copy_index(&arguments.values)?,
            "subscription" => json!({
                "id": format!("/subscriptions/{}", subscription.id),
                "subscriptionId": subscription.id,
                "tenantId": subscription.tenant_id,
                "displayName": subscription.display_name,
            }),
            "tenant" => json!({"tenantId": subscription.tenant_id, "displayName": "", "countryCode": ""}),
            "resourcegroup" => self.group()?,
            "managementgroup" => {
                return Err(Error::template(
                    "The template function 'managementGroup' is not expected at this location. Management groups are not implemented in this release of Gallerist",
                ));
            }
            "deployment" => self.deployment(),
            "environment" => environment(&context.base),
            "providers" => self.providers(arguments)?,
            "pickzones" => Value::Array(Vec::new()),
            "resourceid" => self.resource_id(arguments)?.into(),
            "subscriptionresourceid" => {
                let (subscription, rest) = arguments.leading_guid(&subscription.id);
                format!("/subscriptions/{subscription}{}", typed(arguments, rest)?).into()
            }
            "tenantresourceid" => typed(arguments, &arguments.values)?.into(),
            "extensionresourceid" => {
                let scope = arguments.text(0)?.trim_end_matches('/');
                format!("{scope}{}", typed(arguments, arguments.values.get(1..).unwrap_or_default())?).into()
            }
            "managementgroupresourceid" => {
                return Err(Error::template(
                    "Management groups are not implemented in this release of Gallerist",
                ));
            }
            "utcnow" => {
                self.only_in_defaults("utcNow")?;
                let format = arguments.values.first().map(|_| arguments.text(0)).transpose()?;
                date::formatted(context.now, format.unwrap_or("yyyyMMddTHHmmssZ"))?.into()
            }
            "newguid" => {
                self.only_in_defaults("newGuid")?;
                self.guids += 1;
                hash::new_guid(&context.seed, self.guids).into()
            }
            "reference" => self.reference(arguments)?,
            key if is_deferred(key) && key != "references" => self.list(arguments)?,
            _ => return Ok(None),
        }))
    }

    fn only_in_defaults(&self, function: &str) -> Result<(), Error> {
        if self.in_default {
            return Ok(());
        }
        Err(Error::template(format!(
            "The template function '{function}' is not expected at this location. It can only be used in the default value of a parameter. Please see https://aka.ms/arm-functions for usage details"
        )))
    }

    fn group(&self) -> Result<Value, Error> {
        let context = &self.program.context;
        let Some(group) = &context.group else {
            return Err(Error::template(
                "The template function 'RESOURCEGROUP' is not expected at this location. It is not available at the scope of a subscription",
            ));
        };
        Ok(json!({
            "id": format!("/subscriptions/{}/resourceGroups/{}", context.subscription.id, group.name),
            "name": group.name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": group.location,
            "tags": group.tags,
            "properties": {"provisioningState": "Succeeded"},
        }))
    }

    fn deployment(&self) -> Value {
        let (program, context) = (self.program, &self.program.context);
        let kept = ["$schema", "contentVersion"].into_iter();
        let template: Map<String, Value> =
            kept.filter_map(|name| Some((name.to_owned(), program.template.get(name)?.clone()))).collect();
        let mut deployment = json!({
            "name": context.deployment,
            "properties": {"mode": context.mode, "provisioningState": "Accepted", "template": template},
        });
        if let Some(location) = &context.location {
            deployment["location"] = location.clone().into();
        }
        deployment
    }

    fn providers(&self, arguments: &Arguments<'_>) -> Result<Value, Error> {
        let namespace = arguments.text(0)?;
        let show = |kind: &crate::ProviderType| {
            json!({
                "resourceType": kind.name.split_once('/').map_or("", |(_, path)| path),
                "locations": kind.locations,
                "apiVersions": kind.api_versions,
            })
        };
        let types = &self.program.context.types;
        let within = |kind: &&crate::ProviderType| {
            kind.name.split('/').next().is_some_and(|first| first.eq_ignore_ascii_case(namespace))
        };
        if arguments.values.len() < 2 {
            let all: Vec<Value> = types.iter().filter(within).map(show).collect();
            return Ok(json!({ "namespace": namespace, "resourceTypes": all }));
        }
        let name = format!("{namespace}/{}", arguments.text(1)?);
        types.iter().find(|kind| kind.name.eq_ignore_ascii_case(&name)).map(show).ok_or_else(|| {
            Error::template(format!("The resource type '{name}' is not known to this release of Gallerist"))
        })
    }

    /// `resourceId([subscription], [group], type, name…)`: the type is the first argument with a slash.
    fn resource_id(&self, arguments: &Arguments<'_>) -> Result<String, Error> {
        let mut words = Vec::new();
        for at in 0..arguments.values.len() {
            words.push(arguments.text(at)?);
        }
        let context = &self.program.context;
        let Some(at) = words.iter().take(3).position(|word| word.contains('/')) else {
            return Err(Error::template(
                "Unable to evaluate template language function 'resourceId': a resource type such as 'Microsoft.Compute/galleries' is expected",
            ));
        };
        let (subscription, group) = match (&words[..at], &context.group) {
            ([], group) => {
                (context.subscription.id.as_str(), group.as_ref().map(|group| group.name.as_str()))
            }
            ([subscription], None) => (*subscription, None),
            ([group], Some(_)) => (context.subscription.id.as_str(), Some(*group)),
            ([subscription, group, ..], _) => (*subscription, Some(*group)),
        };
        let rest = typed(arguments, &arguments.values[at..])?;
        let group = group.map_or_else(String::new, |group| format!("/resourceGroups/{group}"));
        Ok(format!("/subscriptions/{subscription}{group}{rest}"))
    }

    /// `reference(resource, [apiVersion], ['Full'])`.
    fn reference(&mut self, arguments: &Arguments<'_>) -> Result<Value, Error> {
        if !(1..=3).contains(&arguments.values.len()) {
            return Err(wrong_count("reference", "one to three", arguments.values.len()));
        }
        let is_full = arguments.values.len() == 3 && arguments.text(2)?.eq_ignore_ascii_case("full");
        let call = self.question(arguments, None, String::new())?;
        let answer = self.answer(call)?;
        Ok(match answer {
            Value::Object(mut members) if !is_full => members.remove("properties").unwrap_or_default(),
            answer => answer,
        })
    }

    /// `list…(resource, apiVersion, [body])`.
    fn list(&mut self, arguments: &Arguments<'_>) -> Result<Value, Error> {
        if !(1..=4).contains(&arguments.values.len()) {
            return Err(wrong_count(arguments.function, "two to four", arguments.values.len()));
        }
        let body = arguments
            .values
            .get(2)
            .filter(|body| body.is_object())
            .map_or_else(String::new, Value::to_string);
        let call = self.question(arguments, Some(arguments.function.to_owned()), body)?;
        self.answer(call)
    }

    fn question(
        &self,
        arguments: &Arguments<'_>,
        action: Option<String>,
        body: String,
    ) -> Result<Call, Error> {
        let word = arguments.text(0)?;
        let found = self.plan.and_then(|plan| plan.named(word));
        let id = match found {
            Some(resource) => resource.id.clone(),
            None if word.starts_with('/') => word.to_owned(),
            None => {
                return Err(Error::template(format!(
                    "The resource '{}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details",
                    crate::read::shown(word)
                )));
            }
        };
        let sent = if arguments.values.len() > 1 { Some(arguments.text(1)?) } else { None };
        let sent = sent.filter(|version| !version.is_empty()).map(str::to_owned);
        let api_version = sent.or_else(|| found.map(|resource| resource.api_version.clone()));
        let newest = || {
            let types = &self.program.context.types;
            let kind = types.iter().find(|kind| kind.name.eq_ignore_ascii_case(&type_of(&id)))?;
            kind.api_versions.first().cloned()
        };
        let Some(api_version) = api_version.or_else(newest) else {
            return Err(Error::template(format!(
                "The api-version of '{id}' is not known; name it in the call"
            )));
        };
        Ok(Call { id, api_version, action, body })
    }

    fn answer(&self, call: Call) -> Result<Value, Error> {
        self.runtime.answer(&call).ok_or_else(|| Error::Needs(Box::new(call)))
    }
}

/// The type of a resource id.
pub(crate) fn type_of(id: &str) -> String {
    let Some((_, tail)) = id.rsplit_once("/providers/") else {
        return "Microsoft.Resources/resourceGroups".to_owned();
    };
    let mut words = tail.split('/');
    let namespace = words.next().unwrap_or_default();
    let types: Vec<&str> = words.step_by(2).collect();
    format!("{namespace}/{}", types.join("/"))
}

/// `/providers/NS/type/name/…` of a type and as many names.
fn typed(arguments: &Arguments<'_>, values: &[Value]) -> Result<String, Error> {
    let words: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
    let words = words.ok_or_else(|| arguments.wrong(0, "string"))?;
    let (kind, names) =
        words.split_first().ok_or_else(|| wrong_count(arguments.function, "at least two", words.len()))?;
    let mut types = kind.trim_matches('/').split('/');
    let namespace = types.next().unwrap_or_default();
    let types: Vec<&str> = types.collect();
    if types.len() != names.len() || types.is_empty() {
        return Err(Error::template(format!(
            "Unable to evaluate template language function '{}': the type '{kind}' requires '{}' resource name argument(s) while '{}' were provided. Please see https://aka.ms/arm-functions for usage details",
            arguments.function,
            types.len(),
            names.len()
        )));
    }
    let pairs: String = types.iter().zip(names).map(|(kind, name)| format!("/{kind}/{name}")).collect();
    Ok(format!("/providers/{namespace}{pairs}"))
}

fn environment(base: &str) -> Value {
    json!({
        "name": "Gallerist",
        "gallery": format!("{base}/"),
        "resourceManager": format!("{base}/"),
        "authentication": {"loginEndpoint": format!("{base}/"), "audiences": [format!("{base}/")]},
        "suffixes": {"storage": "", "keyvaultDns": "", "sqlServerHostname": ""},
    })
}
