//! The service: two listeners, the host's thread, an end.

use std::{
    io::Read,
    net::SocketAddr,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use axum::Router;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::{Semaphore, watch},
};

use crate::{
    config::Settings,
    host::{Ask, Host, Log},
    journal::{Journal, JournalError},
    queries::Asker,
    web::{self, Shared},
};

/// What may wait for the host. Beyond it callers are told to come again (429).
const WAITING_MAX: usize = 1024;
/// A connection ends after this, however busy it is.
const CONNECTION: Duration = Duration::from_secs(300);
/// Longest header, bytes.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// An answer may take so long beyond what a client of a token server waits.
const ANSWER: Duration = Duration::from_secs(15);

/// Why the service does not run, or no longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The journal: nothing that was not durable has been answered.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An address cannot be had.
    #[error("{0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The machine gives no threads, or no randomness.
    #[error(transparent)]
    Machine(#[from] std::io::Error),
    /// Our own fault.
    #[error("a thread of the service has panicked")]
    Panicked,
}

/// A service that runs. Dropped without [`Service::wait`] it goes on.
#[derive(Debug)]
pub struct Service {
    addr: SocketAddr,
    operator_addr: SocketAddr,
    stop: Stop,
    web: JoinHandle<()>,
    host: JoinHandle<Result<(), JournalError>>,
    asks: SyncSender<Ask>,
}

/// Ends a service.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// No more calls are taken; what has been taken is finished.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Stops the service when the relay's thread ends, however it ends.
struct Ends(Stop);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Service {
    /// Opens the journal, takes the addresses and serves. `log` gets a line for everything that happened.
    ///
    /// # Errors
    /// [`ServeError`]; then nothing runs.
    pub fn start(settings: &Settings, log: impl FnMut(&str) + Send + 'static) -> Result<Self, ServeError> {
        let kept = Journal::open(&settings.journal)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listen = |addr| runtime.block_on(TcpListener::bind(addr)).map_err(|e| ServeError::Listen(addr, e));
        let (public, operator) = (listen(settings.listen)?, listen(settings.operator_listen)?);
        let (addr, operator_addr) = (public.local_addr()?, operator.local_addr()?);
        let (asks, heard) = sync_channel(WAITING_MAX);
        let asker = Asker {
            program: settings.queries.clone(),
            timeout: Duration::from_millis(settings.query_timeout_ms),
            runtime: runtime.handle().clone(),
            back: asks.clone(),
        };
        let host = Host::new(settings.relay.clone(), kept, entropy()?, Box::new(log) as Log, asker.into_fn());
        let stop = Stop(Arc::new(watch::Sender::new(false)));
        let ends = Ends(stop.clone());
        let host = std::thread::Builder::new().name("relay".into()).spawn(move || {
            let _ends = ends;
            host.run(&heard)
        })?;
        let wait = u64::try_from(settings.relay.token_wait_ms).unwrap_or(0);
        let shared = Arc::new(Shared {
            asks: asks.clone(),
            read: Duration::from_millis(settings.read_timeout_ms),
            answer: ANSWER.saturating_add(Duration::from_millis(wait)),
            operator_token: settings.operator_token.clone(),
        });
        let doors = [(public, web::public(shared.clone())), (operator, web::operator(shared))];
        let (ends, most) = (stop.0.subscribe(), settings.connections_max);
        let read = Duration::from_millis(settings.read_timeout_ms);
        let web =
            std::thread::Builder::new().name("web".into()).spawn(move || serve(&runtime, doors, ends, most, read))?;
        Ok(Self { addr, operator_addr, stop, web, host, asks })
    }

    /// Where callbacks and fetches come in.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where orders come in.
    #[must_use]
    pub const fn operator_addr(&self) -> SocketAddr {
        self.operator_addr
    }

    /// What ends it.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Until it is stopped, or its disk fails.
    ///
    /// # Errors
    /// [`ServeError::Journal`], [`ServeError::Panicked`].
    pub fn wait(self) -> Result<(), ServeError> {
        let web = self.web.join();
        // A host that has ended does not hear it.
        let _ = self.asks.send(Ask::Stop);
        let host = self.host.join().map_err(|_| ServeError::Panicked)?;
        web.map_err(|_| ServeError::Panicked)?;
        Ok(host?)
    }
}

fn serve(
    runtime: &Runtime,
    doors: [(TcpListener, Router); 2],
    mut ends: watch::Receiver<bool>,
    most: usize,
    read: Duration,
) {
    runtime.block_on(async {
        for (listener, router) in doors {
            // The operator's door is not shut by a crowd at the other one.
            let permits = Arc::new(Semaphore::new(most));
            tokio::spawn(accept(listener, router, permits, read));
        }
        let _ = ends.wait_for(|ends| *ends).await;
    });
}

async fn accept(listener: TcpListener, router: Router, permits: Arc<Semaphore>, read: Duration) {
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(CONNECTION, connection(stream, router, read)).await;
                    drop(permit);
                });
            }
            // No descriptors left, or a caller that is gone already.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn connection(stream: TcpStream, router: Router, read: Duration) {
    let _ = stream.set_nodelay(true);
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(read).max_buf_size(HEADER_BYTES_MAX);
    // What a caller breaks is the caller's.
    let _ = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
}

fn entropy() -> Result<u64, std::io::Error> {
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}
