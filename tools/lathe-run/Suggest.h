// "did you mean": the nearest of a list of words.
#ifndef TOOLS_LATHE_RUN_SUGGEST_H
#define TOOLS_LATHE_RUN_SUGGEST_H

#include <string>
#include <vector>

namespace lathe::run {

// "; did you mean 'x'?", or "" if nothing is near enough.
std::string didYouMean(const std::string &word, const std::vector<std::string> &known);

} // namespace lathe::run

#endif
