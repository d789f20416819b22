// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ceremonies} from "./Ceremonies.sol";
import {CircuitId, IInferenceVerifier} from "./IInferenceVerifier.sol";
import {IHalo2VerifierReusable} from "./IHalo2VerifierReusable.sol";

/// @title Verifies proofs of one ezkl circuit
/// @notice Wraps ezkl's reusable verifier, which trusts whichever key its caller hands it and reads its
/// calldata at fixed places, into one that knows its circuit and takes one encoding of each statement.
/// @dev The circuit's instances are the public inputs followed by eleven 24-bit limbs, the lowest first,
/// of keccak256(abi.encode(circuitId, ctx)): proofs for another context or another circuit have others.
///
/// The contract cannot see that `keyDigest` is the digest of the key behind `vka`, nor what the words of
/// `vka` compute. It pins both, by the id. Whoever relies on an id recomputes it from the verifying key.
contract EzklInferenceVerifier is IInferenceVerifier {
    /// @notice The contract given as ezkl's verifier runs other code.
    error WrongHalo2Verifier(address halo2, bytes32 expected, bytes32 got);

    /// @notice The key is not of a form that this contract can check proofs with; `word` is the place.
    error MalformedVka(uint256 word);

    /// @notice The key was set up on another SRS than on the ceremony's it names.
    error SrsMismatch(bytes32 srsId, bytes32 expected, bytes32 got);

    /// @notice This chain lacks a precompiled contract that checking a proof needs; the number is its address.
    error PrecompileMissing(uint256 precompile);

    /// @notice The key could not be stored as code: too long, or too little gas.
    error VkaNotStored();

    /// @notice The code that held the key is not there.
    error VkaMissing(address store);

    bytes32 internal constant TAG = keccak256("zkinfer.ezkl.circuit.v1");

    /// @dev Code hash of Halo2VerifierReusable.sol, as built with the settings of the artefacts.
    bytes32 internal constant HALO2_CODE_HASH = 0x5c1156dc6d5301d5ba57cf9c1f4f1e69bf1c9d45044a48792ab2bef7a5c36eca;

    /// @dev Order of BN254's groups.
    uint256 internal constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

    uint256 internal constant LIMBS = 11;
    uint256 internal constant LIMB_BITS = 24;
    uint256 internal constant LIMB_MASK = (1 << LIMB_BITS) - 1;

    /// @dev Where a VKA keeps what is read here, in words.
    uint256 internal constant VKA_INSTANCES = 2;
    uint256 internal constant VKA_EVALUATIONS = 3;
    uint256 internal constant VKA_ACCUMULATOR = 10;
    uint256 internal constant VKA_POINTS = 14;
    uint256 internal constant VKA_POINTS_LENGTH = 10;
    uint256 internal constant VKA_PHASES = 33;

    IHalo2VerifierReusable internal immutable HALO2;
    address internal immutable STORE;
    uint256 internal immutable VKA_WORDS;
    uint256 internal immutable PROOF_LENGTH;
    CircuitId internal immutable CIRCUIT_ID;
    bytes32 internal immutable KEY_DIGEST;
    bytes32 internal immutable SRS_ID;
    bytes32 internal immutable VKA_DIGEST;
    uint256 internal immutable COUNT;

    /// @param halo2_ ezkl's reusable verifier; it serves every circuit, and must run the code shipped here.
    /// @param vka The verifying key in its on-chain form, without the count that leads the file.
    /// @param keyDigest_ Digest of the verifying key as provers and verifiers off chain hold it.
    /// @param srsId_ Name of the SRS; a ceremony's name is accepted only for a key with that ceremony's points.
    /// @param count Public inputs of the model, without the context's limbs.
    constructor(IHalo2VerifierReusable halo2_, bytes32[] memory vka, bytes32 keyDigest_, bytes32 srsId_, uint256 count) {
        bytes32 codeHash = address(halo2_).codehash;
        if (codeHash != HALO2_CODE_HASH) {
            revert WrongHalo2Verifier(address(halo2_), HALO2_CODE_HASH, codeHash); // A12
        }
        _requirePrecompiles();
        if (vka.length <= VKA_PHASES) {
            revert MalformedVka(vka.length); // On chain
        }
        if (uint256(vka[VKA_INSTANCES]) != count + LIMBS) {
            revert PublicInputCountMismatch(uint256(vka[VKA_INSTANCES]), count + LIMBS); // A10
        }
        if (vka[VKA_ACCUMULATOR] != 0) {
            revert MalformedVka(VKA_ACCUMULATOR); // On chain
        }
        bytes32 digest = keccak256(abi.encodePacked(vka));
        halo2_.registerVka(vka);

        bytes32 id = keccak256(abi.encode(TAG, keyDigest_, digest, srsId_, count));
        bytes32 ceremony = Ceremonies.pointsOf(srsId_);
        if (ceremony == 0) {
            id = bytes32(bytes6("unsafe")) | (id >> 48);
        } else {
            bytes32 points = _hash(vka, VKA_POINTS, VKA_POINTS_LENGTH);
            if (points != ceremony) {
                revert SrsMismatch(srsId_, ceremony, points); // A15
            }
        }

        HALO2 = halo2_;
        STORE = _store(vka);
        VKA_WORDS = vka.length;
        PROOF_LENGTH = _proofLength(vka);
        CIRCUIT_ID = CircuitId.wrap(id);
        KEY_DIGEST = keyDigest_;
        SRS_ID = srsId_;
        VKA_DIGEST = digest;
        COUNT = count;
    }

    /// @notice The circuit whose proofs this contract verifies.
    function circuitId() external view returns (CircuitId) {
        return CIRCUIT_ID;
    }

    /// @notice Digest of the verifying key as it is held off chain.
    function keyDigest() external view returns (bytes32) {
        return KEY_DIGEST;
    }

    /// @notice Name of the SRS that the circuit was set up on.
    function srsId() external view returns (bytes32) {
        return SRS_ID;
    }

    /// @notice Digest of the verifying key in its on-chain form.
    function vkaDigest() external view returns (bytes32) {
        return VKA_DIGEST;
    }

    /// @notice How many public inputs a statement has.
    function publicInputCount() external view returns (uint256) {
        return COUNT;
    }

    /// @notice How long a proof is, in bytes.
    function proofLength() external view returns (uint256) {
        return PROOF_LENGTH;
    }

    /// @inheritdoc IInferenceVerifier
    function verify(CircuitId id, bytes calldata proof, uint256[] calldata publicInputs, bytes32 ctx) external view {
        if (CircuitId.unwrap(id) != CircuitId.unwrap(CIRCUIT_ID)) {
            revert UnknownCircuit(CIRCUIT_ID, id); // A13
        }
        if (publicInputs.length != COUNT) {
            revert PublicInputCountMismatch(COUNT, publicInputs.length); // A10
        }
        if (proof.length != PROOF_LENGTH) {
            revert ProofLengthMismatch(PROOF_LENGTH, proof.length); // Protocol
        }
        if (!_isCanonical(proof, publicInputs)) {
            revert MalformedCalldata(); // A10
        }
        try HALO2.verifyProof(proof, _instances(publicInputs, ctx), _load()) returns (bool success, bytes32 digest) {
            if (!success || digest != VKA_DIGEST) {
                revert ProofRejected(); // A13
            }
        } catch {
            revert ProofRejected(); // Protocol
        }
    }

    /// @dev The proof right after the four words of the head, the array right after the proof, the end of
    /// the calldata right after the array. A proof's length is a multiple of 32, so nothing is padded.
    function _isCanonical(bytes calldata proof, uint256[] calldata publicInputs) internal pure returns (bool canonical) {
        assembly ("memory-safe") {
            canonical := eq(proof.offset, 0xa4)
            canonical := and(canonical, eq(publicInputs.offset, add(add(proof.offset, proof.length), 0x20)))
            canonical := and(canonical, eq(calldatasize(), add(publicInputs.offset, shl(5, publicInputs.length))))
        }
    }

    /// @dev The public inputs, each below r, and after them the limbs that bind circuit and context.
    function _instances(uint256[] calldata publicInputs, bytes32 ctx) internal view returns (uint256[] memory all) {
        uint256 count = publicInputs.length;
        all = new uint256[](count + LIMBS);
        for (uint256 i = 0; i < count; ++i) {
            uint256 value = publicInputs[i];
            if (value >= R) {
                revert PublicInputNotCanonical(i, value); // A11
            }
            all[i] = value;
        }
        uint256 bound = uint256(keccak256(abi.encode(CIRCUIT_ID, ctx)));
        for (uint256 i = 0; i < LIMBS; ++i) {
            all[count + i] = bound & LIMB_MASK;
            bound >>= LIMB_BITS;
        }
    }

    /// @dev Reads the key back; its code starts with a STOP.
    function _load() internal view returns (bytes32[] memory vka) {
        address store = STORE;
        uint256 words = VKA_WORDS;
        if (store.code.length != 1 + 32 * words) {
            revert VkaMissing(store); // On chain
        }
        assembly ("memory-safe") {
            vka := mload(0x40)
            mstore(vka, words)
            let length := shl(5, words)
            extcodecopy(store, add(vka, 0x20), 1, length)
            mstore(0x40, add(add(vka, 0x20), length))
        }
    }

    /// @dev Stores the key as the code of a contract that stops when called.
    function _store(bytes32[] memory vka) internal returns (address store) {
        // PUSH2 length, DUP1, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURNDATASIZE, RETURN; then the code.
        bytes memory code = abi.encodePacked(hex"61", uint16(1 + 32 * vka.length), hex"80600a3d393df3", hex"00", vka);
        assembly ("memory-safe") {
            store := create(0, add(code, 0x20), mload(code))
        }
        if (store.code.length != 1 + 32 * vka.length) {
            revert VkaNotStored(); // On chain
        }
    }

    /// @dev ezkl's verifier reads as many points and evaluations as the key says and ignores what follows,
    /// so that a valid proof with bytes after it would be valid; hence this length, added up from the key.
    /// Phases: in the first word, above a byte with the number of words, entries of 24 bits, the lowest
    /// first: the length of a phase's points in bytes (16), and its number of challenges (8).
    function _proofLength(bytes32[] memory vka) internal pure returns (uint256 length) {
        length = 32 * uint256(vka[VKA_EVALUATIONS]) + 2 * 64;
        uint256 entries = uint256(vka[VKA_PHASES]);
        uint256 words = entries & 0xff;
        entries >>= 8;
        for (uint256 i = 0; i < words; ++i) {
            for (; entries != 0; entries >>= 24) {
                length += entries & 0xffff;
            }
            if (VKA_PHASES + i + 1 >= vka.length) {
                revert MalformedVka(vka.length); // On chain
            }
            entries = uint256(vka[VKA_PHASES + i + 1]);
        }
        if (length % 32 != 0) {
            revert MalformedVka(VKA_PHASES); // On chain
        }
    }

    /// @dev A call to an address without code succeeds, and ezkl's verifier looks at success only: where the
    /// pairing is missing it would take a coordinate of the prover's for the result.
    function _requirePrecompiles() internal view {
        // Modular exponentiation: lengths 1, 1, 1, then 3 ** 2 mod 5.
        bytes memory square = abi.encodePacked(uint256(1), uint256(1), uint256(1), hex"030205");
        _requirePrecompile(5, square, 1);
        // Nothing is the point at infinity to these two, and an empty product to the pairing.
        _requirePrecompile(6, "", 64);
        _requirePrecompile(7, "", 64);
        _requirePrecompile(8, "", 32);
    }

    function _requirePrecompile(uint256 precompile, bytes memory input, uint256 length) internal view {
        (bool success, bytes memory output) = address(uint160(precompile)).staticcall(input);
        if (!success || output.length != length) {
            revert PrecompileMissing(precompile); // On chain
        }
    }

    function _hash(bytes32[] memory words, uint256 from, uint256 count) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            digest := keccak256(add(add(words, 0x20), shl(5, from)), shl(5, count))
        }
    }
}
