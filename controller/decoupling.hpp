// A decoupling matrix for loops that fight: loops whose parameters each move the metrics of the others too.
//
// Decides: what the loops' own outputs u [U of each loop's own parameter] become, v = D u, so that each loop moves its
// own metric and leaves those of the others where they are.
//
//     K     static gain of the plant, K_ij = PV of loop i's metric per U of loop j's parameter, with its sign
//     RGA   L = K o (K^-1)^T, element by element; rows and columns sum to 1 [Bristol 1966]
//     D     = K^-1 diag(K_ii), so that K D = diag(K_ii): each loop goes on to see the gain that it was tuned for.
//           Its diagonal is that of the RGA.
//
// Or D itself is declared. What was really applied goes back by D^-1 (engine/decoupling.cpp).
//
// RGA, read: L_ii near 1 = the pairing is right and the others matter little; below 0.5 = another pairing is better;
// below 0 = with the others closed the parameter moves its metric the other way; large = a small error of the gains
// undoes the decoupling: an error of -1 / L_ij in K_ij alone makes K singular [Yu and Luyben 1987].
//
// Static: dynamics are not decoupled. Sizes 2..kDecouplingLoopsMax; no allocation in solve().
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace homeostat::controller {

inline constexpr std::size_t kDecouplingLoopsMax = 8;
inline constexpr std::size_t kDecouplingsMax = 1000;
/// |L_ij| from which a warning is given: gains that are wrong by a tenth make the plant singular.
inline constexpr double kRgaLarge = 10;

struct DecouplingSettings {
  std::string name;
  std::vector<std::string> loops;  ///< row and column i are the i-th loop's
  bool is_gain = false;            ///< `matrix` is K; false = it is D
  std::vector<double> matrix;      ///< row by row

  bool operator==(const DecouplingSettings&) const = default;
};

struct Decoupling {
  std::size_t size = 0;
  std::vector<double> matrix;  ///< D, row by row; U of the row's parameter per U of the column's loop
  std::vector<double> rga;     ///< L, row by row; empty where D was declared
};

/// Error out_of_range: wrong size, not finite, a 0 in the diagonal, a matrix that is singular or nearly so.
[[nodiscard]] Result<Decoupling> decoupling_of(const DecouplingSettings& settings);

/// What is doubtful about it, in sentences; empty = nothing.
[[nodiscard]] std::vector<std::string> doubts(const DecouplingSettings& settings, const Decoupling& decoupling);

/// Solves a x = b by elimination with row pivoting; `a` (row by row) is used up, `b` becomes x. False if singular, then
/// both are worth nothing.
[[nodiscard]] bool solve(std::span<double> a, std::span<double> b);

}  // namespace homeostat::controller
