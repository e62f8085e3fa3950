//! `gallerist serve`: everything wired together, from the data folder to the listening socket.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use arm::Region;
use axum::Router;
use control::{Authority, Engine, Parts, Registry};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use metadata::Sqlite;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use workers::blobs::Blobs;
use workers::{Collector, Downloads, Grants, Regions, Staging, Sweeper, Uploads, Workers};

use crate::blob::BlobIntakes;
use crate::cloud::Endpoint;
use crate::config::Config;
use crate::data_plane::{DataPlane, Intakes};
use crate::edge::{Edge, router};
use crate::home::Home;
use crate::identity::{Entropy, Identity, SystemEntropy};
use crate::system::{RandomIds, SystemClock};
use crate::tenancy::Tenancy;
use crate::tls;

/// How long connections and jobs may take to end once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(8);
/// Between collections that nothing asked for.
const COLLECT_EVERY: Duration = Duration::from_secs(600);
/// Between sweeps of expired uploads and operations.
const EXPIRE_EVERY: Duration = Duration::from_secs(300);
/// A client that opens a connection has so long for the handshake and each request's headers.
const PATIENCE: Duration = Duration::from_secs(30);

/// What `gallerist serve` was told.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The data folder.
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The configuration.
    pub config: Config,
}

/// Serves until `stop`; `ready` is told the endpoint once requests are answered.
///
/// # Errors
/// When the folder is in use or damaged, the address is taken, or a store cannot be opened.
pub async fn serve(
    options: ServeOptions,
    stop: CancellationToken,
    ready: impl FnOnce(&Endpoint),
) -> anyhow::Result<()> {
    let ServeOptions { data, listen, config } = options;
    let settings = config.settings()?;
    let home = Home::open(&data)?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; is the port taken?"))?;
    let address = listener.local_addr()?;
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds));
    let host = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { bracketed(address) };
    let endpoint: Endpoint = format!("https://{host}:{}", address.port()).parse()?;
    let mut names = config.names.clone();
    names.push(host);
    let tls = tls::server_config(&home, &names, clock.clone())?;
    let identity = Arc::new(Identity::open(
        &home,
        endpoint.clone(),
        &config.subscriptions(),
        clock.clone(),
        ids.clone(),
        &SystemEntropy,
    )?);

    let rows: Arc<dyn metadata::Store> = Arc::new(Sqlite::open(&home.path().join("gallerist.db")).await?);
    let folders = config.folders(home.path());
    let regions = Regions::open(
        folders.iter().map(|(region, folder)| (region.clone(), folder.as_path())),
        &store::Options::default(),
    );
    let names_of_regions: BTreeSet<Region> = folders.into_iter().map(|(region, _)| region).collect();
    let subscriptions: Vec<String> =
        identity.directory().subscriptions().iter().map(|found| found.id.to_string()).collect();
    let engine = Arc::new(Engine::new(Parts {
        metadata: rows,
        registry: Registry::new(providers::resource_types()),
        directory: Arc::new(Tenancy::new(identity.clone(), &names_of_regions)),
        authority: Authority::of_owners([identity.directory().owner().object_id.to_string()]),
        clock: clock.clone(),
        ids: ids.clone(),
        regions: names_of_regions,
        limits: config.limits()?,
        sizes: config.sizes()?,
        reports: Arc::new(workers::Reports),
        page_key: page_key(&home)?,
    }));
    let uploads = Arc::new(Uploads::new(engine.clone(), regions.clone(), clock.clone(), ids.clone()));

    let background = TaskTracker::new();
    let staging = Staging::open(&home.path().join("staging"))?;
    let workers =
        Workers::new(engine.clone(), regions.clone(), staging.clone(), clock.clone(), ids.clone(), settings);
    let workers = Arc::new(workers);
    let blobs = Blobs::new(engine.clone(), regions.clone(), staging.clone(), clock.clone(), ids.clone());
    let blobs = Arc::new(blobs);
    let grants = Grants::new(engine.clone(), clock.clone());
    let stopping = stop.clone();
    background.spawn(async move {
        if let Err(error) = workers.run(stopping).await {
            tracing::error!(error = &error as &dyn std::error::Error, "no jobs are run; restart the server");
        }
    });
    let collector =
        Arc::new(Collector::new(engine.clone(), regions.clone(), uploads.clone(), subscriptions.clone()));
    background.spawn(collector.clone().run(COLLECT_EVERY, stop.clone()));
    let sweeper = Sweeper {
        engine: engine.clone(),
        uploads: uploads.clone(),
        staging,
        clock,
        ids: ids.clone(),
        subscriptions: subscriptions.clone(),
    };
    background.spawn(sweeper.run(EXPIRE_EVERY, stop.clone()));
    background.close();

    let data_plane = DataPlane {
        uploads,
        downloads: Downloads::new(engine.clone(), regions.clone()),
        regions,
        collector,
        subscriptions: subscriptions.into(),
        intakes: Intakes::default(),
        blobs,
        grants,
        blob_intakes: BlobIntakes::default(),
    };
    names.extend(["127.0.0.1".to_owned(), "localhost".to_owned()]);
    let edge = Edge { engine, identity, ids, data: data_plane, names: names.into() };
    ready(&endpoint);
    let connections = accept(listener, TlsAcceptor::from(tls), router(edge), &stop);
    let all = async { tokio::join!(connections, background.wait()) };
    // One deadline for both: whoever sent SIGTERM counts from there.
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        _ = all => {}
        () = late => tracing::warn!("some connections or jobs did not end in time; jobs go on at the next start"),
    }
    Ok(())
}

/// Serves connections until `stop`, then lets those under way end.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor, app: Router, stop: &CancellationToken) {
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => stream,
                Err(error) => {
                    // Out of descriptors, most likely: wait for some to be given back.
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let watcher = graceful.watcher();
        connections.spawn(connection(stream, acceptor.clone(), app.clone(), watcher, stop.clone()));
    }
    connections.close();
    drop(listener);
    graceful.shutdown().await;
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    app: Router,
    watcher: hyper_util::server::graceful::Watcher,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "no-delay could not be set");
    }
    // A connection on which nothing was asked yet does not hold up the end.
    let handshake = tokio::select! {
        shaken = tokio::time::timeout(PATIENCE, acceptor.accept(stream)) => shaken,
        () = stop.cancelled() => return,
    };
    let stream = match handshake {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            return tracing::debug!(error = &error as &dyn std::error::Error, "no TLS handshake");
        }
        Err(_late) => return tracing::debug!("the TLS handshake took too long"),
    };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(16 << 20);
    let serving = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app)).into_owned();
    if let Err(error) = watcher.watch(serving).await {
        tracing::debug!(error = error.as_ref(), "a connection ended early");
    }
}

fn bracketed(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// The key of page tokens: kept, so that a list can go on after a restart.
fn page_key(home: &Home) -> anyhow::Result<[u8; 32]> {
    const FILE: &str = "page.key";
    if let Some(kept) = home.folder().read_private(FILE)? {
        return kept
            .try_into()
            .map_err(|_length| anyhow::anyhow!("{FILE} in the data folder is damaged; remove it"));
    }
    let mut key = [0; 32];
    SystemEntropy.fill(&mut key)?;
    home.folder().replace_private(FILE, &key)?;
    Ok(key)
}
