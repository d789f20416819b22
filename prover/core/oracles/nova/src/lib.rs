//! Numbers of ours as Nova has them, and an opening of ours that draws its challenges as Nova does.
#![forbid(unsafe_code)]

use ark_bn254::{Fr, G1Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, PrimeField};
use halo2curves::CurveAffine;
use halo2curves::bn256;
use halo2curves::ff::PrimeField as _;
use nova_snark::provider::Bn256EngineKZG;
use nova_snark::provider::hyperkzg;
use nova_snark::provider::keccak::Keccak256Transcript;
use nova_snark::provider::mercury::transcript_labels as labels;
use nova_snark::traits::TranscriptEngineTrait;
use plumb::commit::{Encoding, g1_from_bytes};
use plumb::field::{Word, from_word};
use plumb::opening::FiatShamir;

/// Nova's curve and commitments.
pub type E = Bn256EngineKZG;
/// Nova's commitment.
pub type Commitment = hyperkzg::Commitment<E>;
/// Nova's transcript.
pub type NovaTranscript = Keccak256Transcript<E>;

fn bytes(value: impl PrimeField) -> [u8; 32] {
    let bytes = value.into_bigint().to_bytes_le();
    bytes.try_into().expect("32 bytes")
}

/// A scalar.
pub fn scalar(value: &Fr) -> bn256::Fr {
    bn256::Fr::from_repr(bytes(*value).into()).expect("below the modulus")
}

/// Scalars.
pub fn scalars(values: &[Fr]) -> Vec<bn256::Fr> {
    values.iter().map(scalar).collect()
}

/// A scalar of Nova's as ours.
pub fn ours(value: &bn256::Fr) -> Fr {
    Fr::from_le_bytes_mod_order(value.to_repr().as_ref())
}

/// A point.
pub fn point(point: &G1Affine) -> bn256::G1Affine {
    let coordinate = |value| bn256::Fq::from_repr(bytes(value).into()).expect("below the modulus");
    match point.xy() {
        Some((x, y)) => bn256::G1Affine::from_xy(coordinate(x), coordinate(y)).expect("on the curve"),
        None => bn256::G1Affine::default(),
    }
}

/// A commitment.
pub fn commitment(point_of_ours: &G1Affine) -> Commitment {
    Commitment::new(point(point_of_ours).into())
}

/// A point that is the two words at the start of these.
fn commitment_of(words: &[Word]) -> Commitment {
    let bytes = words[..2].as_flattened().try_into().expect("64 bytes");
    commitment(&g1_from_bytes(bytes, Encoding::Any).expect("a point"))
}

/// What our opening absorbs and draws, absorbed and drawn as Nova's Mercury does: by the same messages in the same
/// order, under Nova's labels. With it both provers answer the same challenges, up to zeta. What comes then is not
/// Nova's, and has our labels.
pub struct AsNova {
    transcript: NovaTranscript,
    /// Those that were drawn.
    pub challenges: Vec<Fr>,
}

impl AsNova {
    /// A fresh one, which has heard a claim: ours is determined by what comes before an opening, Nova's is absorbed.
    pub fn new(label: &'static [u8], column: &G1Affine, at: &[Fr], value: Fr) -> Self {
        let mut transcript = NovaTranscript::new(label);
        transcript.absorb(labels::LABEL_F, &[commitment(column)].as_slice());
        transcript.absorb(labels::LABEL_U, &scalars(at).as_slice());
        transcript.absorb(labels::LABEL_E, &[scalar(&value)].as_slice());
        AsNova { transcript, challenges: vec![] }
    }

    fn points(&mut self, labels: &[&'static [u8]], words: &[Word]) {
        assert_eq!(words.len(), 2 * labels.len());
        for (label, words) in labels.iter().zip(words.chunks(2)) {
            self.transcript.absorb(label, &[commitment_of(words)].as_slice());
        }
    }

    fn scalars(&mut self, label: &'static [u8], words: &[Word]) {
        let values: Vec<_> = words.iter().map(|word| scalar(&from_word(word).expect("a scalar"))).collect();
        self.transcript.absorb(label, &values.as_slice());
    }
}

impl FiatShamir for AsNova {
    fn absorb(&mut self, label: &'static str, words: &[Word]) {
        match label {
            "opening p" => self.points(&[labels::LABEL_H], words),
            "opening q g" => self.points(&[labels::LABEL_Q, labels::LABEL_G], words),
            "opening s d" => self.points(&[labels::LABEL_S, labels::LABEL_D], words),
            "opening interpolants" => self.scalars(label.as_bytes(), words),
            "opening w" | "opening w'" => self.points(&[label.as_bytes()], words),
            other => panic!("Nova absorbs nothing like {other:?}"),
        }
    }

    fn challenge(&mut self, label: &'static str) -> Fr {
        let label = match label {
            "opening alpha" => labels::LABEL_ALPHA,
            "opening gamma" => labels::LABEL_GAMMA,
            "opening zeta" => labels::LABEL_ZETA,
            "opening beta" | "opening xi" => label.as_bytes(),
            other => panic!("Nova draws nothing like {other:?}"),
        };
        let challenge = ours(&self.transcript.squeeze(label).expect("a challenge"));
        self.challenges.push(challenge);
        challenge
    }
}
