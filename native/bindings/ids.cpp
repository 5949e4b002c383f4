#include "bindings/register.hpp"

void register_ids(nb::module_&) {}
