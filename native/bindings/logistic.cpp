#include "logistic.hpp"

#include <nanobind/stl/tuple.h>

#include <tuple>

#include "bindings/execution.hpp"
#include "bindings/problem_arrays.hpp"
#include "negatives.hpp"

namespace {

std::tuple<double, double, bool> logistic_rows(
    int method, Vector<const std::int64_t> indptr, Vector<const std::int32_t> indices, Vector<const float> targets,
    OptionalVector<const float> confidences, Vector<const double> ridges, OptionalVector<const double> bias_ridges,
    Matrix<const float> fixed_factors, OptionalVector<const float> fixed_biases, Matrix<float> factors,
    OptionalVector<float> biases, double step_size, std::optional<Matrix<double>> squares,
    Vector<std::uint8_t> unsolved, int n_threads, OptionalVector<std::uint8_t> cancel) {
  const ridgeback::RowProblem problem =
      row_problem(indptr, indices, targets, confidences, std::nullopt, std::nullopt, ridges, bias_ridges, 0.0,
                  static_cast<int>(ridgeback::Pull::target), static_cast<std::int64_t>(fixed_factors.shape(0)));
  const ridgeback::FixedSide fixed{fixed_factors.data(), data_or_null(fixed_biases), nullptr,
                                   static_cast<int>(fixed_factors.shape(1))};
  const ridgeback::OwnSide own{factors.data(), data_or_null(biases)};
  const ridgeback::LogisticOptions options{static_cast<ridgeback::LogisticMethod>(method), step_size,
                                           squares ? squares->data() : nullptr, unsolved.data()};
  ridgeback::LogisticHalfStep result{{}, true};
  run_released(n_threads, cancel, [&](const ridgeback::Execution& execution) {
    result = ridgeback::logistic_half_step(problem, fixed, own, options, execution);
    return result.is_complete;
  });
  return {result.totals.cross_entropy, result.totals.penalty, result.is_complete};
}

void sample_negatives(Vector<const std::int64_t> indptr, Vector<const std::int32_t> indices,
                      Vector<const std::int32_t> pool, std::uint64_t seed, Vector<const std::int64_t> sampled_indptr,
                      Vector<std::int32_t> sampled, int n_threads) {
  run_released(n_threads, std::nullopt, [&](const ridgeback::Execution& execution) {
    return ridgeback::sample_negatives(indptr.data(), indices.data(), static_cast<std::int64_t>(indptr.shape(0)) - 1,
                                       pool.data(), static_cast<std::int64_t>(pool.shape(0)), seed,
                                       sampled_indptr.data(), sampled.data(), execution);
  });
}

}  // namespace

void register_logistic(nb::module_& m) {
  m.def("logistic_rows", &logistic_rows, nb::arg("method"), nb::arg("indptr"), nb::arg("indices"), nb::arg("targets"),
        nb::arg("confidences").none(), nb::arg("ridges"), nb::arg("bias_ridges").none(), nb::arg("fixed_factors"),
        nb::arg("fixed_biases").none(), nb::arg("factors").noconvert(), nb::arg("biases").noconvert().none(),
        nb::arg("step_size"), nb::arg("squares").noconvert().none(), nb::arg("unsolved").noconvert(),
        nb::arg("n_threads"), nb::arg("cancel").noconvert().none(),
        "One logistic step for all rows of one side, in place; returns (cross-entropy, penalty, is_complete).");
  m.def("sample_negatives", &sample_negatives, nb::arg("indptr"), nb::arg("indices"), nb::arg("pool"), nb::arg("seed"),
        nb::arg("sampled_indptr"), nb::arg("sampled").noconvert(), nb::arg("n_threads"),
        "Fill every row's place in `sampled` with columns of the pool that the row does not hold, ascending.");
}
