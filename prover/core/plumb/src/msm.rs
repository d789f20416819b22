//! Multi-scalar multiplication: `sum_i s_i P_i`.
//!
//! Pippenger's buckets, with additions in affine coordinates that share their inversions (Bernstein, Doumen, Lange and
//! Oosterwijk, "Faster batch forgery identification", ePrint 2012/549, section 4): one addition costs about 6
//! multiplications in the field, against 10 in mixed coordinates. Points are sorted by bucket first, so each round adds
//! disjoint pairs, and buckets are weighted by the same means, with their numbers split into two halves.
//!
//! Small integers need one or two windows of digits where full-size scalars need twenty.

use ark_bn254::{Fq, Fr, G1Affine, G1Projective};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, Field, One, PrimeField, Zero};
use rayon::prelude::*;

/// Fewer points are multiplied one by one.
const FEW_POINTS: usize = 24;
/// Fewer buckets are weighted by running sums.
const FEW_BUCKETS: usize = 64;
/// Fewer points are not worth a second thread, as each part has inversions of its own.
const ONE_THREAD: usize = 8192;
/// Additions that share one inversion. What they touch fits into a second-level cache.
const SHARED: usize = 1024;
/// The widest window: digits are 16-bit integers.
const WIDEST: u32 = 15;

/// For full-size scalars. What has no counterpart in the other list is left out.
pub(crate) fn full(points: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    if points.len().min(scalars.len()) < FEW_POINTS {
        return points.par_iter().zip(scalars).map(|(p, s)| *p * s).sum();
    }
    let bits = Fr::MODULUS_BIT_SIZE + 1; // signed digits may carry out of the highest one
    let width = |width: &u32| bits.div_ceil(*width) as usize * cost(points.len(), 1 << (width - 1));
    let width = (2..=WIDEST).min_by_key(width).unwrap_or(WIDEST);
    let windows = bits.div_ceil(width) as usize;
    let digits: Vec<Vec<i16>> = {
        let mut columns = vec![vec![0; scalars.len()]; windows];
        for (i, scalar) in scalars.iter().enumerate() {
            for (column, digit) in columns.iter_mut().zip(signed_digits(scalar, width)) {
                if let Some(place) = column.get_mut(i) {
                    *place = digit;
                }
            }
        }
        columns
    };
    let buckets = (1 << (width - 1)) + 1;
    // windows of few points are added up together, as they share inversions, if no thread goes without
    let together = ONE_THREAD.div_ceil(points.len()).min(windows.div_ceil(rayon::current_num_threads()));
    let sums: Vec<G1Projective> = digits
        .par_chunks(together)
        .flat_map_iter(|digits| {
            let signed = |digit: &i16| (*digit < 0, usize::from(digit.unsigned_abs()));
            let digits: Vec<_> = digits.iter().map(|window| window.iter().map(signed)).collect();
            sum_windows(points, &digits, buckets)
        })
        .collect();
    join_windows(&sums, width)
}

/// For integers in `[-bound, bound]`.
pub(crate) fn small(points: &[G1Affine], scalars: &[i64], bound: u64) -> G1Projective {
    let largest = scalars.iter().map(|value| value.unsigned_abs()).max();
    let bound = bound.min(largest.unwrap_or(0));
    if bound == 0 {
        return G1Projective::zero();
    }
    let bits = u64::BITS - bound.leading_zeros();
    let width = |width: &u32| bits.div_ceil(*width) as usize * cost(points.len(), 1 << width);
    let width = (1..=WIDEST).min_by_key(width).unwrap_or(WIDEST);
    let mask = (1u64 << width) - 1;
    let buckets = 1 + usize::try_from(bound.min(mask)).unwrap_or(usize::MAX);
    let sums: Vec<G1Projective> = (0..bits.div_ceil(width))
        .into_par_iter()
        .flat_map_iter(|place| {
            let digits = scalars.iter().map(|value| {
                let digit = value.unsigned_abs() >> (place * width) & mask;
                (*value < 0, digit as usize) // at most 15 bits
            });
            sum_windows(points, &[digits], buckets)
        })
        .collect();
    join_windows(&sums, width)
}

/// Additions of one window: into buckets, and two for each bucket.
fn cost(points: usize, buckets: usize) -> usize {
    points + 2 * buckets
}

/// Digits in `[-2^(width - 1), 2^(width - 1)]`, lowest first: `s = sum_i digit_i 2^(width i)`.
fn signed_digits(scalar: &Fr, width: u32) -> impl Iterator<Item = i16> {
    let limbs = scalar.into_bigint().0;
    let mut carry = 0;
    (0..).step_by(width as usize).map(move |start: usize| {
        let (limb, shift) = (start / 64, start % 64);
        let at = |limb: usize| limbs.get(limb).copied().unwrap_or(0);
        let mut bits = at(limb) >> shift;
        if shift != 0 {
            bits |= at(limb + 1) << (64 - shift);
        }
        let digit = (bits & ((1 << width) - 1)) as i32 + carry;
        carry = i32::from(digit > 1 << (width - 1));
        (digit - (carry << width)) as i16 // width is at most 15
    })
}

/// `sum_i 2^(width i) sum_i`, by Horner's rule.
fn join_windows(sums: &[G1Projective], width: u32) -> G1Projective {
    sums.iter().rev().fold(G1Projective::zero(), |mut total, sum| {
        for _ in 0..width {
            total.double_in_place();
        }
        total + sum
    })
}

/// `sum_i digit_i P_i` of each window, for digits below `buckets`, each with its sign (true is minus).
fn sum_windows<D>(points: &[G1Affine], digits: &[D], buckets: usize) -> Vec<G1Projective>
where
    D: Iterator<Item = (bool, usize)> + Clone,
{
    // Sorted by counting: one window after the other, and in each by digits; the digit 0 is left out.
    let count = digits.len();
    let digits = digits.iter().enumerate().flat_map(|(window, digits)| {
        let all = points.iter().zip(digits.clone()).filter(|(_, (_, digit))| *digit > 0);
        all.map(move |(point, (minus, digit))| (point, minus, window * buckets + digit))
    });
    let mut sizes = vec![0usize; count * buckets];
    digits.clone().for_each(|(_, _, bucket)| {
        if let Some(size) = sizes.get_mut(bucket) {
            *size += 1;
        }
    });
    let mut next = 0;
    let mut starts: Vec<usize> = sizes
        .iter()
        .map(|size| {
            next += size;
            next - size
        })
        .collect();
    let mut sorted = vec![G1Affine::identity(); next];
    digits.for_each(|(point, minus, bucket)| {
        if let Some(start) = starts.get_mut(bucket) {
            if let Some(place) = sorted.get_mut(*start) {
                *place = if minus { -*point } else { *point };
            }
            *start += 1;
        }
    });
    let mut sums = vec![G1Affine::identity(); sizes.len()];
    sum_groups(&mut sorted, &mut sizes, &mut sums);
    sums.par_chunks(buckets).map(weigh).collect()
}

/// `sum_k k B_k`.
fn weigh(buckets: &[G1Affine]) -> G1Projective {
    if buckets.len() <= FEW_BUCKETS {
        // Running sums: B_m + (B_m + B_(m-1)) + .. + (B_m + .. + B_1)
        let (mut running, mut total) = (G1Projective::zero(), G1Projective::zero());
        for bucket in buckets.iter().skip(1).rev() {
            running += bucket;
            total += running;
        }
        return total;
    }
    // k = 2^l high + low, so sum_k k B_k = 2^l sum_high high (sum_low B_k) + sum_low low (sum_high B_k).
    let l = buckets.len().ilog2() / 2;
    let row = 1 << l;
    let sums = |mut points: Vec<G1Affine>, mut sizes: Vec<usize>| {
        let mut sums = vec![G1Affine::identity(); sizes.len()];
        sum_groups(&mut points, &mut sizes, &mut sums);
        weigh(&sums)
    };
    let rows = || {
        let sizes = buckets.chunks(row).map(<[G1Affine]>::len).collect();
        sums(buckets.to_vec(), sizes)
    };
    let columns = || {
        let column = |low| buckets.iter().skip(low).step_by(row).copied();
        let sizes = (0..row).map(|low| column(low).len()).collect();
        sums((0..row).flat_map(column).collect(), sizes)
    };
    let (mut high, low) = rayon::join(rows, columns);
    for _ in 0..l {
        high.double_in_place();
    }
    high + low
}

/// Adds up consecutive groups of points; `sizes` says how many points each has. Both lists are used up.
fn sum_groups(points: &mut [G1Affine], sizes: &mut [usize], sums: &mut [G1Affine]) {
    if points.len() > ONE_THREAD && sizes.len() > 1 && rayon::current_num_threads() > 1 {
        // The group in which the middle is, or the one after it.
        let (mut middle, mut start) = (0, 0);
        for size in sizes.iter() {
            if middle > 0 && start + size > points.len() / 2 {
                break;
            }
            start += size;
            middle += 1;
        }
        if middle < sizes.len() {
            let (points, more_points) = points.split_at_mut(start);
            let (sizes, more_sizes) = sizes.split_at_mut(middle);
            let (sums, more_sums) = sums.split_at_mut(middle);
            rayon::join(|| sum_groups(points, sizes, sums), || sum_groups(more_points, more_sizes, more_sums));
            return;
        }
    }
    let mut steps = Vec::with_capacity(points.len().div_ceil(2));
    let mut denominators = Vec::with_capacity(SHARED);
    while sizes.iter().any(|size| *size > 1) {
        // Each round adds neighbours and closes the gaps.
        steps.clear();
        let (mut from, mut to) = (0, 0);
        for size in sizes.iter_mut() {
            let end = from + *size;
            while from < end {
                let pair = from + 1 < end;
                steps.push(Step { from, to, pair });
                from += if pair { 2 } else { 1 };
                to += 1;
            }
            *size = size.div_ceil(2);
        }
        for batch in steps.chunks(SHARED) {
            add_neighbours(points, batch, &mut denominators);
        }
    }
    let mut next = 0;
    for (sum, size) in sums.iter_mut().zip(sizes) {
        if *size > 0 {
            *sum = points.get(next).copied().unwrap_or_default();
        }
        next += *size;
    }
}

/// The point at `from`, plus the next one where it is a pair, goes to `to`, which is not behind `from`.
struct Step {
    from: usize,
    to: usize,
    pair: bool,
}

/// Performs steps in their order, with one inversion.
fn add_neighbours(points: &mut [G1Affine], steps: &[Step], products: &mut Vec<(Fq, Fq)>) {
    // Montgomery's trick: each denominator, with the product of those before it.
    products.clear();
    let mut product = Fq::one();
    for step in steps.iter().filter(|step| step.pair) {
        let denominator = match points.get(step.from..) {
            Some([a, b, ..]) => denominator(a, b),
            _ => Fq::one(),
        };
        products.push((denominator, product));
        product *= denominator;
    }
    // No denominator is zero, so neither is their product.
    let mut inverse = product.inverse().unwrap_or_default();
    for (denominator, before) in products.iter_mut().rev() {
        *before *= inverse;
        inverse *= *denominator;
    }
    let mut inverses = products.iter().map(|(_, inverse)| *inverse);
    for step in steps {
        let sum = match points.get(step.from..) {
            Some([a, b, ..]) if step.pair => add(a, b, inverses.next().unwrap_or_default()),
            Some([a, ..]) => *a,
            _ => continue,
        };
        if let Some(place) = points.get_mut(step.to) {
            *place = sum;
        }
    }
}

/// The denominator of the slope of the line through two points; 1 where there is no such line, and never 0.
fn denominator(a: &G1Affine, b: &G1Affine) -> Fq {
    if a.is_zero() || b.is_zero() {
        Fq::one()
    } else if a.x != b.x {
        b.x - a.x
    } else if a.y == b.y {
        a.y.double() // y is not 0, as the order of the group is odd
    } else {
        Fq::one()
    }
}

/// a + b, for the inverse of their denominator.
fn add(a: &G1Affine, b: &G1Affine, inverse: Fq) -> G1Affine {
    if a.is_zero() {
        return *b;
    }
    if b.is_zero() {
        return *a;
    }
    let numerator = if a.x != b.x {
        b.y - a.y
    } else if a.y == b.y {
        let square = a.x.square();
        square.double() + square
    } else {
        return G1Affine::identity();
    };
    // slope = (y_b - y_a) / (x_b - x_a), or 3 x^2 / (2 y);  x = slope^2 - x_a - x_b;  y = slope (x_a - x) - y_a
    let slope = numerator * inverse;
    let x = slope.square() - a.x - b.x;
    let y = slope * (a.x - x) - a.y;
    G1Affine::new_unchecked(x, y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stream, srs};
    use ark_ec::VariableBaseMSM;

    #[test]
    fn sums_are_those_of_another_library() {
        let srs = srs(12);
        let mut stream = Stream::new(1);
        for len in [1, 23, 24, 100, 1000, 4096] {
            let scalars = stream.scalars(len);
            let points = &srs.powers()[..len];
            assert_eq!(full(points, &scalars), G1Projective::msm_unchecked(points, &scalars), "{len}");
            for bound in [1, 255, 4095, 4096, 65535] {
                let integers: Vec<i64> = (0..len).map(|_| stream.small(bound)).collect();
                let scalars: Vec<Fr> = integers.iter().map(|value| Fr::from(*value)).collect();
                let expected = G1Projective::msm_unchecked(points, &scalars);
                assert_eq!(small(points, &integers, bound as u64), expected, "{len}, {bound}");
            }
        }
    }

    #[test]
    fn equal_points_and_scalars_meet() {
        let generator = G1Affine::generator();
        for len in [100usize, 3000] {
            // One point, its negative and the identity, with equal scalars: doubling, cancelling, nothing.
            let points: Vec<G1Affine> = (0..len)
                .map(|i| match i % 5 {
                    0..=2 => generator,
                    3 => -generator,
                    _ => G1Affine::identity(),
                })
                .collect();
            for scalar in [Fr::one(), -Fr::one(), Fr::from(77u64), -Fr::from(1u64 << 40)] {
                let expected = generator * (scalar * Fr::from((len / 5 * 2) as u64));
                assert_eq!(full(&points, &vec![scalar; len]), expected);
            }
            for value in [1, -1, 5, 1000, -(1 << 40)] {
                let expected = generator * (Fr::from(value) * Fr::from((len / 5 * 2) as u64));
                assert_eq!(small(&points, &vec![value; len], 1 << 40), expected);
            }
        }
    }

    #[test]
    fn digits_make_up_the_scalar() {
        let mut stream = Stream::new(2);
        let mut scalars = stream.scalars(20);
        scalars.extend([Fr::zero(), Fr::one(), -Fr::one(), Fr::from(1u64 << 15), Fr::from(u64::MAX)]);
        for scalar in scalars {
            for width in 2..=WIDEST {
                let windows = (Fr::MODULUS_BIT_SIZE + 1).div_ceil(width) as usize;
                let digits: Vec<i16> = signed_digits(&scalar, width).take(windows).collect();
                assert!(digits.iter().all(|digit| digit.unsigned_abs() <= 1 << (width - 1)));
                let base = Fr::from(1u64 << width);
                let sum = digits.iter().rev().fold(Fr::zero(), |sum, digit| sum * base + Fr::from(*digit));
                assert_eq!(sum, scalar, "{width}");
            }
        }
    }
}
