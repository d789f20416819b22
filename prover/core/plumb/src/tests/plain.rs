//! A second executor, which knows nothing of layouts: weights, windows and functions as anyone would apply them.

use crate::descriptor::Window;
use crate::witness::LayerWeights;

/// (channel, height, width) tensors of one inference, for the second executor.
pub(super) type Maps = Vec<Vec<Vec<i64>>>;

pub(super) fn maps(values: &[i64], [c, h, w]: [usize; 3]) -> Maps {
    assert_eq!(values.len(), c * h * w);
    values.chunks(h * w).map(|m| m.chunks(w).map(<[i64]>::to_vec).collect()).collect()
}

/// A window over all channels, or over one for each output, as anyone would compute it.
pub(super) fn conv_sums(x: &Maps, weights: &[i64], w: &Window, depthwise: bool) -> Maps {
    let [kh, kw] = w.kernel.map(i64::from);
    let at = |m: &Vec<Vec<i64>>, i: i64, j: i64| match (usize::try_from(i), usize::try_from(j)) {
        (Ok(i), Ok(j)) if i < m.len() && j < m[0].len() => m[i][j],
        _ => 0,
    };
    let length = |i: usize, n: usize| {
        let padded = n as i64 + i64::from(w.before[i]) + i64::from(w.after[i]);
        (padded - i64::from(w.kernel[i])) / i64::from(w.stride[i]) + 1
    };
    let (oh, ow) = (length(0, x[0].len()), length(1, x[0][0].len()));
    let channels = if depthwise { 1 } else { x.len() };
    let inner = channels * (kh * kw) as usize;
    let mut out = vec![];
    for o in 0..weights.len() / inner {
        let cell = |i: i64, j: i64| {
            let mut sum = 0;
            let read = if depthwise { &x[o..o + 1] } else { &x[..] };
            for (c, m) in read.iter().enumerate() {
                for u in 0..kh {
                    for v in 0..kw {
                        let weight = weights[o * inner + (c as i64 * kh * kw + u * kw + v) as usize];
                        let (row, column) = (i * i64::from(w.stride[0]) + u, j * i64::from(w.stride[1]) + v);
                        sum += weight * at(m, row - i64::from(w.before[0]), column - i64::from(w.before[1]));
                    }
                }
            }
            sum
        };
        out.push((0..oh).map(|i| (0..ow).map(|j| cell(i, j)).collect()).collect());
    }
    out
}

pub(super) fn dense_sums(x: &Maps, weights: &[i64]) -> Maps {
    let flat = flat(x);
    weights.chunks(flat.len()).map(|w| vec![vec![w.iter().zip(&flat).map(|(w, x)| w * x).sum()]]).collect()
}

/// `floor(acc / 2^S)` of sums and biases, by division.
pub(super) fn requantised(sums: &[Maps], biases: &[i64], shift: u32) -> Maps {
    let cell = |c: usize, i: usize, j: usize| {
        let acc = biases[c] + sums.iter().map(|s| s[c][i][j]).sum::<i64>();
        acc.div_euclid(1i64 << shift)
    };
    let lines =
        |c: usize| (0..sums[0][c].len()).map(move |i| (0..sums[0][c][i].len()).map(|j| cell(c, i, j)).collect());
    (0..biases.len()).map(|c| lines(c).collect()).collect()
}

/// The weights of a layer with one map, as anyone would apply them.
pub(super) fn plain_conv(x: &Maps, given: &LayerWeights, w: &Window, shift: u32) -> Maps {
    requantised(&[conv_sums(x, &given.maps[0], w, false)], &given.biases, shift)
}

pub(super) fn plain_dense(x: &Maps, given: &LayerWeights, shift: u32) -> Maps {
    requantised(&[dense_sums(x, &given.maps[0])], &given.biases, shift)
}

pub(super) fn plain_pool(x: &Maps) -> Maps {
    let pool = |m: &Vec<Vec<i64>>| {
        let cell = |i: usize, j: usize| {
            m[2 * i][2 * j].max(m[2 * i][2 * j + 1]).max(m[2 * i + 1][2 * j]).max(m[2 * i + 1][2 * j + 1])
        };
        (0..m.len() / 2).map(|i| (0..m[0].len() / 2).map(|j| cell(i, j)).collect()).collect()
    };
    x.iter().map(pool).collect()
}

/// The cells of a square of y: z00, z01, z10, z11.
pub(super) fn cells_of([y00, y01, y10, y11]: [i64; 4], f: impl Fn(i64) -> i64) -> [i64; 4] {
    let (z00, z10) = (y00 - y01, y10 - y11);
    let (upper, lower) = (y01 + f(z00), y11 + f(z10));
    [z00, upper - lower, z10, lower + f(upper - lower)]
}

/// The last cell of each square.
pub(super) fn plain_squares(x: &Maps, f: impl Fn(i64) -> i64) -> Maps {
    let square = |m: &Vec<Vec<i64>>| {
        let y = |i: usize, j: usize| [m[i][j], m[i][j + 1], m[i + 1][j], m[i + 1][j + 1]];
        let line = |i| (0..m[0].len() / 2).map(|j| cells_of(y(i, 2 * j), &f)[3]).collect();
        (0..m.len() / 2).map(|i| line(2 * i)).collect()
    };
    x.iter().map(square).collect()
}

pub(super) fn plain_each(x: &Maps, f: impl Fn(i64) -> i64) -> Maps {
    let line = |l: &Vec<i64>| l.iter().map(|v| f(*v)).collect();
    x.iter().map(|m| m.iter().map(line).collect()).collect()
}

pub(super) fn plain_clamp(x: &Maps, low: i64, high: i64) -> Maps {
    plain_each(x, |v| v.clamp(low, high))
}

pub(super) fn flat(x: &Maps) -> Vec<i64> {
    x.iter().flatten().flatten().copied().collect()
}

/// An index that no earlier one reaches and no later one exceeds.
pub(super) fn first_of_largest(y: &[i64]) -> i64 {
    let first = |i: &usize| y[..*i].iter().all(|v| v < &y[*i]) && y.iter().all(|v| v <= &y[*i]);
    (0..y.len()).find(first).unwrap() as i64
}
