//! What a verifier is given, and what it says.

use super::cases::{Bench, Case};
use crate::field::Word;
use crate::keys::{KeyError, VerifyingKey};
use crate::kzg::{Kzg, KzgCommitter};
use crate::scheme::{Committer, Scheme};
use crate::statement::Statement;
use crate::transcript::{Script, Transcript};
use crate::verify::{DOMAIN, VerifyError, accept, replay, verify};
use std::sync::Arc;

/// Something that is to be refused.
pub(super) trait Attempt {
    /// What the verifier says; an error is named by its kind.
    fn judge(&self) -> Result<(), String>;

    /// It as a contract reads it: nothing where the commitments are ideal, the transcript is scripted, or the key is no bytes.
    fn written(&self) -> Option<Written<'_>> {
        None
    }
}

/// A proof, public inputs and a context; a key, if it is another one than the case's.
pub(super) struct Written<'a> {
    pub(super) key: Option<&'a [u8]>,
    pub(super) proof: &'a [u8],
    pub(super) public: &'a [Word],
    pub(super) ctx: &'a Word,
}

/// The kind of an error: its names, without numbers.
fn kind(error: &impl std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    let (head, rest) = text.split_once('{').unwrap_or((&text, ""));
    let mut kind = head.replace('(', " ").replace(')', "").trim().replace(' ', "/");
    // what was read, or why
    if let Some(quoted) = rest.split('"').nth(1) {
        kind.push_str(&format!(": {}", quoted.split(" 0x").next().unwrap_or(quoted)));
    }
    kind.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// A proof for a key that has been read.
pub(super) struct Proof<P: Committer> {
    pub(super) bench: Arc<Bench<P>>,
    /// Another key than the bench's.
    pub(super) key: Option<VerifyingKey<P::Scheme>>,
    pub(super) proof: Vec<u8>,
    pub(super) public: Vec<Word>,
    pub(super) ctx: Word,
    pub(super) script: Script,
}

impl<P: Committer> Proof<P> {
    pub(super) fn of(bench: &Arc<Bench<P>>, proof: Vec<u8>, public: Vec<Word>) -> Self {
        Proof { bench: bench.clone(), key: None, proof, public, ctx: bench.ctx, script: Script::Honest }
    }
}

impl Proof<KzgCommitter> {
    /// The honest proof of a case.
    pub(super) fn honest(case: &Case) -> Self {
        Proof::of(&case.real, case.proofs[0].clone(), case.public.clone())
    }
}

impl<P: Committer> Attempt for Proof<P> {
    fn judge(&self) -> Result<(), String> {
        let scheme = self.bench.committer.scheme();
        let key = self.key.as_ref().unwrap_or(self.bench.verifying());
        let said = match &self.script {
            Script::Honest => verify(scheme, key, &self.proof, &self.public, &self.ctx),
            script => {
                let mut transcript = Transcript::new(DOMAIN);
                transcript.script = script.clone();
                Statement::from_words(scheme, key, &self.public, &self.ctx)
                    .map_err(VerifyError::Statement)
                    .and_then(|statement| replay(scheme, key, &self.proof, &statement, transcript))
                    .and_then(|end| accept(scheme, end))
            }
        };
        said.map_err(|error| kind(&error))
    }

    fn written(&self) -> Option<Written<'_>> {
        let real = P::Scheme::COMMITMENT_WORDS == 2 && matches!(self.script, Script::Honest) && self.key.is_none();
        real.then_some(Written { key: None, proof: &self.proof, public: &self.public, ctx: &self.ctx })
    }
}

/// A proof for a key that is still bytes.
pub(super) struct WithKey {
    pub(super) key: Vec<u8>,
    pub(super) proof: Vec<u8>,
    pub(super) public: Vec<Word>,
    pub(super) ctx: Word,
}

impl WithKey {
    pub(super) fn honest(case: &Case) -> Self {
        let (proof, public) = (case.proofs[0].clone(), case.public.clone());
        WithKey { key: case.key_bytes.clone(), proof, public, ctx: case.real.ctx }
    }
}

impl Attempt for WithKey {
    fn judge(&self) -> Result<(), String> {
        let read: Result<(Kzg, VerifyingKey<Kzg>), KeyError> = VerifyingKey::from_bytes(&self.key);
        let (scheme, key) = read.map_err(|error| format!("key/{}", kind(&error)))?;
        verify(&scheme, &key, &self.proof, &self.public, &self.ctx).map_err(|error| kind(&error))
    }

    fn written(&self) -> Option<Written<'_>> {
        Some(Written { key: Some(&self.key), proof: &self.proof, public: &self.public, ctx: &self.ctx })
    }
}
