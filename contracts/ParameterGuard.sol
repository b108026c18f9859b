// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.28;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

/// The last line of defence of a regulated economy: it holds the parameters and their limits, and decides whether an
/// adjustment by the off-chain controller may be stored. It repeats the controller's own limits on purpose, so that a
/// stolen controller key can move each parameter only slowly and only inside its bounds.
///
/// A parameter's identifier is its name as a bytes32 string ("transaction_fee", padded with zeros on the right), and
/// its value an integer scaled by the parameter's own number of decimals.
///
/// Invariants: min <= value <= max; ids of one parameter ascend strictly; the epoch never falls; a refused adjustment
/// changes nothing; an adjustment to the present value uses up its id but no cool-down.
abstract contract ParameterGuard is AccessControl, Pausable {
    bytes32 public constant CONTROLLER_ROLE = keccak256("CONTROLLER_ROLE");
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");
    bytes32 public constant GOVERNANCE_ROLE = keccak256("GOVERNANCE_ROLE");

    struct Parameter {
        uint128 value;
        uint128 min;
        uint128 max;
        uint128 maxChange; // largest difference one adjustment may make
        uint64 lastChange; // block time of the last change by the controller, 0 if there was none
        uint64 lastId; // id of the last adjustment accepted
        uint32 cooldown; // seconds between two changes
        uint8 decimals;
    }

    struct Definition {
        bytes32 name;
        uint8 decimals;
        uint128 value;
        uint128 min;
        uint128 max;
        uint128 maxChange;
        uint32 cooldown;
    }

    struct Application {
        uint128 value;
        uint64 time; // block time, 0 if this id was never applied
        uint64 epoch;
    }

    /// The highest leader epoch seen; adjustments of an older leader are refused.
    uint64 public epoch;

    bytes32[] private _parameterIds;
    mapping(bytes32 parameter => Parameter) private _parameters;
    mapping(bytes32 parameter => mapping(uint64 id => Application)) private _applications;

    event ParameterDefined(bytes32 indexed parameter, uint256 value, uint8 decimals);
    event BoundsSet(bytes32 indexed parameter, uint256 min, uint256 max, uint256 maxChange, uint256 cooldown);
    event ParameterAdjusted(
        bytes32 indexed parameter, uint256 oldValue, uint256 newValue, uint64 indexed id, uint64 indexed epoch
    );

    error UnknownParameter(bytes32 parameter);
    error ParameterExists(bytes32 parameter);
    error InvalidBounds(bytes32 parameter, uint256 min, uint256 value, uint256 max, uint256 maxChange);
    error OutOfBounds(bytes32 parameter, uint256 value, uint256 min, uint256 max);
    error ChangeTooLarge(bytes32 parameter, uint256 change, uint256 maxChange);
    error CoolingDown(bytes32 parameter, uint256 readyAt, uint256 time);
    error StaleEpoch(uint64 epoch, uint64 current);
    error RepeatedId(bytes32 parameter, uint64 id, uint64 lastId);
    error Expired(uint256 deadline, uint256 time);
    error LengthsDiffer();

    /// Stores an adjustment, or refuses it with the reason. `id` is the controller's adjustment id, `epoch_` its
    /// leader's epoch, `deadline` the last block time (Unix seconds) at which the decision still holds.
    function adjust(bytes32 parameter, uint256 value, uint64 id, uint64 epoch_, uint256 deadline)
        public
        virtual
        onlyRole(CONTROLLER_ROLE)
        whenNotPaused
    {
        Parameter storage p = _known(parameter);
        if (block.timestamp > deadline) revert Expired(deadline, block.timestamp);
        if (epoch_ < epoch) revert StaleEpoch(epoch_, epoch);
        if (id <= p.lastId) revert RepeatedId(parameter, id, p.lastId);
        if (value < p.min || value > p.max) revert OutOfBounds(parameter, value, p.min, p.max);

        uint256 old = p.value;
        uint256 change = value > old ? value - old : old - value;
        if (change > p.maxChange) revert ChangeTooLarge(parameter, change, p.maxChange);
        if (change != 0) {
            uint256 readyAt = p.lastChange == 0 ? 0 : uint256(p.lastChange) + p.cooldown;
            if (block.timestamp < readyAt) revert CoolingDown(parameter, readyAt, block.timestamp);
            p.lastChange = uint64(block.timestamp);
            p.value = uint128(value); // fits: value <= max
        }
        p.lastId = id;
        if (epoch_ > epoch) epoch = epoch_;
        _applications[parameter][id] =
            Application({value: uint128(value), time: uint64(block.timestamp), epoch: epoch_});
        emit ParameterAdjusted(parameter, old, value, id, epoch_);
    }

    /// Stores the adjustments of a bundle, all of them or none.
    function adjustAll(
        bytes32[] calldata parameters,
        uint256[] calldata values,
        uint64[] calldata ids,
        uint64 epoch_,
        uint256 deadline
    ) external {
        if (parameters.length != values.length || parameters.length != ids.length) revert LengthsDiffer();
        for (uint256 i = 0; i < parameters.length; i++) {
            adjust(parameters[i], values[i], ids[i], epoch_, deadline);
        }
    }

    /// Stops every adjustment; the economy itself goes on with the values it has.
    function pause() external onlyRole(GUARDIAN_ROLE) {
        _pause();
    }

    function unpause() external onlyRole(GUARDIAN_ROLE) {
        _unpause();
    }

    /// Changes the limits of a parameter; refused when its present value would lie outside.
    function setBounds(bytes32 parameter, uint128 min, uint128 max, uint128 maxChange, uint32 cooldown)
        external
        onlyRole(GOVERNANCE_ROLE)
    {
        _setBounds(parameter, _known(parameter), min, max, maxChange, cooldown);
    }

    /// The whole state of one parameter.
    function parameterOf(bytes32 parameter) external view returns (Parameter memory) {
        return _known(parameter);
    }

    function parameterIds() external view returns (bytes32[] memory) {
        return _parameterIds;
    }

    /// What the adjustment with this id did; time is 0 if it was never applied. Executors ask before they send again.
    function applicationOf(bytes32 parameter, uint64 id) external view returns (Application memory) {
        return _applications[parameter][id];
    }

    function valueOf(bytes32 parameter) public view returns (uint256) {
        return _known(parameter).value;
    }

    function _define(
        bytes32 parameter,
        uint8 decimals,
        uint128 value,
        uint128 min,
        uint128 max,
        uint128 maxChange,
        uint32 cooldown
    ) internal {
        Parameter storage p = _parameters[parameter];
        if (p.maxChange != 0) revert ParameterExists(parameter);
        p.value = value;
        p.decimals = decimals;
        _parameterIds.push(parameter);
        emit ParameterDefined(parameter, value, decimals);
        _setBounds(parameter, p, min, max, maxChange, cooldown);
    }

    function _defineAll(Definition[] memory definitions) internal {
        for (uint256 i = 0; i < definitions.length; i++) {
            Definition memory p = definitions[i];
            _define(p.name, p.decimals, p.value, p.min, p.max, p.maxChange, p.cooldown);
        }
    }

    function _setBounds(
        bytes32 parameter,
        Parameter storage p,
        uint128 min,
        uint128 max,
        uint128 maxChange,
        uint32 cooldown
    ) private {
        if (min > p.value || p.value > max || maxChange == 0) {
            revert InvalidBounds(parameter, min, p.value, max, maxChange);
        }
        p.min = min;
        p.max = max;
        p.maxChange = maxChange;
        p.cooldown = cooldown;
        emit BoundsSet(parameter, min, max, maxChange, cooldown);
    }

    /// A defined parameter has a positive maxChange, so an absent one is recognised without another slot.
    function _known(bytes32 parameter) private view returns (Parameter storage p) {
        p = _parameters[parameter];
        if (p.maxChange == 0) revert UnknownParameter(parameter);
    }
}
