// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {CircuitId, IInferenceVerifier} from "../IInferenceVerifier.sol";
import {IPlumbVerifier} from "../IPlumbVerifier.sol";
import {R} from "./Field.sol";
import {addPoint, addTerm, clearSum, copyPoint} from "./Group.sol";
import {lastLayer} from "./Layers.sol";
import {field} from "./Lookups.sol";
import "./Memory.sol";
import {PlumbLayouts} from "./PlumbLayouts.sol";
import {replay} from "./Replay.sol";
import {BLOB_CORE_ID, BLOB_HEAD, BLOB_LAST_LAYER, absorbStatement, openBlob} from "./Statement.sol";
import {start} from "./Transcript.sol";

/// @title Verifies Plumb proofs of every registered model
/// @notice Mathematics only: no owner, no upgrade, no storage. A model is a contract of data that this one deploys, once it
/// has seen that its layout is sound and that its hidden weights are in their ranges.
/// @dev docs/protocol.md is the protocol; the files beside this one are its parts.
abstract contract PlumbVerifierBase is IPlumbVerifier {
    bytes32 internal constant DOMAIN = keccak256("zkinfer.plumb.circuit.v1");

    /// @dev Creates what it is called with: CALLDATASIZE PUSH0 PUSH0 CALLDATACOPY CALLDATASIZE PUSH0 PUSH0 CREATE, returned by
    /// PUSH8 .. PUSH0 MSTORE PUSH1 8 PUSH1 24 RETURN. A contract made by it has an address that depends on the id alone.
    bytes32 internal constant CREATOR = 0x67365f5f37365f5ff05f5260086018f300000000000000000000000000000000;
    uint256 internal constant CREATOR_LENGTH = 16;
    bytes32 internal constant CREATOR_HASH = keccak256(hex"67365f5f37365f5ff05f5260086018f3");

    /// @dev The order of the field of coordinates.
    uint256 internal constant Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    PlumbLayouts internal immutable LAYOUTS = new PlumbLayouts();

    /// @dev Name of the universal parameters, and their [tau]_2: x imaginary, x real, y imaginary, y real.
    function _parameters() internal pure virtual returns (bytes32 id, uint256[4] memory tau);

    /// @dev Marks the id of a circuit on parameters of no known ceremony.
    function _named(bytes32 digest) internal pure virtual returns (bytes32);

    /// @inheritdoc IPlumbVerifier
    function srsId() external pure returns (bytes32 id) {
        (id,) = _parameters();
    }

    /// @inheritdoc IPlumbVerifier
    function modelOf(CircuitId id) public view returns (address model) {
        bytes32 hash = CREATOR_HASH;
        // In scratch space: the compiler must allocate nothing once a verification has memory for itself.
        assembly ("memory-safe") {
            let pointer := mload(0x40)
            // 0xff, this contract, the salt, the hash of the creation code: 85 bytes
            mstore(0x40, hash)
            mstore(0x20, id)
            mstore(0x00, or(shl(160, 0xff), address()))
            let creator := and(keccak256(0x0b, 0x55), 0xffffffffffffffffffffffffffffffffffffffff)
            // a list of the creator and its first nonce: 23 bytes
            mstore(0x00, or(shl(168, 0xd694), or(shl(8, creator), 0x01)))
            model := and(keccak256(0x09, 0x17), 0xffffffffffffffffffffffffffffffffffffffff)
            mstore(0x40, pointer)
        }
    }

    /// @inheritdoc IPlumbVerifier
    function isRegistered(CircuitId id) external view returns (bool) {
        return modelOf(id).code.length != 0;
    }

    /// @inheritdoc IPlumbVerifier
    function register(
        bytes32 statement,
        bytes32 settings,
        bytes calldata descriptor,
        bytes calldata weights,
        bytes calldata registration
    ) external returns (CircuitId id) {
        uint256 program = _checkLayout(descriptor, BLOB + BLOB_HEAD + descriptor.length + weights.length);
        uint256 size = _writeBlob(descriptor, weights);
        bytes32 coreId = _coreId(descriptor.length, weights.length);
        id = CircuitId.wrap(_circuitId(statement, settings, coreId));
        if (modelOf(id).code.length != 0) {
            revert ModelNotStored(id); // On chain
        }
        uint256 free = at(FREE);
        openBlob(size);
        put(FREE, free);
        if (weights.length != at(CHUNKS) << 6) {
            revert WeightCommitments(at(CHUNKS) << 6, weights.length); // Protocol
        }
        _requirePoints();
        if (field(at(DESCRIPTOR) + 15, 8) == 0) {
            _checkRegistration(coreId, program, registration);
        } else if (registration.length != 0) {
            revert UnexpectedRegistration(); // Protocol
        }
        _deploy(id, size);
        emit Registered(id);
    }

    /// @inheritdoc IInferenceVerifier
    function verify(CircuitId id, bytes calldata proof, uint256[] calldata publicInputs, bytes32 ctx) external view {
        if (!_isCanonical(proof, publicInputs)) {
            revert MalformedCalldata(); // A10
        }
        reserve();
        _replay(id, proof, publicInputs, ctx);
        _requirePairing();
    }

    /// @inheritdoc IPlumbVerifier
    function verifyTogether(
        CircuitId[] calldata ids,
        bytes[] calldata proofs,
        uint256[][] calldata publicInputs,
        bytes32[] calldata ctxs
    ) external view {
        uint256 count = ids.length;
        if (count == 0 || proofs.length != count || publicInputs.length != count || ctxs.length != count) {
            revert StatementCount(count, proofs.length, publicInputs.length, ctxs.length); // A10
        }
        reserve();
        _replay(ids[0], proofs[0], publicInputs[0], ctxs[0]);
        bytes32 digest = bytes32(at(STATE));
        for (uint256 i = 1; i < count; ++i) {
            copyPoint(LEFT_SUM, LEFT);
            copyPoint(RIGHT_SUM, RIGHT);
            _replay(ids[i], proofs[i], publicInputs[i], ctxs[i]);
            // each equation is weighed by a digest of all proofs up to its own, so that none can make up for another
            digest = _hash(digest, bytes32(at(STATE)));
            _addWeighed(LEFT_SUM, LEFT, uint256(digest) % R);
            _addWeighed(RIGHT_SUM, RIGHT, uint256(digest) % R);
        }
        _requirePairing();
    }

    /// @dev The proof right after the four words of the head, the array right after the proof, the end of the calldata right
    /// after the array. A proof's length is a multiple of 32, so nothing is padded.
    function _isCanonical(bytes calldata proof, uint256[] calldata publicInputs) internal pure returns (bool canonical) {
        assembly ("memory-safe") {
            canonical := eq(proof.offset, 0xa4)
            canonical := and(canonical, eq(publicInputs.offset, add(add(proof.offset, proof.length), 0x20)))
            canonical := and(canonical, eq(calldatasize(), add(publicInputs.offset, shl(5, publicInputs.length))))
        }
    }

    /// @dev Reduces a proof to the equation in LEFT and RIGHT.
    function _replay(CircuitId id, bytes calldata proof, uint256[] calldata publicInputs, bytes32 ctx) internal view {
        address model = modelOf(id);
        uint256 size;
        assembly ("memory-safe") {
            size := extcodesize(model)
            extcodecopy(model, BLOB, 0, size)
        }
        if (size == 0) {
            revert NotRegistered(id); // A4
        }
        openBlob(size);
        uint256 values;
        uint256 start_;
        assembly ("memory-safe") {
            values := publicInputs.offset
            start_ := proof.offset
        }
        absorbStatement(_hash(CircuitId.unwrap(id), ctx), values, publicInputs.length);
        replay(start_, proof.length, 0);
    }

    /// @dev keccak256 of two words, in scratch space.
    function _hash(bytes32 first, bytes32 second) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            mstore(0x00, first)
            mstore(0x20, second)
            hash := keccak256(0x00, 0x40)
        }
    }

    /// @dev term := sum + weight * term.
    function _addWeighed(uint256 sum, uint256 term, uint256 weight) internal view {
        copyPoint(SUM, sum);
        copyPoint(TERM, term);
        addTerm(weight);
        copyPoint(term, SUM);
    }

    /// @dev e(LEFT, [1]_2) e(-RIGHT, [tau]_2) = 1.
    function _requirePairing() internal view {
        (, uint256[4] memory tau) = _parameters();
        bool good;
        assembly ("memory-safe") {
            let free := mload(FREE)
            mcopy(free, LEFT, 0x40)
            mstore(add(free, 0x40), 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(add(free, 0x60), 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(add(free, 0x80), 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(add(free, 0xa0), 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
            mstore(add(free, 0xc0), mload(RIGHT))
            let y := mload(add(RIGHT, 0x20))
            if y { y := sub(Q, y) }
            mstore(add(free, 0xe0), y)
            mcopy(add(free, 0x100), tau, 0x80)
            good := staticcall(gas(), 8, free, 0x180, free, 0x20)
            good := and(good, eq(returndatasize(), 0x20))
            good := and(good, eq(mload(free), 1))
        }
        if (!good) {
            revert ProofRejected(); // Protocol
        }
    }

    /// @dev Has the layout checked, and takes all memory. What a registration of hidden weights proves is put after `end`,
    /// where it begins at the place that is given; what follows is free.
    function _checkLayout(bytes calldata descriptor, uint256 end) internal view returns (uint256 program) {
        uint256 pointer;
        assembly ("memory-safe") {
            pointer := mload(0x40)
        }
        LAYOUTS.check(descriptor);
        uint256[] memory words;
        if (descriptor[15] == 0) {
            words = LAYOUTS.ranges(descriptor);
        }
        assembly ("memory-safe") {
            // nothing that the compiler allocated for these calls is used again
            mstore(0x40, pointer)
            program := and(add(end, 0x1f), not(0x1f))
            let length := shl(5, mload(words))
            mcopy(program, add(words, 0x20), length)
            mstore(FREE, add(program, length))
        }
        reserve();
    }

    /// @dev Puts a blob into memory, but for the core's id and the place of its last layer; gives its size.
    function _writeBlob(bytes calldata descriptor, bytes calldata weights) internal pure returns (uint256 size) {
        assembly ("memory-safe") {
            mstore(BLOB, 0)
            let place := add(BLOB, BLOB_HEAD)
            calldatacopy(place, descriptor.offset, descriptor.length)
            place := add(place, descriptor.length)
            calldatacopy(place, weights.offset, weights.length)
            size := sub(add(place, weights.length), BLOB)
        }
    }

    /// @dev Computes the core's id of the circuit whose blob is in memory, and puts it there.
    function _coreId(uint256 descriptor, uint256 weights) internal pure returns (bytes32 id) {
        (bytes32 srs,) = _parameters();
        assembly ("memory-safe") {
            let free := mload(FREE)
            mstore(free, "plumb-circuit-v1")
            mstore(add(free, 0x20), srs)
            let place := add(BLOB, BLOB_HEAD)
            mstore(add(free, 0x40), keccak256(place, descriptor))
            mcopy(add(free, 0x60), add(place, descriptor), weights)
            id := keccak256(free, add(0x60, weights))
            mstore(add(BLOB, BLOB_CORE_ID), id)
            // the two bytes after the id are as they were: the descriptor begins behind them
            calldatacopy(add(BLOB, BLOB_LAST_LAYER), calldatasize(), 2)
        }
    }

    /// @dev The id by which a circuit is known everywhere.
    function _circuitId(bytes32 statement, bytes32 settings, bytes32 coreId) internal pure returns (bytes32) {
        bytes32 hash = DOMAIN;
        assembly ("memory-safe") {
            let free := mload(FREE)
            mstore(0x00, coreId)
            mstore(free, hash)
            mstore(add(free, 0x20), statement)
            mstore(add(free, 0x40), settings)
            mstore(add(free, 0x60), keccak256(0x00, 0x20))
            hash := keccak256(free, 0x80)
        }
        return _named(hash);
    }

    /// @dev Refuses commitments of weights that are no points; the identity is one.
    function _requirePoints() internal view {
        clearSum();
        uint256 weights = at(WEIGHTS);
        for (uint256 end = weights + (at(CHUNKS) << 6); weights < end; weights += 0x40) {
            copyPoint(TERM, weights);
            addPoint();
        }
    }

    /// @dev Checks the proof that hidden weights are in their ranges; `program` is the place of what it proves.
    function _checkRegistration(bytes32 coreId, uint256 program, bytes calldata registration) internal view {
        put(RANGE_BITS, at(program));
        put(RANGES, at(program + 0x20));
        put(PAIRS, 0);
        put(N, at(C));
        // a range table at row 0, and no functions: the bytes before FUNCTIONS are zero
        uint256 free = at(FREE);
        put(free, 0);
        put(FUNCTIONS, free + 8);
        free += 0x20;
        put(FREE, free);
        start("plumb-register-v1");
        uint256 proof;
        assembly ("memory-safe") {
            mstore(free, mload(STATE))
            mstore(add(free, 0x20), "statement")
            mstore(add(free, 0x40), coreId)
            // ctx, a hidden input, a batch of one, no inputs, no outputs
            mstore(add(free, 0x60), 0)
            mstore(add(free, 0x80), 0)
            mstore(add(free, 0xa0), 1)
            mstore(add(free, 0xc0), 0)
            mstore(add(free, 0xe0), 0)
            mstore(STATE, keccak256(free, 0x100))
            proof := registration.offset
        }
        replay(proof, registration.length, program);
        _requirePairing();
    }

    /// @dev Creates the contract that holds a blob.
    function _deploy(CircuitId id, uint256 size) internal {
        bool good;
        uint256 last = lastLayer() - at(DESCRIPTOR);
        address model = modelOf(id);
        assembly ("memory-safe") {
            mstore8(add(BLOB, BLOB_LAST_LAYER), shr(8, last))
            mstore8(add(BLOB, add(BLOB_LAST_LAYER, 1)), last)
            let free := mload(FREE)
            mstore(free, CREATOR)
            let creator := create2(0, free, CREATOR_LENGTH, id)
            // PUSH2 size DUP1 PUSH1 10 PUSH0 CODECOPY PUSH0 RETURN STOP: the blob follows
            mstore(free, or(shl(248, 0x61), or(shl(232, size), shl(176, 0x80600a5f395ff3))))
            mcopy(add(free, 10), BLOB, size)
            good := and(iszero(iszero(creator)), call(gas(), creator, 0, free, add(10, size), 0, 0))
            good := and(good, eq(extcodesize(model), size))
        }
        if (!good) {
            revert ModelNotStored(id); // On chain
        }
    }
}
