#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <tuple>

#include "bindings/execution.hpp"
#include "bindings/problem_arrays.hpp"
#include "dispatch.hpp"
#include "half_step.hpp"

namespace {

const ridgeback::RowKernels& solver_named(const std::string& name) {
  if (name == "exact") return *ridgeback::kernels().exact;
  if (name == "cg") return *ridgeback::kernels().conjugate_gradient;
  if (name == "non_negative") return *ridgeback::kernels().non_negative;
  if (name == "none") return *ridgeback::kernels().pair_loss;
  throw std::invalid_argument("no row solver is called " + name);
}

std::tuple<double, std::int64_t, bool, std::int64_t, double> solve_rows(
    const std::string& solver, Vector<const std::int64_t> indptr, Vector<const std::int32_t> indices,
    OptionalVector<const float> targets, OptionalVector<const float> confidences,
    OptionalVector<const double> row_scales, OptionalVector<const double> column_scales, Vector<const double> ridges,
    OptionalVector<const double> bias_ridges, double unobserved_weight, int pull, double target_offset,
    Matrix<const float> fixed_factors, std::optional<Matrix<const std::uint16_t>> halves, float unit,
    OptionalVector<const float> fixed_biases, OptionalVector<const double> gram, Matrix<float> factors,
    OptionalVector<float> biases, int n_cg_steps, double least_gain, bool is_double,
    OptionalVector<std::uint8_t> unsolved, int n_threads, OptionalVector<std::uint8_t> cancel) {
  ridgeback::RowProblem problem =
      row_problem(indptr, indices, targets, confidences, row_scales, column_scales, ridges, bias_ridges,
                  unobserved_weight, pull, static_cast<std::int64_t>(fixed_factors.shape(0)));
  problem.target_offset = target_offset;
  const ridgeback::FixedSide fixed{fixed_factors.data(),
                                   data_or_null(fixed_biases),
                                   data_or_null(gram),
                                   static_cast<int>(fixed_factors.shape(1)),
                                   halves ? halves->data() : nullptr,
                                   unit};
  const ridgeback::OwnSide own{factors.data(), data_or_null(biases)};
  const ridgeback::RowOptions options{n_cg_steps, least_gain, is_double, data_or_null(unsolved)};
  ridgeback::HalfStep result{{}, true};
  run_released(n_threads, cancel, [&](const ridgeback::Execution& execution) {
    result = ridgeback::half_step(solver_named(solver), problem, fixed, own, options, execution);
    return result.is_complete;
  });
  return {result.totals.loss, result.totals.n_unsolved, result.is_complete, result.totals.n_step_pairs,
          result.totals.gain};
}

}  // namespace

void register_solvers(nb::module_& m) {
  m.def("solve_rows", &solve_rows, nb::arg("solver"), nb::arg("indptr"), nb::arg("indices"), nb::arg("targets").none(),
        nb::arg("confidences").none(), nb::arg("row_scales").none(), nb::arg("column_scales").none(), nb::arg("ridges"),
        nb::arg("bias_ridges").none(), nb::arg("unobserved_weight"), nb::arg("pull"), nb::arg("target_offset"),
        nb::arg("fixed_factors"), nb::arg("halves").none(), nb::arg("unit"), nb::arg("fixed_biases").none(),
        nb::arg("gram").none(), nb::arg("factors").noconvert(), nb::arg("biases").noconvert().none(),
        nb::arg("n_cg_steps"), nb::arg("least_gain"), nb::arg("is_double"), nb::arg("unsolved").noconvert().none(),
        nb::arg("n_threads"), nb::arg("cancel").noconvert().none(),
        "Solve all rows of one side in place; returns (loss, number of unsolved rows, is_complete, "
        "neighbours of the conjugate-gradient steps, what these took off the loss). Solver \"none\" "
        "solves "
        "nothing: its loss is that of the listed pairs.");
}
