//! How the measurements are taken.
#![forbid(unsafe_code)]

use std::time::Instant;

use ark_bn254::Fr;
use ark_ff::PrimeField;

/// Runs of which the median is taken, after one that is not counted.
pub const RUNS: usize = 7;

/// SplitMix64: a fixed stream, so that each run measures the same.
pub struct Stream(pub u64);

impl Stream {
    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A field element.
    pub fn scalar(&mut self) -> Fr {
        let bytes: Vec<u8> = (0..4).flat_map(|_| self.word().to_le_bytes()).collect();
        Fr::from_le_bytes_mod_order(&bytes)
    }
}

/// Milliseconds: the median of what a clock on the wall shows, and the mean of the processor's time.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// The median.
    pub wall: f64,
    /// The mean, over all threads, in steps of 10 ms / `RUNS`.
    pub cpu: f64,
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} ({:.0})", self.wall, self.cpu)
    }
}

/// User and system time of this process, in milliseconds (Linux counts in hundredths of a second).
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum::<f64>()
        * 10.0
}

/// Measures `run` in a pool of so many threads.
pub fn measure<T: Send>(threads: usize, mut run: impl FnMut() -> T + Send) -> (Time, T) {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a thread pool");
    pool.install(|| {
        let mut value = run();
        let before = cpu_ms();
        let mut times: Vec<f64> = (0..RUNS)
            .map(|_| {
                let start = Instant::now();
                value = run();
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        let cpu = (cpu_ms() - before) / RUNS as f64;
        times.sort_by(f64::total_cmp);
        (
            Time {
                wall: times[RUNS / 2],
                cpu,
            },
            value,
        )
    })
}
