#include "top_k_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {

extern const TopKKernels top_k_kernels = {0};

}  // namespace ridgeback::RIDGEBACK_LEVEL
