//! `sentinel demo`: everything at once on synthetic payments, in a temporary folder.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use sentinel_api::Mode;
use sentinel_domain::{Entry, Instant, Label};
use sentinel_features::FeatureSet;
use sentinel_pipeline::{Handle, SubmitError};
use sentinel_synth::{Options, Stream};

use super::serve::{Server, Start, runtime, told};
use crate::clock;
use crate::commands::usage;
use crate::content::{ContentArguments, Contents};

/// Arguments of `sentinel demo`.
#[derive(Args, Debug)]
pub struct DemoArguments {
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,
    /// Synthetic payments a second.
    #[arg(long, value_name = "RATE", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub rate: u32,
    /// Which synthetic world.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    #[command(flatten)]
    pub content: ContentArguments,
}

/// How often payments are handed in; a tick takes what is due.
const TICK: Duration = Duration::from_millis(20);

/// Runs the command.
pub fn demo(arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    if !arguments.listen.ip().is_loopback() {
        return Err(usage(format!(
            "the demo is open to this machine only, and {} is not an address of it alone: use --listen \
             127.0.0.1:PORT, or `sentinel serve` for other machines",
            arguments.listen
        )));
    }
    let contents = Contents::load(&arguments.content, &FeatureSet::shipped())?;
    let folder = tempfile::Builder::new()
        .prefix("sentinel-demo-")
        .tempdir()
        .context("make a temporary folder")?;
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let server = Server::start(Start {
            listen: arguments.listen,
            data_dir: folder.path(),
            contents,
            deadline: Duration::from_secs(1),
            mode: Mode::Demo,
            // The folder goes with the process.
            snapshots: None,
        })
        .await?;
        told(announce(&server, arguments.rate, folder.path()));
        let handle = server.pipeline.handle().clone();
        let source = tokio::spawn(feed(handle, arguments.rate, arguments.seed));
        let ended = server.until_stopped().await;
        source.abort();
        ended
    });
    drop(runtime);
    let ended = result?;
    folder.close().context("remove the temporary folder")?;
    told(farewell());
    Ok(ended)
}

/// Hands payments in at the rate, event time following the clock.
async fn feed(handle: Handle, rate: u32, seed: u64) {
    let started = clock::now();
    let mut stream = Stream::new(Options::for_rate(seed, started, f64::from(rate)));
    let mut labels: Vec<Label> = Vec::new();
    let mut held = stream.next();
    let mut tick = tokio::time::interval(TICK);
    loop {
        tick.tick().await;
        let now = clock::now();
        while let Some(generated) = held.take() {
            if generated.transaction.event_time > now {
                held = Some(generated);
                break;
            }
            labels.extend(generated.label);
            match handle.submit(&generated.transaction, now) {
                Ok(_) => held = stream.next(),
                Err(SubmitError::Overloaded) => {
                    held = Some(sentinel_synth::Generated {
                        label: None,
                        ..generated
                    });
                    break;
                }
                Err(_) => return,
            }
        }
        submit_known(&handle, &mut labels, now);
    }
}

/// Labels enter the log when they become known.
fn submit_known(handle: &Handle, labels: &mut Vec<Label>, now: Instant) {
    labels.retain(|label| {
        let due = label.known_at <= now;
        if due {
            // A label that finds the log full comes with the next tick; one more copy does no harm.
            return handle
                .submit_entry(&Entry::Label(Box::new(label.clone())), now)
                .is_err();
        }
        true
    });
}

fn announce(server: &Server, rate: u32, folder: &Path) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Stream Sentinel demo: {rate} synthetic payments a second, fraud among them\n"
    )?;
    writeln!(out, "  open        http://{}", server.address)?;
    writeln!(out, "  API docs    http://{}/docs", server.address)?;
    writeln!(
        out,
        "  data        {} (removed at the end)",
        folder.display()
    )?;
    writeln!(out, "  stop        Ctrl-C\n")?;
    writeln!(out, "Open to this machine only; nothing leaves it.")?;
    out.flush()
}

/// The last word to the person.
fn farewell() -> std::io::Result<()> {
    writeln!(
        std::io::stdout().lock(),
        "stopped; the demo's data is removed"
    )
}
