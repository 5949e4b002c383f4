#include "dispatch.hpp"

#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace ridgeback {

#define RIDGEBACK_DECLARE(level)                      \
  namespace level {                                   \
  extern const MatrixKernels matrix_kernels;          \
  extern const RowKernels exact_kernels;              \
  extern const RowKernels conjugate_gradient_kernels; \
  extern const RowKernels non_negative_kernels;       \
  extern const RowKernels pair_loss_kernels;          \
  extern const LogisticKernels logistic_kernels;      \
  extern const PosteriorKernels posterior_kernels;    \
  extern const SharedKernels shared_kernels;          \
  extern const TopKKernels top_k_kernels;             \
  }
#define RIDGEBACK_TABLE(level)                                                                                        \
  Kernels {                                                                                                           \
    #level, &level::matrix_kernels, &level::exact_kernels, &level::conjugate_gradient_kernels,                        \
        &level::non_negative_kernels, &level::pair_loss_kernels, &level::logistic_kernels, &level::posterior_kernels, \
        &level::shared_kernels, &level::top_k_kernels                                                                 \
  }

RIDGEBACK_DECLARE(baseline)
#ifdef RIDGEBACK_X86_LEVELS
RIDGEBACK_DECLARE(avx2)
RIDGEBACK_DECLARE(avx512)
#endif

namespace {

struct Level {
  Kernels kernels;
  bool runs_here;
};

const std::vector<Level>& levels() {
  static const std::vector<Level> all = {
      {RIDGEBACK_TABLE(baseline), true},
#ifdef RIDGEBACK_X86_LEVELS
      {RIDGEBACK_TABLE(avx2), __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
      {RIDGEBACK_TABLE(avx512), __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                                    __builtin_cpu_supports("fma")},
#endif
  };
  return all;
}

const Kernels& choose() {
  const char* wanted = std::getenv("RIDGEBACK_INSTRUCTION_SET");
  const Kernels* best = nullptr;
  std::string names;
  for (const Level& level : levels()) {
    if (!level.runs_here) continue;
    names += std::string(names.empty() ? "" : ", ") + level.kernels.instruction_set;
    if (!wanted || !*wanted || std::strcmp(wanted, level.kernels.instruction_set) == 0) best = &level.kernels;
  }
  if (!best)
    throw std::runtime_error(std::string("RIDGEBACK_INSTRUCTION_SET is \"") + wanted +
                             "\"; this machine can run: " + names + ". Unset it or name one of these.");
  return *best;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

std::vector<std::string> available_instruction_sets() {
  std::vector<std::string> names;
  for (const Level& level : levels())
    if (level.runs_here) names.push_back(level.kernels.instruction_set);
  return names;
}

}  // namespace ridgeback
