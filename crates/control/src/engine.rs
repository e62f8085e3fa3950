//! The order in which every request is decided.

use std::collections::BTreeSet;
use std::sync::Arc;

use arm::{ApiVersion, ErrorDetail, Region, ResourceId, TypeName};
use providers::compute::size::Sizes;
use providers::{Entropy, Limits, Query, Rejection, ResourceType, Stored};
use tokio::sync::Notify;

use crate::page::Tokens;
use crate::registry::check_api_version;
use crate::route::{self, Route};
use crate::seal::Seal;
use crate::signing::Signer;
use crate::views::{self, Viewed};
use crate::{
    Authority, Clock, Directory, Error, Ids, Method, Principal, Registry, Reply, Reports, Request, operation,
    refusals, served, stored_of,
};

/// All requests pass here.
pub struct Engine {
    pub(crate) metadata: Arc<dyn metadata::Store>,
    pub(crate) registry: Registry,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) authority: Authority,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) regions: BTreeSet<Region>,
    pub(crate) tokens: Tokens,
    pub(crate) seal: Seal,
    pub(crate) limits: Limits,
    pub(crate) sizes: Sizes,
    pub(crate) reports: Arc<dyn Reports>,
    signer: Signer,
    job_waiting: Notify,
    bytes_released: Notify,
}

/// What an engine is made of.
#[expect(missing_debug_implementations, reason = "made of trait objects")]
pub struct Parts {
    /// The rows.
    pub metadata: Arc<dyn metadata::Store>,
    /// The resource types.
    pub registry: Registry,
    /// Tenants and subscriptions.
    pub directory: Arc<dyn Directory>,
    /// Who may do what.
    pub authority: Authority,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
    /// The regions of this installation.
    pub regions: BTreeSet<Region>,
    /// How much a subscription may have.
    pub limits: Limits,
    /// The sizes of machines.
    pub sizes: Sizes,
    /// What is made of inspection reports.
    pub reports: Arc<dyn Reports>,
    /// The installation's key: authenticates page tokens and seals secrets at rest; the same over restarts.
    pub page_key: [u8; 32],
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("registry", &self.registry)
            .field("regions", &self.regions)
            .finish_non_exhaustive()
    }
}

/// A request whose caller and api-version are known.
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a Request,
    pub(crate) principal: &'a Principal,
    pub(crate) api_version: &'a ApiVersion,
    pub(crate) options: Options,
}

impl Asked<'_> {
    /// The input of a job with who asks filled in where it wants that.
    pub(crate) fn with_caller(&self, mut input: serde_json::Value) -> serde_json::Value {
        if let Some(caller) = input.get_mut("caller").filter(|caller| caller.is_null()) {
            let Principal { object_id, tenant_id, name } = self.principal;
            *caller = serde_json::json!({
                "objectId": object_id, "tenantId": tenant_id, "name": name, "base": self.request.base,
            });
        }
        input
    }
}

/// The query options ARM defines, decoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    api_version: Option<String>,
    pub(crate) query: Query,
    pub(crate) filter: Option<String>,
    pub(crate) top: Option<String>,
    pub(crate) order_by: Option<String>,
    /// `sharedTo=tenant` on lists of what is shared.
    pub(crate) shared_to: Option<String>,
    pub(crate) skip_token: Option<String>,
    /// `against=1.0.0` on the difference between two versions.
    pub(crate) against: Option<String>,
    /// `format=spdx` on documents that have several.
    pub(crate) format: Option<String>,
    /// `monitor=true` asks an operation for its bare outcome, as the `Location` form of a status URL does.
    monitor: Option<String>,
}

impl Engine {
    /// Largest body of a request: ARM's 4 MiB.
    pub const BODY_BYTES: usize = 4 << 20;

    /// An engine of `parts`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            metadata,
            registry,
            directory,
            authority,
            clock,
            ids,
            regions,
            limits,
            sizes,
            reports,
            page_key,
        } = parts;
        let (tokens, seal, signer) = (Tokens::new(page_key), Seal::new(&page_key), Signer::new(&page_key));
        let (job_waiting, bytes_released) = (Notify::new(), Notify::new());
        Self {
            metadata,
            registry,
            directory,
            authority,
            clock,
            ids,
            regions,
            tokens,
            seal,
            limits,
            sizes,
            reports,
            signer,
            job_waiting,
            bytes_released,
        }
    }

    /// The rows, for workers and the data plane.
    #[must_use]
    pub fn metadata(&self) -> &Arc<dyn metadata::Store> {
        &self.metadata
    }

    /// Notified whenever a job was enqueued.
    #[must_use]
    pub fn job_waiting(&self) -> &Notify {
        &self.job_waiting
    }

    /// Notified whenever a delete may have released bytes.
    #[must_use]
    pub fn bytes_released(&self) -> &Notify {
        &self.bytes_released
    }

    /// A secret that was sealed on its way into a job; `None` when it was sealed with another key, or never.
    #[must_use]
    pub fn reveal(&self, sealed: &serde_json::Value) -> Option<String> {
        self.seal.reveal(sealed)
    }

    /// Seals every secret in the outcome of a job before it is stored.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn seal(&self, outcome: &mut serde_json::Value) -> Result<(), Error> {
        self.seal.cover_value(outcome)
    }

    /// Signs `parts` for `purpose` with the installation's key: base64, 44 characters.
    #[must_use]
    pub fn sign(&self, purpose: &str, parts: &[&str]) -> String {
        self.signer.sign(purpose, parts)
    }

    /// Whether `signature` was made by [`Engine::sign`] for just this; takes as long whatever differs.
    #[must_use]
    pub fn verify(&self, purpose: &str, parts: &[&str], signature: &str) -> bool {
        self.signer.verify(purpose, parts, signature)
    }

    /// Who may do what.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Decides one request; every ending is a reply.
    pub async fn handle(&self, request: &Request) -> Reply {
        match self.decide(request).await {
            Ok(reply) => reply,
            Err(error) => self.refuse(request, &error),
        }
    }

    fn refuse(&self, request: &Request, error: &Error) -> Reply {
        let rejection = match error {
            Error::Refused(rejection) => rejection.clone(),
            Error::Internal(cause) => {
                tracing::error!(
                    error = cause.as_ref(),
                    correlation.id = request.correlation_id,
                    "request failed"
                );
                let message = format!(
                    "An internal error occurred. Quote the correlation id '{}' to the operator.",
                    request.correlation_id
                );
                Rejection::new(500, "InternalServerError", message)
            }
        };
        Reply::json(rejection.status, error_body(rejection.detail))
    }

    /// route → api-version → token → authorize → body → lock → precondition → rule → policy → commit → reply.
    ///
    /// Policy comes after the rule because it judges what would stand, not what was sent.
    async fn decide(&self, request: &Request) -> Result<Reply, Error> {
        let route = route::parse(&request.path, request.method == Method::Post)?;
        let mut options = options(&request.query)?;
        options.query.base = request.base.clone();
        let api_version = api_version(&options)?;
        let principal = request.caller.as_ref().map_err(Clone::clone)?;
        let asked = Asked { request, principal, api_version: &api_version, options };
        match route {
            Route::Resource(id) => self.resource(&asked, &id).await,
            Route::Collection { scope, type_name } => match views::find(&type_name) {
                Some(view) => self.view(view, &Viewed::list(&asked, scope, &type_name)).await,
                None => {
                    let scope = scope.ok_or_else(refusals::path_not_found)?;
                    self.collection(&asked, scope, &type_name).await
                }
            },
            Route::Everything { scope } => self.everything(&asked, &scope).await,
            Route::Operation { subscription, id, result } => {
                only(request, &[Method::Get])?;
                let job = operation::belongs(self.metadata.job(id).await?, &subscription)?;
                // Whoever may not read the resource learns nothing of what is done to it, not even that it is.
                let read = format!("{}/read", job.target.type_name());
                let may = self.authority.check(principal, &read, &job.target);
                may.map_err(|_refused| refusals::path_not_found())?;
                let monitored =
                    asked.options.monitor.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("true"));
                self.operation_answer(job, result || monitored)
            }
            Route::Providers { subscription, namespace, register } => {
                only(request, if register { &[Method::Post] } else { &[Method::Get] })?;
                self.subscription_is_known(subscription.as_deref())?;
                self.providers_document(subscription.as_deref(), namespace.as_deref())
            }
            Route::Directory(path) => {
                only(request, &[Method::Get])?;
                self.directory_document(principal, &path)
            }
            Route::Action { id, action } => self.action(&asked, &id, &action).await,
        }
    }

    async fn resource(&self, asked: &Asked<'_>, id: &ResourceId) -> Result<Reply, Error> {
        if let Some(view) = views::find(&id.type_name()) {
            return self.view(view, &Viewed::one(asked, id, None)).await;
        }
        let method = asked.request.method;
        let kind = self.kind(&id.type_name(), asked).map_err(|error| match error {
            Error::Refused(refusal) => served::lacking(refusal, method, id).into(),
            internal => internal,
        })?;
        let id = self.canonical(id, &kind.name());
        match method {
            Method::Get | Method::Head => self.get(asked, kind, &id).await,
            Method::Put | Method::Patch => self.put(asked, kind, &id).await,
            Method::Delete => self.delete(asked, kind, &id).await,
            Method::Post => Err(refusals::method_not_allowed().into()),
        }
    }

    async fn action(&self, asked: &Asked<'_>, id: &ResourceId, action: &str) -> Result<Reply, Error> {
        if let Some(view) = views::find(&id.type_name()) {
            return self.view(view, &Viewed::one(asked, id, Some(action))).await;
        }
        let kind = self.kind(&id.type_name(), asked)?;
        let id = self.canonical(id, &kind.name());
        self.act(asked, kind, &id, action).await
    }

    /// A view answers once the caller may ask it.
    async fn view(&self, view: &'static dyn views::View, viewed: &Viewed<'_>) -> Result<Reply, Error> {
        self.subscription_is_known(viewed.scope().and_then(ResourceId::subscription))?;
        if let Some(scope) = viewed.scope() {
            self.authority.check(viewed.asked.principal, &viewed.action_name(), scope)?;
        }
        self.location_is_known(viewed)?;
        view.answer(self, viewed).await
    }

    /// What is asked of a place is asked of one of ours.
    fn location_is_known(&self, viewed: &Viewed<'_>) -> Result<(), Error> {
        let Some(location) = viewed.name_after("locations") else { return Ok(()) };
        if location.parse::<Region>().is_ok_and(|region| self.regions.contains(&region)) {
            return Ok(());
        }
        let known: Vec<&str> = self.regions.iter().map(Region::as_str).collect();
        Err(refusals::location_unavailable(location, viewed.type_name.as_str(), &known.join(",")).into())
    }

    /// All that `id` is nested in, the nearest first; what is missing is left out.
    pub(crate) async fn above(&self, id: &ResourceId) -> Result<Vec<Stored>, Error> {
        let mut above = Vec::new();
        let mut next = id.parent().filter(|parent| parent.pairs().len() > 2);
        while let Some(parent) = next {
            if let Some(row) = self.metadata.row(&parent).await? {
                above.push(stored_of(&row)?);
            }
            next = parent.parent().filter(|parent| parent.pairs().len() > 2);
        }
        Ok(above)
    }

    /// Random bytes for one request.
    pub(crate) fn entropy(&self) -> Entropy {
        let mut bytes = [0; 128];
        for piece in bytes.chunks_exact_mut(16) {
            piece.copy_from_slice(self.ids.uuid().as_bytes());
        }
        // Ids have fixed bits: spread what they know over all of it.
        let mut spread = blake3::Hasher::new_derive_key("gallerist 2026-11 entropy of a request");
        spread.update(&bytes).finalize_xof().fill(&mut bytes);
        bytes
    }

    /// The type of that name, if it answers the api-version.
    pub(crate) fn kind(
        &self,
        name: &TypeName,
        asked: &Asked<'_>,
    ) -> Result<&'static dyn ResourceType, Error> {
        let kind = self.registry.find(name, asked.api_version)?;
        let locations: Vec<&str> = self.regions.iter().map(Region::as_str).collect();
        check_api_version(kind, asked.api_version, &locations.join(", "))?;
        Ok(kind)
    }

    /// `id` with the types in their published spelling; names stay as the client wrote them.
    pub(crate) fn canonical(&self, id: &ResourceId, kind: &TypeName) -> ResourceId {
        let types: Vec<&str> = kind.path().split('/').collect();
        let typed_from = id.pairs().len().saturating_sub(types.len());
        let pairs = id.pairs().iter().enumerate().map(|(at, (word, name))| {
            let is = |fixed: &str| word.eq_ignore_ascii_case(fixed);
            if at >= typed_from && id.pairs().len() > 2 {
                return (types[at - typed_from].to_owned(), name.clone());
            }
            if is("providers") && at + 1 == typed_from {
                return ("providers".to_owned(), kind.namespace().to_owned());
            }
            let fixed = ["subscriptions", "resourceGroups", "providers"].into_iter().find(|fixed| is(fixed));
            (fixed.map_or_else(|| word.clone(), str::to_owned), name.clone())
        });
        ResourceId::from_pairs(pairs.collect()).unwrap_or_else(|_shape| id.clone())
    }

    pub(crate) fn subscription_is_known(&self, subscription: Option<&str>) -> Result<(), Error> {
        match subscription {
            Some(id) if !self.directory.has_subscription(id) => {
                Err(refusals::subscription_not_found(id).into())
            }
            _ => Ok(()),
        }
    }
}

/// The error body of a refusal.
pub(crate) fn error_body(detail: ErrorDetail) -> serde_json::Value {
    serde_json::to_value(detail.into_body()).unwrap_or_default()
}

pub(crate) fn only(request: &Request, methods: &[Method]) -> Result<(), Error> {
    if methods.contains(&request.method) { Ok(()) } else { Err(refusals::method_not_allowed().into()) }
}

fn options(query: &str) -> Result<Options, Error> {
    let (mut options, mut bypass) = (Options::default(), None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = route::decode(name)?.to_ascii_lowercase();
        let value = route::decode(&value.replace('+', " "))?;
        let slot = match name.as_str() {
            "api-version" => &mut options.api_version,
            "$expand" => &mut options.query.expand,
            "$select" => &mut options.query.select,
            "$filter" => &mut options.filter,
            "$top" => &mut options.top,
            "$orderby" => &mut options.order_by,
            "sharedto" => &mut options.shared_to,
            "bypasssoftdelete" => &mut bypass,
            "against" => &mut options.against,
            "format" => &mut options.format,
            "$skiptoken" => &mut options.skip_token,
            "monitor" => &mut options.monitor,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(
                refusals::invalid_content(format!("The query parameter '{name}' stands twice.")).into()
            );
        }
    }
    options.query.bypass_soft_delete = bypass.is_some_and(|word| word.eq_ignore_ascii_case("true"));
    Ok(options)
}

fn api_version(options: &Options) -> Result<ApiVersion, Error> {
    let text = options.api_version.as_deref().filter(|text| !text.is_empty());
    let text = text.ok_or_else(refusals::api_version_missing)?;
    text.parse().map_err(|error| refusals::api_version_invalid(format!("{error}")).into())
}
