// Scores and the best k of them, by blocks of users.
#pragma once

namespace ridgeback {

struct TopKKernels {
  int reserved;
};

}  // namespace ridgeback
