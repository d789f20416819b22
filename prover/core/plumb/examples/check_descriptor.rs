//! Checks descriptors and runs them on integers: a development tool for the compiler of layouts.
//!
//! Standard input is a sequence of requests, all numbers little-endian: `bytes:u32` and the descriptor; `layers:u32`, each
//! `maps:u32`, each a list of weights, then the list of biases; `runs:u32`, each a list of inputs. A list is `length:u32`
//! and that many `i64`. The answer to a request is a line `layout: ..` or `ok columns rows`, and then one line for each
//! run: `= outputs` or `refused: ..`.

use plumb::descriptor::Descriptor;
use plumb::layout::Layout;
use plumb::witness::{LayerWeights, execute};
use std::io::{self, Read, Write};

fn number(input: &mut impl Read) -> io::Result<usize> {
    let mut word = [0; 4];
    input.read_exact(&mut word)?;
    Ok(u32::from_le_bytes(word) as usize)
}

fn list(input: &mut impl Read) -> io::Result<Vec<i64>> {
    let mut bytes = vec![0; 8 * number(input)?];
    input.read_exact(&mut bytes)?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|word| i64::from_le_bytes(*word)).collect())
}

fn many<T>(input: &mut impl Read, mut each: impl FnMut(&mut dyn Read) -> io::Result<T>) -> io::Result<Vec<T>> {
    (0..number(input)?).map(|_| each(input)).collect()
}

fn main() -> io::Result<()> {
    let mut input = io::BufReader::new(io::stdin().lock());
    let mut output = io::stdout().lock();
    while let Ok(length) = number(&mut input) {
        let mut bytes = vec![0; length];
        input.read_exact(&mut bytes)?;
        let model = many(&mut input, |mut input| {
            Ok(LayerWeights { maps: many(&mut input, |mut input| list(&mut input))?, biases: list(&mut input)? })
        })?;
        let runs = many(&mut input, |mut input| list(&mut input))?;
        let layout = Descriptor::from_bytes(&bytes)
            .map_err(|e| e.to_string())
            .and_then(|d| Layout::new(d).map_err(|e| e.to_string()));
        match layout {
            Err(e) => writeln!(output, "layout: {e}")?,
            Ok(layout) => {
                writeln!(output, "ok {} {}", layout.columns(), layout.rows())?;
                for x in runs {
                    match execute(&layout, &model, &x) {
                        Ok(trace) => {
                            let outputs: Vec<String> = trace.outputs.iter().map(i64::to_string).collect();
                            writeln!(output, "= {}", outputs.join(" "))?;
                        }
                        Err(e) => writeln!(output, "refused: {e}")?,
                    }
                }
            }
        }
        output.flush()?;
    }
    Ok(())
}
