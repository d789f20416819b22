// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CIRCUIT, VERIFIER} from "../src/Circuit.sol";
import {CircuitId} from "../src/IInferenceVerifier.sol";
import {IPlumbVerifier} from "../src/IPlumbVerifier.sol";
import {Deployment} from "./Deployment.sol";

/// @title Deploys Plumb's verifier and registers the circuit with it
abstract contract CircuitDeployment is Deployment {
    IPlumbVerifier internal plumb;

    /// @dev What `IPlumbVerifier.register` takes.
    struct Registration {
        bytes32 statement;
        bytes32 settings;
        bytes descriptor;
        bytes weights;
        bytes proof;
    }

    function setUp() public virtual override {
        plumb = IPlumbVerifier(deploy(creationCode(VERIFIER)));
        verifier = plumb;
        require(CircuitId.unwrap(register(registration())) == CircuitId.unwrap(CIRCUIT), "not the pinned circuit");
    }

    function registration() internal view returns (Registration memory) {
        string memory file = circuitFile();
        return Registration(
            vm.parseJsonBytes32(file, ".statement"),
            vm.parseJsonBytes32(file, ".settings"),
            vm.parseJsonBytes(file, ".descriptor"),
            vm.parseJsonBytes(file, ".weights"),
            vm.parseJsonBytes(file, ".registration")
        );
    }

    function register(Registration memory r) internal returns (CircuitId) {
        return plumb.register(r.statement, r.settings, r.descriptor, r.weights, r.proof);
    }
}
