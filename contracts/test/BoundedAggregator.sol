// SPDX-License-Identifier: MIT
pragma solidity ^0.8.0;

import {MockV3Aggregator} from "@chainlink/contracts/src/v0.8/tests/MockV3Aggregator.sol";

/// Chainlink's own test aggregator with the bounds that every OCR aggregator publishes. Only for tests.
contract BoundedAggregator is MockV3Aggregator {
    int192 public immutable minAnswer;
    int192 public immutable maxAnswer;

    constructor(uint8 decimals_, int256 initialAnswer_, int192 minAnswer_, int192 maxAnswer_)
        MockV3Aggregator(decimals_, initialAnswer_)
    {
        minAnswer = minAnswer_;
        maxAnswer = maxAnswer_;
    }
}
