// How a connection that writes is set up: durable, and never checkpointing by itself.
#pragma once

#include <cstdint>
#include <filesystem>

#include "daemon/journal/sqlite.hpp"

namespace homeostat::journal {

/// A page holds several small frames and few links of a large one: 4 KB pages cost half as much again at
/// 2 KB inputs in frames of megabytes, 32 KB pages write more for a single small input.
inline constexpr int kPageBytes = 8192;

/// Opens or creates `file` in WAL mode with synchronous=FULL. `max_bytes`: quota, 0 for none.
/// Errors: unsupported (the file system cannot do WAL), corrupt, io, permission_denied.
[[nodiscard]] Result<Database> open_for_writing(const std::filesystem::path& file, std::uint64_t max_bytes);

}  // namespace homeostat::journal
