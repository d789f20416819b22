// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CIRCUIT} from "../src/Circuit.sol";
import {CircuitId} from "../src/IInferenceVerifier.sol";
import {IPlumbVerifier} from "../src/IPlumbVerifier.sol";
import {CircuitDeployment} from "./CircuitDeployment.sol";

contract CircuitTest is CircuitDeployment {
    function test_TheCircuitIsRegistered() public view {
        require(plumb.isRegistered(CIRCUIT));
        require(plumb.modelOf(CIRCUIT).code.length != 0);
    }

    function test_ACircuitIsRegisteredOnce() public {
        Registration memory same = registration();
        vm.expectRevert(abi.encodeWithSelector(IPlumbVerifier.ModelNotStored.selector, CIRCUIT));
        register(same);
    }

    function test_AnotherStatementIsAnotherCircuit() public {
        Registration memory other = registration();
        other.statement = keccak256("another");
        require(CircuitId.unwrap(register(other)) != CircuitId.unwrap(CIRCUIT));
    }

    /// @dev Where weights are public there is no registration proof, and nothing may stand in its place.
    function test_DamagedRegistrationRefused(uint256 place) public {
        Registration memory damaged = registration();
        damaged.statement = keccak256("another");
        if (damaged.proof.length == 0) {
            damaged.proof = new bytes(32);
        } else {
            damaged.proof[place % damaged.proof.length] ^= 0x01;
        }
        try this.registerAnew(damaged) {
            revert("it was registered");
        } catch {}
    }

    function registerAnew(Registration calldata r) external {
        plumb.register(r.statement, r.settings, r.descriptor, r.weights, r.proof);
    }

    function test_UnregisteredCircuitRefused(bytes32 id) public {
        if (plumb.isRegistered(CircuitId.wrap(id))) {
            return;
        }
        vm.expectRevert(abi.encodeWithSelector(IPlumbVerifier.NotRegistered.selector, id));
        verifier.verify(CircuitId.wrap(id), "", new uint256[](0), 0);
    }
}
