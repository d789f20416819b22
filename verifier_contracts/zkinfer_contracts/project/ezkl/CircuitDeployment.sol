// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CIRCUIT, VERIFIER} from "../src/Circuit.sol";
import {CircuitId, IInferenceVerifier} from "../src/IInferenceVerifier.sol";
import {Deployment} from "./Deployment.sol";

/// @notice What the verifier of one ezkl circuit says of itself.
interface IPinned {
    function circuitId() external view returns (CircuitId);
}

/// @title Deploys the circuit's verifier, and ezkl's own that it asks
abstract contract CircuitDeployment is Deployment {
    address internal halo2;

    function setUp() public virtual override {
        halo2 = deploy(creationCode("Halo2VerifierReusable"));
        verifier = deployFor(vm.parseJsonBytes32(circuitFile(), ".keyDigest"));
        require(CircuitId.unwrap(pinned()) == CircuitId.unwrap(CIRCUIT), "not the pinned circuit");
    }

    function pinned() internal view returns (CircuitId) {
        return IPinned(address(verifier)).circuitId();
    }

    function deployFor(bytes32 keyDigest) internal returns (IInferenceVerifier) {
        string memory file = circuitFile();
        bytes memory arguments = abi.encode(
            halo2,
            vm.parseJsonBytes32Array(file, ".vka"),
            keyDigest,
            vm.parseJsonBytes32(file, ".srsId"),
            vm.parseJsonUint(file, ".publicInputCount")
        );
        return IInferenceVerifier(deploy(bytes.concat(creationCode(VERIFIER), arguments)));
    }
}
