//! Keys and committed inputs as bytes, over KZG. Numbers are big-endian; each thing has one encoding, and no byte is left
//! over.
//!
//! ```text
//! verifying key     "PLVK" version:u16  [tau]_1:64 [tau]_2:128  descriptor length:u32, descriptor
//!                   each weight chunk's commitment: 64, as many as the descriptor says
//!                   the registration proof of hidden weights: as many as the descriptor says
//! proving key       "PLPK" version:u16  verifying key length:u32, verifying key
//!                   each salt of the descriptor: 32
//!                   each linear layer's weights, map by map, then its biases: the fewest whole bytes that hold all
//!                   integers in [-2^bits, 2^bits), two's complement; the descriptor says how many, and `bits`
//!                   keccak256 of all of this: 32
//! committed input   "PLCI" version:u16  circuit id:32  C_in:64  each input salt of the descriptor: 32
//!                   each input value: 8, two's complement
//!                   keccak256 of all of this: 32
//! ```
//!
//! A key that was read is a sound layout over points of one secret, with hidden weights in their ranges, whoever wrote it:
//! every length follows from the descriptor and is checked before anything is read or allocated, and points, scalars and
//! weights are checked one by one. What is **not** checked: that the commitments are those of the weights. They are not
//! computed again, since that takes as long as setup, so a proving key that somebody forged makes proofs that no verifier
//! accepts, and nothing worse. The digest is against damage, not against forgery. Proving keys and committed inputs hold
//! secrets.

use super::{ChunkCount, CommittedInput, ProvingKey, VerifyingKey};
use crate::checker::LayoutError;
use crate::commit::Commitment;
use crate::descriptor::{Descriptor, DescriptorError, Map, Visibility, volume};
use crate::field::{Fr, NotCanonical, Word, from_word, to_integer, to_word};
use crate::gather::{indices, row};
use crate::kzg::Kzg;
use crate::layout::Layout;
use crate::masks;
use crate::scheme::{InvalidCommitment, Scheme};
use crate::srs::{G1_BYTES, G2_BYTES, SrsError, SrsVerifier};
use crate::transcript::keccak;
use crate::verify::{VerifyError, proof_words};
use crate::witness::{LayerWeights, WitnessError, weight_chunks};
use std::fmt;

const VERSION: u16 = 1;
const VERIFYING: [u8; 4] = *b"PLVK";
const PROVING: [u8; 4] = *b"PLPK";
const COMMITTED: [u8; 4] = *b"PLCI";

/// Bytes that are no key, or no committed input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The bytes begin otherwise than this kind of thing.
    Kind {
        /// How it begins.
        expected: [u8; 4],
        /// What was given.
        got: [u8; 4],
    },
    /// A version that nobody here knows.
    Version {
        /// The one that is read here.
        expected: u16,
        /// What was given.
        got: u16,
    },
    /// A part has another length.
    Length {
        /// Which part.
        part: &'static str,
        /// The bytes that it needs.
        expected: u64,
        /// The bytes that there are.
        got: u64,
    },
    /// The points are no parameters.
    Srs(SrsError),
    /// The descriptor is none.
    Descriptor(DescriptorError),
    /// The descriptor's layout is not sound.
    Layout(LayoutError),
    /// A point is no commitment.
    Commitment(InvalidCommitment),
    /// Nothing shows that the hidden weights are in their ranges.
    Registration(VerifyError),
    /// A salt is no field element.
    Salt {
        /// Its position.
        position: usize,
        /// What it is.
        got: NotCanonical,
    },
    /// The weights or inputs do not fit the descriptor.
    Values(WitnessError),
    /// The digest is another one: the bytes are damaged.
    Damaged,
    /// A committed input of another circuit.
    Circuit {
        /// The circuit's id.
        expected: Word,
        /// What was given.
        got: Word,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Kind { expected, got } => {
                write!(f, "begins with {}, not with {}", got.escape_ascii(), expected.escape_ascii())
            }
            KeyError::Version { expected, got } => write!(f, "version {got}; only version {expected} is known here"),
            KeyError::Length { part, expected, got } => write!(f, "{part}: expected {expected} bytes, got {got}"),
            KeyError::Srs(e) => write!(f, "parameters: {e}"),
            KeyError::Descriptor(e) => e.fmt(f),
            KeyError::Layout(e) => e.fmt(f),
            KeyError::Commitment(e) => write!(f, "commitment of weights or input: {e}"),
            KeyError::Registration(e) => write!(f, "registration of the weights: {e}"),
            KeyError::Salt { position, got } => write!(f, "salt {position}: {got}"),
            KeyError::Values(e) => e.fmt(f),
            KeyError::Damaged => write!(f, "damaged: the digest at the end is another one"),
            KeyError::Circuit { expected, got } => {
                write!(f, "made for circuit 0x")?;
                got.iter().try_for_each(|b| write!(f, "{b:02x}"))?;
                write!(f, ", not for 0x")?;
                expected.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }
    }
}

impl std::error::Error for KeyError {}

impl From<ChunkCount> for KeyError {
    fn from(e: ChunkCount) -> Self {
        let bytes = |n: usize| n as u64 * G1_BYTES as u64;
        KeyError::Length { part: "commitments", expected: bytes(e.expected), got: bytes(e.got) }
    }
}

/// Reads parts off the front.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn new(bytes: &'a [u8], kind: [u8; 4]) -> Result<Self, KeyError> {
        let mut parts = Parts(bytes);
        let got = *parts.array("kind")?;
        if got != kind {
            return Err(KeyError::Kind { expected: kind, got }); // A9
        }
        match u16::from_be_bytes(*parts.array("version")?) {
            VERSION => Ok(parts),
            got => Err(KeyError::Version { expected: VERSION, got }), // Protocol
        }
    }

    /// Like [`Parts::new`], for bytes that end with the digest of all before.
    fn sealed(bytes: &'a [u8], kind: [u8; 4]) -> Result<Self, KeyError> {
        // a strange kind or version is the better news
        Parts::new(bytes, kind)?; // Usage
        match bytes.split_last_chunk::<32>() {
            Some((body, digest)) if keccak(&[body]) == *digest => Parts::new(body, kind),
            _ => Err(KeyError::Damaged), // Protocol
        }
    }

    fn array<const N: usize>(&mut self, part: &'static str) -> Result<&'a [u8; N], KeyError> {
        let short = KeyError::Length { part, expected: N as u64, got: self.0.len() as u64 };
        let (found, rest) = self.0.split_first_chunk::<N>().ok_or(short)?; // Protocol
        self.0 = rest;
        Ok(found)
    }

    fn bytes(&mut self, part: &'static str, n: u64) -> Result<&'a [u8], KeyError> {
        let short = KeyError::Length { part, expected: n, got: self.0.len() as u64 };
        let n = usize::try_from(n).ok().filter(|n| *n <= self.0.len()).ok_or(short)?; // Protocol
        let (found, rest) = self.0.split_at(n);
        self.0 = rest;
        Ok(found)
    }

    fn prefixed(&mut self, part: &'static str) -> Result<&'a [u8], KeyError> {
        let n = u32::from_be_bytes(*self.array(part)?);
        self.bytes(part, n.into())
    }

    fn salts(&mut self, n: usize) -> Result<Vec<Fr>, KeyError> {
        let bytes = self.bytes("salts", n as u64 * 32)?;
        let salt = |(position, word)| from_word(word).map_err(|got| KeyError::Salt { position, got });
        bytes.as_chunks::<32>().0.iter().enumerate().map(salt).collect()
    }

    /// `n` integers of `width` bytes, 1 to 8.
    fn integers(&mut self, part: &'static str, n: u64, width: usize) -> Result<Vec<i64>, KeyError> {
        let bytes = self.bytes(part, n.saturating_mul(width as u64))?;
        let integer = |bytes: &[u8]| {
            let negative = bytes.first().is_some_and(|b| *b >= 0x80);
            bytes.iter().fold(if negative { -1i64 } else { 0 }, |v, b| v << 8 | i64::from(*b))
        };
        Ok(bytes.chunks_exact(width).map(integer).collect())
    }

    fn end(self) -> Result<(), KeyError> {
        match self.0.len() {
            0 => Ok(()),
            got => Err(KeyError::Length { part: "after the end", expected: 0, got: got as u64 }), // Protocol
        }
    }
}

fn head(kind: [u8; 4]) -> Vec<u8> {
    [&kind[..], &VERSION.to_be_bytes()].concat()
}

fn prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    // descriptors have at most 2^16 records of less than 2^11 bytes, and keys as many points
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend(bytes);
}

fn integers(out: &mut Vec<u8>, values: &[i64], width: usize) {
    values.iter().for_each(|v| out.extend(&v.to_be_bytes()[8 - width..]));
}

fn seal(mut out: Vec<u8>) -> Vec<u8> {
    let digest = keccak(&[&out]);
    out.extend(digest);
    out
}

/// The fewest bytes that hold all integers in `[-2^bits, 2^bits)`, at most 8.
fn width(bits: u8) -> usize {
    (usize::from(bits) + 1).div_ceil(8).min(8)
}

impl VerifyingKey<Kzg> {
    /// The bytes that [`VerifyingKey::from_bytes`] reads. `scheme` is that of the key.
    pub fn to_bytes(&self, scheme: &Kzg) -> Vec<u8> {
        let mut out = head(VERIFYING);
        let (tau_g1, tau_g2) = scheme.srs().to_bytes();
        out.extend(tau_g1);
        out.extend(tau_g2);
        prefixed(&mut out, &self.layout.descriptor().to_bytes());
        self.weights.iter().for_each(|commitment| out.extend(commitment.to_bytes()));
        out.extend(&self.registration);
        out
    }

    /// Reads a verifying key and the parameters that it is over. Whether those are a ceremony's, only
    /// [`Scheme::id`] says.
    ///
    /// # Errors
    ///
    /// `Kind`, `Version`, `Length`, `Srs`, `Descriptor`, `Layout`, `Commitment`, `Registration`.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Kzg, Self), KeyError> {
        let mut parts = Parts::new(bytes, VERIFYING)?;
        let tau_g1 = parts.array::<G1_BYTES>("[tau]_1")?;
        let tau_g2 = parts.array::<G2_BYTES>("[tau]_2")?;
        let descriptor = parts.prefixed("descriptor")?;
        let descriptor = Descriptor::from_bytes(descriptor).map_err(KeyError::Descriptor)?;
        let layout = Layout::new(descriptor).map_err(KeyError::Layout)?;
        let points = parts.bytes("commitments", layout.chunks() as u64 * G1_BYTES as u64)?;
        let hidden = layout.descriptor().weight_visibility != Visibility::Public;
        let words = if hidden { proof_words::<Kzg>(&layout.registration()) } else { 0 };
        let registration = parts.bytes("registration", words as u64 * 32)?;
        parts.end()?; // Protocol
        let scheme = Kzg::new(SrsVerifier::from_bytes(tau_g1, tau_g2).map_err(KeyError::Srs)?);
        let parse = |point: &[u8; G1_BYTES]| parse(&scheme, point);
        let weights = points.as_chunks().0.iter().map(parse).collect::<Result<_, _>>()?;
        let mut key = VerifyingKey::new(&scheme, layout, weights)?;
        if hidden {
            key = key.registered(&scheme, registration).map_err(KeyError::Registration)?;
        }
        Ok((scheme, key))
    }
}

fn parse(scheme: &Kzg, point: &[u8; G1_BYTES]) -> Result<Commitment, KeyError> {
    scheme.parse(point.as_chunks().0).map_err(KeyError::Commitment)
}

impl ProvingKey<Kzg> {
    /// The bytes that [`ProvingKey::from_bytes`] reads; they hold hidden weights and their salts. `scheme` is that of the
    /// key.
    pub fn to_bytes(&self, scheme: &Kzg) -> Vec<u8> {
        let layout = &self.verifying.layout;
        let mut out = head(PROVING);
        prefixed(&mut out, &self.verifying.to_bytes(scheme));
        for salt in &layout.descriptor().salts {
            let (chunk, row) = (*salt as usize / layout.rows(), *salt as usize % layout.rows());
            out.extend(to_word(&self.chunks[chunk][row]));
        }
        for (l, given) in layout.linear_layers().zip(&self.model) {
            for (map, weights) in l.maps.iter().zip(&given.maps) {
                integers(&mut out, weights, width(map.weight_bits));
            }
            integers(&mut out, &given.biases, width(l.bias_bits));
        }
        seal(out)
    }

    /// Reads a proving key, and the scheme that verifies its proofs. The commitments are not computed again.
    ///
    /// Needs memory for all weight chunks, `2^c` field elements each: a proving key is the prover's own, do not read a
    /// stranger's.
    ///
    /// # Errors
    ///
    /// Every variant of [`KeyError`] but `Circuit`.
    pub fn from_bytes(bytes: &[u8]) -> Result<(Kzg, Self), KeyError> {
        let mut parts = Parts::sealed(bytes, PROVING)?;
        let (scheme, verifying) = VerifyingKey::from_bytes(parts.prefixed("verifying key")?)?;
        let layout = &verifying.layout;
        let salts = parts.salts(layout.descriptor().salts.len())?;
        let mut model = Vec::new();
        for l in layout.linear_layers() {
            let mut weights =
                |map: &Map| parts.integers("weights", volume(&map.weight_dims(l.out())), width(map.weight_bits));
            let maps = l.maps.iter().map(&mut weights).collect::<Result<_, _>>()?;
            let biases = parts.integers("biases", l.out().into(), width(l.bias_bits))?;
            model.push(LayerWeights { maps, biases });
        }
        parts.end()?; // Protocol
        let mut chunks = weight_chunks(layout, &model).map_err(KeyError::Values)?;
        masks::place_salts(layout, &mut chunks, salts);
        Ok((scheme, ProvingKey { verifying, model, chunks }))
    }
}

impl CommittedInput<Kzg> {
    /// The bytes that [`CommittedInput::from_bytes`] reads; they open the commitment. `key` is the one that it was made
    /// with.
    pub fn to_bytes(&self, key: &VerifyingKey<Kzg>) -> Vec<u8> {
        let layout = &key.layout;
        let mut out = head(COMMITTED);
        out.extend(key.circuit_id);
        out.extend(self.commitment.to_bytes());
        let cell = |row: usize| self.column.get(row).copied().unwrap_or_default();
        for row in &layout.descriptor().input_salts {
            out.extend(to_word(&cell(*row as usize)));
        }
        if let Some(block) = layout.input_block() {
            let [low, high] = layout.descriptor().input_domain;
            let value = |index| to_integer(&cell(row(block, index)), low, high).unwrap_or_default();
            let values: Vec<i64> = indices(block.dims).map(value).collect();
            integers(&mut out, &values, 8);
        }
        seal(out)
    }

    /// Reads a committed input of a circuit. The commitment is not computed again.
    ///
    /// # Errors
    ///
    /// `Kind`, `Version`, `Length`, `Commitment`, `Salt`, `Values`, `Damaged`, `Circuit`.
    pub fn from_bytes(scheme: &Kzg, key: &VerifyingKey<Kzg>, bytes: &[u8]) -> Result<Self, KeyError> {
        let layout = &key.layout;
        let mut parts = Parts::sealed(bytes, COMMITTED)?;
        let got = *parts.array::<32>("circuit id")?;
        if got != key.circuit_id {
            return Err(KeyError::Circuit { expected: key.circuit_id, got }); // A13
        }
        let commitment = parse(scheme, parts.array("C_in")?)?;
        let salts = parts.salts(layout.descriptor().input_salts.len())?;
        let values = parts.integers("values", layout.inputs() as u64, 8)?;
        parts.end()?; // Protocol
        let domain = layout.descriptor().input_domain;
        if let Some(position) = values.iter().position(|v| !(domain[0]..=domain[1]).contains(v)) {
            let error = WitnessError::InputOutOfDomain { position, domain, got: values[position] };
            return Err(KeyError::Values(error)); // Protocol
        }
        Ok(CommittedInput { column: masks::input_column_of(layout, &values, salts), commitment })
    }
}
