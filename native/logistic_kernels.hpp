// Logistic matrix factorisation: rows by majorisation, gradient, AdaGrad or Newton; the cross-entropy.
#pragma once

namespace ridgeback {

struct LogisticKernels {
  int reserved;
};

}  // namespace ridgeback
