//! SIGKILL at every system call that writes, of a run of two hundred payments.
//!
//! A first run under strace counts what each thread calls on which file. A point is a call, its file, and the number
//! of the call in its thread: strace kills the process as it enters the call. The same payments then meet a server
//! that was started again.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::client::Client;
use super::ledger::Ledger;
use super::{asked, payments};
use crate::process::{sentinel, text};
use crate::serve::Server;

/// The calls that change a file, or tell a client.
const CALLS: &str = "write,pwrite64,writev,pwritev,fdatasync,fsync,sync_file_range,rename,renameat,renameat2,\
                     ftruncate,fallocate,unlink,unlinkat,sendto";

/// Payments of a run.
const PAYMENTS: usize = 200;

/// Where a run is killed.
#[derive(Debug)]
struct Point {
    call: String,
    /// The file below the data directory; `None` for what is no file of it, and calls that name one by path.
    file: Option<String>,
    number: u64,
}

/// `sentinel serve` under strace. With `-D` strace stands aside, so the child is the server itself.
fn traced(data: &Path, trace: &Path, more: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command
        .args(["-D", "-f", "-qq", "-y", "-o", text(trace)])
        .args(["-e", &format!("trace={CALLS}")])
        .args(more)
        .arg(sentinel().get_program())
        .args(["serve", "--snapshot-every", "50", "--data-dir", text(data)])
        .stderr(Stdio::null());
    command
}

/// Sends all of it while the server lives.
fn send(server: &Server, ledger: &Ledger, bodies: &[Value]) -> bool {
    let Ok(mut client) = Client::connect(&server.address) else {
        return false;
    };
    bodies
        .iter()
        .all(|body| ledger.send(&mut client, body.clone()))
}

/// Ends a server as it should; false where it was killed on the way.
fn stop(server: &mut Server) -> bool {
    server.signal("TERM");
    let ended = server.child.wait().unwrap();
    assert!(
        ended.code() == Some(0) || ended.signal() == Some(9),
        "{ended}"
    );
    ended.code() == Some(0)
}

/// Every point of an undisturbed run.
fn points(folder: &Path, bodies: &[Value]) -> Vec<Point> {
    let (data, trace) = (folder.join("counted"), folder.join("counted.strace"));
    let mut server = Server::spawn(traced(&data, &trace, &[])).unwrap();
    assert!(send(&server, &Ledger::default(), bodies));
    assert!(stop(&mut server));
    let root = format!("{}/", text(&data));
    let mut counts: BTreeMap<(String, Option<String>), BTreeMap<String, u64>> = BTreeMap::new();
    for line in std::fs::read_to_string(&trace).unwrap().lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let Some((call, rest)) = rest.trim_start().split_once('(') else {
            continue;
        };
        if !CALLS.split(',').any(|known| known.trim() == call) {
            continue;
        }
        let file = rest.split_once('<').and_then(|(fd, rest)| {
            fd.parse::<u32>().ok()?;
            let path = rest.split_once('>')?.0;
            path.strip_prefix(&root).map(str::to_owned)
        });
        let threads = counts.entry((call.to_owned(), file)).or_default();
        *threads.entry(thread.to_owned()).or_default() += 1;
    }
    let mut points = Vec::new();
    for ((call, file), threads) in counts {
        let most = threads.values().copied().max().unwrap();
        points.extend((1..=most).map(|number| Point {
            call: call.clone(),
            file: file.clone(),
            number,
        }));
    }
    points
}

/// A run killed at a point, and everything after it; whether it was killed.
fn holds_at(point: &Point, folder: &Path, bodies: &[Value]) -> bool {
    let (data, trace) = (folder.join("killed"), folder.join("killed.strace"));
    let inject = format!("inject={}:signal=KILL:when={}", point.call, point.number);
    let path = point.file.as_ref().map(|file| data.join(file));
    let mut more = vec!["-e", &inject];
    if let Some(path) = &path {
        more.extend(["-P", text(path)]);
    }
    let ledger = Ledger::default();
    let killed = match Server::spawn(traced(&data, &trace, &more)) {
        Ok(mut server) => {
            let whole = send(&server, &ledger, bodies);
            !(stop(&mut server) && whole)
        }
        Err(status) => {
            assert_eq!(status.signal(), Some(9), "{point:?}: {status}");
            true
        }
    };
    let told = ledger.len();
    let mut restarted = sentinel();
    restarted
        .args(["serve", "--data-dir", text(&data)])
        .stderr(Stdio::null());
    let mut server = Server::spawn(restarted)
        .unwrap_or_else(|status| panic!("no start after a kill at {point:?}: {status}"));
    let mut random = sentinel_synth::Random::new(point.number);
    ledger.hold_against(&server.address, PAYMENTS, &mut random);
    ledger.close_open(&server.address);
    assert!(send(&server, &ledger, &bodies[ledger.len()..]));
    assert!(stop(&mut server), "{point:?}");
    let settled = ledger.settle(&data);
    assert_eq!(settled.decided, PAYMENTS, "{point:?}, {told} told before");
    std::fs::remove_dir_all(&data).unwrap();
    killed
}

#[test]
fn a_kill_at_any_system_call_loses_doubles_and_contradicts_nothing() {
    let probe = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .status();
    let probe = probe.expect("strace is installed: cargo xtask setup --test");
    if !probe.success() {
        println!("syscalls: left out: this machine does not let one process trace another");
        return;
    }
    let stride = asked("SENTINEL_SYSCALL_STRIDE", 197);
    let first = asked("SENTINEL_SYSCALL_FIRST", 11);
    let folder = TempDir::new().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let bodies: Vec<Value> = payments(97).take(PAYMENTS).collect();
    let points = points(&root, &bodies);
    assert!(points.len() > 5 * PAYMENTS, "{} points", points.len());
    let (mut tried, mut killed) = (0, 0);
    for point in points.iter().skip(first).step_by(stride) {
        tried += 1;
        killed += usize::from(holds_at(point, &root, &bodies));
        if tried % 50 == 0 {
            println!("syscalls: {tried} tried, {killed} killed, at {point:?}");
        }
    }
    println!(
        "syscalls: {} points, {tried} tried, {killed} killed there; 0 lost, 0 doubled, 0 contradicted",
        points.len()
    );
    assert!(killed * 2 > tried, "{killed} of {tried} were killed");
}
