// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {EconomyPool} from "./EconomyPool.sol";
import {EconomyToken} from "./EconomyToken.sol";
import {ParameterGuard} from "./ParameterGuard.sol";

/// A token economy's parameters and its hands: it distributes revenue, mints, burns, and buys back.
///
/// An action is the running total of what it ever moved. It is asked to move *up to* a total, never to move an amount, so
/// the same order sent twice, or by two executors, or again after a crash, does its work once. `max` bounds the total for
/// ever, whoever holds the controller's key, and `perMove` what one transaction moves: the rest is for the next one. A
/// distribution, whose amounts are given, is refused instead.
///
/// The vault keeps three accounts: revenue (tokens, to be distributed), burnable (tokens, to be burned) and the stability
/// pool (quote, to buy tokens back with). Only deposits fill them and only their own action empties them.
///
/// Invariants: a total never falls and never exceeds its max; the accounts are covered by the vault's balances; what a
/// distribution pays its recipients is exactly what its total rises by.
contract EconomyVault is ParameterGuard {
    using SafeERC20 for IERC20;

    enum Kind {
        None,
        Distribute,
        Mint,
        Burn,
        BuyBack
    }

    struct Action {
        uint128 total;
        uint128 max;
        uint128 perMove;
        Kind kind;
        address to; // of mint and buy back
    }

    /// Parameter whose changes are told to everyone as well: what is minted follows it.
    bytes32 public constant INFLATION = "inflation";

    EconomyToken public immutable token;
    IERC20 public immutable quote;
    EconomyPool public immutable pool;

    uint256 public revenue;
    uint256 public burnable;
    uint256 public stabilityPool;

    mapping(bytes32 action => Action) private _actions;

    event Inflation(uint256 ratePerYear);
    event Revenue(uint256 balance);
    event Burnable(uint256 balance);
    event StabilityPool(uint256 balance);
    event ActionDefined(bytes32 indexed action, Kind kind, uint256 max, uint256 perMove, address to);
    /// `asked` is above `total` when there was not enough, or one transaction may not move so much.
    event Moved(bytes32 indexed action, uint256 from, uint256 total, uint256 asked, uint64 indexed id);

    error UnknownAction(bytes32 action, Kind kind);
    error ActionExists(bytes32 action);
    error InvalidAction(bytes32 action);
    error AboveMaximum(bytes32 action, uint256 total, uint256 max);
    error MoveTooLarge(bytes32 action, uint256 amount, uint256 perMove);
    error TransfersDoNotSum(bytes32 action, uint256 sum, uint256 amount);
    error NotEnough(bytes32 action, uint256 amount, uint256 there);
    error TooLittleOut(uint256 out, uint256 outMin); // the pool's

    constructor(address admin, EconomyPool pool_, Definition[] memory parameters) {
        pool = pool_;
        token = EconomyToken(address(pool_.token()));
        quote = pool_.quote();
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _defineAll(parameters);
        emit Inflation(valueOf(INFLATION));
        quote.forceApprove(address(pool_), type(uint256).max);
    }

    function defineAction(bytes32 action, Kind kind, uint128 max, uint128 perMove, address to)
        external
        onlyRole(GOVERNANCE_ROLE)
    {
        if (_actions[action].kind != Kind.None) revert ActionExists(action);
        bool needsTo = kind == Kind.Mint || kind == Kind.BuyBack;
        if (kind == Kind.None || max == 0 || perMove == 0 || (needsTo && to == address(0))) revert InvalidAction(action);
        _actions[action] = Action({total: 0, max: max, perMove: perMove, kind: kind, to: to});
        emit ActionDefined(action, kind, max, perMove, to);
    }

    function actionOf(bytes32 action) external view returns (Action memory) {
        return _actions[action];
    }

    // --- deposits ---

    function depositRevenue(uint256 amount) external {
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        emit Revenue(revenue += amount);
    }

    function depositBurnable(uint256 amount) external {
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        emit Burnable(burnable += amount);
    }

    function depositStability(uint256 amount) external {
        quote.safeTransferFrom(msg.sender, address(this), amount);
        emit StabilityPool(stabilityPool += amount);
    }

    // --- values ---

    function adjust(bytes32 parameter, uint256 value, uint64 id, uint64 epoch_, uint256 deadline) public override {
        super.adjust(parameter, value, id, epoch_, deadline);
        if (parameter == INFLATION) emit Inflation(value);
    }

    // --- actions: each moves up to `total`, does nothing if it is there, and returns the total that it reached ---

    /// Pays `amounts[i]` of the revenue to `to[i]`. All or nothing, and exactly what is missing to `total`.
    function distributeUpTo(
        bytes32 action,
        uint256 total,
        address[] calldata to,
        uint256[] calldata amounts,
        uint64 id,
        uint64 epoch_,
        uint256 deadline
    ) external returns (uint256) {
        Action storage a = _open(action, Kind.Distribute, epoch_, deadline);
        uint256 amount = _missing(action, a, total);
        if (amount == 0) return a.total;
        if (to.length != amounts.length) revert LengthsDiffer();
        uint256 sum = 0;
        for (uint256 i = 0; i < to.length; i++) sum += amounts[i];
        if (amount > a.perMove) revert MoveTooLarge(action, amount, a.perMove);
        if (sum != amount) revert TransfersDoNotSum(action, sum, amount);
        if (amount > revenue) revert NotEnough(action, amount, revenue);
        revenue -= amount;
        _moved(action, a, amount, total, id);
        emit Revenue(revenue);
        for (uint256 i = 0; i < to.length; i++) IERC20(token).safeTransfer(to[i], amounts[i]);
        return a.total;
    }

    function mintUpTo(bytes32 action, uint256 total, uint64 id, uint64 epoch_, uint256 deadline)
        external
        returns (uint256)
    {
        Action storage a = _open(action, Kind.Mint, epoch_, deadline);
        uint256 amount = _part(action, a, total, type(uint256).max);
        if (amount == 0) return a.total;
        _moved(action, a, amount, total, id);
        token.mint(a.to, amount);
        return a.total;
    }

    /// Burns what there is if that is less.
    function burnUpTo(bytes32 action, uint256 total, uint64 id, uint64 epoch_, uint256 deadline)
        external
        returns (uint256)
    {
        Action storage a = _open(action, Kind.Burn, epoch_, deadline);
        uint256 amount = _part(action, a, total, burnable);
        if (amount == 0) return a.total;
        burnable -= amount;
        _moved(action, a, amount, total, id);
        emit Burnable(burnable);
        token.burn(amount);
        return a.total;
    }

    /// Spends quote on tokens, what there is if that is less; refused if all that it spends buys less than `outMin`.
    function buyBackUpTo(bytes32 action, uint256 total, uint256 outMin, uint64 id, uint64 epoch_, uint256 deadline)
        external
        returns (uint256)
    {
        Action storage a = _open(action, Kind.BuyBack, epoch_, deadline);
        uint256 amount = _part(action, a, total, stabilityPool);
        if (amount == 0) return a.total;
        stabilityPool -= amount;
        _moved(action, a, amount, total, id);
        emit StabilityPool(stabilityPool);
        pool.buy(amount, outMin, a.to);
        return a.total;
    }

    function _open(bytes32 action, Kind kind, uint64 epoch_, uint256 deadline)
        private
        onlyRole(CONTROLLER_ROLE)
        whenNotPaused
        returns (Action storage a)
    {
        a = _actions[action];
        if (a.kind != kind) revert UnknownAction(action, kind);
        if (block.timestamp > deadline) revert Expired(deadline, block.timestamp);
        if (epoch_ < epoch) revert StaleEpoch(epoch_, epoch);
        if (epoch_ > epoch) epoch = epoch_;
    }

    function _missing(bytes32 action, Action storage a, uint256 total) private view returns (uint256 amount) {
        if (total <= a.total) return 0;
        if (total > a.max) revert AboveMaximum(action, total, a.max);
        amount = total - a.total;
    }

    function _part(bytes32 action, Action storage a, uint256 total, uint256 there) private view returns (uint256) {
        return Math.min(Math.min(_missing(action, a, total), a.perMove), there);
    }

    function _moved(bytes32 action, Action storage a, uint256 amount, uint256 asked, uint64 id) private {
        uint256 from = a.total;
        a.total = uint128(from + amount); // fits: total <= max
        emit Moved(action, from, from + amount, asked, id);
    }
}
