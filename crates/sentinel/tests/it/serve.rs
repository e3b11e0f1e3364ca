//! `sentinel serve` and `demo` as processes: durable answers, restart, signals, a taken port, damage.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{job, json_lines, lines_of, run, sentinel, stderr, text};

pub struct Server {
    pub child: Child,
    pub address: String,
}

impl Server {
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, Stdio::null())
    }

    fn start_with(arguments: &[&str], diagnostics: Stdio) -> Self {
        let mut command = sentinel();
        command.args(arguments).stderr(diagnostics);
        Self::spawn(command).unwrap_or_else(|status| {
            panic!("the server ended before it told its address: {status}")
        })
    }

    /// Starts a server on a free port; how it ended where it did before it told its address.
    pub fn spawn(mut command: Command) -> Result<Self, ExitStatus> {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = lines.find_map(|line| {
            let line = line.unwrap();
            line.split("http://")
                .nth(1)
                .map(|rest| rest.trim_end_matches('/').to_owned())
        });
        let Some(address) = told else {
            return Err(child.wait().unwrap());
        };
        // Keep reading, or the server's next line would meet a closed pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address })
    }

    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (
            status,
            serde_json::from_str(body).unwrap_or(Value::String(body.to_owned())),
        )
    }

    pub fn decide(&self, body: &Value) -> (u16, Value) {
        self.ask("POST", "/api/v1/decisions", &body.to_string())
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .unwrap();
        assert!(killed.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn payment(id: &str, amount_minor: i64) -> Value {
    json!({
        "event_id": id, "event_type": "card_auth", "event_time": "2026-02-02T08:00:00Z",
        "account_id": "a1", "card_token": "c1", "amount_minor": amount_minor, "currency": "USD"
    })
}

pub fn serve(data: &Path) -> Server {
    Server::start(&["serve", "--data-dir", text(data)])
}

#[test]
fn an_answer_outlives_a_kill_and_a_repeat_gets_it_again() {
    let folder = TempDir::new().unwrap();
    let mut server = serve(folder.path());
    let (status, first) = server.decide(&payment("order-1", 600_000));
    assert_eq!(status, 200, "{first}");
    assert_eq!(
        first["decision"], "review",
        "amounts over 5,000 are reviewed: {first}"
    );
    server.child.kill().unwrap();
    server.child.wait().unwrap();

    let server = serve(folder.path());
    let id = first["decision_id"].as_str().unwrap();
    let (status, found) = server.ask("GET", &format!("/api/v1/decisions/{id}"), "");
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["event_id"], "order-1");
    let (status, again) = server.decide(&payment("order-1", 600_000));
    assert_eq!((status, &again["replayed"]), (200, &json!(true)), "{again}");
    assert_eq!(again["decision_id"], first["decision_id"]);
    assert_eq!(again["score"], first["score"]);
    let (status, conflict) = server.decide(&payment("order-1", 1));
    assert_eq!(status, 409, "{conflict}");
    assert_eq!(conflict["code"], "conflict");
    let letters = std::fs::read_to_string(folder.path().join("dead-letters.jsonl")).unwrap();
    assert!(letters.contains("\"conflict\""), "{letters}");
}

/// How many snapshots a server has made, and where the newest stands.
fn snapshots(server: &Server) -> (u64, u64) {
    let (status, metrics) = server.ask("GET", "/metrics", "");
    assert_eq!(status, 200);
    let metrics = metrics.as_str().unwrap().to_owned();
    let value = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0, |value| {
            value.trim().trim_end_matches(".0").parse::<u64>().unwrap()
        })
    };
    (
        value("sentinel_snapshots_total "),
        value("sentinel_snapshot_offset "),
    )
}

#[test]
fn a_server_that_is_killed_while_it_makes_snapshots_goes_on_from_one() {
    let data = TempDir::new().unwrap();
    let path = data.path().to_str().unwrap();
    let start = || Server::start(&["serve", "--data-dir", path, "--snapshot-every", "1"]);
    let mut answers: Vec<(Value, Value)> = Vec::new();
    let mut stood_at = 0;
    for cycle in 0..4 {
        let mut server = start();
        let (made, offset) = snapshots(&server);
        assert!(
            made > 0 || offset >= stood_at,
            "a start forgets no snapshot"
        );
        for (body, answer) in &answers {
            let (status, again) = server.decide(body);
            assert_eq!((status, &again["replayed"]), (200, &json!(true)), "{again}");
            for key in ["decision_id", "decision", "score", "reasons"] {
                assert_eq!(again[key], answer[key], "{again}");
            }
        }
        for n in 0..20 {
            let body = payment(&format!("payment-{cycle}-{n}"), 1_000 + n);
            let (status, answer) = server.decide(&body);
            assert_eq!(status, 200, "{answer}");
            answers.push((body, answer));
        }
        // The first cycles are killed wherever they are, the last ones behind a snapshot.
        while cycle >= 2 && snapshots(&server).0 == 0 {}
        stood_at = snapshots(&server).1;
        server.child.kill().unwrap();
        server.child.wait().unwrap();
    }
    assert!(stood_at > 5, "behind the activations");
    let folder = std::fs::read_dir(data.path().join("snapshots")).unwrap();
    assert!(folder.count() >= 1);
}

#[test]
fn a_termination_signal_drains_and_ends_with_zero() {
    let folder = TempDir::new().unwrap();
    let mut server = serve(folder.path());
    assert_eq!(server.decide(&payment("order-2", 100)).0, 200);
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_taken_port_is_told_with_the_flag_to_change_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    for command in [vec!["demo"], vec!["serve", "--data-dir", text(&data)]] {
        let ended = sentinel()
            .args(command)
            .args(["--listen", &address])
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(2));
        let told = stderr(&ended);
        assert!(
            told.contains(&address) && told.contains("--listen"),
            "{told}"
        );
    }
}

#[test]
fn two_servers_do_not_share_a_data_directory() {
    let folder = TempDir::new().unwrap();
    let _first = serve(folder.path());
    let second = sentinel()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            text(folder.path()),
        ])
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(
        stderr(&second).contains("in use by another"),
        "{}",
        stderr(&second)
    );
}

#[test]
fn the_demo_fills_by_itself_and_leaves_nothing_behind() {
    let mut server = Server::start(&["demo", "--rate", "500"]);
    let started = std::time::Instant::now();
    let alerts = loop {
        let (status, statistics) = server.ask("GET", "/api/v1/statistics", "");
        assert_eq!(status, 200);
        let (transactions, alerts) = (
            statistics["transactions"].as_u64().unwrap(),
            statistics["alerts"].as_u64().unwrap(),
        );
        if transactions > 500 && alerts > 0 {
            break server.ask("GET", "/api/v1/alerts?limit=5", "");
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{statistics}");
        std::thread::yield_now();
    };
    assert_eq!(alerts.0, 200);
    server.signal("INT");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_demo_is_not_opened_to_other_machines() {
    let ended = sentinel()
        .args(["demo", "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let told = stderr(&ended);
    assert!(
        told.contains("--listen 127.0.0.1:PORT") && told.contains("sentinel serve"),
        "{told}"
    );
    assert!(ended.stdout.is_empty(), "no farewell without a start");
}

#[test]
fn a_server_leaves_the_directory_of_a_run_alone() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("in.jsonl"), json_lines(3, 20)).unwrap();
    let (input, output, data) = (path("in.jsonl"), path("out.jsonl"), path("data"));
    let arguments = job(&input, &output, &data);
    let ended = run(&arguments);
    assert!(ended.status.success(), "{}", stderr(&ended));
    let ended = sentinel()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            text(&data),
        ])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let told = stderr(&ended);
    assert!(
        told.contains("in.jsonl") && told.contains("another --data-dir"),
        "{told}"
    );
}

#[test]
fn a_damaged_decision_log_is_set_aside_and_made_again() {
    let folder = TempDir::new().unwrap();
    let data = folder.path();
    let mut server = serve(data);
    let names: Vec<String> = (0..5)
        .map(|n| {
            let (status, decided) = server.decide(&payment(&format!("order-{n}"), 100 + n));
            assert_eq!(status, 200, "{decided}");
            decided["decision_id"].as_str().unwrap().to_owned()
        })
        .collect();
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    let segment = std::fs::read_dir(data.join("decisions"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();

    let server = serve(data);
    for name in &names {
        let (status, found) = server.ask("GET", &format!("/api/v1/decisions/{name}"), "");
        assert_eq!((status, &found["decision_id"]), (200, &json!(name)));
        let (status, replayed) = server.ask("GET", &format!("/api/v1/decisions/{name}/replay"), "");
        assert_eq!(status, 200, "{replayed}");
    }
    let kept = data
        .join("decisions.damaged-1")
        .join(segment.file_name().unwrap());
    assert_eq!(
        std::fs::read(kept).unwrap(),
        bytes,
        "the damaged bytes are kept"
    );
}

#[test]
fn dead_letters_of_two_starts_have_keys_of_their_own() {
    let folder = TempDir::new().unwrap();
    for _ in 0..2 {
        let mut server = serve(folder.path());
        assert_eq!(server.decide(&json!({})).0, 422);
        server.signal("TERM");
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
    }
    let letters = lines_of(&folder.path().join("dead-letters.jsonl"));
    assert_eq!(letters.len(), 2);
    let source = |n: usize| letters[n]["source"].as_str().unwrap();
    assert!(source(0).starts_with("rest:20"), "{letters:?}");
    assert_ne!(source(0), source(1));
}

#[test]
fn a_second_signal_ends_a_server_that_drains_at_once() {
    let folder = TempDir::new().unwrap();
    let arguments = ["serve", "--data-dir", text(folder.path())];
    let mut server = Server::start_with(&arguments, Stdio::piped());
    let mut told = BufReader::new(server.child.stderr.take().unwrap()).lines();
    // A request whose body does not come to its end keeps the server draining.
    let mut unfinished = TcpStream::connect(&server.address).unwrap();
    write!(
        unfinished,
        "POST /api/v1/decisions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\
         expect: 100-continue\r\n\r\n"
    )
    .unwrap();
    let mut answer = [0; 12];
    unfinished.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100", "the body is waited for");
    server.signal("INT");
    told.find(|line| line.as_ref().unwrap().contains("stopping"))
        .unwrap()
        .unwrap();
    server.signal("INT");
    assert_eq!(server.child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_result_that_cannot_be_written_is_an_error_and_no_panic() {
    let folder = TempDir::new().unwrap();
    let mut server = serve(folder.path());
    let (_, decided) = server.decide(&payment("order-3", 100));
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ended = sentinel()
        .args(["replay", decided["decision_id"].as_str().unwrap()])
        .args(["--data-dir", text(folder.path())])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let told = stderr(&ended);
    assert!(told.starts_with("error: write the result"), "{told}");
}
