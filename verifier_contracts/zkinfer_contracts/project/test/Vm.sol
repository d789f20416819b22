// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title What these tests ask of forge; no library is needed
interface Vm {
    function getCode(string calldata path) external view returns (bytes memory creationCode);
    function readFile(string calldata path) external view returns (string memory text);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function expectRevert(bytes calldata reason) external;
    function warp(uint256 timestamp) external;
}
