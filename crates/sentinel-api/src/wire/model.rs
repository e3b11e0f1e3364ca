//! Models on the wire.

use sentinel_domain::ActivationKind;
use sentinel_pipeline::ModelActivated;
use sentinel_pipeline::handle::features::InForce;
use sentinel_pipeline::models::ActivatedModel;
use sentinel_pipeline::trust::{ModelTrust, Signed};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The models that decisions of this log were made with.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelCatalogue {
    /// The newest first; the first one decides now.
    pub items: Vec<ModelBody>,
    /// Who signed the one that decides now.
    pub signatures: Vec<SignatureBody>,
    /// Whether models need a signature of a trusted key here.
    #[schema(example = false)]
    pub signature_required: bool,
}

/// One model.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelBody {
    /// The name of its activation.
    #[schema(example = "default")]
    pub name: String,
    /// The version of its activation within the server's log.
    #[schema(example = 1)]
    pub version: u32,
    /// The hash of the model file without signatures.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
    /// How decisions name it: `versions.model`.
    #[schema(example = "default@1:9f86d081884c")]
    pub named: String,
    /// The place of its activation in the log: it decides from there on.
    #[schema(example = 4)]
    pub live_from: u64,
    /// When that was appended.
    #[schema(example = "2026-02-02T08:00:00Z")]
    pub activated_at: String,
    /// Whether it decides now.
    #[schema(example = true)]
    pub active: bool,
}

/// A signature behind a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignatureBody {
    /// The first digits of the public key.
    #[schema(example = "8a88e3dd7409f195")]
    pub key: String,
    /// Whether the signature is that key's, of this very model.
    #[schema(example = true)]
    pub valid: bool,
    /// Whether that key is trusted here.
    #[schema(example = true)]
    pub trusted: bool,
}

/// A model to activate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelDraft {
    /// The text of a model file, signatures included; at most 32 MiB.
    #[schema(example = "sentinel-model 2\nname mine\n...")]
    pub model: String,
    /// What to call it; the name in the file where it is left out.
    #[serde(default)]
    #[schema(example = "mine")]
    pub name: Option<String>,
    /// Check it, say what would be activated, and change nothing.
    #[serde(default)]
    #[schema(example = false)]
    pub dry_run: bool,
}

/// What became of a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelActivatedBody {
    /// The name of its activation.
    #[schema(example = "mine")]
    pub name: String,
    /// The version of its activation.
    #[schema(example = 2)]
    pub version: u32,
    /// The hash of the model file without signatures.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
    /// The place of the activation in the log: decisions behind it are made with the model. Null where there
    /// was nothing to append.
    #[schema(example = 81_344)]
    pub live_from: Option<u64>,
    /// `live`; `pending` while the activation waits its turn; `checked` where nothing was asked for but a
    /// check.
    #[schema(example = "live")]
    pub state: &'static str,
}

impl ModelCatalogue {
    /// The body of what is in force.
    pub fn of(in_force: &InForce, trust: &ModelTrust) -> Self {
        let active = in_force.active.version(ActivationKind::Model);
        let content = in_force.active.content(ActivationKind::Model);
        let signatures = content.map(|own| trust.signatures(&own.content));
        let signatures = signatures.and_then(Result::ok).unwrap_or_default();
        let items = in_force.models.iter().rev();
        Self {
            items: items.map(|model| ModelBody::of(model, active)).collect(),
            signatures: signatures.into_iter().map(SignatureBody::from).collect(),
            signature_required: trust.required,
        }
    }
}

impl ModelBody {
    fn of(model: &ActivatedModel, active: u32) -> Self {
        let ActivatedModel {
            name,
            version,
            hash,
            ..
        } = model;
        Self {
            name: name.to_string(),
            version: *version,
            hash: hash.to_string(),
            named: format!("{name}@{version}:{}", hash.abbreviated()),
            live_from: model.offset.0,
            activated_at: model.log_time.to_string(),
            active: *version == active,
        }
    }
}

impl From<Signed> for SignatureBody {
    fn from(signed: Signed) -> Self {
        let Signed {
            key,
            valid,
            trusted,
        } = signed;
        Self {
            key,
            valid,
            trusted,
        }
    }
}

impl ModelActivatedBody {
    /// The body of an activation; `dry_run` says that nothing was asked for but a check.
    pub fn of(activated: &ModelActivated, dry_run: bool) -> Self {
        Self {
            name: activated.name.to_string(),
            version: activated.version,
            hash: activated.hash.to_string(),
            live_from: activated.offset.map(|offset| offset.0),
            state: match (dry_run, activated.is_live) {
                (_, true) => "live",
                (true, false) => "checked",
                (false, false) => "pending",
            },
        }
    }
}
