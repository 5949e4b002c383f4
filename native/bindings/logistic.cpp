#include "bindings/register.hpp"

void register_logistic(nb::module_&) {}
