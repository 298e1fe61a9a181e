// Writes the hand-made artifact to a file, for tests that are not in C++.
#include "test/unit/runtime/Artifact.h"

#include <cstdio>

int main(int count, char **values) {
  if (count != 2) {
    std::fprintf(stderr, "usage: write-artifact FILE\n");
    return 1;
  }
  lathe::test::writeArtifact(values[1]);
  return 0;
}
