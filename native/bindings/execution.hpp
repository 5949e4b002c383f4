// From Python's n_threads and cancel flag to an Execution that also hears ctrl-C.
#pragma once

#include "bindings/register.hpp"
#include "parallel.hpp"

// Runs with the GIL released; raises what a signal handler raised. Returns false when cancelled or interrupted.
template <class Work>
bool run_released(int n_threads, const std::optional<Vector<std::uint8_t>>& cancel, Work&& work) {
  bool is_pending = false;
  bool is_complete = true;
  {
    const nb::gil_scoped_release release;
    ridgeback::Execution execution;
    execution.n_threads = n_threads;
    execution.cancel = cancel ? cancel->data() : nullptr;
    execution.interrupted = [&] {
      const nb::gil_scoped_acquire acquire;
      is_pending = is_pending || PyErr_CheckSignals() != 0;
      return is_pending;
    };
    is_complete = work(execution);
  }
  if (is_pending) throw nb::python_error();
  return is_complete;
}
