use super::*;
use crate::testing::{Stream, srs};
use ark_ff::{AdditiveGroup, Field};

const LOG_SIZE: u32 = 4;

fn bytes() -> (Vec<u8>, Vec<u8>) {
    srs(LOG_SIZE).to_bytes()
}

fn read(g1: &[u8], g2: &[u8]) -> Result<Srs, SrsError> {
    Srs::from_bytes(LOG_SIZE, g1, g2)
}

#[test]
fn parameters_survive_a_round_trip() {
    for log_size in [1, 2, 5] {
        let made = srs(log_size);
        let (g1, g2) = made.to_bytes();
        assert_eq!(g1.len(), 64 << log_size);
        assert_eq!(g2.len(), 256);
        assert_eq!(Srs::from_bytes(log_size, &g1, &g2), Ok(made));
    }
}

#[test]
fn the_generators_are_those_of_the_standards() {
    let (g1, g2) = bytes();
    let mut expected = [0; 64];
    (expected[31], expected[63]) = (1, 2);
    assert_eq!(g1[..64], expected);
    // EIP-197: the imaginary part of x first.
    let hex: String = g2[..128].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2\
         1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed\
         090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b\
         12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
    );
}

#[test]
fn the_name_does_not_depend_on_the_size() {
    assert_eq!(srs(2).id(), srs(3).id());
    let (g1, g2) = bytes();
    let expected: [u8; 32] = Keccak256::new().chain_update(&g1[64..128]).chain_update(&g2[128..]).finalize().into();
    assert_eq!(srs(LOG_SIZE).id(), expected);
    assert_ne!(Srs::unsafe_from_known_secret(Fr::from(7u64), 2).unwrap().id(), srs(2).id());
}

#[test]
fn lengths_are_exact() {
    let (g1, g2) = bytes();
    for got in [0, 64, 1023, 1025, 1024 + 64] {
        let mut resized = g1.clone();
        resized.resize(got, 0);
        let (group, expected) = (1, 1024);
        assert_eq!(read(&resized, &g2), Err(SrsError::Length { group, expected, got }));
    }
    for got in [0, 128, 255, 257, 384] {
        let mut resized = g2.clone();
        resized.resize(got, 0);
        let (group, expected) = (2, 256);
        assert_eq!(read(&g1, &resized), Err(SrsError::Length { group, expected, got }));
    }
    for got in [0, 29, 63, 64, u32::MAX] {
        assert_eq!(Srs::from_bytes(got, &g1, &g2), Err(SrsError::LogSize { got }));
        assert_eq!(Srs::unsafe_from_known_secret(Fr::one(), got), Err(SrsError::LogSize { got }));
    }
    assert_eq!(Srs::unsafe_from_known_secret(Fr::zero(), 2), Err(SrsError::ZeroSecret));
}

#[test]
fn each_point_is_checked() {
    let (g1, g2) = bytes();
    for power in 0..16 {
        let (group, start) = (1, 64 * power);
        let point = |error| Err(SrsError::Point { group, power, error });
        let mut changed = g1.clone();
        changed[start + 63] ^= 1;
        assert_eq!(read(&changed, &g2), point(PointError::NotOnCurve));
        changed = g1.clone();
        changed[start..start + 64].fill(0);
        assert_eq!(read(&changed, &g2), point(PointError::Identity));
        changed = g1.clone();
        changed[start..start + 32].fill(0xff);
        let got = [0xff; 32];
        assert_eq!(read(&changed, &g2), point(PointError::NotCanonical { got }));
    }
    for power in 0..2 {
        let (group, start) = (2, 128 * power);
        let point = |error| Err(SrsError::Point { group, power, error });
        let mut changed = g2.clone();
        changed[start + 127] ^= 1;
        assert_eq!(read(&g1, &changed), point(PointError::NotOnCurve));
        changed = g2.clone();
        changed[start..start + 128].fill(0);
        assert_eq!(read(&g1, &changed), point(PointError::Identity));
        for word in 0..4 {
            changed = g2.clone();
            changed[start + 32 * word..start + 32 * word + 32].fill(0xff);
            let got = [0xff; 32];
            assert_eq!(read(&g1, &changed), point(PointError::NotCanonical { got }));
        }
    }
}

#[test]
fn the_second_group_is_a_subgroup() {
    let (g1, mut g2) = bytes();
    // Points of the curve that are not in the subgroup: nearly all of them.
    let outside = (1u64..)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::new(x.into(), Fq2::ZERO.c0), true))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap();
    g2[128..].copy_from_slice(&g2_to_bytes(&outside));
    assert_eq!(read(&g1, &g2), Err(SrsError::Point { group: 2, power: 1, error: PointError::NotInSubgroup }));
}

#[test]
fn powers_start_at_the_generator() {
    let (g1, g2) = bytes();
    let other = g1_to_bytes(&(G1Affine::generator() * Fr::from(5u64)).into_affine());
    let mut changed = g1.clone();
    changed[..64].copy_from_slice(&other);
    assert_eq!(read(&changed, &g2), Err(SrsError::Generator { group: 1 }));
    // All powers times 5: consecutive, but of another start.
    let scaled: Vec<u8> =
        srs(LOG_SIZE).powers.iter().flat_map(|power| g1_to_bytes(&(*power * Fr::from(5u64)).into_affine())).collect();
    assert_eq!(read(&scaled, &g2), Err(SrsError::Generator { group: 1 }));
    let other = g2_to_bytes(&(G2Affine::generator() * Fr::from(5u64)).into_affine());
    let mut changed = g2.clone();
    changed[..128].copy_from_slice(&other);
    assert_eq!(read(&g1, &changed), Err(SrsError::Generator { group: 2 }));
}

#[test]
fn powers_are_of_one_secret() {
    let (g1, g2) = bytes();
    let inconsistent = Err(SrsError::Inconsistent);
    let word = |power: usize| 64 * power..64 * power + 64;
    for power in 1..16 {
        // Its negative, and another power: good points both.
        let mut changed = g1.clone();
        changed[word(power)].copy_from_slice(&g1_to_bytes(&-srs(LOG_SIZE).powers[power]));
        assert_eq!(read(&changed, &g2), inconsistent);
        let other = power % 15 + 1;
        changed = g1.clone();
        changed[word(power)].copy_from_slice(&g1[word(other)]);
        changed[word(other)].copy_from_slice(&g1[word(power)]);
        assert_eq!(read(&changed, &g2), inconsistent);
    }
    // The second group of another secret.
    let (other_g1, other_g2) = Srs::unsafe_from_known_secret(Stream::new(1).scalar(), LOG_SIZE).unwrap().to_bytes();
    assert_eq!(read(&g1, &other_g2), inconsistent);
    assert_eq!(read(&other_g1, &g2), inconsistent);
    // tau, tau^3, tau^5, ..: consecutive in their own way, after the first.
    let tau = Stream::new(0).scalar();
    let odd: Vec<u8> = (0..16u64)
        .map(|i| if i == 0 { Fr::one() } else { tau.pow([2 * i - 1]) })
        .flat_map(|power| g1_to_bytes(&(G1Affine::generator() * power).into_affine()))
        .collect();
    assert_eq!(read(&odd, &g2), inconsistent);
}

#[test]
fn equations_hold_or_do_not() {
    let srs = srs(2);
    let (one, tau) = (srs.powers[0], srs.powers[1]);
    let good = PairingClaim { left: tau, right: one };
    let bad = PairingClaim { left: one, right: tau };
    let trivial = PairingClaim { left: G1Affine::identity(), right: G1Affine::identity() };
    let verifier = srs.verifier();
    assert_eq!(verifier.check(&good), Ok(()));
    assert_eq!(verifier.check(&bad), Err(PairingMismatch));
    assert_eq!(verifier.check(&trivial), Ok(()));
    assert_eq!(verifier.check_all(&[]), Ok(()));
    assert_eq!(verifier.check_all(&[bad]), Err(PairingMismatch));
    assert_eq!(verifier.check_all(&[good, trivial, good]), Ok(()));
    assert_eq!(verifier.check_all(&[good, bad]), Err(PairingMismatch));
    let negated = PairingClaim { left: -one, right: -tau };
    assert_eq!(verifier.check_all(&[bad, negated]), Err(PairingMismatch));
}

#[test]
fn errors_name_the_place() {
    let error = SrsError::Point { group: 1, power: 3, error: PointError::NotOnCurve };
    assert_eq!(error.to_string(), "[tau^3]_1: not on the curve");
    let error = SrsError::Length { group: 2, expected: 256, got: 3 };
    assert_eq!(error.to_string(), "the points of group 2 take 256 bytes, got 3");
}

#[test]
fn a_verifiers_points_are_of_one_secret() {
    let (one, other) = (srs(1), Srs::unsafe_from_known_secret(Fr::from(5u64), 1).unwrap());
    let ((tau_g1, tau_g2), (_, other_g2)) = (one.verifier().to_bytes(), other.verifier().to_bytes());
    assert_eq!(SrsVerifier::from_bytes(&tau_g1, &tau_g2), Ok(one.verifier().clone()));
    assert_eq!(SrsVerifier::from_bytes(&tau_g1, &other_g2), Err(SrsError::Inconsistent));
}
