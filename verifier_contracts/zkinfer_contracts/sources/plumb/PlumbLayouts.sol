// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Descriptor, Descriptors} from "./Descriptors.sol";
import {LayerRules, Walk} from "./LayerRules.sol";
import {LayoutRefused, LayoutRule} from "./LayoutRules.sol";
import {Registrations} from "./Registrations.sol";
import {Weights} from "./Weights.sol";
import {Words} from "./Words.sol";

/// @title The layout checker of Plumb
/// @notice Says of a model's descriptor whether proofs about its layout mean what they say: whether no cell is
/// free where the protocol relies on it. It knows nothing of the compiler that made the descriptor.
/// @dev Gives the verdict of the prover's checker (prover/core/plumb/src/checker.rs), rule by rule and in its order.
/// So where two rules are broken, both name the same one.
contract PlumbLayouts {
    using Words for uint256[];
    using Descriptors for Descriptor;

    /// @notice Reverts, or the layout is sound and its columns can be opened.
    /// @dev Errors are MalformedDescriptor and LayoutRefused.
    /// @param descriptor A descriptor, in encoding version 3.
    function check(bytes calldata descriptor) external pure {
        Descriptor memory d = Descriptors.parse(descriptor);
        _sizes(d);
        Walk memory w;
        w.d = d;
        w.values = new uint256[](d.pairs);
        w.families = new uint256[](d.families);
        w.weights = new uint256[](d.weightBlocks);
        _blocks(w);
        _tables(d);
        _functions(d);
        LayerRules.check(w);
        Weights.check(d, w.weights);
        _maskCells(d);
        // columns that the commitment scheme has no opening for
        if (d.logRows % 2 != 0) {
            revert LayoutRefused(LayoutRule.RowsNotSquare, d.logRows); // Protocol
        }
    }

    /// @notice What a registration proves of a model's hidden weights; see Registrations for the equations.
    /// @dev Words: s, the number of range columns, of runs, of blocks. Then runs, each
    ///
    ///     home (8 bits; 1 a weight chunk, 0 a range column), number (16), row (32), factors (8), start (64),
    ///     log2 of five lengths (8 each), 0 (88) | five lengths (32 each), 0 (96) | factor, exponent | factor, ..
    ///
    /// which says `sum_j factor_j sum_k r^(exponent_j + k) cell(k)` over the real positions k of a tensor from `start`
    /// on, whose cells are in the column's rows in the same order. Then blocks of weights, each the first two words of
    /// a run without its home, number, row and factors; entries are in [-2^b, 2^b), and b is the first word's lowest
    /// byte.
    /// Reverts with RegistrationTooLarge beyond what a program can number.
    /// @param descriptor A descriptor that `check` accepts. Of another, this says nothing.
    function ranges(bytes calldata descriptor) external pure returns (uint256[] memory program) {
        return Registrations.program(Descriptors.parse(descriptor));
    }

    /// @dev Sizes are counted from 0 in this order; layers have more. Salts are as many as their encoding can count.
    function _sizes(Descriptor memory d) private pure {
        unchecked {
            _size(0, d.logRows, 4, 24);
            // Column M spends a pad row on its value, one on its commitment and four as mask cells.
            _size(1, d.logPad, 3, d.logRows - 1);
            _size(2, d.rangeBits, 1, 20);
            _size(3, d.valueBits, 2, 20);
            _size(4, d.batch, 1, 1 << 24);
            _size(5, d.rangeColumns, 1, 64);
            _size(6, d.pairs, 0, 64);
            _size(7, d.functions, 0, 64);
            _size(8, d.chunks, 1, ((1 << 31) >> d.logRows) - 1);
            _size(9, d.blocks.length, 1, 1 << 15);
            _size(10, d.layers.length, 2, 1 << 12);
            // Weights are hidden or public.
            _size(14, d.weightVisibility == Descriptors.COMMITTED ? 1 : 0, 0, 0);
        }
    }

    function _size(uint256 size, uint256 got, uint256 low, uint256 high) private pure {
        // a size out of bounds
        if (got < low || got > high) {
            revert LayoutRefused(LayoutRule.Size, size); // Protocol
        }
    }

    /// @dev Blocks are in columns that exist, aligned, disjoint, not in pad rows. Notes for each block of values which
    /// one comes before it in its column.
    function _blocks(Walk memory w) private pure {
        // Numbers of blocks, rows and positions: the largest size is 2^128.
        unchecked {
            Descriptor memory d = w.d;
            uint256 active = d.active();
            uint256 count = d.blocks.length;
            uint256[] memory taken = new uint256[](count);
            for (uint256 i = 0; i < count; ++i) {
                uint256 word = d.blocks.get(i);
                uint256 dims = word >> 48;
                // a length of 0
                if (_volume(dims) == 0) {
                    revert LayoutRefused(LayoutRule.EmptyBlock, i); // Protocol
                }
                // a column that the layout does not have
                if (!_exists(d, word >> 248, uint8(word >> 240))) {
                    revert LayoutRefused(LayoutRule.NoSuchColumn, i); // Protocol
                }
                // another batch
                if (Descriptors.length(dims, 0) != d.batch) {
                    revert LayoutRefused(LayoutRule.BatchLength, i); // Protocol
                }
                uint256 log = Descriptors.sizeBits(dims);
                uint256 offset = uint32(word >> 208);
                // a block for which closed forms do not apply
                if (offset & ((1 << log) - 1) != 0) {
                    revert LayoutRefused(LayoutRule.BlockNotAligned, i); // Protocol
                }
                // cells that no gate looks at
                if (offset + (1 << log) > active) {
                    revert LayoutRefused(LayoutRule.BlockTouchesPadRows, i); // Protocol
                }
                // A column and a row are one position: a block ends inside its column.
                taken.set(i, Words.range(word >> 208, log));
                if (word >> 248 == Descriptors.VALUE) {
                    uint256 pair = uint8(word >> 240);
                    d.blocks.set(i, word | (w.values.get(pair) << LayerRules.NEXT));
                    w.values.set(pair, i + 1);
                }
            }
            (bool found, uint256 position) = taken.sorted().overlap();
            // one cell of two blocks
            if (found) {
                revert LayoutRefused(LayoutRule.BlocksOverlap, position); // Protocol
            }
        }
    }

    /// @dev The product of four lengths of 32 bits.
    function _volume(uint256 dims) private pure returns (uint256) {
        unchecked {
            return Descriptors.length(dims, 0) * Descriptors.length(dims, 1) * Descriptors.length(dims, 2)
                * Descriptors.length(dims, 3);
        }
    }

    function _exists(Descriptor memory d, uint256 column, uint256 number) private pure returns (bool) {
        if (column == Descriptors.RANGE) return number < d.rangeColumns;
        if (column == Descriptors.INPUT) return d.inputVisibility == Descriptors.COMMITTED;
        return number < d.pairs;
    }

    /// @dev Tables are exactly as large as their columns need, aligned, disjoint, not in pad rows.
    function _tables(Descriptor memory d) private pure {
        // Places in calldata, and rows: a table has at most 2^20.
        unchecked {
            uint256 active = d.active();
            uint256[] memory taken = new uint256[](d.functions + 1);
            uint256 at = d.functionsAt;
            for (uint256 i = 0; i < taken.length; ++i) {
                uint256 slot = d.rangeTable;
                if (i > 0) {
                    slot = Descriptors.load(at) >> 216;
                    (at,) = _afterFunction(at);
                }
                uint256 log = uint8(slot);
                // a table of other integers than its columns'
                if (log != (i == 0 ? d.rangeBits : d.valueBits)) {
                    revert LayoutRefused(LayoutRule.TableSize, i); // Protocol
                }
                uint256 offset = slot >> 8;
                // a table that is not aligned, or has free rows
                if (offset & ((1 << log) - 1) != 0 || offset + (1 << log) > active) {
                    revert LayoutRefused(LayoutRule.TablePlacement, i); // Protocol
                }
                taken.set(i, Words.range(offset, log));
            }
            (bool found, uint256 row) = taken.sorted().overlap();
            // one row of two tables
            if (found) {
                revert LayoutRefused(LayoutRule.TablesOverlap, row); // Protocol
            }
        }
    }

    /// @dev The place after a function, and how many values its table has; 0 for a clamp.
    function _afterFunction(uint256 at) private pure returns (uint256 next, uint256 values) {
        // a place in calldata
        unchecked {
            at += Descriptors.SLOT_BYTES;
            if (Descriptors.u8(at) == 0) return (at + 9, 0);
            values = Descriptors.u32(at + 1);
            next = at + 5 + 4 * values;
        }
    }

    /// @dev Functions have K-bit values, one for each K-bit argument; pairs have functions.
    function _functions(Descriptor memory d) private pure {
        // Places in calldata; valueBits is at least 2 and at most 20.
        unchecked {
            uint256 at = d.functionsAt;
            for (uint256 i = 0; i < d.functions; ++i) {
                (uint256 next, uint256 count) = _afterFunction(at);
                if (Descriptors.u8(at + Descriptors.SLOT_BYTES) == 0) {
                    _clamp(d, i, at + Descriptors.SLOT_BYTES + 1);
                } else {
                    // arguments without a value, or values without an argument
                    if (count != 1 << d.valueBits) {
                        revert LayoutRefused(LayoutRule.FunctionLength, i); // Protocol
                    }
                    _values(d, i, next - 4 * count, next);
                }
                at = next;
            }
            for (uint256 pair = 0; pair < d.pairs; ++pair) {
                // a pair without a function
                if (Descriptors.u8(d.pairsAt + pair) >= d.functions) {
                    revert LayoutRefused(LayoutRule.NoSuchFunction, pair); // Protocol
                }
            }
        }
    }

    function _clamp(Descriptor memory d, uint256 i, uint256 at) private pure {
        // valueBits is at least 2 and at most 20.
        unchecked {
            int256 half = int256(1 << (d.valueBits - 1));
            int256 low = int32(uint32(Descriptors.u32(at)));
            int256 high = int32(uint32(Descriptors.u32(at + 4)));
            // values of more than K bits, or bounds that cross
            if (low < -half || high >= half || low > high) {
                revert LayoutRefused(LayoutRule.FunctionBounds, i); // Protocol
            }
        }
    }

    /// @dev Eight values at a time: a number of 32 bits has K bits if its bits K-1 to 31 are all the same, so if each
    /// of bits K-1 to 30 is the one above it. What a shift brings in from the next number is in bit 31.
    function _values(Descriptor memory d, uint256 i, uint256 at, uint256 end) private pure {
        // Places in calldata; valueBits is at least 2 and at most 20.
        unchecked {
            uint256 mask = (0x7fffffff >> (d.valueBits - 1)) << (d.valueBits - 1);
            mask *= 0x0000000100000001000000010000000100000001000000010000000100000001;
            // Four values fill half a word.
            if (end - at == 16) mask = (mask >> 128) << 128;
            for (; at < end; at += 32) {
                uint256 word = Descriptors.load(at);
                // a value of more than K bits
                if ((word ^ (word >> 1)) & mask != 0) {
                    revert LayoutRefused(LayoutRule.FunctionValue, i); // Protocol
                }
            }
        }
    }

    /// @dev Mask cells are four distinct pad rows of M and four distinct positions of the virtual chunk.
    function _maskCells(Descriptor memory d) private pure {
        // numbers of 32 bits, and of at most 2^31 + 2^24
        unchecked {
            uint256 start = d.chunks << d.logRows;
            uint256 cells = d.maskCells;
            // weights and inputs that share a mask
            if (_twice(cells)) {
                revert LayoutRefused(LayoutRule.MaskCellsOverlap, 0); // Protocol
            }
            // masks that share a row
            if (_twice(cells >> 128)) {
                revert LayoutRefused(LayoutRule.MaskCellsOverlap, 1); // Protocol
            }
            for (uint256 i = 0; i < 4; ++i) {
                uint256 position = uint32(cells >> (32 * i));
                // a mask on weights, or behind all positions
                if (position < start || position >= start + d.rows()) {
                    revert LayoutRefused(LayoutRule.MaskCellOutsideVirtualChunk, position); // Protocol
                }
            }
            for (uint256 i = 4; i < 8; ++i) {
                uint256 row = uint32(cells >> (32 * i));
                // a mask that gates look at, or behind all rows
                if (row < d.active() || row >= d.rows()) {
                    revert LayoutRefused(LayoutRule.MaskCellOutsidePadRows, row); // Protocol
                }
            }
            // Three rows that align the others; coefficients of the mask of sumcheck A, of degree 4 in the variables of a
            // row and 2 in those of a chunk, the virtual one included; four cells for each variable of a row.
            uint256 log = 0;
            while (1 << log < d.chunks + 1) ++log;
            uint256 used = 4 + 8 * d.logRows + 2 * log;
            // too few rows left that hide sumcheck D
            if (used > d.rows()) {
                revert LayoutRefused(LayoutRule.MasksDoNotFit, used); // Protocol
            }
        }
    }

    /// @dev Whether two of the lowest four numbers of 32 bits are the same.
    function _twice(uint256 cells) private pure returns (bool) {
        unchecked {
            for (uint256 i = 1; i < 4; ++i) {
                for (uint256 j = 0; j < i; ++j) {
                    if (uint32(cells >> (32 * i)) == uint32(cells >> (32 * j))) return true;
                }
            }
            return false;
        }
    }
}
