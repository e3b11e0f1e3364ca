//! The doors for people and machines: REST, live feed, metrics, API docs and the embedded dashboard.
//!
//! **Enters:** HTTP requests and WebSocket messages. **Leaves:** decisions, lists, figures and pages, all
//! spelled in [`wire`].
//!
//! ```text
//!   POST /api/v1/decisions ─▶ rest ─▶ Handle (pipeline)      error: every failure, RFC 9457
//!   GET  /api/v1/alerts    ─▶ rest ─▶ Store                  metrics: counts around every route
//!   WS   /api/v1/ws        ◀─ live ◀─ Handle, alerts
//!   GET  /docs, /…         ─▶ docs, dashboard (embedded files)
//! ```
//!
//! **Promises:** nothing is loaded from another host; every error is `application/problem+json`; the
//! OpenAPI description is made from the handlers themselves. **Must never:** decide anything, know a log
//! (only the pipeline's handle), or put heavy layers around the decision route.
//!
//! Start reading at [`router`](crate::router()) in `router.rs`: the whole API on one screen.

mod api;
mod dashboard;
mod docs;
mod error;
mod live;
mod metrics;
mod rest;
mod router;
pub mod wire;

use axum::serve::ListenerExt;
use sentinel_domain::{Alert, Currency, Instant};
use sentinel_pipeline::Handle;
use sentinel_store::Store;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};

use crate::api::Api;

/// What the doors open onto.
pub struct ApiOptions {
    /// The pipeline.
    pub handle: Handle,
    /// Alerts and cases.
    pub store: Store,
    /// Alerts as they are raised.
    pub alerts: broadcast::Sender<Alert>,
    /// The currency of figures.
    pub reference: Currency,
    /// How the server introduces itself.
    pub mode: Mode,
    /// The appender's clock.
    pub now: fn() -> Instant,
    /// The version of the server.
    pub version: &'static str,
    /// Turns true when the server stops.
    pub stop: watch::Receiver<bool>,
    /// Whether only this machine can reach the server: then a request must name it as its host, so that no
    /// page whose name was pointed at this machine gets in.
    pub loopback_only: bool,
}

/// How a server introduces itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Synthetic payments.
    Demo,
    /// Payments of callers.
    Serve,
}

impl Mode {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Serve => "serve",
        }
    }
}

/// Every route, ready to serve. Called within a runtime: the live feed and the sampler of figures run
/// beside it until `stop` turns true.
pub fn router(options: ApiOptions) -> axum::Router {
    router::router(Api::start(options))
}

/// Serves until `stop` turns true, then finishes open requests. Live feeds close with code 1001.
pub async fn serve(
    listener: TcpListener,
    router: axum::Router,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Answers are small and wanted at once; a socket that refuses the option works without it.
        let _ = stream.set_nodelay(true);
    });
    let stopped = async move {
        // A sender that is gone means the same as one that says so.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    axum::serve(listener, router)
        .with_graceful_shutdown(stopped)
        .await
}

/// The OpenAPI description of every route, as indented JSON.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&router::description())
}
