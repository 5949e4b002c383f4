// The Python module: each file of bindings/ registers its own functions.
#include "bindings/register.hpp"

NB_MODULE(_native, m) {
  m.doc() = "Native kernels of Ridgeback. Private: call them through ridgeback.solvers, data and recommend.";
  register_execution(m);
  register_solvers(m);
  register_logistic(m);
  register_posterior(m);
  register_matrices(m);
  register_csr(m);
  register_event_table(m);
  register_ids(m);
  register_neighbors(m);
  register_top_k(m);
}
