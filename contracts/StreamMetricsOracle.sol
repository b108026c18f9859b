// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.28;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";

/// The on-chain record of the economy's metrics, for contracts and auditors that want to read what the controller saw.
/// Values are unsigned integers with 6 decimals; an identifier is the metric's name as a bytes32 string.
///
/// Invariants: min <= value <= max; the observation time of one metric ascends strictly and never lies in the future;
/// two reports of one metric are at least `minInterval` seconds of block time apart.
contract StreamMetricsOracle is AccessControl {
    bytes32 public constant REPORTER_ROLE = keccak256("REPORTER_ROLE");
    bytes32 public constant GOVERNANCE_ROLE = keccak256("GOVERNANCE_ROLE");
    uint8 public constant DECIMALS = 6;

    struct Metric {
        uint128 value;
        uint64 observedAt; // Unix seconds, 0 if never reported
        uint64 reportedAt; // block time
        uint128 min;
        uint128 max;
        uint32 minInterval; // seconds
        bool defined;
    }

    bytes32[] private _metricIds;
    mapping(bytes32 metric => Metric) private _metrics;

    event MetricDefined(bytes32 indexed metric, uint256 min, uint256 max, uint256 minInterval);
    event MetricReported(bytes32 indexed metric, uint256 value, uint64 observedAt);

    error UnknownMetric(bytes32 metric);
    error NoReportYet(bytes32 metric);
    error InvalidBounds(bytes32 metric, uint256 min, uint256 max);
    error OutOfBounds(bytes32 metric, uint256 value, uint256 min, uint256 max);
    error ReportedTooSoon(bytes32 metric, uint256 readyAt, uint256 time);
    error NotNewer(bytes32 metric, uint64 observedAt, uint64 last);
    error FromTheFuture(bytes32 metric, uint64 observedAt, uint256 time);

    constructor(address admin) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// Adds a metric, or changes the limits of one; its last report stays.
    function defineMetric(bytes32 metric, uint128 min, uint128 max, uint32 minInterval)
        external
        onlyRole(GOVERNANCE_ROLE)
    {
        if (min > max) revert InvalidBounds(metric, min, max);
        Metric storage m = _metrics[metric];
        if (!m.defined) {
            m.defined = true;
            _metricIds.push(metric);
        }
        m.min = min;
        m.max = max;
        m.minInterval = minInterval;
        emit MetricDefined(metric, min, max, minInterval);
    }

    /// Records one metric, observed at `observedAt` (Unix seconds).
    function report(bytes32 metric, uint128 value, uint64 observedAt) external onlyRole(REPORTER_ROLE) {
        Metric storage m = _known(metric);
        if (value < m.min || value > m.max) revert OutOfBounds(metric, value, m.min, m.max);
        if (observedAt > block.timestamp) revert FromTheFuture(metric, observedAt, block.timestamp);
        if (observedAt <= m.observedAt) revert NotNewer(metric, observedAt, m.observedAt);
        uint256 readyAt = m.reportedAt == 0 ? 0 : uint256(m.reportedAt) + m.minInterval;
        if (block.timestamp < readyAt) revert ReportedTooSoon(metric, readyAt, block.timestamp);
        m.value = value;
        m.observedAt = observedAt;
        m.reportedAt = uint64(block.timestamp);
        emit MetricReported(metric, value, observedAt);
    }

    /// The last report; refuses rather than answering zero when there was none.
    function latest(bytes32 metric) external view returns (uint256 value, uint64 observedAt) {
        Metric storage m = _known(metric);
        if (m.observedAt == 0) revert NoReportYet(metric);
        return (m.value, m.observedAt);
    }

    function metricOf(bytes32 metric) external view returns (Metric memory) {
        return _known(metric);
    }

    function metricIds() external view returns (bytes32[] memory) {
        return _metricIds;
    }

    function _known(bytes32 metric) private view returns (Metric storage m) {
        m = _metrics[metric];
        if (!m.defined) revert UnknownMetric(metric);
    }
}
