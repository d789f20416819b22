//! Damaged proofs and bytes that are none.

use super::*;
use crate::commit::PointError;

/// The 7 points and the 7 scalars by their places in the bytes.
fn places() -> impl Iterator<Item = (usize, usize)> {
    let point = |start| (start, 64);
    let scalar = |start| (start, 32);
    (0..5)
        .map(move |i| point(64 * i))
        .chain((0..7).map(move |i| scalar(320 + 32 * i)))
        .chain((0..2).map(move |i| point(544 + 64 * i)))
}

/// What a changed byte is refused by: all before w enters the equation at zeta, itself or by a challenge.
fn refusal(byte: usize) -> Result<(), OpeningError> {
    Err(if byte < 544 { OpeningError::InnerProducts } else { OpeningError::Rejected })
}

#[test]
fn each_changed_element_is_rejected() {
    let case = Case::new(6, 11);
    let other = Case::new(6, 12).open().to_bytes();
    let bytes = case.open().to_bytes();
    for (start, len) in places() {
        // The element of another good proof.
        let mut changed = bytes;
        changed[start..start + len].copy_from_slice(&other[start..start + len]);
        let proof = OpeningProof::from_bytes(&changed).unwrap();
        assert_eq!(case.verify(&proof), refusal(start), "byte {start}");
        // The negated point, or no scalar: what a relation with a sign or a factor might let through.
        let mut changed = bytes;
        if len == 64 {
            let point = g1_from_bytes(bytes[start..start + 64].try_into().unwrap(), Encoding::Nonzero);
            changed[start..start + 64].copy_from_slice(&g1_to_bytes(&-point.unwrap()));
        } else {
            changed[start..start + 32].fill(0);
        }
        let proof = OpeningProof::from_bytes(&changed).unwrap();
        assert_eq!(case.verify(&proof), refusal(start), "byte {start}");
    }
}

#[test]
fn swapped_elements_are_rejected() {
    let case = Case::new(6, 13);
    let bytes = case.open().to_bytes();
    let all: Vec<_> = places().collect();
    for (i, &(a, len_a)) in all.iter().enumerate() {
        for &(b, len_b) in all[i + 1..].iter().filter(|(_, len)| *len == len_a) {
            let mut swapped = bytes;
            swapped[a..a + len_a].copy_from_slice(&bytes[b..b + len_b]);
            swapped[b..b + len_b].copy_from_slice(&bytes[a..a + len_a]);
            let proof = OpeningProof::from_bytes(&swapped).unwrap();
            assert_eq!(case.verify(&proof), refusal(a), "{a} and {b}");
        }
    }
}

#[test]
fn bytes_that_are_no_proof_are_refused() {
    let case = Case::new(4, 14);
    let bytes = case.open().to_bytes();
    for got in [0, 31, 671, 673, 704, 1344] {
        let mut resized = bytes.to_vec();
        resized.resize(got, 0);
        assert_eq!(OpeningProof::from_bytes(&resized), Err(OpeningError::Length { expected: 672, got }));
    }
    let mut names = Vec::new();
    for (start, len) in places() {
        let element = |bytes: &[u8]| match OpeningProof::from_bytes(bytes) {
            Err(OpeningError::Point { element, error }) => (element, Some(error)),
            Err(OpeningError::Scalar { element, .. }) => (element, None),
            other => panic!("{other:?}"),
        };
        if len == 32 {
            // value + r, where it fits into 32 bytes: the same field element, spelled in another way.
            let mut word: [u8; 32] = bytes[start..start + 32].try_into().unwrap();
            add_modulus(&mut word, &modulus_of_scalars());
            let mut changed = bytes;
            changed[start..start + 32].copy_from_slice(&word);
            assert_eq!(
                OpeningProof::from_bytes(&changed),
                Err(OpeningError::Scalar { element: element(&changed).0, got: word })
            );
            names.push(element(&changed).0);
            continue;
        }
        let mut changed = bytes;
        changed[start..start + 64].fill(0);
        assert_eq!(element(&changed).1, Some(PointError::Identity));
        names.push(element(&changed).0);
        for half in [start, start + 32] {
            let mut changed = bytes;
            let mut word: [u8; 32] = bytes[half..half + 32].try_into().unwrap();
            add_modulus(&mut word, &modulus_of_coordinates());
            changed[half..half + 32].copy_from_slice(&word);
            assert_eq!(element(&changed).1, Some(PointError::NotCanonical { got: word }));
            changed = bytes;
            changed[half..half + 32].fill(0);
            assert_eq!(element(&changed).1, Some(PointError::NotOnCurve));
        }
    }
    assert_eq!(
        names,
        ["[p]", "[q]", "[g]", "[s]", "[d]", "g_0", "g_1", "p_0", "p_1", "p_2", "s_0", "s_1", "[w]", "[w']"]
    );
}

#[test]
fn no_bytes_make_the_verifier_panic() {
    let case = Case::new(4, 15);
    let bytes = case.open().to_bytes();
    let mut stream = Stream::new(16);
    for _ in 0..200 {
        let mut changed = bytes;
        for _ in 0..=stream.number() % 3 {
            changed[(stream.number() % 672) as usize] ^= 1 << (stream.number() % 8);
        }
        let Some(first) = (0..672).find(|byte| changed[*byte] != bytes[*byte]) else { continue };
        if let Ok(proof) = OpeningProof::from_bytes(&changed) {
            assert_eq!(case.verify(&proof), refusal(first));
        }
    }
}

fn modulus_of_scalars() -> [u8; 32] {
    let mut word = to_word(&-Fr::one());
    word[31] += 1; // r is odd
    word
}

fn modulus_of_coordinates() -> [u8; 32] {
    let mut word = crate::commit::coordinate_to_word(&-ark_bn254::Fq::one());
    word[31] += 1;
    word
}

fn add_modulus(word: &mut [u8; 32], modulus: &[u8; 32]) {
    let mut carry = 0;
    for (byte, other) in word.iter_mut().zip(modulus).rev() {
        let sum = u16::from(*byte) + u16::from(*other) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0);
}
