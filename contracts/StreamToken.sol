// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";

/// What the token asks before it charges a transfer.
interface IFeePolicy {
    /// The fee as a ratio of the amount with 4 decimals: 100 is 0.0100, one percent.
    function transactionFee() external view returns (uint256);
}

/// The STREAM token: an ERC-20 of 18 decimals whose transfer fee follows a parameter of the economy and whose supply
/// can grow and shrink, within a cap per epoch, only inside the reserve.
///
/// Invariants: the sum of balances is the total supply; a fee never exceeds MAX_FEE; nobody but the holder can make a
/// holder's balance smaller; in one epoch the supply moves by at most `supplyCap` of its value at the epoch's start in
/// either direction.
contract StreamToken is ERC20, AccessControl {
    bytes32 public constant SUPPLY_ROLE = keccak256("SUPPLY_ROLE");

    /// Unit of the fee and of the supply cap: 10,000 is 100 %.
    uint256 public constant RATIO_ONE = 10_000;
    /// The fee a holder can rely on never being exceeded, whatever the policy says: 5 %.
    uint256 public constant MAX_FEE = 500;

    /// Where fees go and rewards come from; its balance does not circulate. Set once.
    address public reserve;
    IFeePolicy public feePolicy;

    uint64 public immutable supplyEpochSeconds;
    uint16 public immutable supplyCap; // share of the supply at the epoch's start, of RATIO_ONE
    uint64 public supplyEpoch;
    uint256 public epochAllowance; // what may be minted, and separately what may be burned, in this epoch
    uint256 public epochMinted;
    uint256 public epochBurned;

    uint256 private _supplyReportedAt; // block number of the last SupplyChanged

    /// A payment between two holders: every fee-bearing transfer, tips included, exactly once.
    event Payment(address indexed from, address indexed to, uint256 amount, uint256 fee);
    /// Emitted by every mint and burn, and at most once a block when tokens enter or leave the reserve.
    event SupplyChanged(uint256 totalSupply, uint256 circulating);
    event FeePolicySet(address feePolicy);

    error ReserveAlreadySet(address reserve);
    error ReserveNotSet();
    error InvalidSupplyRule(uint64 epochSeconds, uint16 cap);
    error SupplyCapExceeded(uint256 requested, uint256 left, uint64 epochEndsAt);

    constructor(address admin, uint256 initialSupply, uint64 epochSeconds, uint16 cap) ERC20("Stream", "STREAM") {
        if (epochSeconds == 0 || cap > RATIO_ONE) revert InvalidSupplyRule(epochSeconds, cap);
        supplyEpochSeconds = epochSeconds;
        supplyCap = cap;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _mint(admin, initialSupply);
    }

    /// Binds the token to its economy: the reserve for good, the fee policy until it is replaced.
    function bind(address reserve_, IFeePolicy policy) external onlyRole(DEFAULT_ADMIN_ROLE) {
        if (reserve != address(0)) revert ReserveAlreadySet(reserve);
        reserve = reserve_;
        _setFeePolicy(policy);
    }

    function setFeePolicy(IFeePolicy policy) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setFeePolicy(policy);
    }

    /// Grows the supply; the new tokens go to the reserve.
    function mint(uint256 amount) external onlyRole(SUPPLY_ROLE) {
        if (reserve == address(0)) revert ReserveNotSet();
        _rollEpoch();
        uint256 left = epochAllowance - epochMinted;
        if (amount > left) revert SupplyCapExceeded(amount, left, _epochEnd());
        epochMinted += amount;
        _mint(reserve, amount);
    }

    /// Shrinks the supply, out of the reserve and never out of a holder's balance.
    function burn(uint256 amount) external onlyRole(SUPPLY_ROLE) {
        if (reserve == address(0)) revert ReserveNotSet();
        _rollEpoch();
        uint256 left = epochAllowance - epochBurned;
        if (amount > left) revert SupplyCapExceeded(amount, left, _epochEnd());
        epochBurned += amount;
        _burn(reserve, amount);
    }

    /// The fee of a transfer between two holders, in tokens, rounded down.
    function feeFor(uint256 amount) public view returns (uint256) {
        if (reserve == address(0) || address(feePolicy) == address(0)) return 0;
        uint256 rate = feePolicy.transactionFee();
        // Capped, not refused: a wrong policy must not be able to lock every balance.
        if (rate > MAX_FEE) rate = MAX_FEE;
        return (amount * rate) / RATIO_ONE;
    }

    /// What is held outside the reserve.
    function circulating() public view returns (uint256) {
        return reserve == address(0) ? totalSupply() : totalSupply() - balanceOf(reserve);
    }

    function _update(address from, address to, uint256 amount) internal override {
        bool supplyMove = from == address(0) || to == address(0);
        bool reserveMove = reserve != address(0) && (from == reserve || to == reserve);
        // Before it is bound the token has no economy: what moves then is the first distribution, not a payment.
        if (supplyMove || reserveMove || reserve == address(0)) {
            super._update(from, to, amount);
        } else {
            uint256 fee = feeFor(amount);
            super._update(from, to, amount - fee);
            if (fee != 0) super._update(from, reserve, fee);
            emit Payment(from, to, amount, fee);
            reserveMove = fee != 0;
        }
        if (supplyMove || (reserveMove && block.number != _supplyReportedAt)) _reportSupply();
    }

    function _reportSupply() private {
        _supplyReportedAt = block.number;
        emit SupplyChanged(totalSupply(), circulating());
    }

    function _rollEpoch() private {
        uint64 current = uint64(block.timestamp) / supplyEpochSeconds;
        if (current == supplyEpoch) return;
        supplyEpoch = current;
        epochAllowance = (totalSupply() * supplyCap) / RATIO_ONE;
        epochMinted = 0;
        epochBurned = 0;
    }

    function _epochEnd() private view returns (uint64) {
        return (supplyEpoch + 1) * supplyEpochSeconds;
    }

    function _setFeePolicy(IFeePolicy policy) private {
        feePolicy = policy;
        emit FeePolicySet(address(policy));
    }
}
