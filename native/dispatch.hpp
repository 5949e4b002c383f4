// The kernels of the instruction set that was chosen at import.
#pragma once

#include <string>
#include <vector>

#include "kernels.hpp"

namespace ridgeback {

// Chosen once: the best that the CPU has, or the one named by RIDGEBACK_INSTRUCTION_SET.
const Kernels& kernels();
// All that were compiled and that this CPU can run, worst first.
std::vector<std::string> available_instruction_sets();

}  // namespace ridgeback
