// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceVerifier} from "../src/IInferenceVerifier.sol";
import {Vm} from "./Vm.sol";

/// @title What all tests here share
abstract contract Deployment {
    event log_named_uint(string key, uint256 value);

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    IInferenceVerifier internal verifier;

    /// @dev Deploys the verifier of the circuit.
    function setUp() public virtual;

    function circuitFile() internal view returns (string memory) {
        return vm.readFile("circuit/circuit.json");
    }

    function creationCode(string memory name) internal view returns (bytes memory) {
        return vm.getCode(string.concat("artifacts/", name, ".json"));
    }

    /// @dev Reverts with the reason of the constructor, if it reverts.
    function deploy(bytes memory code) internal returns (address made) {
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
            if iszero(made) {
                let free := mload(0x40)
                returndatacopy(free, 0, returndatasize())
                revert(free, returndatasize())
            }
        }
    }
}
