// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ParameterGuard} from "./ParameterGuard.sol";
import {IFeePolicy} from "./StreamToken.sol";

/// A streaming platform whose economy is regulated: creators upload, viewers watch and tip, and the contract's own
/// STREAM balance, the reserve, pays rewards at the rates that the parameters say. Transfer fees refill it.
///
/// Invariants: a reward is paid in full or not at all; an empty reserve never makes an upload or a view fail.
contract StreamEcosystem is ParameterGuard, IFeePolicy {
    using SafeERC20 for IERC20;

    bytes32 public constant TRANSACTION_FEE = "transaction_fee";
    bytes32 public constant CREATOR_REWARD = "creator_reward";
    bytes32 public constant VIEWER_INCENTIVE = "viewer_incentive";
    bytes32 public constant QUALITY_THRESHOLD = "quality_threshold";

    /// Quality has 3 decimals: 1000 is 1.000, the best.
    uint256 public constant QUALITY_ONE = 1000;

    IERC20 public immutable token;
    uint256 public userCount;
    mapping(address user => bool) public isRegistered;

    event Registered(address indexed user, uint256 userCount);
    event Upload(address indexed creator, uint256 quality);
    event View(address indexed viewer, address indexed creator);
    event Tip(address indexed viewer, address indexed creator, uint256 amount);
    event RewardPaid(address indexed to, uint256 amount, bytes32 indexed parameter);
    event RewardUnpaid(address indexed to, uint256 amount, bytes32 indexed parameter, uint256 reserve);

    error NotRegistered(address user);
    error AlreadyRegistered(address user);
    error QualityOutOfRange(uint256 quality, uint256 max);
    error OwnContent(address user);

    modifier onlyRegistered(address user) {
        if (!isRegistered[user]) revert NotRegistered(user);
        _;
    }

    constructor(address admin, IERC20 token_, uint32 cooldown) {
        token = token_;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        // name, decimals, initial, min, max, largest change, cool-down
        _define(TRANSACTION_FEE, 4, 100, 10, 500, 100, cooldown);
        _define(CREATOR_REWARD, 2, 1_000, 100, 5_000, 500, cooldown);
        _define(VIEWER_INCENTIVE, 4, 1_000, 100, 10_000, 1_000, cooldown);
        _define(QUALITY_THRESHOLD, 3, 300, 100, 900, 100, cooldown);
    }

    function register() external {
        if (isRegistered[msg.sender]) revert AlreadyRegistered(msg.sender);
        isRegistered[msg.sender] = true;
        emit Registered(msg.sender, ++userCount);
    }

    /// Publishes content; a quality at or above the threshold earns the creator reward.
    function upload(uint256 quality) external onlyRegistered(msg.sender) {
        if (quality > QUALITY_ONE) revert QualityOutOfRange(quality, QUALITY_ONE);
        emit Upload(msg.sender, quality);
        if (quality >= valueOf(QUALITY_THRESHOLD)) _reward(msg.sender, CREATOR_REWARD, 1e16);
    }

    /// Watches a creator's content; earns the viewer incentive.
    function watch(address creator) external onlyRegistered(msg.sender) onlyRegistered(creator) {
        if (creator == msg.sender) revert OwnContent(msg.sender);
        emit View(msg.sender, creator);
        _reward(msg.sender, VIEWER_INCENTIVE, 1e14);
    }

    /// Tips a creator out of the viewer's allowance; the token takes its fee from the amount.
    function tip(address creator, uint256 amount) external onlyRegistered(msg.sender) onlyRegistered(creator) {
        if (creator == msg.sender) revert OwnContent(msg.sender);
        emit Tip(msg.sender, creator, amount);
        token.safeTransferFrom(msg.sender, creator, amount);
    }

    function transactionFee() external view returns (uint256) {
        return valueOf(TRANSACTION_FEE);
    }

    /// `unit` is how many of the token's smallest units one unit of the parameter is: 10^(18 - decimals).
    function _reward(address to, bytes32 parameter, uint256 unit) private {
        uint256 amount = valueOf(parameter) * unit;
        uint256 reserve = token.balanceOf(address(this));
        if (amount > reserve) {
            emit RewardUnpaid(to, amount, parameter, reserve);
            return;
        }
        emit RewardPaid(to, amount, parameter);
        token.safeTransfer(to, amount);
    }
}
