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
/// order, under Nova's labels. With it both provers answer the same challenges.
pub struct AsNova(pub NovaTranscript);

impl AsNova {
    /// A fresh one.
    pub fn new(label: &'static [u8]) -> Self {
        AsNova(NovaTranscript::new(label))
    }

    fn points(&mut self, labels: &[&'static [u8]], words: &[Word]) {
        assert_eq!(words.len(), 2 * labels.len());
        for (label, words) in labels.iter().zip(words.chunks(2)) {
            self.0.absorb(label, &[commitment_of(words)].as_slice());
        }
    }

    fn scalars(&mut self, label: &'static [u8], words: &[Word]) {
        let values: Vec<_> = words.iter().map(|word| scalar(&from_word(word).expect("a scalar"))).collect();
        self.0.absorb(label, &values.as_slice());
    }
}

impl FiatShamir for AsNova {
    fn absorb(&mut self, label: &'static str, words: &[Word]) {
        match label {
            "opening claim" => {
                let (value, point) = words[2..].split_last().expect("a value");
                self.points(&[labels::LABEL_F], &words[..2]);
                self.scalars(labels::LABEL_U, point);
                self.scalars(labels::LABEL_E, &[*value]);
            }
            "opening p" => self.points(&[labels::LABEL_H], words),
            "opening q g" => self.points(&[labels::LABEL_Q, labels::LABEL_G], words),
            "opening s d" => self.points(&[labels::LABEL_S, labels::LABEL_D], words),
            "opening evaluations" => {
                let names = [
                    labels::LABEL_GZ,
                    labels::LABEL_GZI,
                    labels::LABEL_HZ,
                    labels::LABEL_HZI,
                    labels::LABEL_SZ,
                    labels::LABEL_SZI,
                ];
                assert_eq!(words.len(), names.len());
                for (name, word) in names.into_iter().zip(words) {
                    self.scalars(name, &[*word]);
                }
            }
            "opening t" => self.points(&[labels::LABEL_QUOT_F], words),
            "opening w" => self.points(&[labels::LABEL_W], words),
            "opening w'" => self.points(&[labels::LABEL_W_PRIME], words),
            other => panic!("Nova absorbs nothing like {other:?}"),
        }
    }

    fn challenge(&mut self, label: &'static str) -> Fr {
        let label = match label {
            "opening alpha" => labels::LABEL_ALPHA,
            "opening gamma" => labels::LABEL_GAMMA,
            "opening zeta" => labels::LABEL_ZETA,
            "opening beta" => labels::LABEL_BETA,
            "opening xi" => labels::LABEL_Z,
            "opening delta" => labels::LABEL_PAIRING_D,
            other => panic!("Nova draws nothing like {other:?}"),
        };
        ours(&self.0.squeeze(label).expect("a challenge"))
    }
}
