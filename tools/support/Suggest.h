// "did you mean": the nearest of a list of words.
#ifndef TOOLS_SUPPORT_SUGGEST_H
#define TOOLS_SUPPORT_SUGGEST_H

#include <string>
#include <vector>

namespace lathe::tools {

// "; did you mean 'x'?", or "" if nothing is near enough.
std::string didYouMean(const std::string &word, const std::vector<std::string> &known);

} // namespace lathe::tools

#endif
