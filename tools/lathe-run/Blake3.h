// BLAKE3 of a block of memory: the hash that manifests use (github.com/BLAKE3-team/BLAKE3-specs).
#ifndef TOOLS_LATHE_RUN_BLAKE3_H
#define TOOLS_LATHE_RUN_BLAKE3_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace lathe::tools {

using Hash = std::array<uint8_t, 32>;

Hash blake3(const void *data, size_t bytes);
std::string hexText(const Hash &hash);

} // namespace lathe::tools

#endif
