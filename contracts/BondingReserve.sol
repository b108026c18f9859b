// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.28;

import {ParameterGuard} from "./ParameterGuard.sol";

/// The books of a bonded token on a reserve of three vaults, with its governed parameters: what a daemon that moves them
/// reads and writes. Values are in USD of 6 decimals, tokens too; the pricing itself (surface, redemption curve,
/// dampening) is not on this chain, so a deposit mints at par and a redemption pays the backing, at most par.
///
/// Invariants: no redemption pays more than its share of the reserve or than par; the sum of all accounts' tokens is the
/// supply.
contract BondingReserve is ParameterGuard {
    uint256 public constant VAULTS = 3;

    uint256[VAULTS] public vaults;
    uint256 public supply;
    mapping(address account => uint256) public balanceOf;

    event Books(uint256 stable, uint256 major, uint256 long, uint256 supply);
    event Redeemed(address indexed account, uint256 tokens, uint256 paid);

    error NoSuchVault(uint256 vault);
    error NotEnough(uint256 amount, uint256 there);

    constructor(address admin, Definition[] memory parameters) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _defineAll(parameters);
        _tell();
    }

    function deposit(uint256 vault, uint256 value) external {
        if (vault >= VAULTS) revert NoSuchVault(vault);
        vaults[vault] += value;
        supply += value;
        balanceOf[msg.sender] += value;
        _tell();
    }

    /// Rounded down, in favour of the reserve.
    function redeem(uint256 vault, uint256 tokens) external {
        if (vault >= VAULTS) revert NoSuchVault(vault);
        if (tokens > balanceOf[msg.sender]) revert NotEnough(tokens, balanceOf[msg.sender]);
        uint256 reserve = vaults[0] + vaults[1] + vaults[2];
        uint256 paid = reserve < supply ? (tokens * reserve) / supply : tokens;
        if (paid > vaults[vault]) revert NotEnough(paid, vaults[vault]);
        balanceOf[msg.sender] -= tokens;
        supply -= tokens;
        vaults[vault] -= paid;
        emit Redeemed(msg.sender, tokens, paid);
        _tell();
    }

    /// What a vault holds has become worth less, or more: told by whoever prices it.
    function revalue(uint256 vault, uint256 value) external onlyRole(GOVERNANCE_ROLE) {
        if (vault >= VAULTS) revert NoSuchVault(vault);
        vaults[vault] = value;
        _tell();
    }

    function _tell() private {
        emit Books(vaults[0], vaults[1], vaults[2], supply);
    }
}
