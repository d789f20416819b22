// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Descriptor, Descriptors} from "./Descriptors.sol";
import {RegistrationTooLarge} from "./LayoutRules.sol";
import {Weights} from "./Weights.sol";
import {Words} from "./Words.sol";

/// @title What a registration proves of hidden weights
/// @dev A weight in [-2^b, 2^b) has cells in range columns: limbs of s bits of its value plus 2^b, and where b + 1 is
/// no multiple of s a scaled copy of the top limb. One claim batches all equations; with D positions in all chunks,
///
///     r^k        ( W(k) + 2^b - sum_l 2^(s l) limb_l(k) ) = 0     k a weight or a bias
///     r^(D + k)  W(k) = 0                                         k neither of these, nor a salt
///     r^(2D + k) ( scaled(k) - 2^(s - t) top(k) ) = 0             k a weight or a bias
///
/// where the top limb has t bits. Blocks larger than a column are cut into parts of one column. Large parts come
/// first; what falls into pad rows has another place after them. The prover derives the same (ranges.rs).
///
/// All this is for sound layouts, as PlumbLayouts.check accepts them: all positions are below 2^31, and a weight has at
/// most 128 bits. That is why nothing below overflows.
library Registrations {
    using Words for uint256[];
    using Descriptors for Descriptor;

    /// @dev The order of the field.
    uint256 private constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    uint256 private constant MINUS_ONE = R - 1;

    /// @dev How many columns all cells may fill.
    uint256 private constant MAX_COLUMNS = 1 << 14;

    /// @dev Where the two words of a tensor hold what. The first: home, number, row and factors of a run, first
    /// position, log2 of five lengths, and the bits of its entries; the second: five lengths.
    uint256 private constant HOME = 248;
    uint256 private constant NUMBER = 232;
    uint256 private constant ROW = 200;
    uint256 private constant FACTORS = 192;
    uint256 private constant START = 128;
    uint256 private constant LOGS = 88;
    uint256 private constant LENGTHS = 96;
    /// @dev Five lengths of 1.
    uint256 private constant ONES =
        0x0000000100000001000000010000000100000001000000000000000000000000;

    uint256 private constant IN_CHUNK = 1;
    uint256 private constant IN_RANGE = 0;

    /// @dev Cells of one kind of one part: log2 of their number from 255 downwards (8 bits), a number (32), the place
    /// of the part in memory (64), the limb's first bit (16), s - t for a top limb that is not full (8), and whether
    /// these are the scaled ones (8).
    uint256 private constant PART = 32;
    uint256 private constant FIRST_BIT = 16;
    uint256 private constant SHORT = 8;

    /// @dev The program as far as it is written, and how far range columns are taken.
    struct Writer {
        Descriptor d;
        uint256[] program;
        uint256 used;
        uint256 runs;
        uint256 columns;
        /// Rows taken so far, counted through all columns.
        uint256 next;
        /// D.
        uint256 positions;
    }

    /// @dev Words: s, range columns, runs, blocks; then runs, each of two words and as many pairs of a factor and an
    /// exponent as its first word says; then blocks, each of two words.
    function program(Descriptor memory d) internal pure returns (uint256[] memory) {
        unchecked {
            uint256[] memory blocks = _blocks(d);
            (uint256[] memory parts, uint256[] memory counts) = _parts(d, blocks);
            (uint256 s, uint256 rows) = _limbBits(d, blocks, counts);
            // Numbers of columns have 16 bits. Moved tails add at most half of the rows, and every column is filled to
            // its half at least, so that there are at most 3 * 2^14 columns and one.
            // range columns whose numbers would stand for other columns
            if (rows >> d.logRows > MAX_COLUMNS) {
                revert RegistrationTooLarge(rows >> d.logRows); // On chain
            }
            uint256[] memory cells = _cells(blocks, parts, counts, s);

            Writer memory w;
            w.d = d;
            w.columns = 1;
            w.positions = d.chunks << d.logRows;
            // Tails are at most as many as there are full columns.
            uint256 size = 4 + 3 * parts.length + 4 * (d.chunks + d.salts) + 6 * cells.length;
            w.program = new uint256[](size + 12 * (rows >> d.logRows) + blocks.length);
            w.used = 4;
            _weights(w, parts);
            _place(w, cells);
            for (uint256 i = 0; i < blocks.length; ++i) {
                w.program.set(w.used++, blocks.get(i));
            }
            w.program.set(0, s);
            w.program.set(1, w.columns);
            w.program.set(2, w.runs);
            w.program.set(3, blocks.length / 2);
            return _shortened(w.program, w.used);
        }
    }

    /// @dev The same list, without what is behind `length`.
    function _shortened(uint256[] memory list, uint256 length) private pure returns (uint256[] memory) {
        assembly ("memory-safe") {
            mstore(list, length)
        }
        return list;
    }

    // Tensors.

    function _start(uint256 first) private pure returns (uint256) {
        return uint64(first >> START);
    }

    function _sizeBits(uint256 first) private pure returns (uint256) {
        return Weights.sizeBits(first >> LOGS);
    }

    /// @dev Every block of weights and of biases, in the order of layers, in two words.
    function _blocks(Descriptor memory d) private pure returns (uint256[] memory blocks) {
        unchecked {
            blocks = new uint256[](2 * d.weightBlocks);
            uint256 next = 0;
            for (uint256 i = 0; i < d.layers.length; ++i) {
                uint256 entry = d.layers.get(i);
                if (entry >> 248 != Descriptors.OP_LINEAR) continue;
                uint256 at = uint64(entry);
                uint256 end = _endOfLinear(uint64(entry >> 64));
                uint256 outputs = Descriptors.load(end - 37);
                uint256 count = Descriptors.u8(at++);
                for (uint256 j = 0; j < count; ++j) {
                    uint256 map = at;
                    at += Descriptors.u8(at) == Descriptors.DENSE ? 1 : 1 + Descriptors.WINDOW_BYTES;
                    at += 1 + Descriptors.TERM_BYTES * Descriptors.u8(at);
                    uint256 dims = Weights.mapDims(map, Descriptors.load(at) >> 96, outputs);
                    _block(blocks, next++, dims, Descriptors.load(at + 20));
                    at += 25;
                }
                _block(blocks, next++, Weights.biasDims(outputs), Descriptors.load(end - 5));
            }
        }
    }

    /// @dev `place` starts with a block's first position and the bits of its entries.
    function _block(uint256[] memory blocks, uint256 i, uint256 dims, uint256 place) private pure {
        unchecked {
            uint256 logs = dims & 0xffffffffff;
            blocks.set(2 * i, ((place >> 224) << START) | (logs << LOGS) | uint8(place >> 216));
            blocks.set(2 * i + 1, (dims >> 40) << LENGTHS);
        }
    }

    /// @dev Where a linear layer ends, from the place after its maps. Its last 37 bytes are of fixed length.
    function _endOfLinear(uint256 at) private pure returns (uint256) {
        unchecked {
            at += 1 + 2 * Descriptors.u8(at);
            (, at) = Descriptors.optional(at + 1 + 2 * Descriptors.u8(at), Descriptors.TIGHT_BYTES);
            return at + 38;
        }
    }

    /// @dev Part i of 2^bits positions, which fixes the leading bits of an index to i; zeros if it has no real
    /// position.
    function _part(uint256 first, uint256 second, uint256 bits, uint256 i)
        private
        pure
        returns (uint256 partFirst, uint256 partSecond)
    {
        unchecked {
            partFirst = ((_start(first) + (i << bits)) << START) | uint8(first);
            uint256 fixed_ = _sizeBits(first) - bits;
            for (uint256 j = 0; j < 5; ++j) {
                uint256 rest = uint8(first >> (LOGS + 32 - 8 * j));
                uint256 here = fixed_ < rest ? fixed_ : rest;
                fixed_ -= here;
                rest -= here;
                uint256 before = ((i >> fixed_) & ((1 << here) - 1)) << rest;
                uint256 n = uint32(second >> (LENGTHS + 128 - 32 * j));
                if (n <= before) return (0, 0);
                n -= before;
                if (n > 1 << rest) n = 1 << rest;
                partFirst |= rest << (LOGS + 32 - 8 * j);
                partSecond |= n << (LENGTHS + 128 - 32 * j);
            }
        }
    }

    /// @dev The parts of one column or less that have real positions, in two words each; how many each block has.
    function _parts(Descriptor memory d, uint256[] memory blocks)
        private
        pure
        returns (uint256[] memory parts, uint256[] memory counts)
    {
        unchecked {
            counts = new uint256[](blocks.length / 2);
            uint256 most = 0;
            for (uint256 i = 0; i < blocks.length; i += 2) {
                uint256 log = _sizeBits(blocks.get(i));
                most += log > d.logRows ? 1 << (log - d.logRows) : 1;
            }
            parts = new uint256[](2 * most);
            uint256 next = 0;
            for (uint256 i = 0; i < counts.length; ++i) {
                uint256 first = blocks.get(2 * i);
                uint256 log = _sizeBits(first);
                uint256 bits = log < d.logRows ? log : d.logRows;
                for (uint256 j = 0; j < 1 << (log - bits); ++j) {
                    (uint256 partFirst, uint256 partSecond) = _part(first, blocks.get(2 * i + 1), bits, j);
                    if (partSecond == 0) continue;
                    parts.set(next++, partFirst);
                    parts.set(next++, partSecond);
                    counts.set(i, counts.get(i) + 1);
                }
            }
            parts = _shortened(parts, next);
        }
    }

    // Limbs.

    /// @dev How many limbs of s bits the entries of a tensor have, and how many bits the top one is from full.
    function _limbs(uint256 first, uint256 s) private pure returns (uint256 limbs, uint256 short) {
        unchecked {
            uint256 width = uint8(first) + uint256(1);
            limbs = (width + s - 1) / s;
            short = s * limbs - width;
        }
    }

    /// @dev The s below c for which all cells take the fewest rows, the least such s, and the rows.
    function _limbBits(Descriptor memory d, uint256[] memory blocks, uint256[] memory counts)
        private
        pure
        returns (uint256 s, uint256 rows)
    {
        unchecked {
            rows = type(uint256).max;
            for (uint256 candidate = 1; candidate < d.logRows; ++candidate) {
                uint256 sum = 0;
                for (uint256 i = 0; i < counts.length; ++i) {
                    uint256 first = blocks.get(2 * i);
                    (uint256 limbs, uint256 short) = _limbs(first, candidate);
                    uint256 log = _sizeBits(first);
                    if (log > d.logRows) log = d.logRows;
                    sum += (counts.get(i) << log) * (short > 0 ? limbs + 1 : limbs);
                }
                if (sum < rows) (s, rows) = (candidate, sum);
            }
        }
    }

    /// @dev The limbs of every part, and before the top one its scaled copy, in order: first the large ones.
    function _cells(uint256[] memory blocks, uint256[] memory parts, uint256[] memory counts, uint256 s)
        private
        pure
        returns (uint256[] memory cells)
    {
        unchecked {
            uint256 total = 0;
            for (uint256 i = 0; i < counts.length; ++i) {
                (uint256 limbs, uint256 short) = _limbs(blocks.get(2 * i), s);
                total += counts.get(i) * (short > 0 ? limbs + 1 : limbs);
            }
            cells = new uint256[](total);
            uint256 next = 0;
            for (uint256 i = 0; i < parts.length; i += 2) {
                uint256 first = parts.get(i);
                (uint256 limbs, uint256 short) = _limbs(first, s);
                uint256 kind = ((255 - _sizeBits(first)) << 248) | (_pointer(parts, i) << PART);
                for (uint256 limb = 0; limb < limbs; ++limb) {
                    kind = (kind >> PART << PART) | ((s * limb) << FIRST_BIT);
                    if (limb + 1 == limbs && short > 0) {
                        kind |= short << SHORT;
                        cells.set(next, kind | (next << 216) | 1);
                        ++next;
                    }
                    cells.set(next, kind | (next << 216));
                    ++next;
                }
            }
            return cells.sorted();
        }
    }

    /// @dev The place in memory of a word of a list.
    function _pointer(uint256[] memory list, uint256 i) private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := add(add(list, 0x20), shl(5, i))
        }
    }

    /// @dev The two words of the part whose cells these are.
    function _tensor(uint256 cells) private pure returns (uint256 first, uint256 second) {
        uint256 place = uint64(cells >> PART);
        assembly ("memory-safe") {
            first := mload(place)
            second := mload(add(place, 0x20))
        }
    }

    // Runs.

    /// @dev Begins a run; its factors follow.
    function _run(Writer memory w, uint256 home, uint256 place, uint256 first, uint256 second, uint256 factors)
        private
        pure
    {
        unchecked {
            uint256 number = place >> w.d.logRows;
            uint256 row = place & (w.d.rows() - 1);
            first = (first >> LOGS) << LOGS;
            first |= (home << HOME) | (number << NUMBER) | (row << ROW) | (factors << FACTORS);
            w.program.set(w.used, first);
            w.program.set(w.used + 1, second);
            w.used += 2;
            ++w.runs;
        }
    }

    function _factor(Writer memory w, uint256 factor, uint256 exponent) private pure {
        unchecked {
            w.program.set(w.used, factor);
            w.program.set(w.used + 1, exponent);
            w.used += 2;
        }
    }

    /// @dev All weights where they are, and everything else but the salts.
    function _weights(Writer memory w, uint256[] memory parts) private pure {
        unchecked {
            Descriptor memory d = w.d;
            for (uint256 i = 0; i < parts.length; i += 2) {
                _run(w, IN_CHUNK, _start(parts.get(i)), parts.get(i), parts.get(i + 1), 2);
                _factor(w, 1, 0);
                _factor(w, MINUS_ONE, w.positions);
            }
            uint256 column = ONES - (1 << (LENGTHS + 128)) + (d.rows() << (LENGTHS + 128));
            for (uint256 i = 0; i < d.chunks; ++i) {
                uint256 start = i << d.logRows;
                _run(w, IN_CHUNK, start, (start << START) | (d.logRows << (LOGS + 32)), column, 1);
                _factor(w, 1, w.positions);
            }
            for (uint256 i = 0; i < d.salts; ++i) {
                uint256 salt = Descriptors.u32(d.saltsAt + 4 * i);
                _run(w, IN_CHUNK, salt, salt << START, ONES, 1);
                _factor(w, MINUS_ONE, w.positions);
            }
        }
    }

    /// @dev Cells at a place of the range columns, or taken out of the claim there.
    function _put(Writer memory w, uint256 place, uint256 cells, uint256 first, uint256 second, bool out)
        private
        pure
    {
        unchecked {
            uint256 short = uint8(cells >> SHORT);
            if (uint8(cells) == 1) {
                _run(w, IN_RANGE, place, first, second, 1);
                _factor(w, out ? MINUS_ONE : 1, 2 * w.positions);
                return;
            }
            _run(w, IN_RANGE, place, first, second, short > 0 ? 2 : 1);
            uint256 factor = 1 << uint16(cells >> FIRST_BIT);
            _factor(w, out ? factor : R - factor, 0);
            if (short > 0) _factor(w, out ? 1 << short : R - (1 << short), 2 * w.positions);
        }
    }

    /// @dev A place after all others.
    function _append(Writer memory w, uint256 cells, uint256 first, uint256 second) private pure {
        unchecked {
            _put(w, w.next, cells, first, second, false);
            uint256 column = w.next >> w.d.logRows;
            if (column >= w.columns) w.columns = column + 1;
            w.next += 1 << _sizeBits(first);
        }
    }

    /// @dev Small parts skip pad rows.
    function _appendSmall(Writer memory w, uint256 cells, uint256 first, uint256 second) private pure {
        unchecked {
            uint256 last = w.d.rows() - 1;
            if (w.next & last >= w.d.active()) w.next = (w.next | last) + 1;
            _append(w, cells, first, second);
        }
    }

    /// @dev A place for all cells, the largest parts first: powers of two in descending order are aligned by
    /// themselves. The tail of what fills a column is in pad rows: taken out of the claim there, and placed again
    /// after other parts of its size.
    function _place(Writer memory w, uint256[] memory cells) private pure {
        unchecked {
            uint256 pad = w.d.logPad;
            uint256[] memory tails = new uint256[](3 * cells.length);
            uint256 tailWords = 0;
            uint256 i = 0;
            for (; i < cells.length && 255 - (cells.get(i) >> 248) > pad; ++i) {
                (uint256 first, uint256 second) = _tensor(cells.get(i));
                _append(w, cells.get(i), first, second);
                if (w.next & (w.d.rows() - 1) != 0) continue;
                (first, second) = _part(first, second, pad, (1 << (_sizeBits(first) - pad)) - 1);
                if (second == 0) continue;
                _put(w, w.next - (1 << pad), cells.get(i), first, second, true);
                tails.set(tailWords, cells.get(i));
                tails.set(tailWords + 1, first);
                tails.set(tailWords + 2, second);
                tailWords += 3;
            }
            for (; i < cells.length && 255 - (cells.get(i) >> 248) == pad; ++i) {
                (uint256 first, uint256 second) = _tensor(cells.get(i));
                _appendSmall(w, cells.get(i), first, second);
            }
            for (uint256 j = 0; j < tailWords; j += 3) {
                _appendSmall(w, tails.get(j), tails.get(j + 1), tails.get(j + 2));
            }
            for (; i < cells.length; ++i) {
                (uint256 first, uint256 second) = _tensor(cells.get(i));
                _appendSmall(w, cells.get(i), first, second);
            }
        }
    }
}
