//! What every handler reads: the pipeline's handle, the store, and figures that need a memory.
//!
//! Promises that reading figures is cheap. Must never be asked to decide anything.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Stopwatch};

use sentinel_domain::{Alert, Instant, Versions};
use sentinel_pipeline::Handle;
use sentinel_store::{Counts, Store};
use tokio::sync::{Semaphore, broadcast, watch};

use crate::live::Live;
use crate::metrics::RequestCounts;
use crate::wire::decision::SpelledVersions;
use crate::wire::statistics::{LatencyBody, StatisticsBody, VerdictCounts};
use crate::{ApiOptions, Mode};

/// Over how long the rate of transactions is taken.
const RATE_WINDOW: Duration = Duration::from_secs(5);

/// How often the number of transactions is noted.
const SAMPLE_EVERY: Duration = Duration::from_millis(500);

/// Replays at once: each reads the log from its start.
const REPLAYS_MAX: usize = 2;

/// What every handler reads.
pub struct Api {
    /// The pipeline.
    pub handle: Handle,
    /// Alerts and cases.
    pub store: Store,
    /// Alerts as they are raised.
    pub alerts: broadcast::Sender<Alert>,
    /// The appender's clock.
    pub now: fn() -> Instant,
    /// The version of the server.
    pub version: &'static str,
    /// Turns true when the server stops.
    pub stop: watch::Receiver<bool>,
    /// Whether a request must name this machine as its host.
    pub loopback_only: bool,
    /// The live feed.
    pub live: Live,
    /// Requests answered, for the metrics.
    pub requests: RequestCounts,
    /// Room for replays.
    pub replays: Semaphore,
    reference: String,
    mode: Mode,
    started_at: Instant,
    started: Stopwatch,
    samples: Mutex<VecDeque<(Stopwatch, u64)>>,
    spelled: Mutex<Option<(Arc<Versions>, Arc<SpelledVersions>)>>,
}

impl Api {
    /// Starts what runs beside the routes.
    pub fn start(options: ApiOptions) -> Arc<Self> {
        let ApiOptions {
            handle,
            store,
            alerts,
            reference,
            mode,
            now,
            version,
            stop,
            loopback_only,
        } = options;
        let api = Arc::new(Self {
            handle,
            store,
            alerts,
            now,
            version,
            stop,
            loopback_only,
            live: Live::default(),
            requests: RequestCounts::default(),
            replays: Semaphore::new(REPLAYS_MAX),
            reference: reference.to_string(),
            mode,
            started_at: now(),
            started: Stopwatch::now(),
            samples: Mutex::default(),
            spelled: Mutex::default(),
        });
        tokio::spawn(Arc::clone(&api).sample());
        tokio::spawn(crate::live::broadcast(Arc::clone(&api)));
        api
    }

    /// The spelling of a decision's versions, kept while they stay the same.
    pub fn spelled(&self, versions: &Arc<Versions>) -> Arc<SpelledVersions> {
        let mut kept = self.spelled.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of, spelled)) if Arc::ptr_eq(of, versions) => Arc::clone(spelled),
            _ => {
                let spelled = Arc::new(SpelledVersions::of(versions));
                *kept = Some((Arc::clone(versions), Arc::clone(&spelled)));
                spelled
            }
        }
    }

    /// The running figures; open alerts and cases come from the store.
    pub fn statistics(&self, counts: Counts) -> StatisticsBody {
        let figures = self.handle.figures();
        let [approve, challenge, review, decline] = figures.decisions;
        let [p50, p99, p999] = figures.latency_us.map(|quantile| quantile as f64);
        StatisticsBody {
            started_at: self.started_at.to_string(),
            uptime_seconds: self.started.elapsed().as_secs(),
            transactions: figures.transactions,
            decisions: VerdictCounts {
                approve,
                challenge,
                review,
                decline,
            },
            alerts: figures.alerts,
            alerts_open: counts.alerts_open,
            cases_open: counts.cases_open,
            rejected: figures.rejected,
            repeated: figures.repeated,
            conflicts: figures.conflicts,
            labels: figures.labels,
            transactions_per_second: self.rate(figures.transactions),
            latency_us: LatencyBody { p50, p99, p999 },
            declined_amount_minor: figures.declined_amount_minor,
            reference_currency: self.reference.clone(),
            log_end: self.handle.log_end().0,
            version: self.version,
            mode: self.mode.as_str(),
        }
    }

    /// Whether the server has been told to stop.
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Transactions a second since the oldest sample, to a tenth.
    fn rate(&self, transactions: u64) -> f64 {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((at, then)) = samples.front() else {
            return 0.0;
        };
        let seconds = at.elapsed().as_secs_f64();
        if seconds < SAMPLE_EVERY.as_secs_f64() {
            return 0.0;
        }
        let rate = transactions.saturating_sub(*then) as f64 / seconds;
        (rate * 10.0).round() / 10.0
    }

    /// Notes the number of transactions until the server stops.
    async fn sample(self: Arc<Self>) {
        let mut stop = self.stop.clone();
        let mut tick = tokio::time::interval(SAMPLE_EVERY);
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                _ = tick.tick() => {}
            }
            let transactions = self.handle.figures().transactions;
            let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
            samples.push_back((Stopwatch::now(), transactions));
            while samples
                .front()
                .is_some_and(|(at, _)| at.elapsed() > RATE_WINDOW)
            {
                samples.pop_front();
            }
        }
    }
}
