// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CIRCUIT, VERIFIER} from "../src/Circuit.sol";
import {CircuitId} from "../src/IInferenceVerifier.sol";
import {IPlumbVerifier} from "../src/IPlumbVerifier.sol";
import {CircuitDeployment} from "./CircuitDeployment.sol";

contract CircuitTest is CircuitDeployment {
    function test_TheCircuitIsRegistered() public view {
        require(plumb.isRegistered(CIRCUIT));
        require(plumb.modelOf(CIRCUIT).code.length != 0);
    }

    /// @dev Only there can others know which constructor ran: copies elsewhere may know models of anybody's making.
    function test_TheVerifiersAddressFollowsFromItsCode() public view {
        address deployer = 0x4e59b44847b379578588920cA78FbF26c0B4956C;
        bytes32 code = keccak256(creationCode(VERIFIER));
        bytes32 digest = keccak256(abi.encodePacked(hex"ff", deployer, bytes32(0), code));
        require(address(uint160(uint256(digest))) == vm.parseJsonAddress(circuitFile(), ".verifierAddress"));
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
