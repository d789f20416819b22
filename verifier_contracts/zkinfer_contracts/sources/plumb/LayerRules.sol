// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Descriptor, Descriptors} from "./Descriptors.sol";
import {LayoutRefused, LayoutRule} from "./LayoutRules.sol";
import {Weights} from "./Weights.sol";
import {Words} from "./Words.sol";

/// @dev A walk over the layers. A block's notes (its word's lowest 48 bits) say what is known of it by then.
struct Walk {
    Descriptor d;
    /// The layer that is looked at.
    uint256 layer;
    /// For each pair, the number plus one of the last block of its value column; others follow by NEXT.
    uint256[] values;
    /// Exponents of r, as ranges.
    uint256[] families;
    uint256 familyCount;
    /// Blocks of weights, as Weights makes them.
    uint256[] weights;
    uint256 weightCount;
}

/// @title The rules of layers
/// @dev Layers are walked in order: every cell that is read has been fixed, no two equations share a power of r,
/// no sum overflows. Block words are those of the descriptor.
library LayerRules {
    using Words for uint256[];
    using Descriptors for Descriptor;

    /// @dev Notes of a block: a view may read it; a layer has fixed it; from here on, the block before it in its
    /// value column.
    uint256 internal constant READABLE = 1;
    uint256 internal constant WRITTEN = 2;
    uint256 internal constant NEXT = 16;

    /// @dev Exponents stay below this, so that no power of r costs more than a contract can pay.
    uint256 private constant MAX_EXPONENT = 1 << 40;
    /// @dev The executor's integers stay below this.
    uint256 private constant MAX_SUM = 1 << 62;
    /// @dev The longest lists that a layer has.
    uint256 private constant MAX_TERMS = 64;
    uint256 private constant MAX_SHIFT = 40;

    /// @dev What sizes inside layers are counted as, after those of the descriptor.
    uint256 private constant SIZE_OF_TERMS = 11;
    uint256 private constant SIZE_OF_MAPS = 12;
    uint256 private constant SIZE_OF_SHIFT = 13;

    uint256 private constant DIMS = Descriptors.DIMS;

    function check(Walk memory w) internal pure {
        // Counters of lists in memory.
        unchecked {
            Descriptor memory d = w.d;
            uint256 count = d.layers.length;
            uint256 firstPublic = count;
            for (uint256 i = 0; i < count; ++i) {
                w.layer = i;
                uint256 entry = d.layers.get(i);
                uint256 operation = entry >> 248;
                uint256 at = uint64(entry);
                bool isPublic = operation >= Descriptors.OP_OUTPUT;
                // a first layer that is not the input, or another input
                if ((operation == Descriptors.OP_INPUT) != (i == 0)) {
                    revert LayoutRefused(LayoutRule.InputLayer, i); // Protocol
                }
                if (operation == Descriptors.OP_INPUT) {
                    _input(w, at);
                } else if (operation == Descriptors.OP_COMBINE) {
                    _combine(w, at);
                } else if (operation == Descriptors.OP_LINEAR) {
                    isPublic = _linear(w, at, uint64(entry >> 64));
                } else if (operation == Descriptors.OP_OUTPUT) {
                    _output(w, at);
                } else {
                    _top1(w, at);
                }
                if (isPublic && firstPublic == count) firstPublic = i;
            }
            // no public layer, or one before the last
            if (firstPublic != count - 1) {
                revert LayoutRefused(LayoutRule.PublicLayer, count - 1); // Protocol
            }
            w.families = w.families.sorted();
            (bool found, uint256 exponent) = w.families.overlap();
            // families of equations that share an exponent
            if (found) {
                revert LayoutRefused(LayoutRule.ExponentsOverlap, exponent); // Protocol
            }
        }
    }

    // Blocks.

    function _column(uint256 block_) private pure returns (uint256) {
        return block_ >> 248;
    }

    function _dims(uint256 block_) private pure returns (uint256) {
        return (block_ >> 48) & DIMS;
    }

    /// @dev First row and dimensions.
    function _rows(uint256 block_) private pure returns (uint256) {
        return (block_ >> 48) & Descriptors.ROWS;
    }

    function _block(Walk memory w, uint256 id) private pure returns (uint256) {
        // a block that does not exist
        if (id >= w.d.blocks.length) {
            revert LayoutRefused(LayoutRule.NoSuchBlock, w.layer); // Protocol
        }
        return w.d.blocks.get(id);
    }

    /// @dev A layer fixes a block. An argument is looked up, so it is a K-bit integer that views may read. Fixing it
    /// fixes its value too: the pair's look-up sees to that, if the value is in the same rows and has the same
    /// lengths. There is at most one such block, since blocks of a column do not overlap. `id` is a block's.
    function _write(Walk memory w, uint256 id) private pure {
        uint256[] memory blocks = w.d.blocks;
        uint256 word = blocks.get(id);
        // a block that an earlier equation has fixed
        if (word & WRITTEN != 0) {
            revert LayoutRefused(LayoutRule.WrittenTwice, w.layer); // Protocol
        }
        if (_column(word) != Descriptors.ARGUMENT) {
            blocks.set(id, word | WRITTEN);
            return;
        }
        blocks.set(id, word | WRITTEN | READABLE);
        // Numbers in these lists are those of blocks, plus one.
        unchecked {
            uint256 next = w.values.get((word >> 240) & 0xff);
            while (next != 0) {
                uint256 value = blocks.get(next - 1);
                if (_rows(value) == _rows(word)) {
                    blocks.set(next - 1, value | READABLE);
                    return;
                }
                next = uint16(value >> NEXT);
            }
        }
    }

    // What layers share.

    /// @dev Strides are injective on the padded lengths. Every length is at least 1: it is a block's, or was checked
    /// against one. Strides are powers of two by their encoding; here they are logarithms below 64.
    function _family(Walk memory w, uint256 exponents) private pure {
        // Logarithms: at most 63 + 32 before the last rule has seen them, so every shift is below 2^96.
        unchecked {
            uint256 strides = exponents >> 160;
            uint256 first = uint8(strides >> 24) + Descriptors.bits(exponents, 0);
            bool injective = uint8(strides >> 24) >= uint8(strides >> 16) + Descriptors.bits(exponents, 1)
                && uint8(strides >> 16) >= uint8(strides >> 8) + Descriptors.bits(exponents, 2)
                && uint8(strides >> 8) >= uint8(strides) + Descriptors.bits(exponents, 3);
            // equations of one family that share an exponent, or one that is too large
            if (!injective || (exponents >> 192) + (1 << first) > MAX_EXPONENT) {
                revert LayoutRefused(LayoutRule.ExponentStrides, w.layer); // Protocol
            }
            w.families.set(w.familyCount++, Words.range(exponents >> 192, first));
        }
    }

    /// @dev `width` is the exact width of a cell's range: below the table's it needs scaled cells. `tight` is the
    /// place of their record, or 0.
    function _tight(Walk memory w, uint256 cell, uint256 width, uint256 tight) private pure {
        // scaled cells missing, or not needed
        if ((tight != 0) != (width < w.d.rangeBits)) {
            revert LayoutRefused(LayoutRule.TightRange, w.layer); // Protocol
        }
        if (tight == 0) return;
        uint256 id = Descriptors.u16(tight);
        uint256 scaled = _block(w, id);
        unchecked {
            uint256 exponents = Descriptors.load(tight + 3);
            bool ranged = _column(cell) == Descriptors.RANGE && _column(scaled) == Descriptors.RANGE;
            bool same = _dims(scaled) == _dims(cell) && exponents & DIMS == _dims(cell);
            // scaled cells of another width or other lengths, or in no range column
            if (!ranged || !same || Descriptors.u8(tight + 2) != width || width == 0) {
                revert LayoutRefused(LayoutRule.TightRange, w.layer); // Protocol
            }
            _write(w, id);
            _family(w, exponents);
        }
    }

    /// @dev A number of exactly `width` bits in `ceil(width / s)` limbs; the top one is tight unless it fills its
    /// table. Zero has no limbs.
    function _limbs(Walk memory w, uint256 width, uint256 limbs, uint256 tight, uint256 dims) private pure {
        // width <= 40, and s >= 1
        unchecked {
            uint256 s = w.d.rangeBits;
            uint256 expected = (width + s - 1) / s;
            // limbs too many or too few
            if (Descriptors.u8(limbs) != expected) {
                revert LayoutRefused(LayoutRule.RemainderLimbs, w.layer); // Protocol
            }
            for (uint256 i = 0; i < expected; ++i) {
                uint256 id = Descriptors.u16(limbs + 1 + 2 * i);
                uint256 limb = _block(w, id);
                // a limb of other lengths, or in no range column
                if (_column(limb) != Descriptors.RANGE || _dims(limb) != dims) {
                    revert LayoutRefused(LayoutRule.RemainderBlock, w.layer); // Protocol
                }
                _write(w, id);
                if (i + 1 == expected) _tight(w, limb, width - s * i, tight);
            }
            // scaled cells of nothing
            if (expected == 0 && tight != 0) {
                revert LayoutRefused(LayoutRule.TightRange, w.layer); // Protocol
            }
        }
    }

    function _length(uint256 count, uint256 size) private pure {
        // a list without items, or too long
        if (count == 0 || count > MAX_TERMS) {
            revert LayoutRefused(LayoutRule.Size, size); // Protocol
        }
    }

    /// @dev Every term reads cells that an earlier layer fixes, inside their real lengths. Gives a bound on the view's
    /// values: at most 64 terms of 2^31 times 2^20 each.
    function _view(Walk memory w, uint256 at, uint256 dims) private pure returns (uint256 bound) {
        unchecked {
            uint256 count = Descriptors.u8(at);
            // a view of nothing
            if (count == 0) {
                revert LayoutRefused(LayoutRule.EmptyView, w.layer); // Protocol
            }
            _length(count, SIZE_OF_TERMS);
            ++at;
            for (uint256 i = 0; i < count; ++i) {
                uint256 term = Descriptors.load(at);
                uint256 word = _block(w, (term >> 208) & 0xffff);
                // cells that no earlier layer fixes
                if (word & READABLE == 0) {
                    revert LayoutRefused(LayoutRule.UnfixedCells, w.layer); // Protocol
                }
                uint256 source = _dims(word);
                // another batch, or other channels
                if (source >> 96 != dims >> 96) {
                    revert LayoutRefused(LayoutRule.ViewShape, w.layer); // Protocol
                }
                _select(w, dims, source, 2, term >> 168);
                _select(w, dims, source, 3, term >> 128);
                int256 coefficient = int32(uint32(term >> 224));
                uint256 largest = _column(word) == Descriptors.RANGE ? w.d.rangeBits : w.d.valueBits - 1;
                bound += uint256(coefficient < 0 ? -coefficient : coefficient) << largest;
                at += Descriptors.TERM_BYTES;
            }
        }
    }

    /// @dev One coordinate of a term: index i reads `i 2^shift + low`.
    function _select(Walk memory w, uint256 dims, uint256 source, uint256 i, uint256 select) private pure {
        // A shift of at most 32 where it counts, and numbers of 32 bits.
        unchecked {
            uint256 shift = uint8(select >> 32);
            uint256 low = uint32(select);
            uint256 n = Descriptors.length(dims, i);
            // low bits that the block does not have, or no coordinate
            if (shift > Descriptors.bits(source, i) || low >> shift != 0 || n == 0) {
                revert LayoutRefused(LayoutRule.ViewShape, w.layer); // Protocol
            }
            // free cells behind the real ones
            if (((n - 1) << shift) + low >= Descriptors.length(source, i)) {
                revert LayoutRefused(LayoutRule.ViewBeyondRealLength, w.layer); // Protocol
            }
        }
    }

    /// @dev A view whose cells are K-bit integers: one block of activations, as it is. Gives the place after it.
    function _activations(Walk memory w, uint256 at, uint256 dims) private pure {
        _view(w, at, dims);
        unchecked {
            uint256 term = Descriptors.load(at + 1);
            uint256 column = _column(w.d.blocks.get((term >> 208) & 0xffff));
            bool one = Descriptors.u8(at) == 1 && term >> 224 == 1;
            // sums, multiples, or cells of another domain
            if (!one || (column != Descriptors.ARGUMENT && column != Descriptors.VALUE)) {
                revert LayoutRefused(LayoutRule.OutputView, w.layer); // Protocol
            }
        }
    }

    function _afterView(uint256 at) private pure returns (uint256) {
        // a place in calldata
        unchecked {
            return at + 1 + Descriptors.TERM_BYTES * Descriptors.u8(at);
        }
    }

    // Layers.

    function _input(Walk memory w, uint256 at) private pure {
        Descriptor memory d = w.d;
        uint256 id = Descriptors.u16(at);
        uint256 word = _block(w, id);
        uint256 link;
        uint256 tight;
        unchecked {
            (link, at) = Descriptors.optional(at + 2, 2);
            (tight, at) = Descriptors.optional(at, Descriptors.TIGHT_BYTES);
        }
        uint256 exponents = Descriptors.load(at);
        uint256 column = _column(word);
        // an input of other lengths, or in no looked-up column
        if (exponents & DIMS != _dims(word) || (column != Descriptors.RANGE && column != Descriptors.ARGUMENT)) {
            revert LayoutRefused(LayoutRule.InputBlock, w.layer); // Protocol
        }
        uint256 width = d.rangeBits;
        // The width of 8 bits is where the record is.
        unchecked {
            if (tight != 0) width = Descriptors.u8(tight + 2);
        }
        _tight(w, word, width, tight);
        // valueBits is 2 or more.
        unchecked {
            uint256 half = 1 << (d.valueBits - 1);
            uint256 domain = column == Descriptors.RANGE
                ? (1 << width) - 1
                : ((uint256(type(uint64).max) + 1 - half) << 64) | (half - 1);
            // a domain that is not the column's
            if (d.inputDomain != domain) {
                revert LayoutRefused(LayoutRule.InputDomain, w.layer); // Protocol
            }
        }
        bool committed = d.inputVisibility == Descriptors.COMMITTED;
        // a committed input without a link, or another with one
        if ((link != 0) != committed) {
            revert LayoutRefused(LayoutRule.InputLink, w.layer); // Protocol
        }
        if (committed) {
            uint256 behind = _block(w, Descriptors.u16(link));
            // a link to other rows, or to another column than the input's
            if (_column(behind) != Descriptors.INPUT || _rows(behind) != _rows(word)) {
                revert LayoutRefused(LayoutRule.InputLink, w.layer); // Protocol
            }
        }
        _inputSalts(d, committed);
        _write(w, id);
        d.blocks.set(id, d.blocks.get(id) | READABLE);
        _family(w, exponents);
    }

    function _inputSalts(Descriptor memory d, bool committed) private pure {
        // Counters of 16 bits.
        unchecked {
            uint256 count = d.inputSalts;
            uint256[] memory salts = new uint256[](count);
            for (uint256 i = 0; i < count; ++i) {
                salts.set(i, Descriptors.u32(d.inputSaltsAt + 4 * i));
            }
            salts = salts.sorted();
            // One in a pad row at least for a committed input, none for another.
            bool right = (count > 0) == committed;
            uint256 low = d.active();
            for (uint256 i = 0; i < count; ++i) {
                uint256 salt = salts.get(i);
                if (salt < low) right = false;
                low = salt + 1;
            }
            // salts outside the pad rows, twice the same, missing, or of nothing
            if (!right || low > d.rows()) {
                revert LayoutRefused(LayoutRule.InputSalts, count); // Protocol
            }
        }
    }

    function _combine(Walk memory w, uint256 at) private pure {
        uint256 id = Descriptors.u16(at);
        uint256 word = _block(w, id);
        uint256 terms;
        unchecked {
            terms = at + 2;
        }
        uint256 exponents = Descriptors.load(_afterView(terms));
        // a block of other lengths than the equations, or in no argument column
        if (_column(word) != Descriptors.ARGUMENT || _dims(word) != exponents & DIMS) {
            revert LayoutRefused(LayoutRule.CombineLength, w.layer); // Protocol
        }
        // No overflow: a view's values are below 2^58.
        _view(w, terms, exponents & DIMS);
        _write(w, id);
        _family(w, exponents);
    }

    function _linear(Walk memory w, uint256 at, uint256 tail) private pure returns (bool isPublic) {
        unchecked {
            uint256 outputs = Descriptors.u8(tail);
            isPublic = outputs == 0;
            uint256 output = Descriptors.u16(tail + 1);
            uint256 values = Descriptors.u16(tail + 3);
            uint256 limbs = tail + 1 + 2 * outputs;
            uint256 tight;
            (tight, tail) = Descriptors.optional(limbs + 1 + 2 * Descriptors.u8(limbs), Descriptors.TIGHT_BYTES);
            uint256 shift = Descriptors.u8(tail);
            uint256 exponents = Descriptors.load(tail + 1);
            uint256 dims = exponents & DIMS;

            uint256 sum = _maps(w, at, dims);
            w.weights.set(w.weightCount++, Weights.biases(w.d, w.layer, tail + 33, dims));
            if (!isPublic) {
                uint256 word = _block(w, output);
                // an output of other lengths, or in no argument column
                if (_column(word) != Descriptors.ARGUMENT || _dims(word) != dims) {
                    revert LayoutRefused(LayoutRule.OutputBlock, w.layer); // Protocol
                }
                if (outputs == 2) _pooled(w, word, values);
            }
            // a shift that no integer of ours has
            if (shift > MAX_SHIFT) {
                revert LayoutRefused(LayoutRule.Size, SIZE_OF_SHIFT); // Protocol
            }
            _limbs(w, shift, limbs, tight, dims);
            // sum |W| |x| + |b| + 2^(S+K) < 2^62; these are below 2^240, 2^128 and 2^62. |y| <= 2^(K-1); where y is a sum
            // of five cells |y| <= 5 2^(K-1).
            sum += _power(Descriptors.u8(tail + 37)) + (1 << (shift + w.d.valueBits + (outputs == 2 ? 2 : 0)));
            // sums that a field element does not tell from others
            if (sum >= MAX_SUM) {
                revert LayoutRefused(LayoutRule.Overflow, w.layer); // Protocol
            }
            // After the views: a layer cannot read what it writes.
            if (!isPublic) _write(w, output);
            _family(w, exponents);
        }
    }

    /// @dev Squares of 2 x 2 are whole, and each argument has its value beside it.
    function _pooled(Walk memory w, uint256 arguments, uint256 id) private pure {
        uint256 dims = _dims(arguments);
        // a row or a column of half squares
        if ((Descriptors.length(dims, 2) | Descriptors.length(dims, 3)) & 1 != 0) {
            revert LayoutRefused(LayoutRule.PooledLength, w.layer); // Protocol
        }
        uint256 values = _block(w, id);
        bool paired = _column(values) == Descriptors.VALUE && uint8(values >> 240) == uint8(arguments >> 240);
        // values of other arguments
        if (!paired || _rows(values) != _rows(arguments)) {
            revert LayoutRefused(LayoutRule.PooledValues, w.layer); // Protocol
        }
    }

    /// @dev `2^log`, or 2^128 where it would be more: too large for any sum either way.
    function _power(uint256 log) private pure returns (uint256) {
        return 1 << (log < 128 ? log : 128);
    }

    /// @dev All maps of a layer; gives a bound on the sum of their products.
    function _maps(Walk memory w, uint256 at, uint256 dims) private pure returns (uint256 sum) {
        unchecked {
            uint256 count = Descriptors.u8(at);
            _length(count, SIZE_OF_MAPS);
            // no output channel
            if (Descriptors.length(dims, 1) == 0) {
                revert LayoutRefused(LayoutRule.OutputLength, w.layer); // Protocol
            }
            ++at;
            for (uint256 i = 0; i < count; ++i) {
                uint256 map = at;
                uint256 terms = at + 1;
                if (Descriptors.u8(at) != Descriptors.DENSE) terms += Descriptors.WINDOW_BYTES;
                at = _afterView(terms);
                uint256 input = Descriptors.load(at) >> 96;
                uint256 values = _view(w, terms, input);
                // lengths that the map does not give
                if (_outputLengths(w, map, input, dims) != dims >> 32) {
                    revert LayoutRefused(LayoutRule.OutputLength, w.layer); // Protocol
                }
                // Below 2^16 taps, 2^24 cells of the view, values of 2^57, 2^128; and there are 64 maps.
                sum += Weights.fanIn(map, input) * values * _power(Descriptors.u8(at + 24));
                w.weights.set(w.weightCount++, Weights.map(w.d, w.layer, map, at, dims));
                at += 25;
            }
        }
    }

    /// @dev The four lengths of what a map gives, in 128 bits.
    function _outputLengths(Walk memory w, uint256 map, uint256 input, uint256 dims) private pure returns (uint256) {
        uint256 kind = Descriptors.u8(map);
        uint256 height = 1;
        uint256 width = 1;
        unchecked {
            if (kind != Descriptors.DENSE) {
                uint256 window = Descriptors.load(map + 1) >> 192;
                height = _windows(w, Descriptors.length(input, 2), window >> 8);
                width = _windows(w, Descriptors.length(input, 3), window);
            }
        }
        uint256 channels = Descriptors.length(kind == Descriptors.DEPTHWISE ? input : dims, 1);
        return (w.d.batch << 96) | (channels << 64) | (height << 32) | width;
    }

    /// @dev How many places a window has along one coordinate. `window` has kernel, stride, zeros before and zeros
    /// after, each in the lower of 16 bits. A view has been found to hold `n` cells: fewer than 2^24.
    function _windows(Walk memory w, uint256 n, uint256 window) private pure returns (uint256) {
        unchecked {
            uint256 kernel = uint8(window >> 48);
            uint256 stride = uint8(window >> 32);
            uint256 padded = n + uint8(window >> 16) + uint8(window);
            // no window, one that does not fit, or another stride than 1 and 2
            if (kernel == 0 || kernel > padded || stride == 0 || stride > 2) {
                revert LayoutRefused(LayoutRule.ConvolutionWindow, w.layer); // Protocol
            }
            return (padded - kernel) / stride + 1;
        }
    }

    function _output(Walk memory w, uint256 at) private pure {
        uint256 exponents = Descriptors.load(_afterView(at));
        _activations(w, at, exponents & DIMS);
        _family(w, exponents);
    }

    function _top1(Walk memory w, uint256 at) private pure {
        unchecked {
            uint256 limbs = _afterView(at);
            (uint256 tight, uint256 next) =
                Descriptors.optional(limbs + 1 + 2 * Descriptors.u8(limbs), Descriptors.TIGHT_BYTES);
            uint256 exponents = Descriptors.load(next);
            uint256 dims = exponents & DIMS;
            // classes that are no list
            if (Descriptors.length(dims, 2) != 1 || Descriptors.length(dims, 3) != 1) {
                revert LayoutRefused(LayoutRule.ClassLengths, w.layer); // Protocol
            }
            _activations(w, at, dims);
            // Differences of K-bit integers have K bits and a sign: those that are not negative have K.
            _limbs(w, w.d.valueBits, limbs, tight, dims);
            _family(w, exponents);
        }
    }
}
