#include "logistic_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {

extern const LogisticKernels logistic_kernels = {0};

}  // namespace ridgeback::RIDGEBACK_LEVEL
