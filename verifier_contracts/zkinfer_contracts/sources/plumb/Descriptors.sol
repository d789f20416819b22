// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {MalformedDescriptor} from "./LayoutRules.sol";
import {Words} from "./Words.sol";

/// @notice A model's descriptor, read from calldata.
/// @dev What is short is here, what is long stays in calldata and is known by its place there.
struct Descriptor {
    /// Where the bytes start and end, and how far they have been read.
    uint256 start;
    uint256 end;
    uint256 at;
    uint256 logRows;
    uint256 logPad;
    uint256 rangeBits;
    uint256 valueBits;
    uint256 batch;
    uint256 inputVisibility;
    uint256 weightVisibility;
    /// Least and greatest value of an input, as two 64-bit two's complements.
    uint256 inputDomain;
    uint256 rangeColumns;
    uint256 chunks;
    /// Offset (32 bits) and bits (8 bits) of the range table.
    uint256 rangeTable;
    uint256 functions;
    uint256 functionsAt;
    uint256 pairs;
    uint256 pairsAt;
    /// Eight numbers of 32 bits: rows of weights, rows of inputs, positions of weights, positions of inputs.
    uint256 maskCells;
    uint256 salts;
    uint256 saltsAt;
    uint256 inputSalts;
    uint256 inputSaltsAt;
    /// The blocks' 208 bits each, above 48 bits for the checker's notes.
    uint256[] blocks;
    /// Operation (8 bits), place of a linear layer's fields after its maps (64), place after the operation (64).
    uint256[] layers;
    /// How many families of equations all layers have, and how many blocks of weights.
    uint256 families;
    uint256 weightBlocks;
}

/// @title Reads descriptors, encoding version 3
/// @dev Refuses what the prover's decoder refuses: bytes that end too early or too late, and unknown values.
/// After `parse`, every place that follows from the bytes is inside them, so others read without looking.
library Descriptors {
    using Words for uint256[];

    uint256 internal constant HIDDEN = 0;
    uint256 internal constant COMMITTED = 1;

    uint256 internal constant RANGE = 0;
    uint256 internal constant ARGUMENT = 1;
    uint256 internal constant VALUE = 2;
    uint256 internal constant INPUT = 3;

    uint256 internal constant OP_INPUT = 0;
    uint256 internal constant OP_COMBINE = 1;
    uint256 internal constant OP_LINEAR = 2;
    uint256 internal constant OP_OUTPUT = 3;
    uint256 internal constant OP_TOP1 = 4;

    uint256 internal constant DENSE = 0;
    uint256 internal constant CONVOLUTION = 1;
    uint256 internal constant DEPTHWISE = 2;

    /// @dev "PLMB" and the version.
    uint256 private constant MAGIC = 0x504c4d420003;
    /// @dev Dimensions: four lengths of 32 bits, and ceil(log2) of each in 8 bits.
    uint256 internal constant DIMS = (1 << 160) - 1;
    /// @dev Dimensions and, above them, the first row: what two blocks with the same rows share.
    uint256 internal constant ROWS = (1 << 192) - 1;
    /// @dev The checker's notes of a block.
    uint256 internal constant NOTES = (1 << 48) - 1;

    uint256 internal constant SLOT_BYTES = 5;
    uint256 internal constant BLOCK_BYTES = 26;
    uint256 internal constant TERM_BYTES = 16;
    uint256 internal constant WINDOW_BYTES = 8;
    uint256 internal constant TIGHT_BYTES = 35;
    uint256 internal constant EXPONENTS_BYTES = 32;

    // Numbers in calldata.

    function load(uint256 at) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(at)
        }
    }

    function u8(uint256 at) internal pure returns (uint256) {
        return load(at) >> 248;
    }

    function u16(uint256 at) internal pure returns (uint256) {
        return load(at) >> 240;
    }

    function u32(uint256 at) internal pure returns (uint256) {
        return load(at) >> 224;
    }

    // Dimensions, in the lowest 160 bits of a word.

    function length(uint256 dims, uint256 i) internal pure returns (uint256) {
        // i < 4
        unchecked {
            return (dims >> (128 - 32 * i)) & 0xffffffff;
        }
    }

    function bits(uint256 dims, uint256 i) internal pure returns (uint256) {
        // i < 4
        unchecked {
            return (dims >> (24 - 8 * i)) & 0xff;
        }
    }

    /// @dev log2 of a tensor's positions, with padding. Each of the four numbers is at most 32.
    function sizeBits(uint256 dims) internal pure returns (uint256) {
        unchecked {
            return (((dims & 0xffffffff) * 0x01010101) >> 24) & 0xff;
        }
    }

    function rows(Descriptor memory d) internal pure returns (uint256) {
        return 1 << d.logRows;
    }

    /// @dev Rows before the pad rows.
    function active(Descriptor memory d) internal pure returns (uint256) {
        // logPad < logRows in what the checker has seen; nobody asks before.
        unchecked {
            return (1 << d.logRows) - (1 << d.logPad);
        }
    }

    // Optional records.

    /// @dev Where an optional record of some bytes is, or 0, and where what follows is.
    function optional(uint256 at, uint256 size) internal pure returns (uint256 record, uint256 next) {
        unchecked {
            return u8(at) == 0 ? (uint256(0), at + 1) : (at + 1, at + 1 + size);
        }
    }

    // Reading it all. Places stay far below 2^64: tables, of up to 2^34 bytes each, are the longest of what is counted.

    /// @dev Reads a descriptor, says nothing about its soundness.
    function parse(bytes calldata descriptor) internal pure returns (Descriptor memory d) {
        unchecked {
            uint256 at;
            assembly ("memory-safe") {
                at := descriptor.offset
            }
            d.start = at;
            d.at = at;
            d.end = at + descriptor.length;
            _head(d);
            _functions(d);
            d.pairs = _count8(d);
            d.pairsAt = _take(d, d.pairs);
            d.maskCells = load(_take(d, 32));
            d.salts = _count16(d);
            d.saltsAt = _take(d, 4 * d.salts);
            d.inputSalts = _count16(d);
            d.inputSaltsAt = _take(d, 4 * d.inputSalts);
            _blocks(d);
            uint256 count = _count16(d);
            d.layers = new uint256[](count);
            for (uint256 i = 0; i < count; ++i) {
                d.layers.set(i, _layer(d));
            }
            // bytes that end too early, or are left over
            if (d.at != d.end) {
                revert MalformedDescriptor(d.at - d.start); // Protocol
            }
        }
    }

    /// @dev Steps over a record and says where it is. It may end after the bytes: what is read there is refused with
    /// them, since no step goes back.
    function _take(Descriptor memory d, uint256 size) private pure returns (uint256 at) {
        unchecked {
            at = d.at;
            d.at = at + size;
        }
    }

    function _count8(Descriptor memory d) private pure returns (uint256) {
        return u8(_take(d, 1));
    }

    function _count16(Descriptor memory d) private pure returns (uint256) {
        return u16(_take(d, 2));
    }

    function _head(Descriptor memory d) private pure {
        unchecked {
            uint256 at = _take(d, 40);
            uint256 word = load(at);
            // another format, or another version
            if (word >> 208 != MAGIC) {
                revert MalformedDescriptor(0); // Protocol
            }
            d.logRows = (word >> 200) & 0xff;
            d.logPad = (word >> 192) & 0xff;
            d.rangeBits = (word >> 184) & 0xff;
            d.valueBits = (word >> 176) & 0xff;
            d.batch = (word >> 144) & 0xffffffff;
            d.inputVisibility = (word >> 136) & 0xff;
            d.weightVisibility = (word >> 128) & 0xff;
            // an unknown visibility
            if (d.inputVisibility > 2 || d.weightVisibility > 2) {
                revert MalformedDescriptor(14); // Protocol
            }
            d.inputDomain = word & type(uint128).max;
            word = load(at + 32);
            d.rangeColumns = word >> 248;
            d.chunks = (word >> 232) & 0xffff;
            d.rangeTable = (word >> 192) & 0xffffffffff;
        }
    }

    function _functions(Descriptor memory d) private pure {
        unchecked {
            d.functions = _count8(d);
            d.functionsAt = d.at;
            for (uint256 i = 0; i < d.functions; ++i) {
                uint256 at = _take(d, SLOT_BYTES + 1) + SLOT_BYTES;
                uint256 kind = u8(at);
                // an unknown kind of a function
                if (kind > 1) {
                    revert MalformedDescriptor(at - d.start); // Protocol
                }
                if (kind == 0) {
                    _take(d, 8);
                } else {
                    _take(d, 4 * u32(_take(d, 4)));
                }
            }
        }
    }

    function _blocks(Descriptor memory d) private pure {
        unchecked {
            uint256 count = _count16(d);
            uint256 at = _take(d, BLOCK_BYTES * count);
            d.blocks = new uint256[](count);
            for (uint256 i = 0; i < count; ++i) {
                uint256 word = load(at);
                // an unknown column
                if (word >> 240 > INPUT << 8) {
                    revert MalformedDescriptor(at - d.start); // Protocol
                }
                _dims(d, word >> 48, at);
                d.blocks.set(i, word & ~NOTES);
                at += BLOCK_BYTES;
            }
        }
    }

    /// @dev Checks the logarithms beside lengths: 0 for n < 2, otherwise the length of n - 1 in bits.
    function _dims(Descriptor memory d, uint256 dims, uint256 at) private pure {
        // Wraps only where n < 2, which does not look, and where the logarithm is 0, whose shift gives 0.
        unchecked {
            uint256 wrong = 0;
            for (uint256 i = 0; i < 4; ++i) {
                uint256 log = dims & 0xff;
                uint256 n = (dims >> (32 + 24 * i)) & 0xffffffff;
                wrong |= n < 2 ? log : ((n - 1) >> (log - 1)) ^ 1;
                dims >>= 8;
            }
            // dimension bits that do not follow from the lengths
            if (wrong != 0) {
                revert MalformedDescriptor(at - d.start); // Protocol
            }
        }
    }

    function _exponents(Descriptor memory d) private pure {
        unchecked {
            uint256 at = _take(d, EXPONENTS_BYTES);
            uint256 word = load(at);
            // a stride of 2^64 or more
            if ((word >> 160) & 0xc0c0c0c0 != 0) {
                revert MalformedDescriptor(at - d.start); // Protocol
            }
            _dims(d, word, at);
            d.families += 1;
        }
    }

    /// @dev How many records follow.
    function _upTo(Descriptor memory d, uint256 most) private pure returns (uint256 count) {
        unchecked {
            uint256 at = _take(d, 1);
            count = u8(at);
            // a field that is there more often than it can be
            if (count > most) {
                revert MalformedDescriptor(at - d.start); // Protocol
            }
        }
    }

    function _tight(Descriptor memory d) private pure {
        if (_upTo(d, 1) != 0) {
            _take(d, 3);
            _exponents(d);
        }
    }

    function _view(Descriptor memory d) private pure {
        unchecked {
            _take(d, TERM_BYTES * _count8(d));
        }
    }

    function _limbs(Descriptor memory d) private pure {
        unchecked {
            _take(d, 2 * _count8(d));
        }
    }

    function _maps(Descriptor memory d) private pure {
        unchecked {
            uint256 count = _count8(d);
            for (uint256 i = 0; i < count; ++i) {
                uint256 at = _take(d, 1);
                uint256 kind = u8(at);
                // an unknown kind of a map
                if (kind > DEPTHWISE) {
                    revert MalformedDescriptor(at - d.start); // Protocol
                }
                if (kind != DENSE) _take(d, WINDOW_BYTES);
                _view(d);
                at = _take(d, 25);
                _dims(d, load(at) >> 96, at);
            }
            d.weightBlocks += count + 1;
        }
    }

    /// @dev Reads a layer and gives its entry in the list of layers.
    function _layer(Descriptor memory d) private pure returns (uint256) {
        unchecked {
            uint256 at = _take(d, 1);
            uint256 operation = u8(at);
            // an unknown operation
            if (operation > OP_TOP1) {
                revert MalformedDescriptor(at - d.start); // Protocol
            }
            uint256 tail = 0;
            if (operation == OP_INPUT) {
                _take(d, 2);
                _take(d, 2 * _upTo(d, 1));
                _tight(d);
            } else if (operation == OP_LINEAR) {
                _maps(d);
                tail = d.at;
                // none where the output is public, one of cells, two where it is pooled
                _take(d, 2 * _upTo(d, 2));
                _limbs(d);
                _tight(d);
                _take(d, 1);
            } else {
                if (operation == OP_COMBINE) _take(d, 2);
                _view(d);
                if (operation == OP_TOP1) {
                    _limbs(d);
                    _tight(d);
                }
            }
            _exponents(d);
            if (operation == OP_LINEAR) _take(d, 5);
            return (operation << 248) | (tail << 64) | (at + 1);
        }
    }
}
