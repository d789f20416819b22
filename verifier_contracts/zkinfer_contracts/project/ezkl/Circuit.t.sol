// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CIRCUIT} from "../src/Circuit.sol";
import {CircuitId, IInferenceVerifier} from "../src/IInferenceVerifier.sol";
import {CircuitDeployment} from "./CircuitDeployment.sol";

contract CircuitTest is CircuitDeployment {
    function test_TheVerifierPinsTheCircuit() public view {
        require(CircuitId.unwrap(pinned()) == CircuitId.unwrap(CIRCUIT));
    }

    function test_AnotherKeyIsAnotherCircuit() public {
        verifier = deployFor(keccak256("another"));
        require(CircuitId.unwrap(pinned()) != CircuitId.unwrap(CIRCUIT));
    }

    function test_AnotherCircuitRefused(bytes32 id) public {
        if (id == CircuitId.unwrap(CIRCUIT)) {
            return;
        }
        vm.expectRevert(abi.encodeWithSelector(IInferenceVerifier.UnknownCircuit.selector, CIRCUIT, id));
        verifier.verify(CircuitId.wrap(id), "", new uint256[](0), 0);
    }
}
