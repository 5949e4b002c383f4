#include "row_kernels.hpp"

namespace ridgeback::RIDGEBACK_LEVEL {

extern const RowKernels exact_kernels = {nullptr, nullptr};
extern const RowKernels conjugate_gradient_kernels = {nullptr, nullptr};
extern const RowKernels non_negative_kernels = {nullptr, nullptr};

}  // namespace ridgeback::RIDGEBACK_LEVEL
