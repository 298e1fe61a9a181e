#include "tools/support/Suggest.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

namespace lathe::tools {

// Levenshtein distance, ignoring case.
static size_t distance(const std::string &a, const std::string &b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t k = 1; k <= b.size(); ++k) {
      bool same = std::tolower((unsigned char)a[i - 1]) == std::tolower((unsigned char)b[k - 1]);
      diagonal = std::exchange(row[k], std::min({row[k] + 1, row[k - 1] + 1, diagonal + !same}));
    }
  }
  return row.back();
}

std::string didYouMean(const std::string &word, const std::vector<std::string> &known) {
  const std::string *best = nullptr;
  size_t least = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string &candidate : known) {
    size_t d = distance(word, candidate);
    if (d < least) {
      least = d;
      best = &candidate;
    }
  }
  return best ? "; did you mean '" + *best + "'?" : "";
}

} // namespace lathe::tools
