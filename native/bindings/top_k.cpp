#include "bindings/register.hpp"

void register_top_k(nb::module_&) {}
