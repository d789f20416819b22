// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Lists of packed words
/// @dev A word may stand for a range: its first position (48 bits), log2 of its length (8 bits), and below
/// these anything.
library Words {
    /// @dev The caller knows that `i` is below the length.
    function get(uint256[] memory list, uint256 i) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(list, 0x20), shl(5, i)))
        }
    }

    /// @dev The caller knows that `i` is below the length.
    function set(uint256[] memory list, uint256 i, uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(list, 0x20), shl(5, i)), word)
        }
    }

    function range(uint256 position, uint256 bits) internal pure returns (uint256) {
        return (position << 208) | (bits << 200);
    }

    /// @dev The words in ascending order, in the same list or in another; the list itself is used up. Lists
    /// that are in order cost one look at each word, others a merge sort.
    function sorted(uint256[] memory list) internal pure returns (uint256[] memory) {
        // No sum exceeds four lengths of a list in memory.
        unchecked {
            uint256 n = list.length;
            uint256 ordered = 1;
            while (ordered < n && get(list, ordered - 1) <= get(list, ordered)) ++ordered;
            if (ordered >= n) return list;
            uint256[] memory other = new uint256[](n);
            for (uint256 width = 1; width < n; width <<= 1) {
                for (uint256 low = 0; low < n; low += 2 * width) {
                    _merge(list, other, low, _min(low + width, n), _min(low + 2 * width, n));
                }
                (list, other) = (other, list);
            }
            return list;
        }
    }

    /// @dev Merges the words from `low` to `middle` and from there to `high`, each in order.
    function _merge(uint256[] memory from, uint256[] memory to, uint256 low, uint256 middle, uint256 high)
        private
        pure
    {
        // Indices below the length of a list in memory.
        unchecked {
            uint256 left = low;
            uint256 right = middle;
            for (uint256 i = low; i < high; ++i) {
                bool takeLeft = right >= high || (left < middle && get(from, left) <= get(from, right));
                set(to, i, get(from, takeLeft ? left++ : right++));
            }
        }
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    /// @dev Whether two ranges of a list in order meet, and the first position of the later one.
    function overlap(uint256[] memory list) internal pure returns (bool found, uint256 position) {
        // Positions have 48 bits; the callers bound lengths by 2^41.
        unchecked {
            uint256 end = 0;
            for (uint256 i = 0; i < list.length; ++i) {
                uint256 word = get(list, i);
                position = word >> 208;
                if (position < end) return (true, position);
                end = position + (1 << ((word >> 200) & 0xff));
            }
            return (false, 0);
        }
    }
}
