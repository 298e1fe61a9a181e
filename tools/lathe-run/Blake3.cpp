// The input is cut into chunks of 1024 bytes, each a chain of compressions over blocks of 64 bytes; the chunks are the leaves of a binary tree whose left
// subtrees are complete. Plain and portable: about half a gigabyte a second, which is enough to check weights on demand.
#include "tools/lathe-run/Blake3.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace lathe::tools {

namespace {

using Words8 = std::array<uint32_t, 8>;
using Words16 = std::array<uint32_t, 16>;

constexpr size_t blockBytes = 64, chunkBytes = 1024;
enum Flag : uint32_t { ChunkStart = 1, ChunkEnd = 2, Parent = 4, Root = 8 };

constexpr Words8 start = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr int permutation[16] = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};

void mix(Words16 &v, int a, int b, int c, int d, uint32_t x, uint32_t y) {
  v[a] += v[b] + x;
  v[d] = std::rotr(v[d] ^ v[a], 16);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 12);
  v[a] += v[b] + y;
  v[d] = std::rotr(v[d] ^ v[a], 8);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 7);
}

Words8 compress(const Words8 &chain, Words16 m, uint64_t counter, uint32_t length, uint32_t flags) {
  Words16 v = {chain[0], chain[1], chain[2], chain[3], chain[4], chain[5],          chain[6],
               chain[7], start[0], start[1], start[2], start[3], uint32_t(counter), uint32_t(counter >> 32),
               length,   flags};
  for (int round = 0; round < 7; ++round) {
    for (int i = 0; i < 4; ++i)
      mix(v, i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1]);
    for (int i = 0; i < 4; ++i)
      mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i]);
    Words16 permuted;
    for (int i = 0; i < 16; ++i)
      permuted[i] = m[permutation[i]];
    m = permuted;
  }
  Words8 result;
  for (int i = 0; i < 8; ++i)
    result[i] = v[i] ^ v[i + 8];
  return result;
}

// The chain value of a chunk; `last` is added to the flags of its last block.
Words8 hashChunk(const uint8_t *data, size_t bytes, uint64_t number, uint32_t last) {
  Words8 chain = start;
  size_t blocks = std::max<size_t>(1, (bytes + blockBytes - 1) / blockBytes);
  for (size_t i = 0; i < blocks; ++i) {
    size_t length = std::min(blockBytes, bytes - i * blockBytes);
    Words16 words{};
    if (length)
      std::memcpy(words.data(), data + i * blockBytes, length);
    uint32_t flags = (i == 0 ? uint32_t(ChunkStart) : 0) | (i + 1 == blocks ? ChunkEnd | last : 0);
    chain = compress(chain, words, number, uint32_t(length), flags);
  }
  return chain;
}

Words8 hashTree(const uint8_t *data, size_t bytes, uint64_t firstChunk, uint32_t last) {
  if (bytes <= chunkBytes)
    return hashChunk(data, bytes, firstChunk, last);
  // The left subtree has the largest power of two of chunks that leaves something for the right one. The depth is the logarithm of the size.
  size_t left = std::bit_floor((bytes - 1) / chunkBytes) * chunkBytes;
  Words8 a = hashTree(data, left, firstChunk, 0), b = hashTree(data + left, bytes - left, firstChunk + left / chunkBytes, 0);
  Words16 words;
  std::copy(a.begin(), a.end(), words.begin());
  std::copy(b.begin(), b.end(), words.begin() + 8);
  return compress(start, words, 0, blockBytes, Parent | last);
}

} // namespace

Hash blake3(const void *data, size_t bytes) {
  static_assert(std::endian::native == std::endian::little);
  Words8 words = hashTree(static_cast<const uint8_t *>(data), bytes, 0, Root);
  Hash hash;
  std::memcpy(hash.data(), words.data(), hash.size());
  return hash;
}

std::string hexText(const Hash &hash) {
  std::string text;
  for (uint8_t byte : hash) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

} // namespace lathe::tools
