// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ceremonies} from "../Ceremonies.sol";
import {PlumbVerifierBase} from "./PlumbVerifierBase.sol";

/// @title Verifies Plumb proofs on the parameters of Perpetual Powers of Tau, contribution 85
contract PlumbVerifier is PlumbVerifierBase {
    function _parameters() internal pure override returns (bytes32 id, uint256[4] memory tau) {
        id = Ceremonies.PPOT_0085;
        tau = [
            0x172aa93c41f16e1e04d62ac976a5d945f4be0acab990c6dc19ac4a7cf68bf77b,
            0x2ae0c8c3a090f7200ff398ee9845bbae8f8c1445ae7b632212775f60a0e21600,
            0x1754a9fc3b7e4da9197c283c7401773208190c5555caf254e644e99c29366704,
            0x1459fe6cc8a1222fd4290864ff9e47d4b8cf7a403593c7107c39538ddefd857e
        ];
    }

    function _named(bytes32 digest) internal pure override returns (bytes32) {
        return digest;
    }
}
