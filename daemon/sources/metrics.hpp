// Counters of the sources: written on the I/O thread, read by whoever serves them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "daemon/sources/fault.hpp"

namespace homeostat::sources {

using Counter = std::atomic<std::uint64_t>;

struct EvmMetrics {
  Counter requests{0};                            ///< HTTP exchanges, also failed ones
  std::array<Counter, kFaultKindCount> faults{};  ///< by FaultKind
  Counter blocks{0};                              ///< delivered, with the empty ones of backfilled ranges
  Counter logs{0};                                ///< events delivered
  Counter logs_undecodable{0};                    ///< matched a signature's topic but not its arguments
  Counter segments{0};
  Counter reorgs{0};
  Counter reorg_depth_last{0};  ///< blocks taken back by the newest reorg
  Counter back_pressure{0};     ///< times the daemon's queue was full
  Counter bloom_rechecks{0};    ///< blocks whose logs were all fetched and compared with the bloom filter
  Counter receipts_checks{0};   ///< blocks whose receipts gave their receipts root
  Counter comparisons{0};       ///< ranges that another provider was asked for again
  Counter ws_heads{0};
  Counter ws_connects{0};
  Counter ws_faults{0};
  Counter ws_silences{0};   ///< reconnects because heads stopped coming
  Counter provider{0};      ///< index of the provider in use
  Counter hedges{0};        ///< steps that were also asked of another provider because the first was slow
  Counter probes{0};        ///< looks at providers that are not in use
  Counter budget_waits{0};  ///< exchanges that waited for a provider's own request budget
  Counter head_seen{0};     ///< newest block number any provider showed
  Counter head_delivered{0};
  Counter safe{0};
  Counter finalized{0};
  Counter backfill_from{0};  ///< 0 when not backfilling
  Counter backfill_to{0};
  Counter range_blocks{0};  ///< what the next eth_getLogs will ask for
  Counter exchange_ns_last{0};
  Counter exchange_ns_sum{0};  ///< over `requests`
};

struct PollMetrics {
  Counter requests{0};
  std::array<Counter, kFaultKindCount> faults{};  ///< by FaultKind, per metric asked
  Counter samples{0};
  Counter rounds{0};
  Counter back_pressure{0};
  Counter exchange_ns_last{0};
  Counter exchange_ns_sum{0};
};

}  // namespace homeostat::sources
