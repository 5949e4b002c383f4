// A row solver, called for runs of rows. Scratch memory belongs to the caller, one piece a worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "row_problem.hpp"

namespace ridgeback {

struct RowOptions {
  int n_cg_steps = 0;                // conjugate gradient: at most so many a row
  double least_gain = 0;             // and a row stops where the next promises less than this a neighbour
  bool is_double = false;            // exact: assemble and solve in float64
  std::uint8_t* unsolved = nullptr;  // (n_rows) or null: set to 1 where a row needs the minimum-norm solver
  // Exact: rows with a smaller ridge are not solved through the dual, which sees the Gramian's diagonal alone.
  double least_dual_ridge = std::numeric_limits<double>::infinity();
};

struct RowKernels {
  std::size_t (*scratch_bytes)(const RowProblem&, const FixedSide&, const RowOptions&, std::int64_t longest_row);
  void (*solve)(const RowProblem&, const FixedSide&, const OwnSide&, const RowOptions&, std::int64_t begin,
                std::int64_t end, std::int64_t longest_row, void* scratch, Totals& totals);
};

}  // namespace ridgeback
