//! Who may say what decisions are made with: signatures of models, made and checked.
//!
//! A signature is over the words `sentinel model signature 1`, an end of line, and the 32 bytes of the model's
//! content hash: so it holds for the model whatever lines stand behind it, and for nothing else that the same
//! key ever signed. Checked at the doors: at the start and before an append. Must never be asked on the way of
//! a replay, or other keys would make other decisions of the same log.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use sentinel_domain::ContentHash;
use sentinel_scoring::signature::{self, Signature, from_hex, hex};

/// What is signed before the hash.
const CONTEXT: &[u8] = b"sentinel model signature 1\n";

/// How a file of a secret key begins.
const SECRET: &str = "sentinel-secret-key ed25519 ";

/// How a file of a public key begins.
const PUBLIC: &str = "sentinel-public-key ed25519 ";

/// A secret key.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key of these 32 random bytes.
    pub fn of(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// Reads a key file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits = text.trim_end().strip_prefix(SECRET);
        let seed = digits.and_then(from_hex::<32>);
        seed.map(Self::of)
            .ok_or_else(|| "this is no secret key; `sentinel models keygen` makes one".to_owned())
    }

    /// The key file.
    pub fn to_text(&self) -> String {
        format!("{SECRET}{}\n", hex(self.0.as_bytes()))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The signature of a model with this hash.
    pub fn sign(&self, model: ContentHash) -> Signature {
        Signature {
            key: self.0.verifying_key().to_bytes(),
            bytes: self.0.sign(&message(model)).to_bytes(),
        }
    }
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a key file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits = text.trim_end().strip_prefix(PUBLIC);
        let bytes = digits.and_then(from_hex::<32>);
        let key = bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        key.map(Self)
            .ok_or_else(|| "this is no public key; `sentinel models keygen` makes one".to_owned())
    }

    /// The key file.
    pub fn to_text(&self) -> String {
        format!("{PUBLIC}{}\n", hex(self.0.as_bytes()))
    }

    /// The first digits, by which people name it.
    pub fn abbreviated(&self) -> String {
        abbreviated(self.0.as_bytes())
    }
}

fn abbreviated(key: &[u8; 32]) -> String {
    hex(key).chars().take(16).collect()
}

fn message(model: ContentHash) -> Vec<u8> {
    [CONTEXT, model.0.as_slice()].concat()
}

/// A signature that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The key, abbreviated.
    pub key: String,
    /// Whether the signature is that key's, of this very model.
    pub valid: bool,
    /// Whether the key is one that is trusted here.
    pub trusted: bool,
}

/// Which models may be put in force.
#[derive(Debug, Clone, Default)]
pub struct ModelTrust {
    /// Keys whose signature counts.
    pub keys: Vec<PublicKey>,
    /// Whether a model needs one of them.
    pub required: bool,
    /// The model that is built in: it needs no signature, since whoever trusts the binary trusts it.
    pub built_in: Option<ContentHash>,
}

impl ModelTrust {
    /// The signatures of a model file, checked.
    pub fn signatures(&self, content: &[u8]) -> Result<Vec<Signed>, String> {
        let (model, signatures) = signature::split(content).map_err(|error| error.to_string())?;
        let message = message(ContentHash::of(model));
        let checked = signatures.iter().map(|one| {
            let key = VerifyingKey::from_bytes(&one.key).ok();
            let signature = ed25519_dalek::Signature::from_bytes(&one.bytes);
            Signed {
                key: abbreviated(&one.key),
                // Strict: of two spellings of one signature, one is refused.
                valid: key.is_some_and(|key| key.verify_strict(&message, &signature).is_ok()),
                trusted: key.is_some_and(|key| self.keys.contains(&PublicKey(key))),
            }
        });
        Ok(checked.collect())
    }

    /// Refuses a model file that must not be put in force: a signature that does not hold is refused always,
    /// a model without a trusted one where that is required.
    pub fn check(&self, content: &[u8]) -> Result<(), String> {
        let signatures = self.signatures(content)?;
        if let Some(wrong) = signatures.iter().find(|one| !one.valid) {
            let key = &wrong.key;
            return Err(format!(
                "the model's signature by key {key} does not hold: the model was changed after it was signed, \
                 or the signature was"
            ));
        }
        // The model that ships is trusted, whoever signed it besides.
        let model = signature::split(content).map_or(content, |(model, _)| model);
        let built_in = self.built_in == Some(ContentHash::of(model));
        if !self.required || built_in || signatures.iter().any(|one| one.trusted) {
            return Ok(());
        }
        if signatures.is_empty() {
            return Err(
                "the model is not signed, and models must be: `sentinel models sign --key FILE MODEL` signs one"
                    .to_owned(),
            );
        }
        let keys: Vec<&str> = signatures.iter().map(|one| one.key.as_str()).collect();
        Err(format!(
            "the model is signed by {}, which none of the trusted keys is",
            keys.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(key: &SecretKey, model: &[u8]) -> Vec<u8> {
        let line = key.sign(ContentHash::of(model)).line();
        [model, line.as_bytes()].concat()
    }

    const MODEL: &[u8] = b"sentinel-model 2\nhash 00\n";

    #[test]
    fn key_files_read_back() {
        let key = SecretKey::of([9; 32]);
        assert_eq!(
            SecretKey::parse(&key.to_text()).unwrap().public(),
            key.public()
        );
        assert_eq!(
            PublicKey::parse(&key.public().to_text()).unwrap(),
            key.public()
        );
        // The one is never taken for the other.
        assert!(SecretKey::parse(&key.public().to_text()).is_err());
        assert!(PublicKey::parse(&key.to_text()).is_err());
        assert!(PublicKey::parse("sentinel-public-key ed25519 00\n").is_err());
    }

    #[test]
    fn only_models_signed_by_a_trusted_key_pass_where_that_is_required() {
        let (trusted, stranger) = (SecretKey::of([1; 32]), SecretKey::of([2; 32]));
        let mut trust = ModelTrust {
            keys: vec![trusted.public()],
            required: true,
            built_in: None,
        };
        trust.check(&signed(&trusted, MODEL)).unwrap();
        let both = [
            &signed(&trusted, MODEL),
            stranger.sign(ContentHash::of(MODEL)).line().as_bytes(),
        ]
        .concat();
        trust.check(&both).unwrap();
        let refused = trust.check(&signed(&stranger, MODEL)).unwrap_err();
        assert!(
            refused.contains(&stranger.public().abbreviated()),
            "{refused}"
        );
        let refused = trust.check(MODEL).unwrap_err();
        assert!(refused.contains("not signed"), "{refused}");
        trust.built_in = Some(ContentHash::of(MODEL));
        trust.check(MODEL).unwrap();
        // Whoever signs the model that ships takes no trust away.
        trust.check(&signed(&stranger, MODEL)).unwrap();
        trust.required = false;
        trust.check(b"any\n").unwrap();
    }

    #[test]
    fn a_signature_that_does_not_hold_is_refused_even_where_none_is_required() {
        let key = SecretKey::of([1; 32]);
        let good = signed(&key, MODEL);
        let trust = ModelTrust::default();
        trust.check(&good).unwrap();
        let changed = String::from_utf8(good.clone())
            .unwrap()
            .replace("hash 00", "hash 01");
        assert!(
            trust
                .check(changed.as_bytes())
                .unwrap_err()
                .contains("does not hold")
        );
        let mut flipped = good;
        let last = flipped.len() - 2;
        flipped[last] = if flipped[last] == b'0' { b'1' } else { b'0' };
        assert!(trust.check(&flipped).unwrap_err().contains("does not hold"));
    }
}
