//! `sentinel models keygen`, `sign` and `verify`: who stands for a model.
//!
//! **Promises** that a secret key is written for its owner only, and never over another file. **Must never**
//! print one.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_pipeline::trust::{ModelTrust, PublicKey, SecretKey};
use sentinel_scoring::{Model, signature};

use super::show::standing;
use crate::commands::usage;
use crate::content::{read, text};
use crate::whole_file::WholeFile;

/// Whom to trust.
#[derive(Args, Debug, Clone, Default)]
pub struct TrustArguments {
    /// A public key whose signature of a model counts; repeatable. Also: SENTINEL_TRUSTED_KEYS, paths
    /// separated by commas.
    #[arg(
        long = "trusted-key",
        value_name = "FILE",
        env = "SENTINEL_TRUSTED_KEYS",
        value_delimiter = ',',
        hide_env = true
    )]
    pub trusted_keys: Vec<PathBuf>,
}

impl TrustArguments {
    /// The keys, read.
    pub fn trust(&self) -> anyhow::Result<ModelTrust> {
        let key = |path: &PathBuf| {
            PublicKey::parse(&text(path)?)
                .map_err(|problem| usage(format!("--trusted-key {}: {problem}", path.display())))
        };
        Ok(ModelTrust {
            keys: self
                .trusted_keys
                .iter()
                .map(key)
                .collect::<anyhow::Result<_>>()?,
            ..ModelTrust::default()
        })
    }
}

/// Arguments of `sentinel models keygen`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  sentinel models keygen --out release-key\n\n\
    Makes release-key (secret, readable by you only) and release-key.pub, which servers name with --trusted-key."
)]
pub struct KeygenArguments {
    /// Where the secret key goes; the public one gets `.pub` behind that name.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `sentinel models sign`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  sentinel models sign --key release-key my.model\n\n\
    The signature is a line at the end of the model file, so it goes wherever the model goes. The hash of the \
    model stays as it is."
)]
pub struct SignArguments {
    /// The model file; it gets one line more.
    #[arg(value_name = "MODEL")]
    file: PathBuf,
    /// The secret key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Write the signed model there and leave the first one as it is.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `sentinel models verify`.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  sentinel models verify my.model --trusted-key release-key.pub"
)]
pub struct VerifyArguments {
    /// The model file.
    #[arg(value_name = "MODEL")]
    file: PathBuf,
    #[command(flatten)]
    trust: TrustArguments,
}

/// Makes a pair of keys.
pub fn keygen(arguments: &KeygenArguments) -> anyhow::Result<ExitCode> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| anyhow::anyhow!("ask the system for random bytes: {error}"))?;
    let key = SecretKey::of(seed);
    let mut public = arguments.out.as_os_str().to_owned();
    public.push(".pub");
    let public = PathBuf::from(public);
    write_new(&arguments.out, 0o600, &key.to_text())?;
    write_new(&public, 0o644, &key.public().to_text())?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "key {}: {} is secret, {} is for --trusted-key",
        key.public().abbreviated(),
        arguments.out.display(),
        public.display()
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, mode: u32, content: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let mut file = options
        .open(path)
        .map_err(|error| usage(format!("make {}: {error}", path.display())))?;
    file.write_all(content.as_bytes())
        .with_context(|| format!("write {}", path.display()))
}

/// Puts a signature behind a model.
pub fn sign(arguments: &SignArguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.file;
    let fault = |problem: String| usage(format!("{}: {problem}", path.display()));
    let key = SecretKey::parse(&text(&arguments.key)?)
        .map_err(|problem| usage(format!("--key {}: {problem}", arguments.key.display())))?;
    let mut content = read(path)?;
    let model = Model::parse(&content).map_err(|error| fault(error.to_string()))?;
    let (_, signatures) = signature::split(&content).map_err(|error| fault(error.to_string()))?;
    let signature = key.sign(model.content_hash());
    if signatures.iter().all(|other| *other != signature) {
        content.extend(signature.line().into_bytes());
    }
    // Read back before anything is written: too many signatures, say.
    Model::parse(&content).map_err(|error| fault(error.to_string()))?;
    let target = arguments.out.as_ref().unwrap_or(path);
    let (file, mut out) = WholeFile::create("--out", target)?;
    out.write_all(&content)
        .with_context(|| format!("write {}", target.display()))?;
    drop(out);
    file.keep()?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} version {} ({}) is signed by {}",
        model.name(),
        model.version(),
        model.content_hash().abbreviated(),
        key.public().abbreviated()
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Says whether a trusted key stands for a model; exit code 1 where none does.
pub fn verify(arguments: &VerifyArguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.file;
    let content = read(path)?;
    Model::parse(&content).map_err(|error| usage(format!("{}: {error}", path.display())))?;
    let trust = ModelTrust {
        required: true,
        ..arguments.trust.trust()?
    };
    trust
        .check(&content)
        .map_err(|problem| anyhow::anyhow!("{}: {problem}", path.display()))?;
    let signed = trust
        .signatures(&content)
        .map_err(|problem| anyhow::anyhow!(problem))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}: {}", path.display(), standing(&signed))?;
    Ok(ExitCode::SUCCESS)
}
