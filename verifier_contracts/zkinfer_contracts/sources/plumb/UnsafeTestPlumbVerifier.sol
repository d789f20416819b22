// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {PlumbVerifierBase} from "./PlumbVerifierBase.sol";

/// @title UNSAFE: verifies Plumb proofs on test parameters whose secret everybody knows
/// @notice Anyone can forge proofs that this contract accepts. The ids of its circuits begin with "unsafe".
contract UnsafeTestPlumbVerifier is PlumbVerifierBase {
    function _parameters() internal pure override returns (bytes32 id, uint256[4] memory tau) {
        id = 0xaf99ec01ace9d919dbfd59e9dedd288046cbbf62004981d9f783d40d35e7a118;
        tau = [
            0x2cca69c18ec279924b8f9589f1a1cfaa63a1f496f0fa58decb1a24fe0f9df243,
            0x072491f9f5527de872d969565e84748301e8e963c54080b32b28739370800902,
            0x2af5e6f8c7579efa51991635258dc282a23528976264671ae076a4289ca2c78f,
            0x1356eda9517ecec01488c98bf1da0dd98019c36b1e5b39c574359a01825379b3
        ];
    }

    function _named(bytes32 digest) internal pure override returns (bytes32) {
        return bytes32(bytes6("unsafe")) | (digest >> 48);
    }
}
