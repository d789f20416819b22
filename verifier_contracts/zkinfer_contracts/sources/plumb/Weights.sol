// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Descriptor, Descriptors} from "./Descriptors.sol";
import {LayoutRefused, LayoutRule} from "./LayoutRules.sol";
import {Words} from "./Words.sol";

/// @title The weight index domain: blocks of weights, salts, and nothing else
/// @dev A block is a tensor of five dimensions in one word: first position (48 bits), 0 (8 bits), five lengths
/// (32 bits each), and ceil(log2) of each (8 bits each).
library Weights {
    using Words for uint256[];
    using Descriptors for Descriptor;

    /// @dev Taps of a map's window, 1 for a dense map.
    function taps(uint256 map_) internal pure returns (uint256) {
        // two bytes' product
        unchecked {
            if (Descriptors.u8(map_) == Descriptors.DENSE) return 1;
            return Descriptors.u8(map_ + 1) * Descriptors.u8(map_ + 2);
        }
    }

    /// @dev How many products one output of a map sums. A view holds the input's cells: at most 2^24.
    function fanIn(uint256 map_, uint256 input) internal pure returns (uint256) {
        unchecked {
            uint256 kind = Descriptors.u8(map_);
            if (kind == Descriptors.DEPTHWISE) return taps(map_);
            uint256 channels = Descriptors.length(input, 1);
            if (kind == Descriptors.CONVOLUTION) return taps(map_) * channels;
            return channels * Descriptors.length(input, 2) * Descriptors.length(input, 3);
        }
    }

    /// @dev The lengths (160 bits) and their logarithms (40 bits) of a map's weights: (1, out, channel, height, width)
    /// of a dense map, (row, column, out, channel, 1) of a window. `outputs` are the dimensions of the layer's equations.
    function mapDims(uint256 map_, uint256 input, uint256 outputs) internal pure returns (uint256 dims) {
        unchecked {
            uint256 kind = Descriptors.u8(map_);
            if (kind == Descriptors.DENSE) {
                // (channel, height, width), the view's lengths without the batch
                dims = (((input >> 32) & type(uint96).max) << 40) | (input & 0xffffff);
                return dims | _dim(0, 1, 0) | _channels(1, outputs);
            }
            for (uint256 i = 0; i < 2; ++i) {
                uint256 count = Descriptors.u8(map_ + 1 + i);
                uint256 log = 0;
                while (1 << log < count) ++log;
                dims |= _dim(i, count, log);
            }
            dims |= kind == Descriptors.CONVOLUTION ? _channels(3, outputs) : _dim(3, 1, 0);
            return dims | _channels(2, input) | _dim(4, 1, 0);
        }
    }

    /// @dev One of five dimensions.
    function _dim(uint256 i, uint256 length, uint256 log) private pure returns (uint256) {
        unchecked {
            return (length << (168 - 32 * i)) | (log << (32 - 8 * i));
        }
    }

    /// @dev The channels of a tensor as one of five dimensions.
    function _channels(uint256 i, uint256 tensor) private pure returns (uint256) {
        return _dim(i, Descriptors.length(tensor, 1), Descriptors.bits(tensor, 1));
    }

    /// @dev The lengths and logarithms of a layer's biases: one dimension, four of length 1.
    function biasDims(uint256 outputs) internal pure returns (uint256) {
        return _channels(0, outputs) | (1 << 136) | (1 << 104) | (1 << 72) | (1 << 40);
    }

    /// @dev log2 of a block's positions with padding, from its lowest 40 bits: five numbers of at most 32.
    function sizeBits(uint256 dims) internal pure returns (uint256) {
        unchecked {
            return (((dims & 0xffffffffff) * 0x0101010101) >> 32) & 0xff;
        }
    }

    /// @dev Positions from a block's first weight to its last. The padding behind is not the block's: contractions end
    /// before it, so no closed form reads it. The first length that is not 1 is more than half of its power of two, so
    /// a block that ends inside the weight index domain has its padding there too.
    function _extent(uint256 word) private pure returns (uint256 extent) {
        // lengths of at least 1, and logarithms of at most 32
        unchecked {
            uint256 log = 0;
            uint256 lengths = word >> 40;
            extent = 1;
            for (uint256 i = 0; i < 5; ++i) {
                extent += (uint256(uint32(lengths)) - 1) << log;
                log += word & 0xff;
                lengths >>= 32;
                word >>= 8;
            }
        }
    }

    /// @dev A map's block; its record after the view is at `at`: input, first weight, bits.
    function map(Descriptor memory d, uint256 layer, uint256 map_, uint256 at, uint256 outputs)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            return _checked(d, layer, Descriptors.u32(at + 20), mapDims(map_, Descriptors.load(at) >> 96, outputs));
        }
    }

    /// @dev A layer's biases; the first one's position is at `at`.
    function biases(Descriptor memory d, uint256 layer, uint256 at, uint256 outputs) internal pure returns (uint256) {
        return _checked(d, layer, Descriptors.u32(at), biasDims(outputs));
    }

    function _checked(Descriptor memory d, uint256 layer, uint256 start, uint256 dims) private pure returns (uint256) {
        // sizes of at most 2^160
        unchecked {
            uint256 log = sizeBits(dims);
            // a block for which closed forms do not apply
            if (start & ((1 << log) - 1) != 0) {
                revert LayoutRefused(LayoutRule.WeightsNotAligned, layer); // Protocol
            }
            // weights where mask cells are
            if (start + _extent(dims) > d.chunks << d.logRows) {
                revert LayoutRefused(LayoutRule.WeightsInVirtualChunk, layer); // Protocol
            }
            return (start << 208) | dims;
        }
    }

    /// @dev No two blocks meet; every chunk of hidden weights has salts, and no salt is on a weight.
    function check(Descriptor memory d, uint256[] memory blocks) internal pure {
        blocks = blocks.sorted();
        uint256 end = 0;
        // positions below 2^40
        unchecked {
            for (uint256 i = 0; i < blocks.length; ++i) {
                uint256 position = blocks.get(i) >> 208;
                // one position of two blocks
                if (position < end) {
                    revert LayoutRefused(LayoutRule.WeightsOverlap, position); // Protocol
                }
                end = position + _extent(blocks.get(i));
            }
        }
        uint256[] memory salts = _salts(d);
        _saltsOfChunks(d, salts);
        _saltsBesideWeights(blocks, salts);
    }

    /// @dev All salts, in order.
    function _salts(Descriptor memory d) private pure returns (uint256[] memory salts) {
        // counters of 16 bits
        unchecked {
            uint256 count = d.salts;
            salts = new uint256[](count);
            for (uint256 i = 0; i < count; ++i) {
                salts.set(i, Descriptors.u32(d.saltsAt + 4 * i));
            }
            salts = salts.sorted();
            // a salt in the virtual chunk
            if (count > 0 && salts.get(count - 1) >= d.chunks << d.logRows) {
                revert LayoutRefused(LayoutRule.WeightsInVirtualChunk, d.layers.length); // Protocol
            }
        }
    }

    function _saltsOfChunks(Descriptor memory d, uint256[] memory salts) private pure {
        // counters of 16 bits
        unchecked {
            bool hidden = d.weightVisibility == Descriptors.HIDDEN;
            uint256 next = 0;
            for (uint256 chunk = 0; chunk < d.chunks; ++chunk) {
                uint256 first = next;
                while (next < salts.length && salts.get(next) >> d.logRows == chunk) ++next;
                // commitments that can be guessed, or random numbers where everything is public
                if (hidden ? next < first + 2 : next != first) {
                    revert LayoutRefused(LayoutRule.SaltsOfChunk, chunk); // Protocol
                }
            }
        }
    }

    /// @dev Both lists are in order, so the block that starts last at or before a salt is the only one that may hold
    /// it.
    function _saltsBesideWeights(uint256[] memory blocks, uint256[] memory salts) private pure {
        // counters of lists in memory
        unchecked {
            uint256 next = 0;
            uint256 before = type(uint256).max;
            for (uint256 i = 0; i < salts.length; ++i) {
                uint256 salt = salts.get(i);
                while (next < blocks.length && blocks.get(next) >> 208 <= salt) ++next;
                // a salt that is a weight, or two that are one
                if (salt == before || (next > 0 && _isWeight(blocks.get(next - 1), salt))) {
                    revert LayoutRefused(LayoutRule.SaltOnWeight, salt); // Protocol
                }
                before = salt;
            }
        }
    }

    /// @dev Whether a position at or after a block's first holds a real weight. Positions of a block beyond its real
    /// lengths meet no cell, since every contraction is bounded by those: a salt may be there.
    function _isWeight(uint256 word, uint256 position) private pure returns (bool) {
        // position >= start; logarithms of at most 32
        unchecked {
            uint256 rest = position - (word >> 208);
            uint256 lengths = word >> 40;
            for (uint256 i = 0; i < 5; ++i) {
                uint256 log = word & 0xff;
                if (rest & ((1 << log) - 1) >= uint32(lengths)) return false;
                rest >>= log;
                lengths >>= 32;
                word >>= 8;
            }
            return rest == 0;
        }
    }
}
