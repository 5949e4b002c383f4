// What every file of bindings/ shares: the array types and the list of registration functions.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <cstdint>
#include <optional>

namespace nb = nanobind;

template <class T, int N>
using Array = nb::ndarray<T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

template <class T>
using Vector = Array<T, 1>;
template <class T>
using Matrix = Array<T, 2>;

// Optional arrays arrive as None.
template <class T>
T* data_or_null(const std::optional<Vector<T>>& array) {
  return array ? array->data() : nullptr;
}

void register_execution(nb::module_& m);
void register_solvers(nb::module_& m);
void register_logistic(nb::module_& m);
void register_posterior(nb::module_& m);
void register_matrices(nb::module_& m);
void register_csr(nb::module_& m);
void register_event_table(nb::module_& m);
void register_ids(nb::module_& m);
void register_neighbors(nb::module_& m);
void register_top_k(nb::module_& m);
