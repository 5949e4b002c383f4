#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings/register.hpp"
#include "dispatch.hpp"

void register_execution(nb::module_& m) {
  m.def(
      "instruction_set", [] { return std::string(ridgeback::kernels().instruction_set); },
      "The instruction set of the kernels in use.");
  m.def("available_instruction_sets", &ridgeback::available_instruction_sets,
        "Instruction sets that were compiled and that this CPU can run, worst first.");
}
