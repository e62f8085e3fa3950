//! What a template may know besides itself: where it is deployed, by whom, and what stands there.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Where and when a template is deployed.
#[derive(Clone, Debug)]
pub struct Context {
    /// The subscription it is deployed to.
    pub subscription: Subscription,
    /// The group it is deployed to; `None` at the scope of a subscription.
    pub group: Option<Group>,
    /// The name of the deployment.
    pub deployment: String,
    /// The location of a deployment at the scope of a subscription.
    pub location: Option<String>,
    /// `Incremental` or `Complete`.
    pub mode: String,
    /// `https://host:port` of this installation.
    pub base: String,
    /// The resource types there are.
    pub types: Vec<ProviderType>,
    /// When the deployment was accepted: `utcNow()` in every evaluation.
    pub now: Timestamp,
    /// Random bytes of this deployment: what `newGuid()` draws from in every evaluation.
    pub seed: [u8; 16],
}

/// A subscription, as `subscription()` shows it.
#[derive(Clone, Debug, Default)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// What people call it.
    pub display_name: String,
}

/// A resource group, as `resourceGroup()` shows it.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its location.
    pub location: String,
    /// Its tags.
    pub tags: Map<String, Value>,
}

/// A resource type, as `providers()` shows it.
#[derive(Clone, Debug)]
pub struct ProviderType {
    /// `Microsoft.Compute/galleries`.
    pub name: String,
    /// Newest first.
    pub api_versions: Vec<String>,
    /// Display names.
    pub locations: Vec<String>,
}

/// A question to the running deployment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The resource asked.
    pub id: String,
    /// In which api-version.
    pub api_version: String,
    /// The action asked by POST (`listKeys`); `None` reads the resource.
    pub action: Option<String>,
    /// The body of the action as JSON text; empty for none.
    pub body: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.action.as_deref().unwrap_or("reference"), self.id)
    }
}

/// What answers a [`Call`] while a deployment runs.
pub trait Runtime {
    /// The whole resource, or what the action answered; `None` when that is not known yet.
    fn answer(&self, call: &Call) -> Option<Value>;
}

/// Nothing is known yet.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Runtime for Nothing {
    fn answer(&self, _call: &Call) -> Option<Value> {
        None
    }
}

/// What no template may pass.
#[derive(Clone, Copy, Debug)]
pub struct Limits;

impl Limits {
    /// Bytes of a template.
    pub const TEMPLATE_BYTES: usize = 4 << 20;
    /// Nested objects and arrays of a template.
    pub const DEPTH: usize = 96;
    /// Nested calls of an expression.
    pub const EXPRESSION_DEPTH: usize = 64;
    /// Characters of an expression.
    pub const EXPRESSION_CHARACTERS: usize = 24_576;
    /// Resources, loops unrolled.
    pub const RESOURCES: usize = 800;
    /// Parameters.
    pub const PARAMETERS: usize = 256;
    /// Variables.
    pub const VARIABLES: usize = 256;
    /// Outputs.
    pub const OUTPUTS: usize = 64;
    /// Turns of a loop.
    pub const COPIES: usize = 800;
    /// Calls and values evaluated for one template.
    pub const STEPS: u64 = 500_000;
    /// Bytes of all values made for one template.
    pub const VALUE_BYTES: u64 = 32 << 20;
}
