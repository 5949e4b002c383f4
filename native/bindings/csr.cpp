#include "bindings/register.hpp"

void register_csr(nb::module_&) {}
