// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title The public ceremonies whose parameters are taken for safe
/// @dev An SRS is known by its points. Each `..._POINTS` is keccak256 of ten words: the generator of G1
/// (x, y), the generator of G2 and -[tau]_2 (each x imaginary, x real, y imaginary, y real; EIP-197's
/// order), which are words 14 to 23 of every VKA set up on that SRS.
library Ceremonies {
    bytes32 internal constant EZKL = 0xbaa4033e53dde68459fc137c6273b9f3fcde05d43bd8ca21fff44cbfe20bbd0f;
    bytes32 internal constant PPOT_0085 = 0xbeaa52d68a1e2dbc9f2fddde9a1d247a171f9c872da713dcbe3410cd284e7f05;
    bytes32 internal constant HERMEZ = 0x5657692f1852d0070fb068d795451c8445d89e60a57733cd39c6a4172a6a3f62;

    bytes32 internal constant EZKL_POINTS = 0x76bc4407d82472681a56b391222cec028f6e3980eb707dad46f252595b5bda9e;
    bytes32 internal constant PPOT_0085_POINTS = 0x7c886b8295baf01814f3d626c2e1905f1515749b90a204a8faae4fdf884cc9ba;
    bytes32 internal constant HERMEZ_POINTS = 0xc4855d2d2f75ce187bb172c421ee233b16090d06e8a1246fe2639b2447a7578f;

    /// @return The digest of the points of the ceremony of that name, or zero for a name unknown here.
    function pointsOf(bytes32 srsId) internal pure returns (bytes32) {
        if (srsId == EZKL) return EZKL_POINTS;
        if (srsId == PPOT_0085) return PPOT_0085_POINTS;
        if (srsId == HERMEZ) return HERMEZ_POINTS;
        return bytes32(0);
    }
}
