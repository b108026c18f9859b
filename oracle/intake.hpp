// What the oracle keeps per source to judge a batch: which sequences were taken, and how many samples
// the source may still send.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/time.hpp"
#include "oracle/oracle.hpp"

namespace homeostat::oracle {

/// Which of the newest kSequenceWindow sequence numbers were taken. A number beyond the highest moves the
/// window on; numbers inside it may come in any order, each once.
class SequenceWindow {
 public:
  enum class Answer : std::uint8_t { fresh, taken, too_old };

  [[nodiscard]] Answer ask(std::uint64_t sequence) const {
    if (sequence == 0) return Answer::too_old;  // numbers start at 1
    if (sequence > highest_) return Answer::fresh;
    if (highest_ - sequence >= kSequenceWindow) return Answer::too_old;
    return is_set(sequence) ? Answer::taken : Answer::fresh;
  }
  /// Marks a fresh sequence as taken.
  void take(std::uint64_t sequence) {
    if (bits_.empty()) bits_.resize(kWords);
    if (sequence > highest_) {
      if (sequence - highest_ >= kSequenceWindow) {
        std::fill(bits_.begin(), bits_.end(), 0);
      } else {
        for (std::uint64_t s = highest_ + 1; s < sequence; ++s) word(s) &= ~mask(s);
      }
      highest_ = sequence;
    }
    word(sequence) |= mask(sequence);
  }
  [[nodiscard]] std::uint64_t highest() const { return highest_; }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.highest_), a(x.bits_);
    if constexpr (requires { a.fail(); }) {
      if (!x.bits_.empty() && x.bits_.size() != kWords) {
        x = SequenceWindow();
        a.fail();
      }
    }
  }

 private:
  static constexpr std::size_t kWords = kSequenceWindow / 64;
  [[nodiscard]] static std::uint64_t mask(std::uint64_t s) { return std::uint64_t{1} << (s % 64); }
  [[nodiscard]] std::uint64_t& word(std::uint64_t s) { return bits_[s / 64 % kWords]; }
  [[nodiscard]] bool is_set(std::uint64_t s) const { return !bits_.empty() && (bits_[s / 64 % kWords] & mask(s)) != 0; }

  std::uint64_t highest_ = 0;
  std::vector<std::uint64_t> bits_;  ///< no memory before the first sample
};

/// A token bucket refilled by receive time: `rate_per_s` sustained, `burst` at once. Starts full. Time that
/// runs backwards refills nothing.
class TokenBucket {
 public:
  void refill(Instant now, double rate_per_s, double burst) {
    if (!started_) {
      started_ = true;
      tokens_ = burst;
    } else if (now > at_) {
      tokens_ = std::min(burst, tokens_ + rate_per_s * (now - at_).in_seconds());
    } else {
      tokens_ = std::min(burst, tokens_);
      return;
    }
    at_ = now;
  }
  [[nodiscard]] bool try_take() {
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }
  [[nodiscard]] double tokens() const { return tokens_; }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.started_), a(x.tokens_), a(x.at_);
  }

 private:
  bool started_ = false;
  double tokens_ = 0;
  Instant at_;
};

}  // namespace homeostat::oracle
