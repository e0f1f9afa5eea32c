#include "source/stream/services.h"

namespace weir::stream {

Random::Random(uint64_t seed) {
  for (uint64_t& word : s_) {  // splitmix64
    seed += 0x9e3779b97f4a7c15u;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    word = z ^ (z >> 31);
  }
}

}  // namespace weir::stream
