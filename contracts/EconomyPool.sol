// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// A constant-product market between a token and what it is priced in.
///
///   out = reserveOut x in' / (reserveIn + in'),  in' = in x (1 - FEE)
///
/// Rounded down, so the product of the reserves never falls but by withdrawals, of which there are none: what is seeded
/// stays. [Uniswap v2 whitepaper, 2020]
contract EconomyPool {
    using SafeERC20 for IERC20;

    /// Of what comes in, of 10,000.
    uint256 public constant FEE = 30;

    IERC20 public immutable token;
    IERC20 public immutable quote;
    uint256 public tokenReserve;
    uint256 public quoteReserve;

    event Reserves(uint256 tokenReserve, uint256 quoteReserve);

    error TooLittleOut(uint256 out, uint256 outMin);
    error NoLiquidity();

    constructor(IERC20 token_, IERC20 quote_) {
        token = token_;
        quote = quote_;
    }

    /// Adds to both reserves, and gets nothing for it.
    function seed(uint256 tokens, uint256 quotes) external {
        token.safeTransferFrom(msg.sender, address(this), tokens);
        quote.safeTransferFrom(msg.sender, address(this), quotes);
        _set(tokenReserve + tokens, quoteReserve + quotes);
    }

    /// Pays `quoteIn`, sends the tokens to `to`; refused below `outMin`.
    function buy(uint256 quoteIn, uint256 outMin, address to) external returns (uint256 out) {
        out = outOf(quoteIn, quoteReserve, tokenReserve);
        if (out < outMin) revert TooLittleOut(out, outMin);
        quote.safeTransferFrom(msg.sender, address(this), quoteIn);
        token.safeTransfer(to, out);
        _set(tokenReserve - out, quoteReserve + quoteIn);
    }

    /// Pays `tokenIn`, sends the quote to `to`; refused below `outMin`.
    function sell(uint256 tokenIn, uint256 outMin, address to) external returns (uint256 out) {
        out = outOf(tokenIn, tokenReserve, quoteReserve);
        if (out < outMin) revert TooLittleOut(out, outMin);
        token.safeTransferFrom(msg.sender, address(this), tokenIn);
        quote.safeTransfer(to, out);
        _set(tokenReserve + tokenIn, quoteReserve - out);
    }

    function outOf(uint256 amountIn, uint256 reserveIn, uint256 reserveOut) public pure returns (uint256) {
        if (reserveIn == 0 || reserveOut == 0) revert NoLiquidity();
        uint256 counted = amountIn * (10_000 - FEE);
        return (reserveOut * counted) / (reserveIn * 10_000 + counted);
    }

    function _set(uint256 tokens, uint256 quotes) private {
        tokenReserve = tokens;
        quoteReserve = quotes;
        emit Reserves(tokens, quotes);
    }
}
