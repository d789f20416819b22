// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CIRCUIT, R} from "../src/Circuit.sol";
import {InferenceLedger} from "../src/InferenceLedger.sol";
import {CircuitId, IInferenceVerifier} from "../src/IInferenceVerifier.sol";
import {CircuitDeployment} from "./CircuitDeployment.sol";

/// @title The ledger as if the exported proof had been made for it
/// @dev For tests only: a contract that does not derive the context itself accepts any proof ever made.
contract LedgerOfTheProof is InferenceLedger {
    bytes32 internal immutable CONTEXT;

    constructor(IInferenceVerifier verifier, bytes32 context_) InferenceLedger(verifier) {
        CONTEXT = context_;
    }

    function context(address, uint256, uint256) public view override returns (bytes32) {
        return CONTEXT;
    }
}

contract ProofTest is CircuitDeployment {
    struct Proven {
        bytes proof;
        uint256[] publicInputs;
        bytes32 context;
    }

    function proven() internal view returns (Proven memory) {
        string memory file = vm.readFile("proof/proof.json");
        return Proven(
            vm.parseJsonBytes(file, ".proof"),
            vm.parseJsonUintArray(file, ".publicInputs"),
            vm.parseJsonBytes32(file, ".context")
        );
    }

    function requireRefused(CircuitId id, Proven memory p) internal view {
        try verifier.verify(id, p.proof, p.publicInputs, p.context) {
            revert("it was accepted");
        } catch {}
    }

    function test_ProofAccepted() public {
        Proven memory p = proven();
        uint256 gas = gasleft();
        verifier.verify(CIRCUIT, p.proof, p.publicInputs, p.context);
        emit log_named_uint("gas of verify, without what a transaction costs by itself", gas - gasleft());
    }

    function test_DamagedProofRefused(uint256 place, uint8 bit) public view {
        Proven memory p = proven();
        p.proof[place % p.proof.length] ^= bytes1(uint8(1) << (bit % 8));
        requireRefused(CIRCUIT, p);
    }

    function test_CutOrExtendedProofRefused() public view {
        Proven memory p = proven();
        bytes memory whole = p.proof;
        p.proof = bytes.concat(whole, bytes32(0));
        requireRefused(CIRCUIT, p);
        p.proof = new bytes(whole.length - 32);
        for (uint256 i = 0; i < p.proof.length; ++i) {
            p.proof[i] = whole[i];
        }
        requireRefused(CIRCUIT, p);
        p.proof = "";
        requireRefused(CIRCUIT, p);
    }

    function test_ChangedPublicInputRefused(uint256 index, uint256 value) public view {
        Proven memory p = proven();
        index %= p.publicInputs.length;
        if (value == p.publicInputs[index]) {
            return;
        }
        p.publicInputs[index] = value;
        requireRefused(CIRCUIT, p);
        p.publicInputs[index] = value % R;
        if (value % R != proven().publicInputs[index]) {
            requireRefused(CIRCUIT, p);
        }
    }

    function test_SameNumberInAnotherFormRefused() public view {
        Proven memory p = proven();
        p.publicInputs[0] += R;
        requireRefused(CIRCUIT, p);
    }

    function test_AnotherContextRefused(bytes32 context) public view {
        Proven memory p = proven();
        if (context == p.context) {
            return;
        }
        p.context = context;
        requireRefused(CIRCUIT, p);
    }

    function test_AnotherCircuitRefused(bytes32 id) public view {
        if (id != CircuitId.unwrap(CIRCUIT)) {
            requireRefused(CircuitId.wrap(id), proven());
        }
    }

    function test_TheLedgerRecordsOnce() public {
        Proven memory p = proven();
        InferenceLedger ledger = new LedgerOfTheProof(verifier, p.context);
        ledger.record(1, block.timestamp, p.proof, p.publicInputs);
        require(ledger.records(address(this), 1) == keccak256(abi.encode(p.publicInputs)));
        vm.expectRevert(abi.encodeWithSelector(InferenceLedger.AlreadyRecorded.selector, address(this), 1));
        ledger.record(1, block.timestamp, p.proof, p.publicInputs);
    }

    function test_TheLedgerRefusesAProofThatItDidNotAskFor() public {
        Proven memory p = proven();
        InferenceLedger ledger = new InferenceLedger(verifier);
        try ledger.record(1, block.timestamp, p.proof, p.publicInputs) {
            revert("it was recorded");
        } catch {}
    }
}
