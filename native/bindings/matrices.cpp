#include "bindings/register.hpp"

void register_matrices(nb::module_&) {}
