// How a connection that writes is set up: durable, and never checkpointing by itself.
#pragma once

#include <cstdint>
#include <filesystem>

#include "daemon/journal/sqlite.hpp"

namespace homeostat::journal {

/// Twice SQLite's default: half the pages, and so half the write calls, for a frame of megabytes, while a
/// small input still rewrites little. Takes effect when the file is created.
inline constexpr int kPageBytes = 8192;

/// Opens or creates `file` in WAL mode with synchronous=FULL. `max_bytes`: quota, 0 for none.
/// Errors: unsupported (the file system cannot do WAL), corrupt, io, permission_denied.
[[nodiscard]] Result<Database> open_for_writing(const std::filesystem::path& file, std::uint64_t max_bytes);

/// Opens an existing journal's file to read, beside a live writer or from a directory that we may not write.
[[nodiscard]] Result<Database> open_for_reading(const std::filesystem::path& file);

}  // namespace homeostat::journal
