//! Measurements and campaigns: the feature engine, and the main job on whole public tables, read by path.
//!
//! **Enters:** the folder of tables in the variable `SENTINEL_DATA`. **Leaves:** figures (bench, measure),
//! or a verdict (campaign): whether the windows are those of the oracle and of SQL, and whether repeated and
//! killed runs give the same bytes. **Must never** be needed by a test: tests have fixtures and generated
//! streams.

mod crashes;
mod lives;
mod models;
mod parity;
mod peers;
mod scoring;
mod separability;
mod training;
mod windows;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::program;
use crate::workspace::Workspace;

/// The tables: folder and file below `SENTINEL_DATA`, and the mapping that reads it.
const TABLES: &[(&str, &str, &str)] = &[
    (
        "handbook",
        "handbook/transactions.csv.zst",
        "fixtures/mappings/handbook.toml",
    ),
    (
        "sparkov",
        "sparkov-a/transactions.csv.zst",
        "fixtures/mappings/sparkov.toml",
    ),
];

/// How often a run is killed.
const KILLS: u32 = 10;

/// How often the resident memory of a run is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A table to run, and where its results go.
struct Job {
    name: &'static str,
    input: PathBuf,
    mapping: PathBuf,
    binary: PathBuf,
    results: PathBuf,
}

impl Job {
    /// The file of one run's results.
    fn result(&self, run: &str, ending: &str) -> PathBuf {
        self.results.join(format!("{}-{run}.{ending}", self.name))
    }

    /// Removes what an earlier run of this name left, so that nothing old is taken for a result.
    fn clear(&self, run: &str) -> Result<()> {
        for ending in ["jsonl", "dead.jsonl", "summary.json"] {
            let file = self.result(run, ending);
            if file.exists() {
                fs::remove_file(&file).with_context(|| format!("remove {}", file.display()))?;
            }
        }
        let data = self.result(run, "data");
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("remove {}", data.display()))?;
        }
        Ok(())
    }

    /// Runs the whole table. The output has to be there and not empty.
    fn run_whole(&self, run: &str) -> Result<Run> {
        self.clear(run)?;
        let figures = finish(&mut self.command(run))?;
        let output = self.result(run, "jsonl");
        let bytes = fs::metadata(&output).map_or(0, |metadata| metadata.len());
        if bytes == 0 {
            bail!("the run left nothing in {}", output.display());
        }
        Ok(figures)
    }

    /// The main job, reproducible, writing to the files of one run.
    fn command(&self, run: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(["run", "--reproducible"])
            .arg("--input")
            .arg(&self.input)
            .arg("--mapping")
            .arg(&self.mapping)
            .arg("--output")
            .arg(self.result(run, "jsonl"))
            .arg("--dead-letters")
            .arg(self.result(run, "dead.jsonl"))
            .arg("--summary-json")
            .arg(self.result(run, "summary.json"));
        command
    }
}

/// The table whose windows are computed again by SQL.
const SQL_TABLE: &str = "handbook";

/// `cargo xtask bench`; the tables are measured where `SENTINEL_DATA` says where they are.
pub fn bench(workspace: &Workspace, _words: &[String]) -> Result<ExitCode> {
    windows::bench(workspace, &results(workspace)?)?;
    if std::env::var_os("SENTINEL_DATA").is_none() {
        println!("bench: the tables are left out: SENTINEL_DATA=DIR says where they are");
        return Ok(ExitCode::SUCCESS);
    }
    for job in jobs(workspace)? {
        let run = job.run_whole("bench")?;
        let summary = job.result("bench", "summary.json");
        let figures =
            fs::read_to_string(&summary).with_context(|| format!("read {}", summary.display()))?;
        println!("bench: {}: {}", job.name, figures.trim());
        println!(
            "bench: {}: {:.2} s wall, {} MiB resident at most",
            job.name,
            run.wall.as_secs_f64(),
            run.resident_kib_max / 1024
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// `cargo xtask measure NAME`: one measurement by its name.
pub fn measure(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    match words.split_first() {
        Some((name, rest)) if name == "separability" => {
            separability::measure(workspace, rest, &results(workspace)?)
        }
        Some((name, rest)) if name == "parity" => {
            parity::measure(workspace, rest, &results(workspace)?)
        }
        Some((name, rest)) if name == "scoring" => {
            scoring::measure(workspace, rest, &results(workspace)?)
        }
        Some((name, rest)) if name == "training" => {
            training::measure(workspace, rest, &results(workspace)?)
        }
        _ => bail!("say what to measure: parity, scoring, training, separability"),
    }
}

/// `SENTINEL_DATA=DIR cargo xtask campaign`: the windows are those of the oracle and of SQL; two runs, and
/// one that is killed again and again, give the same bytes.
pub fn campaign(workspace: &Workspace, _words: &[String]) -> Result<ExitCode> {
    // The tables first: nobody should wait for the oracle to hear that they are missing.
    let jobs = jobs(workspace)?;
    let mut same = windows::oracle(workspace);
    same &= models::mutants(workspace);
    same &= lives::all(workspace);
    same &= crashes::damaged_stores(workspace);
    same &= crashes::all(workspace);
    for job in &jobs {
        if job.name == SQL_TABLE {
            let table = (&job.input, &job.mapping);
            same &= windows::sql(workspace, job.name, table, &job.results)?;
        }
        same &= is_repeatable(job)?;
    }
    Ok(if same {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether a second run and a killed one give the bytes of the first.
fn is_repeatable(job: &Job) -> Result<bool> {
    let mut same = true;
    let first = job.run_whole("first")?;
    job.run_whole("second")?;
    let kills = run_with_kills(job, first.wall)?;
    if kills < KILLS {
        println!(
            "campaign: {}: FAILED: the run ended after {kills} of {KILLS} kills",
            job.name
        );
        same = false;
    }
    for (run, what) in [
        ("second", "a second run".to_owned()),
        ("killed", format!("a run killed {kills} times")),
    ] {
        for ending in ["jsonl", "dead.jsonl"] {
            let difference =
                first_difference(&job.result("first", ending), &job.result(run, ending))?;
            same &= difference.is_none();
            let verdict = difference.map_or("same bytes".to_owned(), |line| {
                format!("DIFFERS from line {line} on")
            });
            println!("campaign: {}: {what}: {ending}: {verdict}", job.name);
        }
    }
    Ok(same)
}

fn jobs(workspace: &Workspace) -> Result<Vec<Job>> {
    let Some(data) = std::env::var_os("SENTINEL_DATA") else {
        bail!("say where the public tables are: SENTINEL_DATA=DIR");
    };
    let data = workspace.root().join(data);
    let results = results(workspace)?;
    let mut jobs = Vec::new();
    for (name, table, mapping) in TABLES {
        let input = data.join(table);
        if !input.is_file() {
            println!(
                "measure: {name}: left out, {} is not there",
                input.display()
            );
            continue;
        }
        jobs.push(Job {
            name,
            input,
            mapping: workspace.at(mapping),
            binary: workspace.binary("release"),
            results: results.clone(),
        });
    }
    if jobs.is_empty() {
        bail!("none of the tables is in {}", data.display());
    }
    Ok(jobs)
}

/// The folder of results.
fn results(workspace: &Workspace) -> Result<PathBuf> {
    let results = workspace.target().join("measure");
    fs::create_dir_all(&results).with_context(|| format!("make {}", results.display()))?;
    Ok(results)
}

/// What a finished run took.
struct Run {
    wall: Duration,
    resident_kib_max: u64,
}

fn finish(command: &mut Command) -> Result<Run> {
    println!("$ {}", program::line(command));
    let started = Instant::now();
    let mut child = spawn(command)?;
    let mut resident_kib_max = 0;
    let status = loop {
        resident_kib_max = resident_kib(child.id()).unwrap_or(0).max(resident_kib_max);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(LOOK);
    };
    let wall = started.elapsed();
    succeeded(command, status)?;
    Ok(Run {
        wall,
        resident_kib_max,
    })
}

fn spawn(command: &mut Command) -> Result<Child> {
    command
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("start {}", program::line(command)))
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} ended with {status}", program::line(command));
    }
    Ok(())
}

/// The largest resident memory of a process so far, as Linux counts it; `None` once it has ended.
fn resident_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Starts one run over and over on the same data folder, killing it each time, and lets the last one
/// finish. Gives how often it was truly killed.
fn run_with_kills(job: &Job, undisturbed: Duration) -> Result<u32> {
    let data = job.result("killed", "data");
    job.clear("killed")?;
    let mut kills = 0;
    for attempt in 1..=KILLS {
        let mut child = spawn(job.command("killed").arg("--data-dir").arg(&data))?;
        // A restart first goes over what is there already, so each kill waits longer than the one before
        // to hit new work; the odd part keeps kills from falling on equal distances.
        let share = undisturbed / (KILLS + 2);
        thread::sleep(share * attempt + share * (attempt * 7 % 10) / 20);
        if child.try_wait()?.is_some() {
            break;
        }
        child.kill()?;
        child.wait()?;
        kills += 1;
    }
    finish(job.command("killed").arg("--data-dir").arg(&data))?;
    Ok(kills)
}

/// The first line in which two files differ; `None` where they are the same bytes. A file that is not
/// there is an empty one: dead letters are written when the first one comes.
fn first_difference(one: &Path, other: &Path) -> Result<Option<u64>> {
    let open = |path: &Path| -> Result<Box<dyn BufRead>> {
        if !path.exists() {
            return Ok(Box::new(std::io::empty()));
        }
        let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        Ok(Box::new(BufReader::new(file)))
    };
    let (mut one, mut other) = (open(one)?, open(other)?);
    let (mut line_of_one, mut line_of_other) = (Vec::new(), Vec::new());
    for number in 1.. {
        line_of_one.clear();
        line_of_other.clear();
        one.read_until(b'\n', &mut line_of_one)?;
        other.read_until(b'\n', &mut line_of_other)?;
        if line_of_one != line_of_other {
            return Ok(Some(number));
        }
        if line_of_one.is_empty() {
            break;
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let whole = write("whole", "one\ntwo\nthree\n");
        let same = write("same", "one\ntwo\nthree\n");
        let short = write("short", "one\ntwo\n");
        let other = write("other", "one\n2\nthree\n");
        assert_eq!(first_difference(&whole, &same).unwrap(), None);
        assert_eq!(first_difference(&whole, &short).unwrap(), Some(3));
        assert_eq!(first_difference(&other, &whole).unwrap(), Some(2));
        let absent = folder.path().join("absent");
        assert_eq!(first_difference(&absent, &whole).unwrap(), Some(1));
        assert_eq!(first_difference(&absent, &absent).unwrap(), None);
    }

    #[test]
    fn a_run_that_fails_is_no_measurement() {
        assert!(finish(Command::new("sh").args(["-c", "exit 0"])).is_ok());
        assert!(finish(Command::new("sh").args(["-c", "exit 2"])).is_err());
    }

    #[test]
    fn the_resident_memory_of_a_process_is_read() {
        assert!(resident_kib(std::process::id()).is_some_and(|kib| kib > 0));
    }
}
