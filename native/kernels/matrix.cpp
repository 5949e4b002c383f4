#include "matrix_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {

extern const MatrixKernels matrix_kernels = {nullptr, nullptr};

}  // namespace ridgeback::RIDGEBACK_LEVEL
