#include "economy/bonding/ledger.hpp"

#include <algorithm>

#include "core/archive.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::bonding {
namespace {

using Amounts = std::vector<Amount>;

std::string text_of_amount(Amount x) {
  return Decimal(x, 0).to_string();
}

std::string place(std::size_t entry, std::string_view field) {
  return "entries[" + std::to_string(entry) + "]." + std::string(field);
}

Result<> check_denomination(const Denomination& d, std::size_t assets) {
  if (auto ok = first_error(require("token_decimals", d.token_decimals, {0, Decimal::kDecimalsMax}),
                            require_same_size("asset_decimals", d.asset_decimals.size(), "weights", assets));
      !ok) {
    return ok;
  }
  for (std::size_t i = 0; i < assets; ++i) {
    const std::string name = "asset_decimals[" + std::to_string(i) + "]";
    if (auto ok = require(name, d.asset_decimals[i], {0, Decimal::kDecimalsMax}); !ok) return ok;
  }
  return {};
}

/// How many amounts and numbers an operation has; -1: any number up to kRequestsMax, -2: one per asset, -4: four per
/// asset, -3: one more than assets.
struct Shape {
  int amounts = 0;
  int numbers = 0;
};
Shape shape_of(Kind kind) {
  switch (kind) {
    case Kind::deposit: return {-2, 0};
    case Kind::redeem: return {-1, 0};
    case Kind::attest: return {0, 1};
    case Kind::subscribe: return {0, 0};
    case Kind::stake: return {1, 1};
    case Kind::unstake: return {0, 0};
    case Kind::claim: return {0, 0};
    case Kind::advance: return {0, 1};
    case Kind::set_prices: return {0, -2};
    case Kind::schedule_weights: return {0, -3};
    case Kind::lock_vault: return {0, 1};
    case Kind::set_parameter: return {0, 1};
    case Kind::drift_weights: return {0, -4};
  }
  return {};
}

Result<> check_count(const char* name, std::size_t count, int expected, std::size_t assets) {
  if (expected == -1) return require(std::string(name) + ".size", static_cast<double>(count), {1, kRequestsMax});
  const std::size_t wanted = expected == -2   ? assets
                             : expected == -3 ? assets + 1
                             : expected == -4 ? 4 * assets
                                              : static_cast<std::size_t>(expected);
  if (count == wanted) return {};
  return fail(ErrorCode::invalid_argument, name,
              "must be " + std::to_string(wanted) + " for this kind of operation, are " + std::to_string(count));
}

std::vector<Drift> drifts_of(std::span<const double> numbers) {
  std::vector<Drift> drifts;
  for (std::size_t i = 0; i + 3 < numbers.size(); i += 4) {
    drifts.push_back({.base = numbers[i], .rate = numbers[i + 1], .min = numbers[i + 2], .max = numbers[i + 3]});
  }
  return drifts;
}

/// `before` + `in` - `out`, per asset.
Amounts moved(const Amounts& before, const Amounts& in, const Amounts& out) {
  Amounts after = before;
  for (std::size_t i = 0; i < in.size(); ++i) after[i] += in[i];
  for (std::size_t i = 0; i < out.size(); ++i) after[i] -= out[i];
  return after;
}

/// What of `paid_in` stays in the reserve.
Amounts entered_of(const Outcome& o) {
  return moved(o.paid_in, {}, o.to_treasury);
}

}  // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::deposit: return "deposit";
    case Kind::redeem: return "redeem";
    case Kind::attest: return "attest";
    case Kind::subscribe: return "subscribe";
    case Kind::stake: return "stake";
    case Kind::unstake: return "unstake";
    case Kind::claim: return "claim";
    case Kind::advance: return "advance";
    case Kind::set_prices: return "set_prices";
    case Kind::schedule_weights: return "schedule_weights";
    case Kind::lock_vault: return "lock_vault";
    case Kind::set_parameter: return "set_parameter";
    case Kind::drift_weights: return "drift_weights";
  }
  return "?";
}

Ledger::Ledger(System system, Denomination denomination)
    : system_(std::move(system)),
      denomination_(std::move(denomination)),
      reserves_(system_.assets()),
      treasury_(system_.assets()) {}

Result<Ledger> Ledger::make(const SystemSettings& settings, Denomination denomination) {
  auto system = System::make(settings);
  if (!system) return tl::make_unexpected(system.error());
  if (auto ok = check_denomination(denomination, system->assets()); !ok) return tl::make_unexpected(ok.error());
  return Ledger(std::move(*system), std::move(denomination));
}

Result<> Ledger::check_shape(const Operation& o) const {
  if (o.kind > last_of(o.kind)) return fail(ErrorCode::unknown_name, "kind", "there is no such operation");
  const Shape shape = shape_of(o.kind);
  if (auto ok = first_error(check_count("amounts", o.amounts.size(), shape.amounts, system_.assets()),
                            check_count("numbers", o.numbers.size(), shape.numbers, system_.assets()));
      !ok) {
    return ok;
  }
  for (std::size_t i = 0; i < o.amounts.size(); ++i) {
    if (is_amount(o.amounts[i])) continue;
    return fail(ErrorCode::out_of_range, "amounts[" + std::to_string(i) + "]", "must be from 0 to 10^30 base units");
  }
  if (entries_.size() >= kEntriesMax) {
    return fail(ErrorCode::resource_exhausted, "entries", "the ledger has its " + std::to_string(kEntriesMax));
  }
  return {};
}

Result<Outcome> Ledger::deposit(System& next, const Operation& o) const {
  std::vector<double> tokens;
  for (std::size_t i = 0; i < o.amounts.size(); ++i) {
    tokens.push_back(tokens_of(o.amounts[i], denomination_.asset_decimals[i]));
  }
  const auto done = next.deposit(tokens);
  if (!done) return tl::make_unexpected(done.error());
  const auto minted = amount_of(done->minted, denomination_.token_decimals, Rounding::down);
  if (!minted) return tl::make_unexpected(minted.error());
  Outcome out{.minted = *minted, .paid_in = o.amounts};
  for (std::size_t i = 0; i < o.amounts.size(); ++i) {
    const auto stays = amount_of(done->entered[i], denomination_.asset_decimals[i], Rounding::up);
    if (!stays) return tl::make_unexpected(stays.error());
    // Without a fee all of it stays, whatever the double in between has lost.
    const bool is_whole = done->entered[i] >= tokens[i];
    out.to_treasury.push_back(is_whole ? 0 : o.amounts[i] - std::min(*stays, o.amounts[i]));
  }
  return out;
}

Result<Outcome> Ledger::redeem(System& next, const Operation& o) const {
  const int decimals = denomination_.token_decimals;
  const SystemState& s = next.state();
  std::vector<double> requests, filled(o.amounts.size()), paid(o.amounts.size());
  Amount asked = 0;
  for (const Amount& q : o.amounts) {
    requests.push_back(tokens_of(q, decimals));
    asked += q;
    if (asked > supply_) {
      return fail(ErrorCode::out_of_range, "amounts",
                  "are more than the supply of " + text_of_amount(supply_) + " base units");
    }
  }
  // All that is free, in doubles, may be an ulp less than the sum of what was asked for.
  double sum = 0;
  for (const double q : requests) sum += q;
  const double free = std::max(0.0, s.supply - s.staked);
  if (sum > free && sum <= free * (1 + 1e-12)) {
    for (double& q : requests) q *= free / sum * (1 - 1e-15);
  }
  const auto done = next.redeem_batch(requests, filled, paid);
  if (!done) return tl::make_unexpected(done.error());
  Outcome out;
  const bool is_all_burned = next.settings().flow.shortfall == Shortfall::confiscate;
  for (std::size_t i = 0; i < o.amounts.size(); ++i) {
    const auto burned = is_all_burned ? Result<Amount>(o.amounts[i]) : amount_of(filled[i], decimals, Rounding::up);
    if (!burned) return tl::make_unexpected(burned.error());
    out.burned_each.push_back(std::min(*burned, o.amounts[i]));
    out.burned += out.burned_each.back();
  }
  for (std::size_t i = 0; i < reserves_.size(); ++i) {
    const auto left = amount_of(done->left[i], denomination_.asset_decimals[i], Rounding::down);
    if (!left) return tl::make_unexpected(left.error());
    out.paid_out.push_back(std::min(*left, reserves_[i]));
  }
  return out;
}

Result<Outcome> Ledger::subscribe(System& next, const Operation& o) const {
  if (auto ok = require("index", static_cast<double>(o.index), {0, kTiers - 1}); !ok) {
    return tl::make_unexpected(ok.error());
  }
  const auto done = next.subscribe(o.account, static_cast<Tier>(o.index));
  if (!done) return tl::make_unexpected(done.error());
  const auto minted = amount_of(done->minted, denomination_.token_decimals, Rounding::down);
  if (!minted) return tl::make_unexpected(minted.error());
  Outcome out{.minted = *minted, .to_treasury = Amounts(reserves_.size())};
  for (std::size_t i = 0; i < reserves_.size(); ++i) {
    const auto paid = amount_of(done->entered[i], denomination_.asset_decimals[i], Rounding::up);
    if (!paid) return tl::make_unexpected(paid.error());
    out.paid_in.push_back(*paid);
  }
  return out;
}

Result<Outcome> Ledger::stake(System& next, const Operation& o) const {
  const auto done = next.stake(o.account, tokens_of(o.amounts[0], denomination_.token_decimals), o.numbers[0]);
  if (!done) return tl::make_unexpected(done.error());
  return Outcome{};
}

Result<Outcome> Ledger::claim(System& next, const Operation& o) const {
  if (auto ok = require("index", static_cast<double>(o.index), {0, kChannels - 1}); !ok) {
    return tl::make_unexpected(ok.error());
  }
  const auto done = next.claim(static_cast<Channel>(o.index), o.account);
  if (!done) return tl::make_unexpected(done.error());
  const auto minted = amount_of(done->minted, denomination_.token_decimals, Rounding::down);
  if (!minted) return tl::make_unexpected(minted.error());
  return Outcome{.minted = *minted};
}

Result<Outcome> Ledger::perform(System& next, const Operation& o) const {
  const auto plain = [](const auto& done) -> Result<Outcome> {
    if (!done) return tl::make_unexpected(done.error());
    return Outcome{};
  };
  const std::span<const double> numbers = o.numbers;
  switch (o.kind) {
    case Kind::deposit: return deposit(next, o);
    case Kind::redeem: return redeem(next, o);
    case Kind::subscribe: return subscribe(next, o);
    case Kind::stake: return stake(next, o);
    case Kind::claim: return claim(next, o);
    case Kind::attest: return plain(next.attest(o.account, numbers[0]));
    case Kind::unstake: return plain(next.unstake(o.index));
    case Kind::advance: return plain(next.advance(numbers[0]));
    case Kind::set_prices: return plain(next.set_prices(numbers));
    case Kind::schedule_weights: return plain(next.schedule_weights(numbers.first(numbers.size() - 1), numbers.back()));
    case Kind::lock_vault: return plain(next.lock_vault(o.index, numbers[0]));
    case Kind::set_parameter: return plain(next.set_parameter(o.name, numbers[0]));
    case Kind::drift_weights: return plain(next.drift_weights(drifts_of(numbers)));
  }
  return fail(ErrorCode::unknown_name, "kind", "there is no such operation");
}

Result<> Ledger::settle(System& next, Outcome& out) const {
  out.supply = supply_ + out.minted - out.burned;
  out.reserves = moved(reserves_, entered_of(out), out.paid_out);
  if (!is_amount(out.supply)) return fail(ErrorCode::out_of_range, "supply", "would be beyond 10^30 base units");
  Values balances(out.reserves.size());
  for (std::size_t i = 0; i < out.reserves.size(); ++i) {
    if (!is_amount(out.reserves[i])) {
      return fail(ErrorCode::out_of_range, "reserves[" + std::to_string(i) + "]", "would be beyond 10^30 base units");
    }
    balances[i] = tokens_of(out.reserves[i], denomination_.asset_decimals[i]);
  }
  next.settle(balances, tokens_of(out.supply, denomination_.token_decimals));
  return next.invariants();
}

Result<Outcome> Ledger::apply(const Operation& operation) {
  if (auto ok = check_shape(operation); !ok) return tl::make_unexpected(ok.error());
  System next = system_;
  auto out = perform(next, operation);
  if (!out) return out;
  if (auto ok = settle(next, *out); !ok) return tl::make_unexpected(ok.error());
  out->state = state_hash(archive_bytes(next.state()));

  Entry entry{operation, *out, {}};
  const StateHash before = entries_.empty() ? StateHash{} : entries_.back().chain;
  entry.chain = chain(before, archive_bytes(entry.operation) + archive_bytes(entry.outcome));
  supply_ = out->supply;
  reserves_ = out->reserves;
  treasury_ = moved(treasury_, out->to_treasury, {});
  system_ = std::move(next);
  entries_.push_back(std::move(entry));
  return out;
}

namespace {

template <class T>
Result<> agree(std::size_t entry, std::string_view field, const T& stated, const T& found, const std::string& words) {
  if (stated == found) return {};
  return fail(ErrorCode::corrupt, place(entry, field), words);
}

Result<> agree_amount(std::size_t entry, std::string_view field, Amount stated, Amount found) {
  return agree(entry, field, stated, found,
               "is " + text_of_amount(stated) + " base units, should be " + text_of_amount(found));
}

Result<> agree_amounts(std::size_t entry, std::string_view field, const Amounts& stated, const Amounts& found) {
  if (stated.size() != found.size()) {
    return fail(ErrorCode::corrupt, place(entry, field),
                "has " + std::to_string(stated.size()) + " amounts, should have " + std::to_string(found.size()));
  }
  for (std::size_t i = 0; i < stated.size(); ++i) {
    const std::string name = std::string(field) + "[" + std::to_string(i) + "]";
    if (auto ok = agree_amount(entry, name, stated[i], found[i]); !ok) return ok;
  }
  return {};
}

/// The sums of one entry against the totals before it: integers alone, no mechanism.
Result<> check_sums(std::size_t n, const Outcome& o, const Audit& before) {
  for (const Amounts* list : {&o.paid_in, &o.to_treasury, &o.paid_out, &o.burned_each, &o.reserves}) {
    for (const Amount& x : *list) {
      if (!is_amount(x)) return fail(ErrorCode::corrupt, place(n, "outcome"), "has an amount outside of 0..10^30");
    }
  }
  for (const Amount& x : {o.minted, o.burned, o.supply}) {
    if (!is_amount(x)) return fail(ErrorCode::corrupt, place(n, "outcome"), "has an amount outside of 0..10^30");
  }
  const std::size_t assets = before.reserves.size();
  for (const Amounts* list : {&o.paid_in, &o.to_treasury, &o.paid_out}) {
    if (list->size() > assets) return fail(ErrorCode::corrupt, place(n, "outcome"), "has more amounts than assets");
  }
  if (o.to_treasury.size() > o.paid_in.size()) {
    return fail(ErrorCode::corrupt, place(n, "to_treasury"), "is of more assets than were paid in");
  }
  return first_error(agree_amount(n, "supply", o.supply, before.supply + o.minted - o.burned),
                     agree_amounts(n, "reserves", o.reserves, moved(before.reserves, entered_of(o), o.paid_out)));
}

Result<> check_recomputed(std::size_t n, const Entry& stated, const Entry& found) {
  const Outcome &a = stated.outcome, &b = found.outcome;
  return first_error(
      agree_amount(n, "minted", a.minted, b.minted), agree_amount(n, "burned", a.burned, b.burned),
      agree_amounts(n, "paid_in", a.paid_in, b.paid_in), agree_amounts(n, "to_treasury", a.to_treasury, b.to_treasury),
      agree_amounts(n, "paid_out", a.paid_out, b.paid_out),
      agree_amounts(n, "burned_each", a.burned_each, b.burned_each),
      agree(n, "state", a.state, b.state, "is " + a.state.hex() + ", should be " + b.state.hex()),
      agree(n, "chain", stated.chain, found.chain, "is " + stated.chain.hex() + ", should be " + found.chain.hex()));
}

}  // namespace

Result<Audit> audit(const SystemSettings& settings, const Denomination& denomination, std::span<const Entry> entries) {
  auto ledger = Ledger::make(settings, denomination);
  if (!ledger) return tl::make_unexpected(ledger.error());
  Audit out;
  out.reserves = out.treasury = Amounts(settings.weights.size());
  for (std::size_t n = 0; n < entries.size(); ++n) {
    const Outcome& o = entries[n].outcome;
    if (auto ok = check_sums(n, o, out); !ok) return tl::make_unexpected(ok.error());
    const auto again = ledger->apply(entries[n].operation);
    if (!again) {
      return fail(ErrorCode::corrupt, place(n, "operation"),
                  std::string(name_of(entries[n].operation.kind)) + " is refused: " + again.error().text());
    }
    if (auto ok = check_recomputed(n, entries[n], ledger->entries().back()); !ok) {
      return tl::make_unexpected(ok.error());
    }
    out.supply = o.supply;
    out.reserves = o.reserves;
    out.treasury = moved(out.treasury, o.to_treasury, {});
    out.minted += o.minted;
    out.burned += o.burned;
    ++out.entries;
  }
  return out;
}

}  // namespace homeostat::economy::bonding
