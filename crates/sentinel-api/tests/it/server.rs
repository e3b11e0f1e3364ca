//! A pipeline with its doors, as a test wants it.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use sentinel_api::{ApiOptions, Mode};
use sentinel_delivery::Sink;
use sentinel_domain::{Activation, ActivationKind, Alert, ContentHash, Currency, Instant, LogId};
use sentinel_eventlog::{EventLog, MemoryOptions};
use sentinel_features::FeatureSet;
use sentinel_pipeline::dead_letter::DeadLetterFile;
use sentinel_pipeline::trust::ModelTrust;
use sentinel_pipeline::{Pipeline, PipelineOptions, SnapshotOptions, rates};
use sentinel_scoring::train;
use sentinel_store::Store;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

/// The clock of every test: 2026-11-21T13:00:00Z.
pub fn now() -> Instant {
    Instant::from_seconds(1_795_266_000)
}

/// A server; nothing of it outlives the test.
pub struct Server {
    pub router: Router,
    pub pipeline: Pipeline,
    pub stop: watch::Sender<bool>,
    raised: broadcast::Receiver<Alert>,
    folder: tempfile::TempDir,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    /// A server whose callers wait as long as it takes.
    pub async fn start() -> Self {
        Self::start_for(false).await
    }

    /// The same, open to this machine only or to everybody.
    pub async fn start_for(loopback_only: bool) -> Self {
        Self::start_with(loopback_only, ModelTrust::default()).await
    }

    /// The same, where only some models may be put in force.
    pub async fn start_with(loopback_only: bool, trust: ModelTrust) -> Self {
        let log = || {
            EventLog::memory(MemoryOptions {
                log_id: LogId([7; 16]),
                bytes_max: 1 << 24,
            })
        };
        Self::start_over([log(), log()], loopback_only, trust).await
    }

    /// The same over these logs: transactions and decisions.
    pub async fn start_over(
        [transactions, decisions]: [EventLog; 2],
        loopback_only: bool,
        trust: ModelTrust,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = PipelineOptions {
            transactions,
            decisions,
            store: Store::memory().await.unwrap(),
            sink: (Sink::memory().0, "memory".to_owned()),
            dead_letters: DeadLetterFile::growing(&folder.path().join("dead-letters.jsonl")),
            contents: contents(),
            // One of the whole log of the longest test.
            snapshots: Some(SnapshotOptions {
                every_entries: 16,
                interval: Duration::ZERO,
                ..SnapshotOptions::new(&folder.path().join("snapshots"))
            }),
            attempts: None,
            trust,
            ticks: None,
            deadline: Duration::from_secs(20),
            now,
        };
        let pipeline = Pipeline::start(options, &mut |_, _| {}).await.unwrap();
        let raised = pipeline.alerts().subscribe();
        let (stop, stopped) = watch::channel(false);
        let router = sentinel_api::router(ApiOptions {
            handle: pipeline.handle().clone(),
            store: pipeline.store().clone(),
            alerts: pipeline.alerts(),
            reference: Currency::USD,
            mode: Mode::Serve,
            now,
            version: "0.1.0",
            stop: stopped,
            loopback_only,
        });
        Self {
            router,
            pipeline,
            stop,
            raised,
            folder,
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 24).await.unwrap().to_vec();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn post(&self, path: &str, body: impl Into<Body>) -> Reply {
        self.send(Request::post(path).body(body.into()).unwrap())
            .await
    }

    pub async fn method(&self, method: Method, path: &str) -> Reply {
        let request = Request::builder().method(method).uri(path);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Decides on a transaction.
    pub async fn decide(&self, transaction: &Value) -> Reply {
        self.post("/api/v1/decisions", transaction.to_string())
            .await
    }

    /// Ten payments of an account within ten seconds: the last one is critical, and eight raise alerts.
    pub async fn burst(&mut self, account: &str) -> Vec<Value> {
        let mut decisions = Vec::new();
        for n in 0..10 {
            let mut payment = payment(&format!("{account}-{n}"), account);
            payment["event_time"] = json!(now().micros() - 20_000_000 + n * 1_000_000);
            let reply = self.decide(&payment).await;
            assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
            decisions.push(reply.json());
        }
        self.alerts_raised(8).await;
        decisions
    }

    /// Waits until so many more alerts are in the store.
    pub async fn alerts_raised(&mut self, count: usize) {
        for _ in 0..count {
            tokio::time::timeout(Duration::from_secs(20), self.raised.recv())
                .await
                .unwrap()
                .unwrap();
        }
    }

    /// The refused inputs that were kept.
    pub fn dead_letters(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("dead-letters.jsonl")).unwrap_or_default()
    }

    /// Serves on a free port; gives the address, and the end.
    pub async fn listen(&self) -> (SocketAddr, JoinHandle<std::io::Result<()>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = self.router.clone();
        (
            address,
            tokio::spawn(sentinel_api::serve(listener, router, self.stop.subscribe())),
        )
    }
}

/// A payment that nothing is wrong with.
pub fn payment(event_id: &str, account_id: &str) -> Value {
    json!({
        "event_id": event_id,
        "event_type": "card_auth",
        "event_time": "2026-11-21T12:59:00Z",
        "account_id": account_id,
        "amount_minor": 1_299,
        "currency": "USD",
        "merchant_id": "shop-4",
    })
}

fn contents() -> Vec<Activation> {
    let text = |kind, text: &str| content(kind, text.as_bytes().to_vec());
    vec![
        text(ActivationKind::Features, &FeatureSet::shipped().to_text()),
        text(ActivationKind::Rates, rates::SHIPPED_RATES),
        content(ActivationKind::Model, model().to_vec()),
        text(ActivationKind::Rules, sentinel_rules::SHIPPED_RULES),
        text(ActivationKind::Policy, sentinel_rules::SHIPPED_POLICY),
    ]
}

fn content(kind: ActivationKind, content: Vec<u8>) -> Activation {
    Activation {
        kind,
        name: "default".into(),
        version: 1,
        content,
    }
}

/// The hash of the model that a server starts with.
pub fn model_hash() -> ContentHash {
    ContentHash::of(model())
}

/// A model that calls an account with more than twenty payments a minute fraud.
fn model() -> &'static [u8] {
    static MODEL: OnceLock<Vec<u8>> = OnceLock::new();
    MODEL.get_or_init(|| {
        let counts = (0..400_u16).map(|row| row % 40);
        let set = train::TrainingSet {
            features: vec!["account_count_1m".to_owned()],
            rows: counts.clone().map(f32::from).collect(),
            fraud: counts.map(|count| count > 20).collect(),
            validation_from: 400,
            ..train::TrainingSet::default()
        };
        let options = train::Options {
            trees_max: 3,
            name: "tiny".to_owned(),
            ..Default::default()
        };
        train::train(&set, &options, &mut |_| {})
            .unwrap()
            .0
            .to_bytes()
    })
}
