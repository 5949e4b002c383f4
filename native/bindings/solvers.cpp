#include "bindings/register.hpp"

void register_solvers(nb::module_&) {}
