//! The language as its documentation describes it: reading, functions, templates, plans, and what is hostile.

mod expressions;
mod hostile;
mod plans;
mod properties;
mod reading;
mod templates;

use serde_json::{Map, Value, json};

use crate::{Call, Context, Error, Expression, Group, Nothing, Program, ProviderType, Runtime, Subscription};

pub(crate) const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";

pub(crate) fn context() -> Context {
    let kind = |name: &str, version: &str| ProviderType {
        name: name.to_owned(),
        api_versions: vec![version.to_owned()],
        locations: vec!["West Europe".to_owned()],
    };
    let mut tags = Map::new();
    tags.insert("env".to_owned(), "test".into());
    Context {
        subscription: Subscription {
            id: SUBSCRIPTION.to_owned(),
            tenant_id: "22222222-2222-2222-2222-222222222222".to_owned(),
            display_name: "Local".to_owned(),
        },
        group: Some(Group { name: "G".to_owned(), location: "westeurope".to_owned(), tags }),
        deployment: "dep".to_owned(),
        location: None,
        mode: "Incremental".to_owned(),
        base: "https://h".to_owned(),
        types: vec![
            kind("Microsoft.Compute/galleries", "2024-03-03"),
            kind("Microsoft.Compute/galleries/images", "2024-03-03"),
        ],
        now: "2026-11-27T10:20:30.5Z".parse().unwrap(),
        seed: [7; 16],
    }
}

/// A template with these members beside the obligatory ones.
pub(crate) fn template(members: &Value) -> Value {
    let mut template = json!({"$schema": "s", "contentVersion": "1.0.0.0"});
    for (name, value) in members.as_object().unwrap() {
        template[name] = value.clone();
    }
    template
}

pub(crate) fn program(members: &Value, sent: &Value) -> Result<Program, Error> {
    Program::read(&template(members), sent, context())
}

/// What `[expression]` comes to in an empty template.
pub(crate) fn evaluated(expression: &str) -> Result<Value, Error> {
    program(&json!({}), &json!({}))?.evaluate(&Expression::parse(expression)?, &Nothing)
}

pub(crate) fn message<T: std::fmt::Debug>(refused: Result<T, Error>) -> String {
    refused.unwrap_err().to_string()
}

/// A deployment in which every resource is what `self` says, and every action answers its name.
pub(crate) struct Standing(pub(crate) Value);

impl Runtime for Standing {
    fn answer(&self, call: &Call) -> Option<Value> {
        match &call.action {
            Some(action) => Some(json!({"did": action, "body": call.body})),
            None => Some(json!({"id": call.id, "apiVersion": call.api_version, "properties": self.0})),
        }
    }
}
