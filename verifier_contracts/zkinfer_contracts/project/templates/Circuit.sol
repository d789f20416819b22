// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CircuitId} from "./IInferenceVerifier.sol";

// Written by `zkinfer export`. Whoever runs that chooses the circuit: compare the id with the one of
// somebody you trust, or recompute it from the model's verifying key.
// Parameters: ${srs}.
${comment}CircuitId constant CIRCUIT = CircuitId.wrap(0x${id});

// How many public inputs a statement has. They are:
${values}
uint256 constant PUBLIC_INPUTS = ${count};

// The contract that verifies the circuit's proofs: artifacts/${verifier}.json.
string constant VERIFIER = "${verifier}";

// The order of BN254's scalar field; each public input is below it.
uint256 constant R = ${r};

// A public input as a number with its sign. Times its unit it is the real number.
function toSigned(uint256 value) pure returns (int256) {
    require(value < R, "not a public input");
    // Both are below 2^255.
    // forge-lint: disable-next-line(unsafe-typecast)
    return value > R / 2 ? int256(value) - int256(R) : int256(value);
}
