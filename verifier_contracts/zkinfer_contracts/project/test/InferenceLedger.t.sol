// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {PUBLIC_INPUTS, R, toSigned} from "../src/Circuit.sol";
import {InferenceLedger} from "../src/InferenceLedger.sol";
import {CircuitDeployment} from "./CircuitDeployment.sol";

contract InferenceLedgerTest is CircuitDeployment {
    InferenceLedger internal ledger;

    function setUp() public override {
        super.setUp();
        ledger = new InferenceLedger(verifier);
    }

    function test_LateRequestRefused() public {
        vm.warp(1001);
        vm.expectRevert(abi.encodeWithSelector(InferenceLedger.TooLate.selector, 1000));
        ledger.record(1, 1000, "", new uint256[](PUBLIC_INPUTS));
    }

    function test_NothingIsRecordedWithoutAProof(bytes calldata junk) public {
        try ledger.record(1, block.timestamp, junk, new uint256[](PUBLIC_INPUTS)) {
            revert("it was recorded");
        } catch {}
        require(ledger.records(address(this), 1) == 0);
    }

    function test_EachRequestHasItsOwnContext(address sender, uint256 request, uint256 deadline) public view {
        bytes32 context = ledger.context(sender, request, deadline);
        unchecked {
            require(context != ledger.context(sender, request + 1, deadline));
            require(context != ledger.context(sender, request, deadline + 1));
            require(context != ledger.context(address(uint160(sender) + 1), request, deadline));
        }
    }

    function test_NumbersHaveASign() public pure {
        require(toSigned(5) == 5);
        require(toSigned(R - 5) == -5);
        require(toSigned(R / 2) > 0);
        require(toSigned(R / 2 + 1) < 0);
    }

    function test_NumbersThatNoVerifierAcceptsHaveNoSign() public {
        vm.expectRevert("not a public input");
        this.signed(R);
    }

    function signed(uint256 value) external pure returns (int256) {
        return toSigned(value);
    }
}
