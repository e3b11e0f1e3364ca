//! SIGKILL at a random time while several clients send, over and over on one data directory.
//!
//! One seed gives the payments, the draws of every client and the time of every kill; what the scheduler makes of it
//! differs from run to run, which is the point of repeating it.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sentinel_synth::Random;
use sentinel_synth::random::hash;
use serde_json::Value;
use tempfile::TempDir;

use super::client::Client;
use super::ledger::Ledger;
use super::{asked, payments};
use crate::process::{sentinel, text};
use crate::serve::Server;

/// Clients that send at the same time.
const CLIENTS: u64 = 4;

/// A kill comes at most so much later than the server is ready.
const KILL_AFTER_MS_MAX: u64 = 200;

/// Every so many cycles the server is killed while it starts.
const KILL_IN_START_EVERY: u64 = 4;

/// How many of the newest answers, and of older ones, are looked up after a restart.
const LOOKED_UP: usize = 500;

/// What the cycles of one seed share.
struct Campaign<'a> {
    seed: u64,
    data: &'a Path,
    ledger: Ledger,
    payments: Mutex<Box<dyn Iterator<Item = Value> + Send>>,
}

impl Campaign<'_> {
    /// A server on the data directory. Snapshots come often, so that most starts go on from one.
    fn command(&self) -> std::process::Command {
        let log = self.data.with_extension("stderr");
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = sentinel();
        command
            .args(["serve", "--snapshot-every", "300", "--data-dir"])
            .arg(self.data)
            .stderr(log);
        command
    }

    fn start(&self) -> Server {
        Server::spawn(self.command()).unwrap_or_else(|status| {
            let told = std::fs::read_to_string(self.data.with_extension("stderr")).unwrap();
            let tail: Vec<&str> = told.lines().rev().take(20).collect();
            panic!("seed {}: no start, {status}: {tail:#?}", self.seed)
        })
    }

    /// Kills a server while it opens its directory and replays. One that was faster is killed ready.
    fn kill_in_start(&self, random: &mut Random, start: Duration) {
        let micros = random.below(u64::try_from(start.as_micros()).unwrap());
        let mut child = self
            .command()
            .args(["--listen", "127.0.0.1:0"])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        wait(Duration::from_micros(micros));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Sends until the server is gone: new payments, repeats, contradictions, and what got no answer before.
    fn load(&self, address: &str, mut random: Random) {
        let Ok(mut client) = Client::connect(address) else {
            return;
        };
        let mut lives = true;
        while lives {
            lives = match (random.below(16), self.ledger.any(&mut random)) {
                (0..=2, Some(told)) => Ledger::repeat(&mut client, &told),
                (3, Some(told)) => Ledger::contradict(&mut client, &told),
                (draw, _) => {
                    let open = (draw < 8).then(|| self.ledger.take_open()).flatten();
                    let body =
                        open.unwrap_or_else(|| self.payments.lock().unwrap().next().unwrap());
                    self.ledger.send(&mut client, body)
                }
            };
        }
    }

    /// One life of the server; how long its start took.
    fn cycle(&self, cycle: u64) -> Duration {
        let mut random = Random::new(hash(self.seed, 1, cycle));
        let began = Instant::now();
        let mut server = self.start();
        let start = began.elapsed();
        self.ledger
            .hold_against(&server.address, LOOKED_UP, &mut random);
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let draws = Random::new(hash(self.seed, 2 + client, cycle));
                let address = server.address.clone();
                scope.spawn(move || self.load(&address, draws));
            }
            wait(Duration::from_micros(
                random.below(KILL_AFTER_MS_MAX * 1_000),
            ));
            server.child.kill().unwrap();
        });
        let ended = server.child.wait().unwrap();
        assert_eq!(ended.signal(), Some(9), "it lived until it was killed");
        if cycle % KILL_IN_START_EVERY == 1 {
            self.kill_in_start(&mut random, start);
        }
        start
    }
}

/// Lets a drawn time pass. It is the input of the campaign; nothing is taken to have happened in it.
fn wait(time: Duration) {
    let (_kept, never) = mpsc::channel::<()>();
    let _ = never.recv_timeout(time);
}

#[test]
fn kills_under_load_lose_double_and_contradict_nothing() {
    let cycles = asked("SENTINEL_KILL_CYCLES", 15);
    let seed = asked("SENTINEL_KILL_SEED", 20_261_122);
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let campaign = Campaign {
        seed,
        data: &data,
        ledger: Ledger::default(),
        payments: Mutex::new(Box::new(payments(seed))),
    };
    let mut slowest = Duration::ZERO;
    for cycle in 0..cycles {
        slowest = campaign.cycle(cycle).max(slowest);
        if cycle % 50 == 49 {
            println!(
                "kills: {} of {cycles}, {} told",
                cycle + 1,
                campaign.ledger.len()
            );
        }
    }
    let told_under_kills = campaign.ledger.len();
    assert!(told_under_kills as u64 > cycles, "there was load");

    let mut server = campaign.start();
    campaign.ledger.close_open(&server.address);
    let mut random = Random::new(hash(seed, 0, 0));
    campaign
        .ledger
        .hold_against(&server.address, LOOKED_UP, &mut random);
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    let settled = campaign.ledger.settle(&data);
    assert!(settled.alerts > 0 && settled.conflicts > 0, "{settled:?}");
    println!(
        "kills: seed {seed}, {} kills ({} in a start), {told_under_kills} told under them, slowest start {slowest:?}: \
         {settled:?}; 0 lost, 0 doubled, 0 contradicted, in {}",
        cycles + (cycles + 2) / KILL_IN_START_EVERY,
        (cycles + 2) / KILL_IN_START_EVERY,
        text(&data)
    );
}
