// The books of the bonding surface: every operation in whole base units, so that what is owed and what is there agree
// to the last one, and a third party can recompute all of it.
//
// At the boundary an amount is a whole number of base units; inside, the mechanisms compute in doubles
// (economy/bonding/system.hpp). Between the two everything is rounded once, always in favour of the reserve:
//
//     deposit   what stays in the reserve is rounded up (never above what came in), the treasury has the rest;
//               minted tokens are rounded down
//     redeem    what leaves each vault is rounded down, burned tokens up (never above what was asked)
//     claims    rounded down
//
// After each operation the doubles inside take the values of the books, so that they cannot drift apart.
//
// The list of entries only grows. Each has the operation as it was asked, what it came to, and the hash of everything
// before it. audit() trusts none of that: it checks the sums in integers, then runs the operations again from nothing,
// and names the first entry that does not add up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/state_hash.hpp"
#include "economy/amount.hpp"
#include "economy/bonding/system.hpp"

namespace homeostat::economy::bonding {

inline constexpr std::size_t kEntriesMax = 100'000'000;
inline constexpr std::size_t kRequestsMax = 100'000;

struct Denomination {
  int token_decimals = 18;          ///< 0..18
  std::vector<int> asset_decimals;  ///< one per asset, 0..18
};

enum class Kind : std::uint8_t {
  deposit,           ///< amounts: of each asset
  redeem,            ///< amounts: one per request of the batch
  attest,            ///< account, numbers: units
  subscribe,         ///< account, index: tier
  stake,             ///< account, amounts: tokens; numbers: lock in days
  unstake,           ///< index: stake
  claim,             ///< account, index: channel
  advance,           ///< numbers: days
  set_prices,        ///< numbers: prices
  schedule_weights,  ///< numbers: weights, then days
  lock_vault,        ///< index: vault; numbers: days
  set_parameter,     ///< name, numbers: value
  drift_weights,     ///< numbers: base, rate, min and max of each asset
};
constexpr Kind last_of(Kind) {
  return Kind::drift_weights;
}
[[nodiscard]] std::string_view name_of(Kind kind);

/// What was asked for.
struct Operation {
  Kind kind = Kind::deposit;
  std::uint64_t account = 0;
  std::uint64_t index = 0;
  std::vector<Amount> amounts;
  std::vector<double> numbers;
  std::string name;
  bool operator==(const Operation&) const = default;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.kind);
    a(x.account);
    a(x.index);
    a(x.amounts);
    a(x.numbers);
    a(x.name);
  }
};

/// What it came to, in base units; lists are empty where nothing moved.
struct Outcome {
  Amount minted = 0;
  Amount burned = 0;
  std::vector<Amount> paid_in;      ///< per asset, by the account
  std::vector<Amount> to_treasury;  ///< per asset, of paid_in
  std::vector<Amount> paid_out;     ///< per asset, to all requests together
  std::vector<Amount> burned_each;  ///< per request
  Amount supply = 0;                ///< afterwards
  std::vector<Amount> reserves;     ///< per asset, afterwards
  StateHash state;                  ///< of the system's state afterwards
  bool operator==(const Outcome&) const = default;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.minted);
    a(x.burned);
    a(x.paid_in);
    a(x.to_treasury);
    a(x.paid_out);
    a(x.burned_each);
    a(x.supply);
    a(x.reserves);
    a(x.state);
  }
};

struct Entry {
  Operation operation;
  Outcome outcome;
  StateHash chain;  ///< of this entry after all before it
  bool operator==(const Entry&) const = default;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.operation);
    a(x.outcome);
    a(x.chain);
  }
};

class Ledger {
 public:
  [[nodiscard]] static Result<Ledger> make(const SystemSettings& settings, Denomination denomination);

  /// Does the operation and writes it down; what is refused leaves no trace. Errors as of System, and those of
  /// operations that are not well formed: amounts or numbers.
  [[nodiscard]] Result<Outcome> apply(const Operation& operation);

  [[nodiscard]] const System& system() const { return system_; }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] Amount supply() const { return supply_; }
  [[nodiscard]] const std::vector<Amount>& reserves() const { return reserves_; }
  [[nodiscard]] const std::vector<Amount>& treasury() const { return treasury_; }

 private:
  explicit Ledger(System system, Denomination denomination);
  [[nodiscard]] Result<Outcome> deposit(System& next, const Operation& o) const;
  [[nodiscard]] Result<Outcome> redeem(System& next, const Operation& o) const;
  [[nodiscard]] Result<Outcome> subscribe(System& next, const Operation& o) const;
  [[nodiscard]] Result<Outcome> stake(System& next, const Operation& o) const;
  [[nodiscard]] Result<Outcome> claim(System& next, const Operation& o) const;
  [[nodiscard]] Result<Outcome> perform(System& next, const Operation& o) const;
  [[nodiscard]] Result<> check_shape(const Operation& o) const;
  [[nodiscard]] Result<> settle(System& next, Outcome& outcome) const;

  System system_;
  Denomination denomination_;
  Amount supply_ = 0;
  std::vector<Amount> reserves_;
  std::vector<Amount> treasury_;
  std::vector<Entry> entries_;
};

struct Audit {
  std::size_t entries = 0;
  Amount supply = 0;
  Amount minted = 0;
  Amount burned = 0;
  std::vector<Amount> reserves;
  std::vector<Amount> treasury;
};
/// Recomputes everything. Error corrupt: where = "entries[7].minted", with what stands there and what it should be.
[[nodiscard]] Result<Audit> audit(const SystemSettings& settings, const Denomination& denomination,
                                  std::span<const Entry> entries);

}  // namespace homeostat::economy::bonding
